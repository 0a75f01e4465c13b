// SPDX-License-Identifier: Apache-2.0
// Every call of the management API, as `weir docs api` lists them: who is refused, with the same words, and that
// nothing happens then; and every key of every body with a value of the wrong type (control plane 1, 2.2).
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { once } from './lib/http.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, BIN, startWeir, TOKEN } from './lib/weir.mjs';

const PAGE = spawnSync(BIN, ['docs', 'api'], { encoding: 'utf8' }).stdout;
const CALLS = [...PAGE.matchAll(/^\| `(GET|POST|PUT|PATCH|DELETE) ([^`]+)` \| ([^|]+) \|/gm)].map(([, method, pattern, permission]) => ({ method, pattern, permission }))
    .filter((c) => c.permission !== 'none' && !c.pattern.endsWith('/logs/tail')); // not public ones, nor what has no end (log-tail.test.mjs)
const PERMISSIONS = [...PAGE.matchAll(/^\| (\w+) \| ([^|`]+) \| `([0-9a-f]{32})` \|/gm)].map(([, word, , id]) => ({ word, id }));
const REFUSED = '{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[],"result":null}';
const NOT_FOUND = '{"success":false,"errors":[{"code":7002,"message":"Not Found"}],"messages":[],"result":null}';
const NOBODY = '00000000-0000-7000-8000-000000000000';
/** Calls of the account that show a token of some gateways what concerns those. */
const NARROWED = [/^\/weir\/session$/, /^\/user\/tokens\/verify$/, /^\/accounts\/\{A\}\/tokens/, /^\/accounts\/\{A\}\/ai-gateway\/gateways$/, /^\/graphql$/];
/** What no permission is enough for: money moves by the operator's hand, or not at all. */
const MONEY = /\/billing\/(topup|topup\/config|spending-limit)$/;
const RESOURCES = { [`com.cloudflare.api.account.${ACCOUNT}`]: '*' };

const fill = (pattern, account = ACCOUNT, gateway = 'nope') => pattern.replace('{A}', account).replace('{G}', gateway).replace(/\{\w+\}/g, NOBODY);

/** Does a token with these permissions pass? */
function passes(permission, words) {
    if (permission === 'any') return true;
    if (permission.includes(' and ')) return permission.split(' and ').every((p) => words.includes(p));
    return permission.split(', ').some((p) => words.includes(p));
}

async function world(t) {
    const weir = await startWeir(t);
    await weir.createGateway({ id: 'team-a' });
    await weir.createGateway({ id: 'team-b' });
    const ask = (method, p, headers, body) => once(weir.port, {
        method, path: `/client/v4${p}`, headers, body: method[0] === 'P' ? body ?? '{}' : undefined });
    const as = (token) => ({ Authorization: `Bearer ${token}` });
    const make = async (words, more = {}) => {
        const policies = [{ effect: 'allow', permission_groups: PERMISSIONS.filter((p) => words.includes(p.word)).map(({ id }) => ({ id })), resources: RESOURCES }];
        const a = await ask('POST', `/accounts/${ACCOUNT}/tokens`, as(TOKEN), JSON.stringify({ name: words.join(), policies, ...more }));
        assert.equal(a.status, 200, a.text);
        return a.json.result.value;
    };
    /** All that can be changed, and all that tells of changes. */
    const state = async () => {
        const root = `/accounts/${ACCOUNT}`;
        const pages = await Promise.all([`${root}/audit_logs?per_page=1000`, `${root}/tokens?per_page=100`, `${root}/ai-gateway/gateways?per_page=100`]
            .map((p) => ask('GET', p, as(TOKEN))));
        return pages.map((a) => a.text);
    };
    return { weir, ask, as, make, state };
}

test('every call', async (t) => {
    const { weir, ask, as, make, state } = await world(t);
    const all = PERMISSIONS.map((p) => p.word);
    assert.ok(CALLS.length > 20 && all.length === 8, 'the page is read');
    const other = spawnSync(BIN, ['account', 'create', '--data', path.join(weir.dir, 'data')], { encoding: 'utf8' });
    const [, account, stranger] = /account (\w+)\ntoken (\w+)/.exec(other.stdout);
    await poll('the other account', async () => (await ask('GET', '/user/tokens/verify', as(stranger))).status === 200);
    const single = Object.fromEntries(await Promise.all(all.map(async (word) => [word, await make([word])])));
    const expired = await make(all, { expires_on: new Date(Date.now() + 1500).toISOString() });
    const early = await make(all, { not_before: '2098-01-01T00:00:00Z' });
    const disabled = await make(all, { status: 'disabled' });
    const tenant = await make(all.filter((word) => word !== 'operator')); // an operator bills all accounts
    const narrow = await make(all, { weir_gateways: ['team-b'] });
    await poll('the end of a token', async () => (await ask('GET', '/user/tokens/verify', as(expired))).status === 403);
    const before = await state();

    const refused = async (what, call, p, headers) => {
        const a = await ask(call.method, p, headers);
        assert.deepEqual([a.status, a.text, a.header('content-type')], [403, REFUSED, 'application/json'], `${what}: ${call.method} ${p}`);
    };

    await t.test('who is nobody is refused', async () => {
        const nobody = {
            'no token': {}, empty: { Authorization: '' }, 'no scheme': { Authorization: TOKEN }, 'no token behind the scheme': { Authorization: 'Bearer' },
            'another scheme': { Authorization: `Basic ${TOKEN}` }, unknown: as('weir_nonsense'), longer: as(`${TOKEN}x`), shorter: as(TOKEN.slice(1)),
            expired: as(expired), early: as(early), disabled: as(disabled), 'a gateway\'s header': { 'cf-aig-authorization': `Bearer ${TOKEN}` },
            'a wrong pair': { 'X-Auth-Email': 'a@example.com', 'X-Auth-Key': 'nonsense' }, 'a cookie': { Cookie: `token=${TOKEN}` },
        };
        for (const call of CALLS)
            await Promise.all(Object.entries(nobody).map(([what, headers]) => refused(what, call, fill(call.pattern, ACCOUNT, 'team-a'), headers)));
    });

    await t.test('who lacks the permission is refused, who has it is not', async () => {
        for (const call of CALLS) {
            for (const word of all)
                if (!passes(call.permission, [word])) await refused(word, call, fill(call.pattern, ACCOUNT, 'team-a'), as(single[word]));
                else if (call.method === 'GET' || !MONEY.test(call.pattern)) assert.notEqual((await ask(call.method, fill(call.pattern), as(single[word]))).status, 403, `${word}: ${call.method} ${call.pattern}`);
            if (call.method === 'GET' || !MONEY.test(call.pattern))
                assert.notEqual((await ask(call.method, fill(call.pattern), as(TOKEN))).status, 403, `root: ${call.method} ${call.pattern}`);
        }
    });

    await t.test('accounts are strangers to each other', async () => {
        for (const call of CALLS.filter((c) => c.pattern.includes('{A}'))) {
            await refused('another account\'s token', call, fill(call.pattern, ACCOUNT, 'team-a'), as(stranger));
            await refused('another account', call, fill(call.pattern, account, 'default'), as(tenant));
            await refused('no account', call, fill(call.pattern, 'f'.repeat(32), 'default'), as(TOKEN));
        }
    });

    await t.test('gateways that are not there, and those a token is not for', async () => {
        for (const call of CALLS) {
            if (call.pattern.includes('{G}')) {
                const a = await ask(call.method, fill(call.pattern), as(TOKEN));
                assert.deepEqual([a.status, a.text], [404, NOT_FOUND], `${call.method} ${call.pattern}`);
                for (const gateway of ['team-a', 'nope', 'default', 'team-b%00', 'TEAM-B'])
                    await refused(`not for ${gateway}`, call, fill(call.pattern, ACCOUNT, gateway), as(narrow));
                if (call.method === 'GET')
                    assert.notEqual((await ask('GET', fill(call.pattern, ACCOUNT, 'team-b'), as(narrow))).status, 403, 'its own');
            } else if (!NARROWED.some((p) => p.test(call.pattern))) {
                await refused('not for all', call, fill(call.pattern), as(narrow));
            }
        }
    });

    await t.test('nothing was changed by any of them', async () => {
        assert.deepEqual(await state(), before);
    });
});

// ---- bodies ----

/** A body that would do, for each table of keys. */
const BODIES = {
    gateway: { path: '/ai-gateway/gateways', body: { id: 'never', cache_invalidate_on_update: false, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0 } },
    token: { path: '/tokens', body: { name: 'x', policies: [{ effect: 'allow', permission_groups: [{ name: 'AI Gateway Run' }], resources: RESOURCES }] } },
    'top-up': { path: '/ai-gateway/billing/topup', body: { amount: 1000 } },
    'stored provider key': { path: '/ai-gateway/gateways/team-a/provider_configs', body: { secret: 'sk-1', provider_slug: 'openai', alias: 'a', default_config: false } },
    'dynamic route': { path: '/ai-gateway/gateways/team-a/routes', body: { name: 'x', elements: [{ id: 's', type: 'start', outputs: { next: { elementId: 'e' } } }, { id: 'e', type: 'end', outputs: {} }] } },
    policy: { path: '/ai-gateway/gateways/team-a/policies', body: { name: 'x', actor: 'x', resource: '*', action: { type: 'no-limit' } } },
    'custom provider': { path: '/ai-gateway/custom-providers', body: { name: 'x', slug: 'x', base_url: 'https://x.example.com' } },
    dataset: { path: '/ai-gateway/gateways/team-a/datasets', body: { name: 'x', enable: true, filters: [] } },
    evaluation: { path: '/ai-gateway/gateways/team-a/evaluations', body: { name: 'x', dataset_ids: [NOBODY], evaluation_type_ids: [NOBODY] } },
    'custom provider\'s cost': { path: '/ai-gateway/custom-providers/costs', body: { account_provider_id: NOBODY, model: 'm', cost_in: 0.1, cost_out: 0.1 } },
};
const WRONG = [[/^boolean/, 'yes'], [/^(integer|number)/, 'many'], [/^text/, 7], [/^object/, 'x'], [/^array/, {}], [/^`/, 5]];

test('every key of every body', async (t) => {
    const { ask, as, state } = await world(t);
    const before = await state();
    let keys = 0;
    for (const [, what, section] of PAGE.matchAll(/^## Keys of an? ([^\n]+)\n(.*?)(?=^## |(?![^]))/gms)) {
        const known = BODIES[what];
        if (!known) {
            t.diagnostic(`no body is known for "${what}": add it to BODIES`);
            continue;
        }
        const send = (body) => ask('POST', `/accounts/${ACCOUNT}${known.path}`, as(TOKEN), typeof body === 'string' ? body : JSON.stringify(body));
        for (const [, key, values, left] of section.matchAll(/^\| `(\w+)` \| (.+?) \| (refused|absent|`[^|]*`) \|/gm)) {
            keys++;
            const wrong = WRONG.find(([p]) => p.test(values))?.[1];
            assert.notEqual(wrong, undefined, `${what}.${key}: ${values}`);
            const tries = [wrong, ...(values.includes('`null`') ? [] : [null]), ...(left === 'refused' ? [undefined] : [])];
            for (const value of tries) {
                const a = await send({ ...known.body, [key]: value });
                assert.equal(a.status, 400, `${what}.${key} = ${JSON.stringify(value)}: ${a.text}`);
                assert.ok(a.json.errors.some((e) => e.code === 7001 && e.message && e.path[0] === 'body' && e.path[1] === key), a.text);
                assert.deepEqual([a.json.success, a.json.messages, a.json.result], [false, [], null]);
            }
        }
        for (const body of ['', '{', '[]', '"x"', '7', 'null', '{"a":1}x', '\u0000', '[[[[[[[[']) {
            const a = await send(body);
            assert.deepEqual([a.status, a.json.errors[0].code, a.json.errors[0].path], [400, 7001, ['body']], `${what}: ${body}`);
        }
    }
    assert.deepEqual(await state(), before);
    assert.ok(keys > 40, `only ${keys} keys were found on the page`);
});
