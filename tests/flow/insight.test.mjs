// SPDX-License-Identifier: Apache-2.0
// Why requests failed, what the cache saved, and who they came from: rows, filters and analytics say the same.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { execFileSync } from 'node:child_process';
import { once } from './lib/http.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, BIN, TOKEN, startWeir } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

const chat = (model) => ({ id: 'c', object: 'chat.completion', model, choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 } });
const error = (text) => ({ error: { message: text, type: 'x' } });
const events = (res, ...list) => res.head(200, { 'Content-Type': 'text/event-stream' }).then(() => res.write(list.map((e) => `data: ${JSON.stringify(e)}\n\n`).join('')));

const script = async (req, res) => {
    const does = req.header('x-does') ?? 'answer';
    if (/^\d+$/.test(does)) return res.json(Number(does), error('no'));
    if (does === 'cut') {
        await events(res, { id: 'c', model: 'gpt-4o-mini', choices: [{ index: 0, delta: { content: 'h' } }] });
        return res.reset();
    }
    if (does === 'report') {
        await events(res, { id: 'c', model: 'gpt-4o-mini', choices: [{ index: 0, delta: { content: 'h' } }] }, error('overloaded'));
        return res.close();
    }
    if (does === 'hang') return does;
    if (does === 'wait') await held;
    return res.json(200, chat(req.json.model));
};

let weir, from, release;
const held = new Promise((r) => (release = r));
const post = (query, token) => once(weir.port, { method: 'POST', path: '/client/v4/graphql', headers: [['Authorization', `Bearer ${token}`], ['Content-Type', 'application/json']], body: JSON.stringify({ query }) });
const graphql = async (query, { token = TOKEN } = {}) => {
    const a = await post(`{viewer{accounts(filter:{accountTag:"${ACCOUNT}"}){${query}}}}`, token);
    assert.equal(a.json.errors, null, a.text);
    return a.json.data.viewer.accounts[0];
};
const call = (headers = {}, { to = 'openai', gateway, model = 'gpt-4o-mini', content = 'hello', stream, key = true } = {}) =>
    weir.request({ to: `${to}/chat/completions`, gateway, body: JSON.stringify({ model, messages: [{ role: 'user', content }], ...(stream ? { stream } : {}) }),
        headers: { 'Content-Type': 'application/json', ...(key ? { Authorization: 'Bearer sk-x' } : {}), 'cf-aig-max-attempts': '1', ...headers } });
const listed = async (filters, gateway = 'default') => {
    const a = await weir.api('GET', `/gateways/${gateway}/logs?per_page=50&filters=${encodeURIComponent(JSON.stringify(filters))}`);
    assert.equal(a.status, 200, a.text);
    return a.json;
};

test('insight', async (t) => {
    const up = await startUpstream(t, script);
    const closed = net.createServer().listen(0, '127.0.0.1');
    await new Promise((r) => closed.once('listening', r));
    const nowhere = `http://127.0.0.1:${closed.address().port}`;
    await new Promise((r) => closed.close(r));
    weir = await startWeir(t, { providers: { openai: up.origin, groq: nowhere } });
    from = new Date(Date.now() - 60000).toISOString().replace(/\.\d+/, '');

    await t.test('every failure has a kind', async () => {
        await weir.createGateway({ id: 'errors' });
        await weir.createGateway({ id: 'strict', byok_only: true });
        await weir.createGateway({ id: 'limited', rate_limiting_limit: 1, rate_limiting_interval: 3600, rate_limiting_technique: 'fixed' });
        const gateway = 'errors';
        await call({}, { gateway });
        for (const status of ['429', '401', '403', '404', '500', '503']) await call({ 'x-does': status }, { gateway });
        await call({ 'x-does': 'cut' }, { gateway, stream: true });
        await call({ 'x-does': 'report' }, { gateway, stream: true });
        await call({ 'x-does': 'hang', 'cf-aig-request-timeout': '50' }, { gateway });
        await call({}, { gateway, to: 'groq' });
        const leaver = await weir.connect(), before = up.requests.length;
        await leaver.request({ method: 'POST', path: weir.path('openai/chat/completions', gateway), body: '{"model":"gpt-4o-mini"}', headers: weir.headers({ 'Content-Type': 'application/json', Authorization: 'Bearer sk-x', 'x-does': 'hang' }) });
        await up.until('the call that will be left', () => up.requests.length > before);
        leaver.close();
        await call({}, { gateway: 'strict', key: false });
        await call({}, { gateway: 'limited' });
        await call({}, { gateway: 'limited' });

        const want = { provider_rate_limited: 1, provider_auth: 2, refused: 1, provider_error: 2, cut: 1, stream_error: 1, timeout: 1, unreachable: 1, client_gone: 1 };
        const rows = await poll('the row of who left', async () => {
            const got = await weir.logs({ gateway });
            return got.length === 12 ? got : null;
        });
        const tally = (list) => list.reduce((n, kind) => ({ ...n, [kind]: (n[kind] ?? 0) + 1 }), {});
        assert.deepEqual(tally(rows.filter((r) => !r.success).map((r) => r.weir.error_kind)), want);
        assert.deepEqual(rows.filter((r) => r.success).map((r) => r.weir.error_kind), [null]);
        for (const [kind, n] of Object.entries(want)) {
            const { result, result_info: info } = await listed([{ key: 'weir_error_kind', operator: 'eq', value: [kind] }], gateway);
            assert.deepEqual([result.length, info.total_count], [n, n], kind);
            assert.deepEqual(result.map((r) => r.weir.error_kind), Array(n).fill(kind));
        }
        assert.equal((await listed([{ key: 'weir_error_kind', operator: 'eq', value: [null] }], gateway)).result.length, 1);
        for (const [id, kind] of [['limited', 'rate_limited'], ['strict', 'gateway']])
            assert.deepEqual((await listed([{ key: 'success', operator: 'eq', value: [false] }], id)).result.map((r) => r.weir.error_kind), [kind]);

        const groups = await graphql(`all: aiGatewayRequestsAdaptiveGroups(limit: 50, filter: {gateway: "errors", datetime_geq: "${from}"}) { count dimensions { errorKind error } }
            errors: aiGatewayErrorsAdaptiveGroups(limit: 50, filter: {gateway: "errors", datetime_geq: "${from}"}) { count dimensions { errorKind } }
            one: aiGatewayRequestsAdaptiveGroups(limit: 50, filter: {errorKind: "rate_limited", datetime_geq: "${from}"}) { count dimensions { gateway } }
            read: aiGatewayRequestsAdaptiveGroups(limit: 50, filter: {gateway: "errors", userAgent: "", error: 1, datetime_geq: "${from}"}) { count dimensions { errorKind } }`);
        const by = (list) => Object.fromEntries(list.map((g) => [g.dimensions.errorKind, g.count]));
        assert.deepEqual(by(groups.all), { ...want, '': 1 });
        assert.deepEqual(groups.all.filter((g) => !g.dimensions.error).map((g) => g.dimensions.errorKind), ['']);
        assert.deepEqual(by(groups.errors), want);
        assert.deepEqual(by(groups.read), want); // the log itself says the same as the sums
        assert.deepEqual(groups.one, [{ count: 1, dimensions: { gateway: 'limited' } }]);
        const csv = (await weir.api('GET', '/gateways/limited/logs/export?format=csv&success=false')).text;
        assert.match(csv.split('\r\n')[0], /,error,error_kind/);
        assert.match(csv.split('\r\n')[1], /"rate_limited"/);
    });

    await t.test('an answer from the cache saves what it cost', async () => {
        await weir.createGateway({ id: 'saves' });
        const gateway = 'saves', ttl = { 'cf-aig-cache-ttl': '3600' };
        const row = async (a) => (await weir.log(a.header('cf-aig-log-id'), gateway));
        const made = await row(await call(ttl, { gateway, content: 'one' }));
        assert.deepEqual([made.cost, made.weir.saved_cost], [0.00045, null]);
        const hit = await call(ttl, { gateway, content: 'one' });
        const hitRow = await row(hit);
        assert.deepEqual([hit.header('cf-aig-cache-status'), hitRow.cost, hitRow.weir.saved_cost], ['HIT', 0, 0.00045]);
        await call({ ...ttl, 'cf-aig-collect-log': 'false' }, { gateway, content: 'one' });
        await call(ttl, { gateway, content: 'two', model: 'nobody-knows' });
        assert.equal((await row(await call(ttl, { gateway, content: 'two', model: 'nobody-knows' }))).weir.saved_cost, null);
        await call({ ...ttl, 'cf-aig-custom-cost': '{"per_token_in":0.000001,"per_token_out":0}' }, { gateway, content: 'three' });
        assert.equal((await row(await call(ttl, { gateway, content: 'three' }))).weir.saved_cost, 0.001);

        // two at once: one call, and the other one saves it
        const before = up.requests.length;
        const both = [call({ ...ttl, 'x-does': 'wait' }, { gateway, content: 'four' }), call({ ...ttl, 'x-does': 'wait' }, { gateway, content: 'four' })];
        await up.until('the call', () => up.requests.length > before);
        await poll('the other to read along', async () => /weir_cache_shared_total 1/.test((await weir.request({ path: '/metrics', auth: false })).text));
        release();
        const rows = await Promise.all((await Promise.all(both)).map(row));
        assert.deepEqual(rows.map((r) => [r.cached, r.cost, r.weir.saved_cost]).sort(), [[false, 0.00045, null], [true, 0, 0.00045]]);

        const groups = await graphql(`rollup: aiGatewayRequestsAdaptiveGroups(limit: 5, filter: {gateway: "saves", datetime_geq: "${from}"}) { count sum { cost savedCost cachedRequests } }
            log: aiGatewayRequestsAdaptiveGroups(limit: 5, filter: {gateway: "saves", userAgent: "", datetime_geq: "${from}"}) { sum { savedCost } }`);
        assert.deepEqual(groups.rollup, [{ count: 9, sum: { cost: 0.0019, savedCost: 0.00235, cachedRequests: 5 } }]);
        assert.deepEqual(groups.log, [{ sum: { savedCost: 0.0019 } }]); // the one that is not logged is not in the log
        assert.match((await weir.request({ path: '/metrics', auth: false })).text, /^weir_cache_saved_pico_dollars_total 2350000000$/m);
    });

    await t.test('labels: metadata and tokens', async () => {
        await weir.createGateway({ id: 'labels', authentication: true });
        await weir.createGateway({ id: 'apart' });
        const gateway = 'labels', cli = (...args) => execFileSync(BIN, [...args, '--data', `${weir.dir}/data`], { encoding: 'utf8' });
        const make = (name, permissions, ...more) => cli('token', 'create', '--name', name, '--permissions', permissions, ...more).match(/\S{40,}/)[0];
        const ana = make('ana', 'run'), ben = make('ben', 'run'), looker = make('looker', 'analytics_read', '--gateway', 'apart');
        const by = (token, metadata, more = {}, of = gateway) => weir.request({ auth: false, to: 'openai/chat/completions', gateway: of, body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hello' }] }),
            headers: [['cf-aig-authorization', `Bearer ${token}`], ...Object.entries({ 'Content-Type': 'application/json', Authorization: 'Bearer sk-x', 'cf-aig-max-attempts': '1', ...(metadata ? { 'cf-aig-metadata': JSON.stringify(metadata) } : {}), ...more })] });
        await poll('tokens to be known', async () => (await post('{viewer{accounts{accountTag}}}', looker)).status === 200);
        for (const answer of [await by(ana, { user: 'u-7', team: 'blue', n: 3 }), await by(ana, { user: 'u-8', team: 'blue' }), await by(ben, { user: 'u-7' }, { 'cf-aig-cache-ttl': '3600' }), await by(ben, { user: 'u-7' }, { 'cf-aig-cache-ttl': '3600' }),
            await by(ben, null), await by(ana, { user: 'u-7', hidden: true }, { 'cf-aig-collect-log': 'false' }), await by(ana, { user: 'u-7' }, {}, 'apart')])
            assert.equal(answer.status, 200, answer.text);
        assert.equal((await by(ana, { user: 'u-8' }, { 'x-does': '500' })).status, 500);

        const ids = Object.fromEntries((await weir.logs({ gateway })).map((r) => [r.metadata?.n === 3 ? 'ana' : r.metadata ? 'other' : 'ben', r.weir.token_id]));
        const groups = async (args, fields, options) => (await graphql(`rows: weirLabelsGroups(limit: 100, ${args}) { ${fields} }`, options)).rows;
        const here = `gateway: "labels", datetime_geq: "${from}"`;
        const users = await groups(`orderBy: [value_ASC], filter: {${here}, label: "user"}`, 'count sum { cachedRequests erroredRequests tokensIn tokensOut cost savedCost unpricedRequests } max { datetime } dimensions { gateway label value other }');
        const seen = users[0].max.datetime;
        assert.ok(Math.abs(Date.parse(seen) - Date.now()) < 60000, seen);
        const dimensions = (value) => ({ gateway: 'labels', label: 'user', value, other: 0 });
        assert.deepEqual(users.map(({ max, ...g }) => g), [
            { count: 4, sum: { cachedRequests: 1, erroredRequests: 0, tokensIn: 3000, tokensOut: 1500, cost: 0.00135, savedCost: 0.00045, unpricedRequests: 0 }, dimensions: dimensions('u-7') },
            { count: 2, sum: { cachedRequests: 0, erroredRequests: 1, tokensIn: 1000, tokensOut: 500, cost: 0.00045, savedCost: 0, unpricedRequests: 0 }, dimensions: dimensions('u-8') }]);
        const labels = await groups(`orderBy: [label_ASC], filter: {${here}}`, 'count dimensions { label }');
        assert.deepEqual(labels.map((g) => [g.dimensions.label, g.count]), [['cf.token', 7], ['hidden', 1], ['n', 1], ['team', 2], ['user', 6]]);
        const tokens = await groups(`filter: {${here}, label: "cf.token"}`, 'count sum { cost } dimensions { value }');
        assert.deepEqual(Object.fromEntries(tokens.map((g) => [g.dimensions.value, [g.count, g.sum.cost]])), { [ids.ana]: [4, 0.00135], [ids.ben]: [3, 0.0009] });
        assert.equal((await groups(`filter: {label: "user", value: "u-7", datetime_geq: "${from}"}`, 'count'))[0].count, 5); // of both gateways
        assert.deepEqual(await groups(`filter: {${here}, label: "user", value_like: "%8"}`, 'count dimensions { value }'), [{ count: 2, dimensions: { value: 'u-8' } }]);
        // the log, filtered to one of them
        const rows = async (key, value) => (await listed([{ key, operator: 'eq', value: [value] }], gateway)).result_info.total_count;
        assert.deepEqual([await rows('weir_metadata', 'user=u-7'), await rows('weir_metadata', 'user=u-8'), await rows('weir_metadata', 'team=u-7'), await rows('weir_metadata', 'n=3')], [3, 2, 0, 1]);
        assert.deepEqual([await rows('weir_token', ids.ana), await rows('weir_token', String(ids.ben)), await rows('weir_token', null)], [3, 3, 0]);
        const hour = await groups(`filter: {${here}, label: "team"}`, 'count dimensions { datetimeHour datetimeMinute date value }');
        assert.equal(hour.reduce((n, g) => n + g.count, 0), 2);

        assert.deepEqual(await groups(`filter: {label: "user"}`, 'count dimensions { gateway value }', { token: looker }), [{ count: 1, dimensions: { gateway: 'apart', value: 'u-7' } }]);

        const a = await weir.api('DELETE', '/gateways/apart');
        assert.equal(a.status, 200, a.text);
        assert.deepEqual(await groups('filter: {gateway: "apart"}', 'count'), []);
        assert.equal((await groups(`filter: {label: "user", value: "u-7", datetime_geq: "${from}"}`, 'count'))[0].count, 4);
    });
});
