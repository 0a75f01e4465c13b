// SPDX-License-Identifier: Apache-2.0
// Every operation of the OpenAPI document is called, and every answer held to the schema it promises: nothing undeclared, nothing
// declared that never comes, and queries take what they are said to take.
import test from 'node:test';
import assert from 'node:assert/strict';
import { Described } from './lib/openapi.mjs';
import { chat, failure } from './lib/scripts.mjs';
import { startProvider } from './lib/provider.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const SIX = { cache_invalidate_on_update: false, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0, rate_limiting_technique: 'fixed' };
const FULL = {
    ...SIX, dlp: { enabled: true, action: 'BLOCK', profiles: [] }, guardrails: { prompt: { S1: 'FLAG' } }, log_management: 10000, logpush_public_key: 'k'.repeat(16), otel: [], retry_backoff: 'linear',
    retry_delay: 1, retry_max_attempts: 1, spend_limits: { enabled: false, rules: [] }, store_id: 's', stripe: { authorization: 'x', usage_events: [] }, weir_request_timeout: 60000, weir_retry_jitter: false,
    weir_retry_statuses: [429, '5xx'], weir_target_health: false, weir_total_timeout: 60000,
};
const ELEMENTS = [{ id: 'a', type: 'start', outputs: { next: { elementId: 'm' } } }, { id: 'm', type: 'model', properties: { provider: 'openai', model: 'gpt-4o-mini', retries: 0, timeout: 1000 }, outputs: { success: { elementId: 'e' } } }, { id: 'e', type: 'end', outputs: {} }];
const PEOPLE = { name: 'limit', actor: 'everybody', resource: '*', condition: 'true', action: { type: 'limit', amount: 1, period: 'daily', technique: 'named-interval' } };

async function world(t) {
    const up = await startUpstream(t, (req, res) => (req.json?.model === 'bad' ? res.json(500, failure('no')) : res.json(200, chat())));
    const provider = await startProvider(t);
    const config = provider.config([{ claim: 'sub', value: 'u-1', permissions: ['read'] }], { end_session: true });
    const weir = await startWeir(t, { providers: { openai: up.origin }, config });
    const base = `http://127.0.0.1:${weir.port}/client/v4`;
    const send = async (method, path, body, headers) => {
        const lines = { Authorization: `Bearer ${TOKEN}`, ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers };
        for (const name of Object.keys(lines)) if (lines[name] === undefined) delete lines[name];
        const answer = await fetch(base + path, { method, redirect: 'manual', headers: lines, ...(body !== undefined && { body: JSON.stringify(body) }) });
        return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text(), cookie: answer.headers.getSetCookie().map((c) => c.split(';')[0]).join('; '), location: answer.headers.get('location') };
    };
    const api = new Described(JSON.parse((await send('GET', '/openapi.json')).text), send);
    const ask = async (model, headers = {}) => (await weir.request({ to: 'openai/chat/completions', gateway: 'team', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'ping' }] }) })).header('cf-aig-log-id');
    return { weir, api, ask, base, send, provider };
}

/** What a schema allows that the API refuses, and the other way round, for one parameter. */
const wrongValues = (s) => [...(s.type === 'integer' ? ['x', s.minimum - 1, ...(s.maximum ? [s.maximum + 1] : [])] : []), ...(s.type === 'boolean' ? ['maybe'] : []), ...(s.enum ? ['nonsense'] : [])];
const rightValues = (s) => [...(s.type === 'integer' && s.maximum ? [s.minimum, s.maximum] : []), /* of times the sense counts */ ...(s.type === 'boolean' ? ['true', 'false'] : []), ...(s.enum ?? [])];

test('answers are what the document says', async (t) => {
    const { weir, api, ask, base, send, provider } = await world(t);
    const A = { A: ACCOUNT }, G = { ...A, G: 'team' };
    const call = (id, params, more) => api.call(id, { params, ...more });
    const result = async (...args) => (await call(...args)).result;
    /** What queries are tried with: a path parameter for each operation. */
    const paths = { ...G };

    await t.test('gateways', async () => {
        await call('aig-config-create-gateway', A, { body: { id: 'team', ...SIX } });
        const full = await result('aig-config-create-gateway', A, { body: { id: 'full', ...FULL } });
        await call('aig-config-update-gateway', { A: ACCOUNT, G: 'full' }, { body: { ...full, authentication: true } });
        await call('aig-config-fetch-gateway', { ...A, G: 'full' });
        await call('aig-config-fetch-gateway', { ...A, G: 'default' });
        await call('aig-config-list-gateway', A);
        await call('aig-config-get-gateway-url', { ...G, provider: 'openai' });
        await call('aig-config-delete-gateway', { ...A, G: 'full' });
        await call('aig-config-create-gateway', A, { body: { id: 'team', ...SIX }, status: 409 });
        await call('aig-config-create-gateway', A, { body: {}, status: 400 });
        await call('aig-config-fetch-gateway', { ...A, G: 'nobody' }, { status: 404 });
        await call('aig-config-list-gateway', A, { headers: { Authorization: 'Bearer x' }, status: 403 });
    });

    let L;
    await t.test('logs', async () => {
        L = await ask('gpt-4o-mini', { 'cf-aig-metadata': '{"team":"a","n":1,"on":true}', 'User-Agent': 'a test' });
        await ask('bad');
        await weir.waitLogs(2, { gateway: 'team' });
        await call('aig-config-list-gateway-logs', G);
        await call('aig-config-list-gateway-logs', G, { query: { meta_info: true } });
        await call('aig-config-list-gateway-logs', G, { query: { meta_info: true, search: 'nothing has this' } });
        await call('aig-config-get-gateway-log-detail', { ...G, L });
        await call('aig-config-patch-gateway-log', { ...G, L }, { body: { feedback: 1, score: 50.5, metadata: { team: 'b' } } });
        await call('aig-config-get-gateway-log-request', { ...G, L });
        await call('aig-config-get-gateway-log-response', { ...G, L });
        const schema = { $ref: '#/components/schemas/LogRow' };
        for (const line of (await call('weir-export-gateway-logs', G)).trim().split('\n')) api.check(schema, JSON.parse(line), 'a line of the export');
        assert.match(await call('weir-export-gateway-logs', G, { query: { format: 'csv' } }), /^id,/);
        const control = new AbortController(), tail = await fetch(`${base}/accounts/${ACCOUNT}/ai-gateway/gateways/team/logs/tail`, { headers: { Authorization: `Bearer ${TOKEN}`, 'Last-Event-ID': '01890000-0000-7000-8000-000000000000' }, signal: control.signal });
        assert.ok(api.content('weir-tail-gateway-logs', 200)[tail.headers.get('content-type')]);
        let text = '';
        for await (const piece of tail.body.pipeThrough(new TextDecoderStream())) if (/^data: .*\n\n/m.test(text += piece)) break;
        api.check(schema, JSON.parse(/^data: (.*)$/m.exec(text)[1]), 'an event of the tail');
        api.called.add('weir-tail-gateway-logs');
        control.abort();
    });

    await t.test('tokens', async () => {
        await call('user-api-tokens-verify-token', {});
        await call('account-api-tokens-verify-token', A);
        const groups = await result('account-api-tokens-list-permission-groups', A);
        const body = { name: 'reader', policies: [{ effect: 'allow', permission_groups: groups.filter((g) => /read/i.test(g.name)).map(({ id }) => ({ id })), resources: { [`com.cloudflare.api.account.${ACCOUNT}`]: '*' } }],
            not_before: '2020-01-01T00:00:00Z', expires_on: '2100-01-01T00:00:00Z', weir_gateways: ['team'] };
        const made = await result('account-api-tokens-create-token', A, { body });
        await call('user-api-tokens-verify-token', {}, { headers: { Authorization: `Bearer ${made.value}` } });
        await call('account-api-tokens-update-token', { ...A, T: made.id }, { body: { ...body, name: 'other' } });
        await call('account-api-tokens-token-details', { ...A, T: made.id });
        await call('account-api-tokens-list-tokens', A);
        await call('account-api-tokens-roll-token', { ...A, T: made.id });
        await call('account-api-tokens-delete-token', { ...A, T: made.id });
    });

    await t.test('provider keys', async () => {
        const body = { provider_slug: 'openai', alias: 'default', default_config: true, secret: 'sk-0123456789abcdef0123456789', rate_limit: 10, rate_limit_period: 60 };
        const key = await result('aig-config-create-providers', G, { body });
        await call('aig-config-update-providers', { ...G, K: key.id }, { body: { alias: 'mine' } });
        await call('aig-config-list-providers', G);
        await call('aig-config-delete-providers', { ...G, K: key.id });
    });

    await t.test('custom providers', async () => {
        const body = { name: 'Mine', slug: 'mine', base_url: 'https://llm.example/v1', logo: 'PHN2Zz4=', weir_chat_path: 'chat', weir_usage_injection: false };
        const { id } = await result('aig-config-create-account-provider', A, { body });
        await call('aig-config-update-account-provider', { ...A, id }, { body: { beta: true } });
        await call('aig-config-fetch-account-provider', { ...A, id });
        await call('aig-config-list-account-provider', A);
        const cost = await result('aig-config-create-account-provider-cost', A, { body: { account_provider_id: id, model: 'm', cost_in: 0.000001, cost_out: 0.000002, token_pricing: { input_tokens: 0.000001 } } });
        await call('aig-config-update-account-provider-cost', { ...A, id: cost.id }, { body: { enable: false } });
        await call('aig-config-fetch-account-provider-cost', { ...A, id: cost.id });
        await call('aig-config-list-account-provider-cost', A);
        await call('aig-config-delete-account-provider-cost', { ...A, id: cost.id });
        await call('aig-config-delete-account-provider', { ...A, id });
    });

    await t.test('billing', async () => {
        const provider = 'openai';
        await call('weir-put-billing-key', { ...A, provider }, { body: { secret: 'sk-0123456789abcdef0123456789' } });
        await call('weir-list-billing-keys', A);
        const { payment_intent_id } = await result('aig-billing-create-topup', A, { body: { amount: 2500, weir_note: 'a test' } });
        await call('aig-billing-get-topup-status', A, { body: { payment_intent_id } });
        const balance = () => result('aig-billing-get-credit-balance', A);
        await ask('gpt-4o-mini');
        await poll('the charge', async () => (await balance()).balance < 2500);
        await call('aig-billing-list-invoice-history', A);
        await call('aig-billing-get-invoice-preview', A);
        await call('aig-billing-list-usage-history', A, { query: { value_grouping_window: 'day' } });
        await call('weir-delete-billing-key', { ...A, provider });
        await call('aig-billing-get-topup-config', A);
        await call('aig-billing-create-topup-config', A, { body: {}, status: 403 });
        await call('aig-billing-delete-topup-config', A, { status: 403 });
        await call('aig-billing-get-topup-limits', A);
        await call('aig-billing-get-spending-limit', A);
        await call('aig-billing-create-spending-limit', A, { body: {}, status: 403 });
        await call('aig-billing-delete-spending-limit', A);
    });

    await t.test('GraphQL', async () => {
        await call('graphql-query', {}, { body: { query: '{ viewer { accounts(filter: { accountTag: "x" }) { __typename } } }' } });
        await call('graphql-query', {}, { body: { query: '{ nonsense }' } });
        await call('graphql-query', {}, { body: {}, status: 400 });
    });

    await t.test('custom domains', async () => {
        await call('aig-config-create-custom-domain', G, { body: { domain: 'ai.example.com', zone_id: 'z', minTLS: '1.2' } });
        await call('aig-config-fetch-custom-domain', { ...G, host: 'ai.example.com' });
        await call('aig-config-list-custom-domain', G);
        await call('aig-config-delete-custom-domain', { ...G, host: 'ai.example.com' });
    });

    await t.test('datasets and evaluations', async () => {
        const body = { name: 'all', enable: true, filters: [{ key: 'cost', operator: 'gt', value: [0] }] };
        const { id } = await result('aig-config-create-dataset', G, { body });
        await call('aig-config-update-dataset', { ...G, id }, { body: { ...body, filters: [{ key: 'provider', operator: 'eq', value: ['openai', null] }] } });
        await call('aig-config-fetch-dataset', { ...G, id });
        await call('aig-config-list-dataset', G);
        const types = await result('aig-config-list-evaluators', A);
        const made = await result('aig-config-create-evaluations', G, { body: { name: 'e', dataset_ids: [id], evaluation_type_ids: types.map((e) => e.id) } });
        await poll('its end', async () => (await result('aig-config-fetch-evaluations', { ...G, id: made.id })).processed);
        await call('aig-config-list-evaluations', G);
        await call('aig-config-delete-evaluations', { ...G, id: made.id });
        await call('aig-config-delete-dataset', { ...G, id });
    });

    let R;
    await t.test('dynamic routes', async () => {
        R = (await result('aig-config-post-gateway-dynamic-route', G, { body: { name: 'best', elements: ELEMENTS } })).id;
        await call('aig-config-list-gateway-dynamic-routes', G);
        await call('aig-config-update-gateway-dynamic-route', { ...G, R }, { body: { name: 'better' } });
        const { version_id } = await result('aig-config-post-gateway-dynamic-route-version', { ...G, R }, { body: { elements: ELEMENTS } });
        await call('aig-config-post-gateway-dynamic-route-version', { ...G, R }, { body: { elements: ELEMENTS.slice(0, 1) } });
        await call('aig-config-get-gateway-dynamic-route-version', { ...G, R, V: version_id });
        await call('aig-config-post-gateway-dynamic-route-deployment', { ...G, R }, { body: { version_id } });
        await call('aig-config-list-gateway-dynamic-route-versions', { ...G, R });
        await call('aig-config-list-gateway-dynamic-route-deployments', { ...G, R });
        await call('aig-config-get-gateway-dynamic-route', { ...G, R });
        paths.R = R;
    });

    await t.test('policies', async () => {
        const { id } = await result('weir-create-policy', G, { body: PEOPLE, query: { commit: true } });
        await call('weir-create-policy', G, { body: { ...PEOPLE, name: 'draft', action: { type: 'block', except: true }, resource: { model: 'gpt-4o' } } });
        await call('weir-update-policy', { ...G, P: id }, { body: { name: 'draft' } });
        await call('weir-fetch-policy', { ...G, P: id }, { query: { includeStaging: true } });
        await call('weir-list-policies', G, { query: { includeStaging: true } });
        const judged = (body) => result('weir-simulate-policies', G, { body: { provider: 'openai', model: 'gpt-4o', ...body } });
        assert.equal((await judged({ identity: { cf: { user: { id: 'u' } }, metadata: { team: 'a' } } })).enforcement.allowed, true);
        assert.equal((await judged({ bucketUsage: { limit: { spent: 2 } } })).enforcement.reason, 'limit_exceeded');
        assert.equal((await result('weir-commit-policies', G, { body: {} })).failed, 1); // one name for two
        assert.equal((await judged({ model: 'other' })).enforcement.reason, 'blocked');
        await call('weir-delete-policy', { ...G, P: id });
        paths.P = (await result('weir-create-policy', G, { body: PEOPLE, query: { commit: true } })).id;
    });

    await t.test('the dashboard’s session', async () => {
        await call('weir-sign-in', {}, { body: { token: TOKEN }, headers: { Authorization: '' } });
        await call('weir-get-session', {});
        await call('weir-sign-out', {}, { headers: { 'x-weir-ui': '1' } });
        await call('weir-list-ways-to-sign-in', {});
        const there = await call('weir-sign-in-with-provider', {}, { query: { to: '/logs' }, status: 302 });
        const back = new URL(provider.visit(there.location));
        await call('weir-sign-in-callback', {}, { query: Object.fromEntries(back.searchParams), headers: { Cookie: there.cookie } });
        await call('weir-sign-in-callback', {}, { query: Object.fromEntries(back.searchParams), status: 400 });
        const again = await send('GET', '/weir/signin'), { cookie } = await send('GET', provider.visit(again.location).replace(/.*client\/v4/, ''), undefined, { Cookie: again.cookie });
        await call('weir-get-session', {}, { headers: { Authorization: undefined, Cookie: cookie } });
        await call('weir-sign-out', {}, { headers: { Authorization: undefined, 'x-weir-ui': '1', Cookie: cookie } });
        await call('weir-get-openapi', {});
        await call('weir-list-providers', {});
        await call('audit-logs-get-account-audit-logs', A);
    });

    await t.test('queries take what they are said to take', async () => {
        let tried = 0;
        for (const [id, { method, parameters }] of api.operations)
            for (const { name, schema, required } of parameters.filter((p) => p.in === 'query')) {
                const needed = Object.fromEntries(parameters.filter((p) => p.in === 'query' && p.required && p.name !== name).map((p) => [p.name, p.schema.enum[0]]));
                if (required) await call(id, paths, { query: needed, status: 400 });
                for (const value of wrongValues(schema)) {
                    const { errors } = await call(id, paths, { query: { ...needed, [name]: value }, status: 400, ...(method !== 'GET' && method !== 'DELETE' && { body: PEOPLE }) });
                    assert.ok(errors.some((e) => e.path[0] === 'query' && e.path.slice(1).join('.') === name), `${id}: ${name}=${value}: ${JSON.stringify(errors)}`);
                    tried++;
                }
                if (method === 'GET' && id !== 'weir-tail-gateway-logs')
                    for (const value of rightValues(schema)) await call(id, paths, { query: { ...needed, [name]: value } });
            }
        assert.ok(tried > 100, `${tried} wrong values`);
    });

    await t.test('and what is left', async () => {
        await call('aig-config-delete-gateway-dynamic-route', { ...G, R });
        await call('aig-config-delete-gateway-logs', G);
        const refused = (id) => !api.operations.get(id).responses[200];
        assert.deepEqual([...api.operations.keys()].filter((id) => !api.called.has(id) && !refused(id)), [], 'every operation was called');
    });

    await t.test('what is declared is there', () => {
        const answers = new Set(); // what can be reached from an answer
        const reach = (s) => {
            if (typeof s !== 'object' || s === null) return;
            const name = s.$ref?.match(/schemas\/(\w+)$/)?.[1];
            if (name && !answers.has(name)) { answers.add(name); reach(api.document.components.schemas[name]); }
            Object.values(s).forEach(reach);
        };
        for (const { responses } of api.operations.values()) reach(responses);
        const declared = [...answers].flatMap((name) => Object.keys(api.document.components.schemas[name].properties).map((key) => `${name}.${key}`));
        assert.ok(declared.length > 300, `${declared.length} members`);
        // the first needs a hundred thousand rows, the others TLS: domains.test.mjs
        assert.deepEqual(declared.filter((key) => !api.seen.has(key)).sort(), ['DomainCertificate.expires_at', 'DomainCertificate.named', 'LogResultInfo.weir_total_is_estimate']);
    });
});
