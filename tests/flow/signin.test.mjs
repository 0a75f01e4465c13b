// SPDX-License-Identifier: Apache-2.0
// Signing in to the dashboard with an OpenID Connect provider: the whole flow with a scripted provider, what a person may do then,
// and every way in which somebody else could try to get in, or to let somebody in as somebody else.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { makeKey, makeToken, now } from './lib/issuer.mjs';
import { startProvider } from './lib/provider.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, BIN, sanitized, startMock, startWeir, tempDir, TOKEN } from './lib/weir.mjs';

const SESSION = '/client/v4/weir/session', SIGNIN = '/client/v4/weir/signin', CALLBACK = `${SIGNIN}/callback`;
const API = `/client/v4/accounts/${ACCOUNT}`, GATEWAYS = `${API}/ai-gateway/gateways`;
const rule = (claim, value, permissions, gateways) => ({ claim, value, permissions, ...(gateways && { gateways }) });
const RULES = [rule('groups', 'admins', ['write', 'run', 'tokens_write', 'analytics_read']), rule('groups', 'readers', ['read']), rule('groups', 'team-a', ['write', 'run', 'tokens_write'], ['team-a'])];
const ADA = { sub: 'ada-1', name: 'Ada Lovelace', email: 'ada@example.com', email_verified: true, groups: ['staff', 'admins'] };
const gateway = (id) => ({ id, cache_invalidate_on_update: false, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0 });

async function world(t, { provider: options, rules = RULES, settings, ...rest } = {}) {
    const provider = await startProvider(t, { person: ADA, ...options });
    const config = (r = rules, more = {}) => ({ ...provider.config(r, { ...settings, ...more }) });
    const weir = await startWeir(t, { config: config(), ...rest });
    const call = (method, at, headers = {}, body) => weir.request({ method, path: at, auth: false, headers, body: body && JSON.stringify(body) });
    /** A browser: its cookies by name, and what it does. */
    const browser = () => {
        const jar = new Map();
        const go = async (method, at, body, more = {}) => {
            const cookies = [...jar].filter(([, c]) => at.startsWith(c.path)).map(([name, c]) => `${name}=${c.value}`).join('; ');
            const got = await call(method, at, { ...(cookies && { Cookie: cookies }), ...more }, body);
            for (const [, line] of got.headers.filter(([n]) => n.toLowerCase() === 'set-cookie')) {
                const [, name, value, where] = /^(\w+)=([^;]*); Path=([^;]*)/.exec(line);
                if (/Max-Age=0/.test(line)) jar.delete(name);
                else jar.set(name, { value, path: where, line });
            }
            return got;
        };
        const b = { jar, go, get: (at) => go('GET', at), post: (at, body) => go('POST', at, body, { 'x-weir-ui': '1' }) };
        b.begin = async (to) => {
            const got = await b.get(SIGNIN + (to === undefined ? '' : `?to=${encodeURIComponent(to)}`));
            assert.equal(got.status, 302, got.text);
            return got.header('location');
        };
        b.back = (url) => b.get(url.replace('http://weir.test', ''));
        b.signIn = async (person, to) => {
            if (person) provider.person = person;
            return b.back(provider.visit(await b.begin(to)));
        };
        return b;
    };
    const reload = async (r, more) => {
        const before = weir.output.split('settings read again').length;
        weir.writeConfig({ config: config(r, more) });
        weir.child.signal('SIGHUP');
        await poll('the reload', () => weir.output.split('settings read again').length > before);
    };
    return { provider, weir, call, browser, reload };
}

/** A page that says that somebody is not in, with nothing but text of ours. */
function assertRefused(got, status, said) {
    assert.equal(got.status, status, got.text);
    assert.match(got.header('content-type'), /^text\/html/);
    assert.match(got.text, said);
    assert.match(got.text, /Sign in with a token/);
    assert.ok(!/weir_session=[^;]/.test(got.header('set-cookie') ?? ''), 'no session');
}

// ---- the flow ----

test('there and back: what is asked of the provider, and what the browser gets', async (t) => {
    const { provider, weir, call, browser } = await world(t, { provider: { secret: 'a/secret: with+signs' }, workers: 2 });
    assert.deepEqual((await call('GET', `${SESSION}/ways`)).json.result, { token: true, provider: { name: 'Test ID', url: `http://weir.test${SIGNIN}` } });
    const b = browser();
    const url = new URL(await b.begin('/gateways/default/logs?q=a&b=c'));
    const asked = Object.fromEntries(url.searchParams);
    assert.equal(url.origin + url.pathname, `${provider.origin}/authorize`);
    assert.deepEqual({ ...asked, state: 1, nonce: 1, code_challenge: 1 }, { response_type: 'code', client_id: 'weir', redirect_uri: `http://weir.test${CALLBACK}`,
        scope: 'openid email profile', state: 1, nonce: 1, code_challenge: 1, code_challenge_method: 'S256' });
    for (const name of ['state', 'nonce', 'code_challenge']) assert.match(asked[name], /^[\w-]{43}$/);
    const { line, value } = b.jar.get('weir_signin');
    assert.match(line, /^weir_signin=[\w-]+; Path=\/client\/v4\/weir\/signin\/callback; HttpOnly; SameSite=Lax; Max-Age=600$/);
    assert.ok(!Buffer.from(value, 'base64url').includes(asked.state), 'sealed');

    const got = await b.back(provider.visit(url.href));
    assert.equal(got.status, 200, got.text);
    assert.match(got.text, /http-equiv=refresh content="0;url=\/gateways\/default\/logs\?q=a&#38;b=c"/);
    assert.match(got.header('content-security-policy'), /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/);
    const style = /<style>(.*)<\/style>/s.exec(got.text)[1];
    assert.ok(got.header('content-security-policy').includes(crypto.createHash('sha256').update(style).digest('base64')));
    assert.deepEqual([got.header('referrer-policy'), got.header('cache-control')], ['no-referrer', 'no-store']);
    assert.match(b.jar.get('weir_session').line, /^weir_session=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    assert.deepEqual([...b.jar.keys()], ['weir_session'], 'the other cookie is gone');
    assert.equal(provider.seen.length, 1);
    assert.deepEqual([provider.seen[0].how, provider.seen[0].form.get('client_secret')], ['basic', null]);

    const session = (await b.get(SESSION)).json.result;
    assert.deepEqual({ ...session, permissions: session.permissions.sort(), expires_at: 0, tokens_end_by: 0 }, { account: ACCOUNT, name: 'ada@example.com', gateways: null,
        person: { subject: 'ada-1', login: 'ada@example.com', name: 'Ada Lovelace' }, permissions: ['analytics_read', 'run', 'tokens_write', 'write'], expires_at: 0, tokens_end_by: 0 });
    assert.ok(Math.abs(Date.parse(session.expires_at) - Date.now() - 12 * 3600e3) < 60e3);
    for (let i = 0; i < 6; i++) assert.equal((await b.get(GATEWAYS)).status, 200); // either worker
    await weir.stop();
    await weir.start();
    assert.equal((await b.get(SESSION)).json.result.name, 'ada@example.com');
    assert.ok(!weir.output.includes('secret') && !weir.output.includes(asked.state));
    assert.match((await b.go('DELETE', SESSION, undefined, { 'x-weir-ui': '1' })).header('set-cookie'), /^weir_session=; .*Max-Age=0/);
    assert.equal((await b.get(SESSION)).status, 403);
});

test('clients of every kind: a header, the body, no secret at all; a secret in a file; TLS at the front', async (t) => {
    const file = path.join(tempDir(t), 'secret');
    fs.writeFileSync(file, 'from a file\n');
    const cases = [ // [provider, settings, what the provider sees]
        [{ secret: undefined }, {}, 'post', null],
        [{ secret: 's', describe: { token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'] } }, {}, 'post', 's'],
        [{ secret: 's', describe: { token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'] } }, {}, 'basic', null],
        [{ secret: 's', describe: { token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'] } }, { client_auth: 'post' }, 'post', 's'],
        [{ secret: 'from a file' }, { client_secret: undefined, client_secret_file: file }, 'basic', null],
    ];
    for (const [provider, settings, how, secret] of cases) {
        const w = await world(t, { provider, settings });
        assert.equal((await w.browser().signIn()).status, 200);
        assert.deepEqual([w.provider.seen[0].how, w.provider.seen[0].form.get('client_secret')], [how, secret]);
    }
    const w = await world(t);
    w.weir.writeConfig({ config: { ...w.provider.config(RULES), dashboard: { ...w.provider.config(RULES).dashboard, url: 'https://weir.test/' } } });
    w.weir.child.signal('SIGHUP');
    await w.weir.child.line(/settings read again/);
    const b = w.browser();
    const back = w.provider.visit(await b.begin());
    assert.match(back, /^https:\/\/weir\.test\/client/);
    assert.match(b.jar.get('weir_signin').line, /; Secure$/);
    assert.equal((await b.get(back.replace('https://weir.test', ''))).status, 200);
    assert.match(b.jar.get('weir_session').line, /; Secure$/);
});

// ---- who may what ----

test('the first rule that fits counts; whom none fits gets a page that says so', async (t) => {
    const { weir, browser } = await world(t, { rules: [...RULES, rule('email', '*@example.com', ['metadata_read']), rule('realm_access.roles', 'ops', ['operator', 'read'])] });
    await weir.createGateway({ id: 'team-a' });
    const of = async (person) => {
        const b = browser();
        const got = await b.signIn({ sub: 'x', ...person });
        return got.status === 200 ? (await b.get(SESSION)).json.result : got;
    };
    assert.deepEqual((await of({ groups: ['readers', 'team-a'] })).permissions, ['read']);
    assert.deepEqual((await of({ groups: 'readers' })).permissions, ['read']);
    assert.deepEqual((await of({ groups: ['team-a'] })).gateways, ['team-a']);
    assert.deepEqual((await of({ email: 'bob@example.com', email_verified: true })).permissions, ['metadata_read']);
    assert.deepEqual((await of({ realm_access: { roles: ['x', 'ops'] } })).permissions.sort(), ['operator', 'read']);
    const nobodies = [{}, { groups: [] }, { groups: ['Admins', 'admins '] }, { email: 'bob@example.com' }, { email: 'bob@example.com', email_verified: false }, { email: 'b@example.com.evil', email_verified: true }];
    for (const person of nobodies) assertRefused(await of(person), 403, /You may not use this dashboard/);
    assertRefused(await of({ sub: '<b>x</b>', preferred_username: '"><script>' }), 403, /You are &#34;&#62;&#60;script&#62; \(&#60;b&#62;x&#60;\/b&#62;\)/);
});

test('a person does what the rule says and no more; the audit log has the name', async (t) => {
    const { weir, call, browser } = await world(t);
    await weir.createGateway({ id: 'team-a' });
    const ada = browser(), reader = browser(), team = browser();
    await ada.signIn();
    await reader.signIn({ sub: 'r', groups: ['readers'], preferred_username: 'rob' });
    await team.signIn({ sub: 't', groups: ['team-a'] });
    assert.equal((await ada.go('POST', GATEWAYS, gateway('b'))).status, 403, 'other sites cannot send x-weir-ui');
    assert.equal((await ada.post(GATEWAYS, gateway('b'))).status, 200);
    assert.equal((await reader.post(GATEWAYS, gateway('c'))).status, 403);
    assert.equal((await reader.get(GATEWAYS)).status, 200);
    assert.equal((await reader.get(`${API}/tokens`)).status, 403);
    assert.deepEqual((await team.get(GATEWAYS)).json.result.map((g) => g.id), ['team-a']);
    assert.equal((await team.get(`${GATEWAYS}/b/logs`)).status, 403);
    assert.equal((await ada.get(`${API.replace(ACCOUNT, 'f'.repeat(32))}/ai-gateway/gateways`)).status, 403);
    const [line] = (await ada.get(`${API}/audit_logs?actor.email=ADA@example.com`)).json.result;
    assert.deepEqual([line.actor.type, line.actor.email, line.interface, line.action.type], ['user', 'ada@example.com', 'UI', 'create']);
    assert.match(line.actor.id, /^[0-9a-f]{12}8[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    const again = browser();
    await again.signIn({ ...ADA, email: 'countess@example.com' });
    await again.post(GATEWAYS, gateway('d'));
    assert.equal((await ada.get(`${API}/audit_logs?actor.id=${line.actor.id}`)).json.result_info.total_count, 2, 'the same person under another address');
    assert.equal((await call('GET', `${API}/audit_logs`, { Cookie: `weir_session=${reader.jar.get('weir_session').value}` })).status, 200);
    assert.equal((await call('GET', '/client/v4/user/tokens/verify', { Cookie: `weir_session=${ada.jar.get('weir_session').value}` })).json.result.id, line.actor.id);
});

test('tokens that a person makes: within the rule, and no longer than the session unless the settings say so', async (t) => {
    const mock = await startMock(t);
    const { weir, browser, reload } = await world(t, { providers: { openai: `${mock.origin}/openai` } });
    await weir.createGateway({ id: 'team-a' });
    const ada = browser(), team = browser();
    await ada.signIn();
    await team.signIn({ sub: 't', groups: ['team-a'] });
    const groups = (await ada.get(`${API}/tokens/permission_groups`)).json.result;
    const make = (b, names, more = {}) => b.post(`${API}/tokens`, { name: 'playground', ...more, policies: [{ effect: 'allow',
        permission_groups: groups.filter((g) => names.includes(g.name)).map(({ id }) => ({ id })), resources: { [`com.cloudflare.api.account.${ACCOUNT}`]: '*' } }] });
    const RUN = ['AI Gateway Run'], OPERATOR = ['AI Gateway Operator'];
    const at = (ms) => new Date(Date.now() + ms).toISOString().replace(/\.\d+Z/, 'Z');
    assert.deepEqual(groups.filter((g) => g.is_selectable).map((g) => g.name).sort(), ['AI Gateway Metadata Read', 'AI Gateway Read', 'AI Gateway Run', 'AI Gateway Write', 'Account API Tokens Write', 'Account Analytics Read']);
    const made = await make(ada, RUN, { expires_on: at(3600e3) });
    assert.equal(made.status, 200, made.text);
    const ran = await weir.request({ to: 'openai/models', auth: false, headers: { Authorization: `Bearer ${made.json.result.value}` } });
    assert.equal(ran.status, 200, ran.text);
    for (const [b, names, more] of [[ada, OPERATOR, { expires_on: at(3600e3) }], [ada, RUN, {}], [ada, RUN, { expires_on: at(13 * 3600e3) }],
        [team, RUN, { expires_on: at(3600e3) }], [team, RUN, { expires_on: at(3600e3), weir_gateways: ['default'] }], [team, ['Account Analytics Read'], { expires_on: at(3600e3), weir_gateways: ['team-a'] }]])
        assert.equal((await make(b, names, more)).status, 403, JSON.stringify([names, more]));
    assert.equal((await make(team, RUN, { expires_on: at(3600e3), weir_gateways: ['team-a'] })).status, 200);
    const root = (await ada.get(`${API}/tokens`)).json.result.find((x) => x.name === 'root');
    assert.equal((await ada.go('PUT', `${API}/tokens/${root.id}/value`, {}, { 'x-weir-ui': '1' })).status, 403, 'a mightier one is not for her');
    await reload(RULES, { lasting_tokens: true });
    assert.equal((await ada.get(SESSION)).json.result.tokens_end_by, null);
    assert.equal((await make(ada, RUN)).status, 200);
    assert.equal((await make(ada, OPERATOR)).status, 403);
});

test('a rule that goes or changes does so for those who are signed in; so do account and provider', async (t) => {
    const { weir, browser, reload } = await world(t);
    const b = browser();
    await b.signIn();
    const permissions = async () => (await b.get(SESSION)).json.result?.permissions.sort();
    assert.ok((await permissions()).includes('write'));
    await reload([rule('groups', 'admins', ['read'], ['default']), ...RULES]);
    assert.deepEqual([await permissions(), (await b.get(SESSION)).json.result.gateways], [['read'], ['default']]);
    assert.equal((await b.post(GATEWAYS, gateway('x'))).status, 403);
    await reload(RULES.slice(1));
    assert.equal((await b.get(SESSION)).status, 403);
    await reload([rule('sub', 'ada-1', []), ...RULES]);
    assert.equal((await b.get(SESSION)).status, 403);
    assertRefused(await b.signIn(), 403, /You may not use this dashboard/);
    await reload([rule('sub', 'bob-1', []), ...RULES]);
    assert.equal((await b.get(SESSION)).status, 200);
    await reload([]);
    assert.equal((await b.get(SESSION)).status, 403);
    await reload(RULES);
    assert.equal((await b.get(SESSION)).status, 200);
    await reload(RULES, { account: 'f'.repeat(32) });
    assert.equal((await b.get(SESSION)).status, 403);
    assertRefused(await b.signIn(), 500, /dashboard\.oidc\.account/);
    await reload(RULES, { client_id: 'another' });
    assert.equal((await b.get(SESSION)).status, 403, 'what another client was told');
    const other = await startProvider(t, { person: { sub: 'o', groups: ['readers'] } });
    await reload(RULES, { issuer: other.issuer.url, client_id: 'weir' });
    assert.equal((await b.get(SESSION)).status, 403, 'what another provider said');
    assert.equal((await b.back(other.visit(await b.begin()))).status, 200);
    assert.deepEqual(await permissions(), ['read']);
    weir.writeConfig({ config: { dashboard: { url: 'http://weir.test' } } });
    weir.child.signal('SIGHUP');
    await poll('the reload', async () => (await b.get(SESSION)).status === 403);
    assertRefused(await b.get(SIGNIN), 404, /There is no such way in/);
    assertRefused(await b.get(`${CALLBACK}?code=a&state=b`), 404, /There is no such way in/);
    assert.equal((await b.get(`${SESSION}/ways`)).json.result.provider, null);
});

// ---- who else could try ----

test('an answer is taken once, by the browser that asked, while its cookie lives', async (t) => {
    const { provider, browser } = await world(t);
    const b = browser();
    const back = provider.visit(await b.begin());
    const cookie = b.jar.get('weir_signin');
    const stale = /This sign-in cannot be finished/;
    assertRefused(await browser().back(back), 400, stale); // login CSRF: the attacker's answer in the victim's browser
    const victim = browser();
    await victim.begin();
    assertRefused(await victim.back(back), 400, stale); // which has begun a sign-in of its own
    for (const change of [(u) => u.replace(/state=./, 'state='), (u) => u.replace(/state=[^&]*/, ''), (u) => `${u}&state=x`, (u) => u.replace(/state=[^&]*/, 'state=')]) {
        b.jar.set('weir_signin', cookie);
        assertRefused(await b.back(change(back)), 400, stale);
    }
    assert.equal(provider.seen.length, 0, 'the code was shown to nobody');
    b.jar.set('weir_signin', cookie);
    assert.equal((await b.back(back)).status, 200);
    assertRefused(await b.back(back), 400, stale); // again: the cookie is gone
    b.jar.set('weir_signin', cookie);
    assertRefused(await b.back(back), 502, /invalid_grant/); // and the provider takes a code once
    for (const forged of ['', 'AAAA', cookie.value.slice(0, -3), b.jar.get('weir_session').value]) {
        b.jar.set('weir_signin', { ...cookie, value: forged });
        assertRefused(await b.back(back), 400, stale);
    }
    // the cookie of the way there is no session, and a token's cookie no person's
    b.jar.set('weir_session', { value: cookie.value, path: '/' });
    assert.equal((await b.get(SESSION)).status, 403);
});

test('a refusal of the provider, and answers of another one (RFC 9207)', async (t) => {
    const { provider, browser } = await world(t, { provider: { describe: { authorization_response_iss_parameter_supported: true } } });
    const b = browser();
    const iss = provider.issuer.url;
    assertRefused(await b.back(provider.visit(await b.begin(), { code: undefined, error: 'access_denied', iss })), 403, /refused.*access_denied/s);
    assertRefused(await b.back(provider.visit(await b.begin(), { code: undefined, error: '<script>', iss })), 403, /refused/);
    assertRefused(await b.back(provider.visit(await b.begin(), { code: undefined, iss })), 403, /refused/);
    for (const from of [undefined, 'https://evil.example', `${iss}/`, ''])
        assertRefused(await b.back(provider.visit(await b.begin(), { iss: from })), 400, /another identity provider/);
    assert.equal(provider.seen.length, 0, 'no code went to anybody');
    assert.equal((await b.back(provider.visit(await b.begin(), { iss }))).status, 200);
    const plain = await world(t);
    const c = plain.browser();
    assertRefused(await c.back(plain.provider.visit(await c.begin(), { iss: 'https://evil.example' })), 400, /another identity provider/);
    assert.equal((await c.back(plain.provider.visit(await c.begin(), { iss: plain.provider.issuer.url }))).status, 200);
});

test('where a browser goes on to is a path of this site', async (t) => {
    const { browser } = await world(t);
    for (const [to, path_] of [['/logs?a=1#b', '/logs?a=1#b'], ['//evil.example', '/'], ['/\\evil.example', '/'], ['https://evil.example', '/'], ['javascript:alert(1)', '/'], ['/a\tb', '/'],
        ['/a\r\nSet-Cookie: x=y', '/'], ['', '/'], ['logs', '/'], ['/client/v4/weir/signin', '/'], [`/${'x'.repeat(2000)}`, '/'], ['/"><script>alert(1)</script>', '/&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;'], [undefined, '/']]) {
        const got = await browser().signIn(undefined, to);
        assert.equal(/content="0;url=([^"]*)"/.exec(got.text)?.[1], path_, to);
        assert.doesNotMatch(got.text, /<script/);
    }
});

test('ID tokens that prove nothing', async (t) => {
    const { provider, weir, browser } = await world(t);
    const { issuer } = provider;
    const [key] = issuer.keys;
    const part = (x) => Buffer.from(JSON.stringify(x)).toString('base64url');
    const hmac = (claims, secret) => { const input = `${part({ alg: 'HS256', kid: key.kid })}.${part(claims)}`; return `${input}.${crypto.createHmac('sha256', secret).update(input).digest('base64url')}`; };
    const pem = key.publicKey.export({ type: 'spki', format: 'pem' });
    const bends = {
        'of another client': (c) => ({ ...c, aud: 'another' }), 'for several, of nobody': (c) => ({ ...c, aud: ['weir', 'another'] }), 'for several, of another': (c) => ({ ...c, aud: ['weir', 'another'], azp: 'another' }),
        'made for another party': (c) => ({ ...c, azp: 'another' }), 'without nonce': (c) => ({ ...c, nonce: undefined }), 'of another sign-in': (c) => ({ ...c, nonce: 'x'.repeat(43) }),
        'of another issuer': (c) => ({ ...c, iss: 'https://evil.example' }), expired: (c) => ({ ...c, exp: now() - 1 }), 'without end': (c) => ({ ...c, exp: undefined }), 'without beginning': (c) => ({ ...c, iat: undefined }),
        'two minutes ahead': (c) => ({ ...c, iat: now() + 120 }), 'of nobody': (c) => ({ ...c, sub: undefined }), 'of nobody in person': (c) => ({ ...c, sub: '' }),
        none: (c) => `${part({ alg: 'none' })}.${part(c)}.`, 'HMAC with the public key': (c) => hmac(c, pem), 'HMAC with the client\'s id': (c) => hmac(c, 'weir'),
        'another key of that name': (c) => makeToken(makeKey('k1'), c), 'unknown key': (c) => makeToken(makeKey('k9'), c), 'a logout token': (c) => makeToken(key, c, { typ: 'logout+jwt' }), words: () => 'a.b.c',
    };
    for (const [name, bend] of Object.entries(bends))
        await t.test(name, async () => {
            provider.bend = bend;
            assertRefused(await browser().signIn(), 403, /What the identity provider says does not hold/);
        });
    assert.match(weir.output, /sign-in: an ID token that does not hold at http:[^ ]*: for another audience/);
    for (const [name, bend] of Object.entries({ 'half a minute ahead': (c) => ({ ...c, iat: now() + 30 }), 'ours among several': (c) => ({ ...c, aud: ['weir', 'another'], azp: 'weir' }), 'in a list': (c) => ({ ...c, aud: ['weir'] }) }))
        await t.test(name, async () => {
            provider.bend = bend;
            assert.equal((await browser().signIn()).status, 200);
        });
});

test('a key that is new since the last sign-in is looked for', async (t) => {
    const { provider, browser } = await world(t);
    assert.equal((await browser().signIn()).status, 200);
    provider.issuer.keys = [makeKey('k2', 'RS256')];
    assert.equal((await browser().signIn()).status, 200);
});

test('a code is worth nothing without the verifier of its sign-in', async (t) => {
    const { provider, browser } = await world(t);
    const thief = browser(), b = browser();
    const stolen = new URL(provider.visit(await b.begin())).searchParams.get('code');
    const own = new URL(provider.visit(await thief.begin()));
    own.searchParams.set('code', stolen);
    assertRefused(await thief.back(own.href), 502, /invalid_grant/);
});

// ---- what can fail ----

test('a provider that is down, slow or talks nonsense: a page says so, and tokens still work', async (t) => {
    const { provider, weir, browser, call } = await world(t, { provider: { keys: [makeKey('k1')] } });
    const { issuer } = provider;
    const tokens = async () => assert.equal((await call('POST', SESSION, {}, { token: TOKEN })).status, 200);
    issuer.status = 500;
    assertRefused(await browser().get(SIGNIN), 502, /cannot be reached.*status is not 200/s);
    await tokens();
    issuer.status = 200;
    await poll('the provider', async () => (await browser().get(SIGNIN)).status === 302);
    const answers = [
        [(req, res) => res.json(500, {}), /it refused/], [(req, res) => res.json(400, { error: 'invalid_client' }), /invalid_client/], [(req, res) => res.json(400, { error: '<script>alert(1)</script>'.repeat(9) }), /it refused/],
        [(req, res) => res.json(200, {}), /no ID token/], [(req, res) => res.json(200, '{"id_token": '), /no ID token/], [(req, res) => res.json(200, { id_token: 7 }), /no ID token/], [(req, res) => res.json(200, '[]'), /no ID token/],
        [(req, res) => res.reply(200, { 'Content-Type': 'application/json' }, `{"x":"${'x'.repeat(300e3)}"}`), /no ID token/], [(req, res) => res.reply(302, { Location: '/elsewhere' }), /it refused/], [(req, res) => res.reset(), /connection/i],
    ];
    for (const [answer, said] of answers) {
        provider.answer = answer;
        const got = await browser().signIn(undefined, '/logs?a=1&b="');
        assertRefused(got, 502, said);
        assert.match(got.text, /href="\/client\/v4\/weir\/signin\?to=%2Flogs%3Fa%3D1%26b%3D%22">Try again.*href="\/logs\?a=1&#38;b=&#34;">Sign in/);
    }
    // somebody leaves in the middle of it; the next one is served
    let asked;
    provider.answer = () => { asked = true; };
    const b = browser();
    const back = provider.visit(await b.begin());
    const leaver = await weir.connect();
    await leaver.send(`GET ${back.replace('http://weir.test', '')} HTTP/1.1\r\nHost: x\r\nCookie: weir_signin=${b.jar.get('weir_signin').value}\r\n\r\n`);
    await poll('the exchange', () => asked);
    leaver.close();
    provider.answer = undefined;
    assert.equal((await browser().signIn()).status, 200);
    await tokens();
    assert.ok(!weir.output.includes('ada@example.com'));
});

test('a provider that does not answer in ten seconds', { skip: sanitized }, async (t) => {
    const { provider, browser } = await world(t, { provider: { answer: () => {} } });
    assertRefused(await browser().signIn(), 502, /took too long/);
    assert.equal(provider.seen.length, 1);
});

test('a daemon that stops while a provider is asked stops', async (t) => {
    const { provider, weir, browser } = await world(t, { limits: { drain_timeout_ms: 100 }, provider: { answer: () => {} } });
    const waits = browser().signIn().then(() => 'answered', String);
    await poll('the exchange', () => provider.seen.length === 1);
    weir.child.signal('SIGTERM');
    assert.match(await waits, /connection ended/);
    await weir.child.exited();
});

test('the description leads neither into the operator\'s network nor to what is no page', async (t) => {
    const { browser } = await world(t, { provider: { describe: { token_endpoint: 'http://127.0.0.2:9/token' } } });
    assertRefused(await browser().signIn(), 502, /not allowed by the egress rule/);
    const w = await world(t, { provider: { describe: { authorization_endpoint: 'javascript:alert(1)' } } });
    assertRefused(await w.browser().get(SIGNIN), 502, /lacks a place/);
});

test('signing out of the provider, too, when the settings say so', async (t) => {
    const { provider, call, browser } = await world(t, { settings: { end_session: true } });
    const b = browser();
    await b.signIn();
    const out = await b.go('DELETE', SESSION, undefined, { 'x-weir-ui': '1' });
    const url = new URL(out.json.result.url);
    assert.equal(url.origin + url.pathname, `${provider.origin}/logout`);
    const { id_token_hint, ...asked } = Object.fromEntries(url.searchParams);
    assert.deepEqual(asked, { client_id: 'weir', post_logout_redirect_uri: 'http://weir.test/' });
    assert.equal(JSON.parse(Buffer.from(id_token_hint.split('.')[1], 'base64url')).sub, 'ada-1');
    assert.equal(b.jar.size, 0);
    provider.bend = (c) => ({ ...c, much: 'x'.repeat(4000) }); // too long for a cookie: then without
    await b.signIn();
    const long = await b.go('DELETE', SESSION, undefined, { 'x-weir-ui': '1' });
    assert.equal(new URL(long.json.result.url).searchParams.get('id_token_hint'), null);
    assert.equal((await b.get(SESSION)).status, 403);
    const cookie = (await call('POST', SESSION, {}, { token: TOKEN })).header('set-cookie').split(';')[0];
    assert.equal((await call('DELETE', SESSION, { Cookie: cookie, 'x-weir-ui': '1' })).json.result.url, null, 'a token\'s session is none of its business');
});

test('settings that will not do end the start, or are not taken on reload', async (t) => {
    const { provider, weir, browser } = await world(t);
    const file = path.join(tempDir(t), 'weir.jsonc');
    const good = provider.config(RULES).dashboard;
    const cases = [
        [{ ...good, url: undefined }, /dashboard\.url: must be set, or public_url/], [{ ...good, oidc: { ...good.oidc, client_id: '' } }, /dashboard\.oidc\.client_id: must be set/],
        [{ ...good, oidc: { ...good.oidc, issuer: undefined } }, /dashboard\.oidc\.issuer: must be set/], [{ ...good, oidc: { ...good.oidc, rules: [rule('groups', 'a', ['wriet'])] } }, /rules\[0\]\.permissions: no such permission "wriet"/],
        [{ ...good, oidc: { ...good.oidc, client_secret_file: '/nowhere' } }, /client_secret_file: \/nowhere: it cannot be read/], [{ ...good, oidc: { ...good.oidc, session_hours: 0 } }, /session_hours: needs a whole number from 1 to 720/],
    ];
    for (const [dashboard, said] of cases) {
        fs.writeFileSync(file, JSON.stringify({ dashboard }));
        for (const args of [['serve', '--config', file, '--data', `${file}-data`], ['check', file]]) {
            const failed = spawnSync(BIN, args, { timeout: 10000, encoding: 'utf8' });
            assert.equal(failed.status, args[0] === 'serve' ? 2 : 1);
            assert.match(failed.stderr, said);
        }
    }
    const b = browser();
    await b.signIn();
    weir.writeConfig({ config: { dashboard: cases[3][0] } });
    weir.child.signal('SIGHUP');
    await weir.child.line(/reload: dashboard\.oidc\.rules/);
    assert.equal((await b.get(SESSION)).status, 200);
});

test('two accounts: people get in where the settings say', async (t) => {
    const { weir, browser, reload } = await world(t);
    const made = spawnSync(BIN, ['account', 'create', '--data', path.join(weir.dir, 'data')], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    const b = browser();
    await poll('the account', async () => (await b.signIn()).status === 500);
    await reload(RULES, { account: ACCOUNT });
    assert.equal((await b.signIn()).status, 200);
    assert.equal((await b.get(SESSION)).json.result.account, ACCOUNT);
});
