// SPDX-License-Identifier: Apache-2.0
// Signing in from a browser: a cookie that stands for a token, and what other sites cannot do with it; how pages are served.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const SESSION = '/client/v4/weir/session';
const GATEWAYS = `/client/v4/accounts/${ACCOUNT}/ai-gateway/gateways`;

async function world(t, options) {
    const weir = await startWeir(t, { workers: 2, ...options });
    const call = (method, path, headers = {}, body) => weir.request({ method, path, auth: false, headers, body: body && JSON.stringify(body) });
    const signIn = async (token = TOKEN) => {
        const got = await call('POST', SESSION, {}, { token });
        return { got, cookie: got.header('set-cookie')?.split(';')[0] };
    };
    return { weir, call, signIn };
}

const gateway = (id) => ({ id, cache_invalidate_on_update: false, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0 });

test('a token becomes a cookie that every worker and the next start know', async (t) => {
    const { weir, call, signIn } = await world(t);
    const { got, cookie } = await signIn();
    assert.equal(got.status, 200, got.text);
    assert.match(got.header('set-cookie'), /^weir_session=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800$/);
    assert.deepEqual([got.json.result.account, got.json.result.name, got.json.result.gateways, got.json.result.expires_at], [ACCOUNT, 'root', null, null]);
    assert.ok(got.json.result.permissions.includes('write'));
    assert.ok(!got.text.includes(TOKEN) && !cookie.includes(Buffer.from(TOKEN).toString('base64url').slice(0, 20)));
    for (let i = 0; i < 8; i++) assert.equal((await call('GET', GATEWAYS, { Cookie: `a=b; ${cookie}; c=d` })).status, 200);
    await weir.stop();
    await weir.start();
    assert.equal((await call('GET', SESSION, { Cookie: cookie })).json.result.name, 'root');
});

test('changes need the line no other site can send; the audit log says who', async (t) => {
    const { call, signIn } = await world(t);
    const { cookie } = await signIn();
    assert.equal((await call('POST', GATEWAYS, { Cookie: cookie }, gateway('a'))).status, 403);
    assert.equal((await call('POST', GATEWAYS, { Cookie: cookie, 'x-weir-ui': '1' }, gateway('a'))).status, 200);
    const [line] = (await call('GET', `/client/v4/accounts/${ACCOUNT}/audit_logs`, { Cookie: cookie })).json.result;
    assert.deepEqual([line.interface, line.newValueJson.cache_ttl], ['UI', 0]);
});

test('wrong tokens, forged and old cookies open nothing; signing out takes the cookie', async (t) => {
    const { weir, call, signIn } = await world(t);
    assert.deepEqual([(await signIn('wrong')).got.status, (await signIn('')).got.status], [403, 400]);
    const { cookie } = await signIn();
    for (const forged of ['weir_session=', 'weir_session=AAAA', cookie.slice(0, -3), `${cookie}A`, cookie.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'))])
        assert.equal((await call('GET', GATEWAYS, { Cookie: forged })).status, 403, forged);
    const made = await weir.request({ path: `/client/v4/accounts/${ACCOUNT}/tokens`, auth: false, headers: { Authorization: `Bearer ${TOKEN}` }, body: JSON.stringify({ name: 'short', policies: [
        { effect: 'allow', permission_groups: (await call('GET', `/client/v4/accounts/${ACCOUNT}/tokens/permission_groups`, { Cookie: cookie })).json.result.filter((g) => /Read/.test(g.name)).map(({ id }) => ({ id })), resources: { [`com.cloudflare.api.account.${ACCOUNT}`]: '*' } }] }) });
    assert.equal(made.status, 200, made.text);
    const other = await signIn(made.json.result.value);
    assert.equal((await call('GET', GATEWAYS, { Cookie: other.cookie })).status, 200);
    await weir.request({ method: 'DELETE', path: `/client/v4/accounts/${ACCOUNT}/tokens/${made.json.result.id}`, auth: false, headers: { Authorization: `Bearer ${TOKEN}` } });
    assert.equal((await call('GET', GATEWAYS, { Cookie: other.cookie })).status, 403); // the token is gone, and all that stood for it
    assert.match((await call('DELETE', SESSION, { Cookie: cookie })).header('set-cookie'), /^weir_session=; .*Max-Age=0/);
    assert.equal((await call('GET', SESSION)).status, 403);
});

test('browsers get a page at every place, programs the truth', async (t) => {
    const { call } = await world(t);
    const html = { Accept: 'text/html,application/xhtml+xml' };
    for (const path of ['/', '/gateways/team/logs?x=1']) {
        const got = await call('GET', path, html);
        assert.equal(got.status, 200);
        assert.match(got.header('content-type'), /^text\/html/);
    }
    assert.match((await call('GET', '/')).text, /the data plane/);
    assert.equal((await call('GET', '/gateways/team/logs')).status, 404);
    assert.equal((await call('GET', '/assets/none.js', html)).status, 404);
    assert.equal((await call('GET', '/metrics', html)).header('content-type').split(';')[0], 'text/plain');
    assert.equal((await call('POST', '/x', html, {})).status, 404);
});
