// SPDX-License-Identifier: Apache-2.0
// GraphQL analytics (control plane section 23): real traffic, and what stock clients of GraphQL read about it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { buildClientSchema, getIntrospectionQuery, parse, validate, printSchema } from 'graphql';
import { GraphQLClient, gql } from 'graphql-request';
import { once } from './lib/http.mjs';
import { execFileSync } from 'node:child_process';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, BIN, TOKEN, startWeir } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

const chat = (model) => ({ id: 'c', object: 'chat.completion', model, choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500, prompt_tokens_details: { cached_tokens: 200 } } });
// 800 fresh at 0.15, 200 cached at 0.075, 500 out at 0.60 USD a million
const COST = '0.000435';

let weir, from;
const ask = async (query, variables, { token = TOKEN, accept, ...rest } = {}) => once(weir.port, {
    method: 'POST', path: '/client/v4/graphql',
    headers: [['Authorization', `Bearer ${token}`], ['Content-Type', 'application/json'], ...(accept ? [['Accept', accept]] : [])],
    body: JSON.stringify({ query, variables, ...rest }),
});
const data = async (query, variables, options) => {
    const a = await ask(query, variables, options);
    assert.equal(a.status, 200, a.text);
    assert.equal(a.json.errors, null, a.text);
    return a.json.data.viewer.accounts[0];
};
const fault = async (query, variables, options) => {
    const a = await ask(query, variables, options);
    assert.equal(a.status, 200, a.text);
    assert.equal(a.json.data, null);
    assert.equal(a.json.errors.length, 1);
    return a.json.errors[0];
};
const node = (args, fields, name = 'aiGatewayRequestsAdaptiveGroups') => `{viewer{accounts(filter:{accountTag:"${ACCOUNT}"}){rows:${name}(${args}){${fields}}}}}`;

test('analytics', async (t) => {
    const up = await startUpstream(t, (req, res) => res.json(Number(req.header('x-status') ?? 200), chat(req.json.model)));
    weir = await startWeir(t, { providers: { openai: up.origin, groq: up.origin } });
    await weir.createGateway({ id: 'team-b', rate_limiting_limit: 1, rate_limiting_interval: 3600, rate_limiting_technique: 'fixed' });
    from = new Date(Date.now() - 60000).toISOString().replace(/\.\d+/, '');
    const call = (model, { to = 'openai', gateway, headers = {} } = {}) =>
        weir.request({ to: `${to}/chat/completions`, gateway, body: JSON.stringify({ model, messages: [{ role: 'user', content: model }] }), headers: { 'Content-Type': 'application/json', 'User-Agent': 'flow/1', ...headers } });
    await call('gpt-4o-mini', { headers: { 'cf-aig-metadata': '{"user":"u-7","n":3}' } });
    await call('gpt-4o-mini', { headers: { 'cf-aig-metadata': '{"user":"u-8"}' } });
    await call('gpt-4o-mini', { headers: { 'cf-aig-collect-log': 'false' } });
    await call('gpt-4o-mini', { headers: { 'X-Status': '500', 'cf-aig-max-attempts': '1' } });
    await call('gpt-4o-mini', { headers: { 'cf-aig-cache-ttl': '3600' } });
    await call('gpt-4o-mini', { headers: { 'cf-aig-cache-ttl': '3600' } });
    await call('nobody-knows', { to: 'groq' });
    await call('gpt-4o-mini', { gateway: 'team-b' });
    await call('gpt-4o-mini', { gateway: 'team-b' }); // one too many

    await t.test('sums, also of what left no row', async () => {
        const a = await ask(node(`limit: 10, filter: {gateway: "default", datetime_geq: "${from}"}`, 'count sum { tokensIn tokensOut cost cachedRequests erroredRequests cacheReadTokens uncachedTokensIn unpricedRequests attempts } confidence(level: 0.95) { level count { estimate lower upper isValid } }'));
        assert.match(a.header('content-type'), /^application\/json/);
        const [row] = a.json.data.viewer.accounts[0].rows;
        assert.equal(row.count, 7);
        // of the seven the failure and the hit have no tokens
        assert.deepEqual([row.sum.tokensIn, row.sum.tokensOut, row.sum.cacheReadTokens, row.sum.uncachedTokensIn], [5000, 2500, 1000, 5000]);
        assert.deepEqual([row.sum.cachedRequests, row.sum.erroredRequests, row.sum.unpricedRequests, row.sum.attempts], [1, 1, 1, 7]);
        assert.ok(a.text.includes('"cost":0.00174,'), a.text); // exact: four times COST
        assert.deepEqual(row.confidence, { level: 1, count: { estimate: 7, lower: 7, upper: 7, isValid: true } });
    });

    await t.test('dimensions, order, aliases, fragments, variables', async () => {
        const account = await data(`
            query Usage($acct: string!, $gw: [string!], $from: Time!, $quiet: Boolean = true) {
                viewer { accounts(filter: {accountTag: $acct}) { id: accountTag
                    series: aiGatewayRequestsAdaptiveGroups(limit: 1000, orderBy: [sum_cost_DESC, provider_ASC], filter: {gateway_in: $gw, datetimeMinute_geq: $from}) { ...Row }
                    total: aiGatewayRequestsAdaptiveGroups(limit: 1, filter: {gateway_in: $gw, datetimeHour_geq: "2020-01-01T00:00:00Z", AND: [{datetimeMinute_geq: $from}]}) { n: count sum @skip(if: $quiet) { cost } __typename }
                } } }
            fragment Row on AccountAiGatewayRequestsAdaptiveGroups { count ... on AccountAiGatewayRequestsAdaptiveGroups { sum { ...S } } dimensions { provider model date datetimeHour datetimeFiveMinutes } }
            fragment S on AccountAiGatewayRequestsAdaptiveGroupsSum { cost }`,
        { acct: ACCOUNT, gw: ['default', 'nosuch'], from });
        assert.equal(account.id, ACCOUNT);
        assert.deepEqual(account.total, [{ n: 7, __typename: 'AccountAiGatewayRequestsAdaptiveGroups' }]);
        assert.deepEqual(account.series.reduce((n, r) => n + r.count, 0), 7);
        assert.equal(account.series[0].dimensions.provider, 'openai');
        const last = account.series.at(-1);
        assert.deepEqual([last.count, last.sum.cost, last.dimensions.provider, last.dimensions.model], [1, 0, 'groq', 'nobody-knows']);
        assert.match(last.dimensions.date, /^\d{4}-\d\d-\d\d$/);
        assert.match(last.dimensions.datetimeHour, /^\d{4}-\d\d-\d\dT\d\d:00:00Z$/);
        assert.match(last.dimensions.datetimeFiveMinutes, /^\d{4}-\d\d-\d\dT\d\d:[0-5][05]:00Z$/);
    });

    await t.test('filters', async () => {
        const count = async (filter) => (await data(node(`limit: 1, filter: {datetime_geq: "${from}", ${filter}}`, 'count'))).rows[0]?.count ?? 0;
        const cases = [['', 9], ['gateway: "team-b"', 2], ['error: 1', 2], ['error: 0, cached: 1', 1], ['statusCode_geq: 500', 1], ['statusCode_in: [429, 500]', 2], ['rateLimited: 1', 1],
            ['provider_neq: "openai"', 1], ['model_like: "gpt%"', 8], ['model_notin: ["gpt-4o-mini"]', 1], ['OR: [{provider: "groq"}, {statusCode: 429}]', 2], ['gateway_like: "team%"', 2],
            ['metadataKeys_has: "user"', 2], ['metadataValues_has: "u-7"', 1], ['metadataValues_hasany: ["u-7", "u-8", "x"]', 2], ['metadataValues_hasall: ["u-7", "3"]', 1], ['userAgent: "flow/1"', 8],
            ['tokensIn_gt: 999, cost_geq: 0.000435', 4], ['cost_gt: 0.000435', 0], ['gateway: null', 9], ['datetimeHour_leq: "2020-01-01"', 0]];
        for (const [filter, want] of cases) assert.equal(await count(filter), want, filter);
    });

    await t.test('metadata, and other dimensions of rows', async () => {
        const { rows } = await data(node(`limit: 10, orderBy: [metadataRaw_DESC], filter: {metadataKeys_has: "user", datetime_geq: "${from}"}`, 'count sum { cost } dimensions { metadataKeys metadataValues metadataRaw userAgent tokensIn cost durationMs datetime }'));
        assert.equal(rows.length, 2);
        assert.deepEqual([rows[0].dimensions.metadataKeys, rows[0].dimensions.metadataValues], [['user'], ['u-8']]);
        assert.deepEqual([rows[1].dimensions.metadataKeys, rows[1].dimensions.metadataValues], [['user', 'n'], ['u-7', '3']]);
        assert.deepEqual(JSON.parse(rows[1].dimensions.metadataRaw), { user: 'u-7', n: 3 });
        assert.deepEqual([rows[0].dimensions.tokensIn, rows[0].dimensions.cost, rows[0].sum.cost], [1000, Number(COST), Number(COST)]);
        assert.ok(Number.isInteger(rows[0].dimensions.durationMs));
        assert.match(rows[0].dimensions.datetime, /T\d\d:\d\d:\d\dZ$/);
    });

    await t.test('latency', async () => {
        const { rows: [row] } = await data(node(`limit: 1, filter: {gateway: "default", cached: 0, error: 0, datetime_geq: "${from}"}`, 'avg { durationMs ttftMs } quantiles { durationMsP50 durationMsP99 ttftMsP50 ttftMsP99 }'));
        const q = row.quantiles;
        assert.ok(q.durationMsP50 > 0 && q.durationMsP99 >= q.durationMsP50 && q.durationMsP99 < 60000, JSON.stringify(q));
        assert.ok(q.ttftMsP50 > 0 && q.ttftMsP50 <= q.durationMsP99 * 1.02, JSON.stringify(q));
        assert.ok(row.avg.durationMs > 0 && row.avg.ttftMs > 0 && row.avg.ttftMs <= row.avg.durationMs);
    });

    await t.test('the other nodes', async () => {
        const at = `limit: 10, filter: {datetime_geq: "${from}"}`;
        const errors = await data(node(`${at}, orderBy: [gateway_ASC]`, 'count dimensions { gateway provider }', 'aiGatewayErrorsAdaptiveGroups'));
        assert.deepEqual(errors.rows, [{ count: 1, dimensions: { gateway: 'default', provider: 'openai' } }, { count: 1, dimensions: { gateway: 'team-b', provider: 'openai' } }]);
        const cache = await data(node(`${at}, orderBy: [cacheOp_ASC]`, 'count dimensions { cacheOp cacheStatus }', 'aiGatewayCacheAdaptiveGroups'));
        assert.deepEqual(cache.rows, [{ count: 1, dimensions: { cacheOp: 'hit', cacheStatus: 'hit' } }, { count: 1, dimensions: { cacheOp: 'miss', cacheStatus: 'miss' } }]);
        const size = await data(node(`${at}, orderBy: [max_rows_DESC]`, 'max { rows } dimensions { gateway logManagement }', 'aiGatewaySizeAdaptiveGroups'));
        assert.deepEqual(size.rows, [{ max: { rows: 6 }, dimensions: { gateway: 'default', logManagement: 10000000 } }, { max: { rows: 2 }, dimensions: { gateway: 'team-b', logManagement: 10000000 } }]);
    });

    await t.test('settings', async () => {
        const { settings } = await data('{viewer{accounts{settings{s:aiGatewayRequestsAdaptiveGroups{enabled notOlderThan maxDuration maxPageSize maxNumberOfFields availableFields}}}}}');
        const { availableFields, ...s } = settings.s;
        assert.deepEqual(s, { enabled: true, notOlderThan: 5356800, maxDuration: 2764800, maxPageSize: 10000, maxNumberOfFields: 30 });
        assert.ok(['count', 'sum_cost', 'dimensions_gateway', 'quantiles_ttftMsP95'].every((f) => availableFields.includes(f)));
    });

    await t.test('faults have a place and a path', async () => {
        const e = await fault('{ viewer {\n  accounts { x } } }');
        assert.equal(e.message, 'unknown field "x"');
        assert.deepEqual(e.locations, [{ line: 2, column: 14 }]);
        assert.deepEqual(e.path, ['viewer', 'accounts']);
        assert.equal(e.extensions.code, 'invalid');
        const rows = (args, fields = 'count') => node(args, fields);
        const cases = [
            ['{ viewer {', /syntax error: expected a name/, 'parse'],
            [rows('filter: {}'), /limit must be specified/, 'invalid'],
            [rows('limit: 10001'), /limit must be from 1 to 10000/, 'limit'],
            [rows('limit: 0'), /limit must be from 1 to 10000/, 'limit'],
            [rows('limit: 1, offset: 2'), /unknown arg "offset"/, 'invalid'],
            [rows('limit: 1, filter: {gatewayz: "x"}'), /unknown arg "gatewayz"/, 'invalid'],
            [rows('limit: 1, filter: {gateway: 7}'), /expected a string/, 'invalid'],
            [rows('limit: 1, filter: {statusCode_gt: "x"}'), /expected a whole number/, 'invalid'],
            [rows('limit: 1, filter: {datetime_geq: "yesterday"}'), /expected a time/, 'invalid'],
            [rows('limit: 1, filter: {date_geq: "2026-02-30"}'), /expected a time/, 'invalid'],
            [rows('limit: 1, orderBy: [provider_ASC]'), /cannot order by "provider"/, 'invalid'],
            [rows('limit: 1, orderBy: [nonsense_ASC]'), /cannot order by "nonsense_ASC"/, 'invalid'],
            [rows('limit: 1', 'sum'), /needs a selection/, 'invalid'],
            [rows('limit: 1', 'count { x }'), /has no fields of its own/, 'invalid'],
            [rows('limit: 1', 'count count: confidence { level }'), /two different fields/, 'invalid'],
            [rows('limit: 1', '...F'), /unknown fragment "F"/, 'invalid'],
            [rows('limit: 1', 'count @defer'), /unknown directive "defer"/, 'invalid'],
            [`${rows('limit: 1', '...F')} fragment F on AccountAiGatewayRequestsAdaptiveGroups { ...F }`, /contains itself/, 'invalid'],
            [`${rows('limit: 1', '...F')} fragment F on account { accountTag }`, /cannot stand in/, 'invalid'],
            ['query($a: string!) { viewer { accounts(filter: {accountTag: $a}) { accountTag } } }', /variable "\$a" must be given/, 'invalid'],
            ['{ viewer { accounts(filter: {accountTag: $a}) { accountTag } } }', /variable "\$a" is not declared/, 'invalid'],
            ['query($a: wrong) { viewer { __typename } }', /unknown type "wrong"/, 'invalid'],
            ['query A { viewer { __typename } } query B { viewer { __typename } }', /operationName/, 'invalid'],
            ['mutation { viewer { __typename } }', /only queries/, 'invalid'],
            [rows(`limit: 1, filter: {datetime_geq: "${new Date(Date.now() - 33 * 86400e3).toISOString()}"}`), /can't be wider than 32 days/, 'limit'],
            [rows(`limit: 1, filter: {date_geq: "${new Date(Date.now() - 64 * 86400e3).toISOString().slice(0, 10)}", date_lt: "${new Date(Date.now() - 60 * 86400e3).toISOString().slice(0, 10)}"}`), /older than 62 days/, 'limit'],
            [`{viewer{accounts{${Array.from({ length: 33 }, (_, i) => `a${i}:aiGatewayErrorsAdaptiveGroups(limit:1){count}`).join(' ')}}}}`, /number of nodes/, 'limit'],
            [rows('limit: 1', `sum { ${Array.from({ length: 31 }, (_, i) => `a${i}:cost`).join(' ')} }`), /number of fields can't be more than 30/, 'limit'],
            [`{viewer{accounts{${'a:accountTag '.repeat(4001)}}}}`, /too many fields/, 'limit'],
            [`{viewer{accounts{...F0}}} ${Array.from({ length: 40 }, (_, i) => `fragment F${i} on account {...F${i + 1} ...F${i + 1}}`).join(' ')} fragment F40 on account { accountTag }`, /too many fields/, 'limit'],
            [`{__type(name:"AccountAiGatewayRequestsAdaptiveGroupsFilter_InputObject"){${'inputFields{type{ofType{ofType{'.repeat(14)}name${'}}}}'.repeat(14)}}}`, /too large/, 'limit'],
            [rows(`limit: 1, filter: {model_in: [${'"x",'.repeat(1001)}]}`), /too many values/, 'limit'],
        ];
        for (const [query, message, code] of cases) {
            const f = await fault(query);
            assert.match(f.message, message, query);
            assert.equal(f.extensions.code, code, f.message);
        }
        assert.equal((await fault('query A { viewer { __typename } }', {}, { operationName: 'B' })).message, 'unknown operation "B"');
        assert.equal((await ask('query A { viewer { __typename } } query B { viewer { __typename } }', {}, { operationName: 'B' })).json.data.viewer.__typename, 'viewer');
        for (const body of ['', '{', '[]', '{"query":1}', '{"query":"{viewer{__typename}}","variables":[]}']) {
            const a = await once(weir.port, { method: 'POST', path: '/client/v4/graphql', headers: [['Authorization', `Bearer ${TOKEN}`]], body });
            assert.equal(a.status, 400, body);
            assert.equal(a.json.data, null);
            assert.equal(a.json.errors.length, 1);
        }
    });

    await t.test('nobody sees what is not theirs', async () => {
        const query = node('limit: 1', 'count');
        for (const token of ['wrong', TOKEN.slice(0, -1)]) {
            const a = await ask(query, {}, { token });
            assert.equal(a.status, 403);
            assert.deepEqual([a.json.success, a.json.errors[0].code, a.json.data], [false, 10000, undefined]);
        }
        const make = (...args) => execFileSync(BIN, ['token', 'create', '--name', 'flow', '--data', `${weir.dir}/data`, ...args], { encoding: 'utf8' }).match(/\S{40,}/)[0];
        const others = make('--permissions', 'read,write,run'), scoped = make('--permissions', 'analytics_read', '--gateway', 'team-b');
        await poll('tokens to be known', async () => (await ask(query, {}, { token: scoped })).status === 200);
        assert.equal((await ask(query, {}, { token: others })).status, 403);
        const some = await data(node('limit: 10', 'count dimensions { gateway }'), {}, { token: scoped });
        assert.deepEqual(some.rows, [{ count: 2, dimensions: { gateway: 'team-b' } }]);
        assert.deepEqual((await data(node('limit: 10, filter: {gateway: "default"}', 'count'), {}, { token: scoped })).rows, []);
        assert.deepEqual((await data(node('limit: 10, filter: {userAgent_neq: ""}', 'count'), {}, { token: scoped })).rows, [{ count: 2 }]);
        for (const other of ['ffffffffffffffffffffffffffffffff', '', 'x']) {
            const e = await fault(`{viewer{accounts(filter:{accountTag:"${other}"}){accountTag rows:aiGatewayRequestsAdaptiveGroups(limit:1){count}}}}`);
            assert.equal(e.message, 'not authorized for that account');
            assert.equal(e.extensions.code, 'authz');
            assert.deepEqual(e.path, ['viewer', 'accounts']);
        }
    });

    await t.test('the schema is one that graphql-js builds and validates against', async () => {
        const a = await ask(getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true }));
        assert.equal(a.json.errors, null, a.text.slice(0, 500));
        const schema = buildClientSchema(a.json.data);
        const sdl = printSchema(schema);
        assert.match(sdl, /aiGatewayRequestsAdaptiveGroups\(\s*("""[^"]*"""\s*)?limit: uint64!/);
        assert.match(sdl, /input AccountAiGatewayRequestsAdaptiveGroupsFilter_InputObject/);
        const check = (q) => validate(schema, parse(q)).map((e) => e.message);
        assert.deepEqual(check(`query Usage($acct: string!, $gw: string!, $from: Time!, $to: Time!) {
            viewer { accounts(filter: {accountTag: $acct}) {
              series: aiGatewayRequestsAdaptiveGroups(limit: 1000, orderBy: [datetimeHour_ASC, sum_cost_DESC],
                filter: {gateway: $gw, datetimeHour_geq: $from, datetimeHour_leq: $to, OR: [{error: 1}, {metadataValues_hasany: ["a"]}]}) {
                  count sum { tokensIn tokensOut cost cachedRequests erroredRequests } quantiles { durationMsP95 } dimensions { datetimeHour provider model metadataKeys }
              } size: aiGatewaySizeAdaptiveGroups(limit: 1) { max { rows } } } } }`), []);
        assert.equal(check('{ viewer { nothing } }').length, 1);
        assert.equal(check('{ viewer { accounts { aiGatewayErrorsAdaptiveGroups { count } } } }').length, 1);
        const one = await ask('{ __type(name: "Date") { kind name fields { name } ofType { name } } no: __type(name: "none") { name } }');
        assert.deepEqual(one.json.data, { __type: { kind: 'SCALAR', name: 'Date', fields: null, ofType: null }, no: null });
    });

    await t.test('graphql-request', async () => {
        const client = new GraphQLClient(`http://127.0.0.1:${weir.port}/client/v4/graphql`, { headers: { authorization: `Bearer ${TOKEN}` } });
        const query = gql`query ($acct: string!, $filter: AccountAiGatewayRequestsAdaptiveGroupsFilter_InputObject, $order: [AccountAiGatewayRequestsAdaptiveGroupsOrderBy!], $limit: uint64!) {
            viewer { accounts(filter: {accountTag: $acct}) { rows: aiGatewayRequestsAdaptiveGroups(limit: $limit, filter: $filter, orderBy: $order) { count dimensions { gateway } } } } }`;
        const got = await client.request(query, { acct: ACCOUNT, limit: 5, order: ['count_DESC'], filter: { datetime_geq: from, provider_in: ['openai'], OR: [{ gateway: 'default' }, { gateway: 'team-b' }] } });
        assert.deepEqual(got.viewer.accounts[0].rows, [{ count: 6, dimensions: { gateway: 'default' } }, { count: 2, dimensions: { gateway: 'team-b' } }]);
        await assert.rejects(client.request(query, { acct: 'x', limit: 5 }), (e) => e.response.errors[0].message === 'not authorized for that account');
        const strict = await ask('{ viewer { __typename } }', {}, { accept: 'application/graphql-response+json, application/json;q=0.9' });
        assert.match(strict.header('content-type'), /^application\/graphql-response\+json/);
        assert.deepEqual(strict.json, { data: { viewer: { __typename: 'viewer' } } });
    });
});
