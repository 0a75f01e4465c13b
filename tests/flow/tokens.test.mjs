// SPDX-License-Identifier: Apache-2.0
// Tokens (control plane 1): made with Cloudflare's client, in the shell, for some gateways; what they open.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import Cloudflare from 'cloudflare';
import { once } from './lib/http.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, BIN, startWeir, TOKEN } from './lib/weir.mjs';

const RESOURCES = { [`com.cloudflare.api.account.${ACCOUNT}`]: '*' };
const REFUSED = { code: 10000, message: 'Authentication error' };
const allow = (...names) => [{ effect: 'allow', permission_groups: names.map((name) => ({ name })), resources: RESOURCES }];
const ALL = ['AI Gateway Metadata Read', 'AI Gateway Read', 'AI Gateway Write', 'AI Gateway Run', 'Secrets Store Write', 'Account Analytics Read',
    'Account API Tokens Write', 'AI Gateway Operator'];

async function world(t) {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin, anthropic: up.origin } });
    await weir.createGateway({ id: 'team-a', authentication: true });
    await weir.createGateway({ id: 'team-b', authentication: true });
    await weir.createGateway({ id: 'open', authentication: false });
    const baseURL = `http://127.0.0.1:${weir.port}/client/v4`;
    const sdk = (options = { apiToken: TOKEN }) => new Cloudflare({ baseURL, maxRetries: 0, apiToken: null, apiEmail: null, apiKey: null, ...options });
    /** Any call below /client/v4 with a token. */
    const ask = (token, method, rest, body) => once(weir.port, {
        method, path: `/client/v4${rest}`, headers: { ...(token && { Authorization: `Bearer ${token}` }) }, body: body && JSON.stringify(body) });
    const tokens = (token, method, rest = '', body = undefined) => ask(token, method, `/accounts/${ACCOUNT}/tokens${rest}`, body);
    const make = async (body, by = TOKEN) => {
        const a = await tokens(by, 'POST', '', { name: 'made', ...body });
        assert.equal(a.status, 200, a.text);
        return a.json.result;
    };
    const run = (gateway, token) => weir.request({ gateway, to: 'openai/chat/completions', auth: false, headers: { 'cf-aig-authorization': `Bearer ${token}` }, body: '{"model":"m"}' });
    const shell = (...args) => spawnSync(BIN, [...args, '--data', path.join(weir.dir, 'data')], { encoding: 'utf8' });
    return { up, weir, sdk, ask, tokens, make, run, shell };
}

test('tokens', async (t) => {
    const w = await world(t);
    const { up, weir, sdk, ask, tokens, make, run, shell } = w;

    await t.test('Cloudflare\'s client makes, lists, changes, rolls and deletes them', async () => {
        const client = sdk();
        const groups = await client.accounts.tokens.permissionGroups.get({ account_id: ACCOUNT });
        assert.deepEqual(groups.map((g) => g.name), ALL);
        assert.ok(groups.every((g) => /^[0-9a-f]{32}$/.test(g.id) && g.is_selectable && g.scopes[0] === 'com.cloudflare.api.account'));
        const one = await client.accounts.tokens.permissionGroups.get({ account_id: ACCOUNT, name: 'AI Gateway Run' });
        assert.deepEqual(one.map((g) => g.id), [groups[3].id]);

        const policies = [{ effect: 'allow', permission_groups: [{ id: groups[3].id }, { id: groups[1].id }], resources: RESOURCES }];
        const made = await client.accounts.tokens.create({ account_id: ACCOUNT, name: 'ci', policies, expires_on: '2099-12-31T23:59:59Z', not_before: '2020-01-01T00:00:00Z' });
        assert.match(made.id, /^[0-9a-f]{32}$/);
        assert.match(made.value, /^weir_[0-9A-Za-z]{40}$/);
        const { value, ...shown } = made;
        assert.deepEqual({ ...shown, id: 0, issued_on: 0, modified_on: 0, policies: 0, weir_id: 0 },
            { id: 0, name: 'ci', status: 'active', issued_on: 0, modified_on: 0, not_before: '2020-01-01T00:00:00Z', expires_on: '2099-12-31T23:59:59Z', policies: 0, weir_id: 0 });
        assert.equal(shown.weir_id, 2); // as weir token list has it: the root token is the first
        assert.deepEqual(made.policies, [{ id: made.policies[0].id, effect: 'allow', resources: RESOURCES,
            permission_groups: [{ id: groups[3].id, name: 'AI Gateway Run' }, { id: groups[1].id, name: 'AI Gateway Read' }] }]);
        assert.deepEqual(await client.accounts.tokens.get(made.id, { account_id: ACCOUNT }), shown, 'and never again with its text');

        const mine = sdk({ apiToken: value });
        for (const it of [await mine.accounts.tokens.verify({ account_id: ACCOUNT }), await mine.user.tokens.verify()])
            assert.deepEqual(it, { id: made.id, status: 'active', not_before: '2020-01-01T00:00:00Z', expires_on: '2099-12-31T23:59:59Z' });
        assert.deepEqual((await ask(value, 'GET', '/user/tokens/verify')).json.messages, [{ code: 10000, message: 'This API Token is valid and active' }]);
        assert.equal((await run('team-a', value)).status, 200);
        assert.equal((await mine.aiGateway.list({ account_id: ACCOUNT })).result.length, 4);
        await assert.rejects(mine.aiGateway.delete('team-a', { account_id: ACCOUNT }), (e) => e.status === 403);

        const names = [];
        for await (const it of client.accounts.tokens.list({ account_id: ACCOUNT, per_page: 1, direction: 'asc' })) names.push(it.name);
        assert.deepEqual(names, ['root', 'ci'], 'page by page');

        const rolled = await client.accounts.tokens.value.update(made.id, { account_id: ACCOUNT });
        assert.match(rolled, /^weir_[0-9A-Za-z]{40}$/);
        assert.notEqual(rolled, value);
        assert.deepEqual([(await run('team-a', value)).status, (await run('team-a', rolled)).status], [401, 200]);

        const changed = await client.accounts.tokens.update(made.id, { account_id: ACCOUNT, ...shown, name: 'ci 2', status: 'disabled' });
        assert.equal(changed.name, 'ci 2');
        assert.equal(changed.status, 'disabled');
        assert.deepEqual(changed.policies, shown.policies, 'the ids of policies stay');
        assert.equal((await run('team-a', rolled)).status, 401);
        assert.equal((await ask(rolled, 'GET', '/user/tokens/verify')).status, 403);
        await client.accounts.tokens.update(made.id, { account_id: ACCOUNT, ...shown, status: 'active' });
        assert.equal((await run('team-a', rolled)).status, 200);

        assert.deepEqual(await client.accounts.tokens.delete(made.id, { account_id: ACCOUNT }), { id: made.id });
        assert.equal((await run('team-a', rolled)).status, 401);
        await assert.rejects(client.accounts.tokens.get(made.id, { account_id: ACCOUNT }), (e) => e.status === 404 && e.errors[0].code === 7002);
    });

    await t.test('the older pair of headers carries a token too', async () => {
        const client = sdk({ apiEmail: 'ops@example.com', apiKey: TOKEN });
        assert.ok((await client.aiGateway.list({ account_id: ACCOUNT })).result.length > 0);
        await assert.rejects(sdk({ apiEmail: 'ops@example.com', apiKey: `${TOKEN}x` }).aiGateway.list({ account_id: ACCOUNT }), (e) => e.status === 403);
        const a = await once(weir.port, { path: '/client/v4/user/tokens/verify', headers: { 'X-Auth-Key': TOKEN } });
        assert.equal(a.status, 403, 'a key without an address is no pair');
    });

    await t.test('bodies that will not do', async () => {
        const good = { name: 'x', policies: allow('AI Gateway Run') };
        const policy = good.policies[0];
        const wrong = [
            [{ policies: good.policies }, ['body', 'name']], [{ ...good, name: '' }, ['body', 'name']], [{ name: 'x' }, ['body', 'policies']],
            [{ ...good, policies: [] }, ['body', 'policies']], [{ ...good, policies: {} }, ['body', 'policies']], [{ ...good, policies: [1] }, ['body', 'policies', 0]],
            [{ ...good, policies: [policy, { ...policy, effect: 'maybe' }] }, ['body', 'policies', 1, 'effect']],
            [{ ...good, policies: [{ ...policy, permission_groups: [] }] }, ['body', 'policies', 0, 'permission_groups']],
            [{ ...good, policies: [{ ...policy, permission_groups: [{ id: 'f'.repeat(32) }] }] }, ['body', 'policies', 0, 'permission_groups', 0]],
            [{ ...good, policies: [{ ...policy, resources: {} }] }, ['body', 'policies', 0, 'resources']],
            [{ ...good, policies: [{ ...policy, resources: { [`com.cloudflare.api.account.${'f'.repeat(32)}`]: '*' } }] }, ['body', 'policies', 0, 'resources']],
            [{ ...good, policies: [policy, { ...policy, effect: 'deny' }] }, ['body', 'policies']],
            [{ ...good, expires_on: 'soon' }, ['body', 'expires_on']], [{ ...good, expires_on: '2020-01-01T00:00:00Z' }, ['body', 'expires_on']],
            [{ ...good, expires_on: '2098-01-01', not_before: '2099-01-01' }, ['body', 'expires_on']], [{ ...good, not_before: 5 }, ['body', 'not_before']],
            [{ ...good, status: 'asleep' }, ['body', 'status']], [{ ...good, condition: { request_ip: { in: ['10.0.0.0/8'] } } }, ['body', 'condition']],
            [{ ...good, weir_gateways: [] }, ['body', 'weir_gateways']], [{ ...good, weir_gateways: ['team-a', 'nope'] }, ['body', 'weir_gateways', 1]],
        ];
        for (const [body, at] of wrong) {
            const a = await tokens(TOKEN, 'POST', '', body);
            assert.deepEqual([a.status, a.json.errors.map((e) => [e.code, e.path])], [400, [[7001, at]]], JSON.stringify(body));
        }
        assert.equal((await tokens(TOKEN, 'GET')).json.result_info.total_count, 1);
        const { id } = await make({ ...good, condition: { request_ip: { in: [], not_in: [] } }, weir_gateways: null });
        await tokens(TOKEN, 'DELETE', `/${id}`);
    });

    await t.test('a token may make none that may more than itself, nor change one', async () => {
        const expires_on = '2099-01-01T00:00:00Z';
        const maker = await make({ policies: allow('AI Gateway Read', 'Account API Tokens Write'), weir_gateways: ['team-a', 'open'], expires_on });
        const plain = await make({ policies: allow('AI Gateway Write') });
        assert.equal((await tokens(plain.value, 'GET')).status, 403, 'without the permission there are no tokens');
        const within = { name: 'child', policies: allow('AI Gateway Metadata Read'), weir_gateways: ['team-a'], expires_on: '2098-01-01T00:00:00Z' };
        const child = await make(within, maker.value);
        for (const [why, change] of Object.entries({
            permissions: { policies: allow('AI Gateway Write') }, run: { policies: allow('AI Gateway Run') }, 'all gateways': { weir_gateways: undefined },
            'another gateway': { weir_gateways: ['team-a', 'team-b'] }, 'for ever': { expires_on: undefined }, longer: { expires_on: '2099-06-01T00:00:00Z' } })) {
            const made = await tokens(maker.value, 'POST', '', { ...within, ...change });
            assert.deepEqual([made.status, made.json.errors[0].code], [403, 10000], why);
            const changed = await tokens(maker.value, 'PUT', `/${child.id}`, { ...within, ...change });
            assert.deepEqual([changed.status, changed.json.errors[0].code], [403, 10000], why);
        }
        const root = (await tokens(TOKEN, 'GET', '?direction=asc')).json.result[0];
        const sister = await make({ policies: allow('AI Gateway Run'), weir_gateways: ['team-a'], expires_on });
        for (const [id, status] of [[root.id, 404], [plain.id, 404], [sister.id, 403]])
            for (const [method, rest, body] of [['PUT', '', within], ['PUT', '/value', {}], ['DELETE', '', undefined]])
                assert.equal((await tokens(maker.value, method, `/${id}${rest}`, body)).status, status, `${method} ${rest}`);
        assert.deepEqual((await tokens(maker.value, 'GET', '?direction=asc')).json.result.map((x) => x.id), [maker.id, child.id, sister.id], 'it hears of those of its gateways');
        assert.equal((await run('team-a', TOKEN)).status, 200, 'the root token is what it was');
        for (const x of [maker, plain, child, sister]) assert.equal((await tokens(TOKEN, 'DELETE', `/${x.id}`)).status, 200);
    });

    await t.test('for some gateways: a stranger at the others', async () => {
        const k = await make({ policies: allow('AI Gateway Run', 'AI Gateway Write', 'Account Analytics Read'), weir_gateways: ['team-a'] });
        assert.deepEqual(k.weir_gateways, ['team-a']);
        assert.equal((await run('team-a', k.value)).status, 200);
        const n = up.requests.length;
        const strange = await run('team-b', k.value), nobody = await run('team-b', 'nonsense');
        assert.equal(strange.status, 401);
        assert.equal(strange.text, nobody.text, 'the same bytes');
        assert.equal((await run('default', k.value)).status, 401);
        assert.equal(up.requests.length, n);
        const open = await weir.request({ gateway: 'open', to: 'openai/x', auth: false, headers: { Authorization: `Bearer ${k.value}` }, body: '{}' });
        assert.equal(open.status, 200);
        assert.ok(!up.last.rawHead.includes(k.value), 'nor does the provider get it');

        const aig = `/accounts/${ACCOUNT}/ai-gateway`;
        assert.deepEqual((await ask(k.value, 'GET', `${aig}/gateways`)).json.result.map((g) => g.id), ['team-a']);
        assert.equal((await ask(k.value, 'GET', `${aig}/gateways/team-a/logs`)).status, 200);
        const settings = (await ask(k.value, 'GET', `${aig}/gateways/team-a`)).json.result;
        assert.equal((await ask(k.value, 'PUT', `${aig}/gateways/team-a`, settings)).status, 200);
        for (const [method, rest, body] of [['GET', '/gateways/team-b'], ['GET', '/gateways/nope'], ['GET', '/gateways/team%2Db'], ['PUT', '/gateways/team-b', settings], ['DELETE', '/gateways/team-b'],
            ['GET', '/gateways/team-b/logs'], ['POST', '/gateways', { ...settings, id: 'mine' }]]) {
            const a = await ask(k.value, method, aig + rest, body);
            assert.deepEqual([a.status, a.json.errors], [403, [REFUSED]], `${method} ${rest}`);
        }
        assert.equal((await ask(k.value, 'GET', `/accounts/${ACCOUNT}/audit_logs`)).status, 403);

        // the secret of another gateway's key, taken over by its id
        const keys = (gateway) => `${aig}/gateways/${gateway}/provider_configs`;
        const body = { provider_slug: 'openai', alias: 'a', default_config: false };
        const stored = (await ask(TOKEN, 'POST', keys('team-b'), { ...body, secret: 'sk-of-team-b' })).json.result;
        const keeper = await make({ policies: allow('AI Gateway Write', 'Secrets Store Write'), weir_gateways: ['team-a'] });
        const stolen = await ask(keeper.value, 'POST', keys('team-a'), { ...body, secret_id: stored.secret_id });
        assert.deepEqual([stolen.status, stolen.json.errors[0].path], [400, ['body', 'secret_id']], stolen.text);
        const taken = await ask(TOKEN, 'POST', keys('team-a'), { ...body, secret_id: stored.secret_id });
        assert.equal(taken.status, 200, taken.text);
        assert.equal((await ask(k.value, 'GET', '/user/tokens/verify')).status, 200);
    });

    await t.test('bounds in time', async () => {
        const early = await make({ policies: allow('AI Gateway Run'), not_before: '2098-01-01T00:00:00Z' });
        assert.equal((await run('team-a', early.value)).status, 401);
        const short = await make({ policies: allow('AI Gateway Run'), expires_on: new Date(Date.now() + 3000).toISOString() });
        assert.equal((await run('team-a', short.value)).status, 200);
        await poll('its end', async () => (await run('team-a', short.value)).status === 401);
        const listed = async (q) => (await tokens(TOKEN, 'GET', q)).json.result.find((x) => x.id === short.id)?.status;
        assert.deepEqual([await listed('?per_page=100'), await listed('?per_page=100&include_expired=true')], [undefined, 'expired']);
    });

    await t.test('the shell: accounts, gateways, new texts', async () => {
        const made = shell('account', 'create');
        assert.equal(made.status, 0, made.stderr);
        const [, account, token] = /^account ([0-9a-f]{32})\ntoken (weir_\w{40})\n$/.exec(made.stdout);
        const listed = shell('account', 'list');
        assert.match(listed.stdout, new RegExp(`${account} +1 +1\n`));
        assert.equal(shell('account', 'create', '--id', account).status, 1);
        assert.equal(shell('account', 'create', '--id', 'X').status, 1);
        assert.equal(shell('account', 'burn').status, 2);
        const list = (tok, acc = account) => ask(tok, 'GET', `/accounts/${acc}/ai-gateway/gateways`);
        await poll('the account', async () => (await list(token)).status === 200);
        assert.equal((await list(token, ACCOUNT)).status, 403);
        assert.equal((await list(TOKEN)).status, 403);

        assert.match(shell('token', 'create', '--name', 'x').stderr, /several accounts/);
        assert.match(shell('token', 'create', '--name', 'x', '--account', ACCOUNT, '--gateway', 'nope').stderr, /no such gateway/);
        const scoped = shell('token', 'create', '--name', 'x', '--account', ACCOUNT, '--gateway', 'team-a', '--gateway', 'open');
        assert.equal(scoped.status, 0, scoped.stderr);
        const text = scoped.stdout.trim(), id = /Token (\d+)/.exec(scoped.stderr)[1];
        await poll('the token', async () => (await run('team-a', text)).status === 200);
        assert.equal((await run('team-b', text)).status, 401);
        assert.match(shell('token', 'list').stdout, /run +team-a,open /);
        const rolled = shell('token', 'roll', id).stdout.trim();
        await poll('the new text', async () => (await run('team-a', rolled)).status === 200);
        assert.equal((await run('team-a', text)).status, 401);
        assert.equal(shell('token', 'roll', '99999').status, 1);
        assert.equal(shell('token', 'roll').status, 2);
        const logs = (await ask(TOKEN, 'GET', `/accounts/${ACCOUNT}/audit_logs?actor.email=weir%20token`)).json.result;
        assert.deepEqual(logs.map((l) => [l.interface, l.actor.type, l.action.info]), [['CLI', 'admin', 'token updated'], ['CLI', 'admin', 'token created']]);
        assert.deepEqual((await ask(token, 'GET', `/accounts/${account}/audit_logs`)).json.result.map((l) => l.action.info), ['token created', 'gateway created']);
    });

    await t.test('no text of a token is in the audit log, and none on disk', async () => {
        const made = await make({ policies: allow('AI Gateway Run') });
        const rolled = (await tokens(TOKEN, 'PUT', `/${made.id}/value`, {})).json.result;
        const a = await ask(TOKEN, 'GET', `/accounts/${ACCOUNT}/audit_logs?resource.type=token&per_page=1000`);
        assert.ok(a.json.result.length > 10);
        assert.equal(a.json.result[0].newValueJson.secret, '(new)');
        assert.equal(a.json.result[0].resource.id, made.id);
        assert.doesNotMatch(a.text, /weir_[0-9A-Za-z]{40}/);
        const grep = spawnSync('grep', ['-rlE', `${made.value}|${rolled}|${TOKEN}`, weir.dir], { encoding: 'utf8' });
        assert.deepEqual([grep.status, grep.stdout], [1, '']);
    });
});
