// SPDX-License-Identifier: Apache-2.0
// Dynamic routes (control plane 9): routes, versions and deployments with the official client, in their literal shapes;
// what is refused, with its place; what a request for one is told.
import test from 'node:test';
import assert from 'node:assert/strict';
import Cloudflare from 'cloudflare';
import OpenAI from 'openai';
import { once } from './lib/http.mjs';
import { answers, chat } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const account_id = ACCOUNT, gateway_id = 'team-a';
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const to = (elementId) => ({ elementId });
const model = (id, provider, next = 'e', more = {}) => ({ id, type: 'model', properties: { provider, model: 'm', timeout: 9000, retries: 1, ...more }, outputs: { success: to('e'), fallback: to(next) } });
const start = (next) => ({ id: 's', type: 'start', outputs: { next: to(next) } });
const end = { id: 'e', type: 'end', outputs: {} };
const simple = (provider = 'openai') => [start('m'), model('m', provider), end];
const whole = [
    start('c'),
    { id: 'c', type: 'conditional', properties: { conditions: { 'metadata.plan': { $eq: 'paid' } } }, outputs: { true: to('q'), false: to('p') } },
    { id: 'q', type: 'rate', properties: { key: 'metadata.user_id', limit: 20, limitType: 'count', window: 3600 }, outputs: { success: to('big'), fallback: to('small') } },
    { id: 'p', type: 'percentage', outputs: { '12.5%': to('big'), else: to('small') } },
    model('big', 'anthropic', 'small'), model('small', 'workers-ai', 'e', { model: '@cf/meta/llama-3.1-8b-instruct' }), end,
];

test('dynamic routes', async (t) => {
    const up = await startUpstream(t, answers(200, chat()));
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    await weir.createGateway({ id: gateway_id });
    const baseURL = `http://127.0.0.1:${weir.port}/client/v4`;
    const client = new Cloudflare({ apiToken: TOKEN, baseURL, maxRetries: 0 });
    const api = client.aiGateway.dynamicRouting;
    const raw = (method, rest, body, gateway = gateway_id) => weir.api(method, `/gateways/${gateway}/routes${rest}`, body);
    const at = { account_id, gateway_id };
    const make = (name, elements = simple()) => api.create(gateway_id, { account_id, name, elements });
    const keys = (o) => Object.keys(o).sort();
    const ROUTE = ['created_at', 'deployment', 'elements', 'gateway_id', 'id', 'modified_at', 'name', 'version'];
    const TAGGED = [...ROUTE, 'account_tag'].sort(), BARE = ['created_at', 'elements', 'gateway_id', 'id', 'modified_at', 'name'];
    const VERSION = ['active', 'created_at', 'data', 'is_valid', 'version_id'], DEPLOYMENT = ['created_at', 'deployment_id', 'version_id'];

    await t.test('the official client makes, lists, renames and deletes them', async () => {
        const made = await make('support', whole);
        assert.deepEqual(keys(made), ROUTE);
        assert.deepEqual([made.name, made.gateway_id, made.elements], ['support', gateway_id, whole]);
        assert.match(made.id, UUID);
        assert.match(made.created_at, ISO);
        assert.deepEqual(keys(made.version), VERSION);
        assert.deepEqual([made.version.active, made.version.is_valid, JSON.parse(made.version.data)], ['true', true, whole]);
        assert.deepEqual(keys(made.deployment), DEPLOYMENT);
        assert.equal(made.deployment.version_id, made.version.version_id, 'the first version is deployed at once');
        assert.deepEqual(await api.get(made.id, at), made);
        const noted = await raw('POST', '', { name: 'noted', elements: simple() });
        assert.match(noted.json.messages[0].message, /does not run it yet/);

        const listed = await api.list(gateway_id, { account_id });
        assert.deepEqual(keys(listed), ['data', 'errors', 'messages', 'success']);
        assert.deepEqual(keys(listed.data), ['order_by', 'order_by_direction', 'page', 'per_page', 'routes']);
        assert.deepEqual([listed.data.page, listed.data.per_page, listed.data.order_by, listed.data.order_by_direction], [1, 20, 'created_at', 'desc']);
        assert.deepEqual(listed.data.routes.map((r) => r.name), ['noted', 'support']);
        assert.deepEqual(listed.data.routes[1], { ...made, account_tag: ACCOUNT });
        assert.deepEqual((await api.list(gateway_id, { account_id, page: 2, per_page: 1 })).data.routes.map((r) => r.name), ['support']);
        assert.deepEqual((await api.list(gateway_id, { account_id, page: 3, per_page: 1 })).data.routes, []);
        await assert.rejects(api.list(gateway_id, { account_id, per_page: 101 }), (e) => e.status === 400 && e.errors[0].code === 7001);

        const renamed = await api.update(made.id, { ...at, name: 'help desk/2' });
        assert.deepEqual(keys(renamed), ['errors', 'messages', 'route', 'success']);
        assert.deepEqual(keys(renamed.route), TAGGED);
        assert.deepEqual([renamed.route.name, renamed.route.version, renamed.route.deployment], ['help desk/2', made.version, made.deployment], 'no new version');
        await assert.rejects(api.update(made.id, { ...at, name: 'noted' }), (e) => e.status === 409 && e.errors[0].path.join() === 'body,name');
        const ignored = await raw('PATCH', `/${made.id}`, { name: 'support', elements: simple() });
        assert.match(ignored.json.messages[0].message, /new version/);
        assert.deepEqual(ignored.json.route.elements, whole);

        const gone = await api.delete(made.id, at);
        assert.deepEqual(keys(gone), BARE);
        assert.deepEqual([gone.name, gone.elements], ['support', whole]);
        for (const call of [() => api.get(made.id, at), () => api.update(made.id, { ...at, name: 'x' }), () => api.delete(made.id, at), () => api.listVersions(made.id, at), () => api.getVersion(made.version.version_id, { ...at, id: made.id })])
            await assert.rejects(call(), (e) => e.status === 404 && e.errors[0].code === 7002);
        assert.equal((await raw('GET', `/${noted.json.result.id}`, undefined, 'default')).status, 404, 'a route of another gateway is not there');
        await api.delete(noted.json.result.id, at);
    });

    await t.test('versions are inert until they are deployed; an older one is a roll-back', async () => {
        const first = await make('versioned');
        const second = await api.createVersion(first.id, { ...at, elements: simple('groq') });
        assert.deepEqual([second.id, second.name, second.elements, second.active], [first.id, 'versioned', simple('groq'), 'false']);
        assert.deepEqual((await api.get(first.id, at)).elements, simple());
        const one = await api.getVersion(second.version_id, { ...at, id: first.id });
        assert.deepEqual([one.id, one.version_id, one.active, one.is_valid, JSON.parse(one.data), one.elements], [first.id, second.version_id, 'false', true, simple('groq'), simple('groq')]);

        const deployed = await api.createDeployment(first.id, { ...at, version_id: second.version_id });
        assert.deepEqual([deployed.id, deployed.name, deployed.elements, deployed.version_id], [first.id, 'versioned', simple('groq'), second.version_id]);
        const now = await api.get(first.id, at);
        assert.deepEqual([now.elements, now.version.version_id, now.deployment.version_id, now.deployment.deployment_id], [simple('groq'), second.version_id, second.version_id, deployed.deployment_id]);
        assert.ok(now.modified_at > first.modified_at);

        await api.createDeployment(first.id, { ...at, version_id: first.version.version_id });
        const versions = await api.listVersions(first.id, at);
        assert.deepEqual(keys(versions.data), ['order_by', 'order_by_direction', 'page', 'per_page', 'versions']);
        assert.deepEqual(versions.data.versions.map((v) => [v.version_id, v.active]), [[second.version_id, 'false'], [first.version.version_id, 'true']]);
        assert.deepEqual(versions.data.versions.map(keys), [VERSION, VERSION]);
        const deployments = await api.listDeployments(first.id, at);
        assert.deepEqual(deployments.data.deployments.map((d) => d.version_id), [first.version.version_id, second.version_id, first.version.version_id]);
        assert.deepEqual(keys(deployments.data.deployments[0]), DEPLOYMENT);
        assert.deepEqual((await api.get(first.id, at)).elements, simple());
        await api.delete(first.id, at);
    });

    await t.test('elements that will not do are refused with their place', async () => {
        const with_ = (element) => [start('x'), { id: 'x', ...element }, end];
        const elements = (...rest) => ['body', 'elements', ...rest];
        const wrong = [
            [{ elements: simple() }, ['body', 'name']], [{ name: 'x' }, elements()], [{ name: ' x', elements: simple() }, ['body', 'name']],
            [{ name: 'x'.repeat(129), elements: simple() }, ['body', 'name']], [{ name: 'x', elements: {} }, elements()], [{ name: 'x', elements: [] }, elements()],
            [{ name: 'x', elements: simple('opnai') }, elements(1, 'properties', 'provider')], [{ name: 'x', elements: simple('custom-none') }, elements(1, 'properties', 'provider')],
            [{ name: 'x', elements: with_({ type: 'loop' }) }, elements(1, 'type')],
            [{ name: 'x', elements: with_({ type: 'conditional', properties: { conditions: { 'metadata.a.b': { $like: 1 } } }, outputs: { true: to('e'), false: to('e') } }) },
                elements(1, 'properties', 'conditions', 'metadata.a.b', '$like')],
            [{ name: 'x', elements: with_({ type: 'percentage', outputs: { '33.3%': to('nowhere'), else: to('e') } }) }, elements(1, 'outputs', '33.3%', 'elementId')],
            [{ name: 'x', elements: [start('a'), model('a', 'openai', 'b'), model('b', 'openai', 'a'), end] }, elements(2, 'outputs', 'fallback', 'elementId')],
            [{ name: 'x', elements: [start('e'), start('e'), end] }, elements(1, 'id')],
        ];
        for (const [body, path] of wrong) {
            const a = await raw('POST', '', body);
            assert.deepEqual([a.status, a.json.success, a.json.errors[0].code, a.json.errors[0].path], [400, false, 7001, path], JSON.stringify(body));
        }
        assert.equal((await raw('POST', '', 'x')).status, 400);
        assert.deepEqual((await raw('GET', '')).json.data.routes, []);
    });

    await t.test('a version that makes no graph is kept, and cannot be deployed', async () => {
        const route = await make('drafts');
        const draft = await raw('POST', `/${route.id}/versions`, { elements: [start('m'), model('m', 'openai', 'm'), end] });
        assert.deepEqual([draft.status, draft.json.result.is_valid], [200, false], draft.text);
        assert.match(draft.json.messages[0].message, /elements\.1\.outputs\.fallback\.elementId: This leads in a circle/);
        const refused = await raw('POST', `/${route.id}/deployments`, { version_id: draft.json.result.version_id });
        assert.deepEqual([refused.status, refused.json.errors[0].code, refused.json.errors[0].path], [400, 7001, ['body', 'version_id']]);
        assert.match(refused.json.errors[0].message, /elements\.1\.outputs\.fallback/);
        assert.equal((await api.listVersions(route.id, at)).data.versions[0].is_valid, false);
        assert.equal((await raw('POST', `/${route.id}/versions`, { elements: simple('opnai') })).status, 400, 'what is no element is not kept');

        const other = await make('other');
        for (const version_id of [other.version.version_id, route.id, 'x', 7, undefined]) {
            const a = await raw('POST', `/${route.id}/deployments`, { version_id });
            assert.deepEqual([a.status, a.json.errors[0].path], [400, ['body', 'version_id']], String(version_id));
        }
        assert.equal((await raw('GET', `/${route.id}/versions/${other.version.version_id}`)).status, 404);

        const custom = await client.aiGateway.customProviders.create({ account_id, name: 'Ours', slug: 'ours', base_url: 'https://example.com', enable: true });
        const mine = await api.createVersion(route.id, { ...at, elements: simple('custom-ours') });
        assert.equal(mine.is_valid, true);
        await client.aiGateway.customProviders.delete(custom.id, { account_id });
        assert.equal((await api.getVersion(mine.version_id, { ...at, id: route.id })).is_valid, false, 'its provider is gone');
        await assert.rejects(api.createDeployment(route.id, { ...at, version_id: mine.version_id }), (e) => e.status === 400 && /custom-ours/.test(e.message));
        for (const r of [route, other]) await api.delete(r.id, at);
    });

    await t.test('a request for a route is told that it is not run yet; for none, that there is none', async () => {
        await make('support');
        const ask = (name, gateway) => weir.request({ to: 'compat/chat/completions', gateway, headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ model: `dynamic/${name}`, messages: [{ role: 'user', content: 'x' }] }) });
        const known = await ask('support', gateway_id);
        assert.deepEqual([known.status, known.json.error[0].code, known.json.name], [501, 2000, 'AiGatewayError']);
        assert.match(known.json.description, /"support" is kept/);
        for (const [name, gateway] of [['nope', gateway_id], ['support', 'default'], ['', gateway_id]]) {
            const got = await ask(name, gateway);
            assert.deepEqual([got.status, got.json.error], [400, [{ code: 2008, message: `Model not found: dynamic/${name}` }]]);
        }
        const rest = new OpenAI({ apiKey: TOKEN, baseURL: `${baseURL}/accounts/${ACCOUNT}/ai/v1`, maxRetries: 0, defaultHeaders: { 'cf-aig-gateway-id': gateway_id } });
        const call = (name) => rest.chat.completions.create({ model: `dynamic/${name}`, messages: [{ role: 'user', content: 'x' }] });
        await assert.rejects(call('support'), (e) => e.status === 501 && /kept/.test(e.message));
        await assert.rejects(call('nope'), (e) => e.status === 404 && /Model not found: dynamic\/nope/.test(e.message));
        assert.equal(up.requests.length, 0);
    });

    await t.test('they survive a restart, leave lines in the audit log, and go with their gateway', async () => {
        const before = await raw('GET', '');
        await weir.stop();
        await weir.start();
        assert.equal((await raw('GET', '')).text, before.text);
        const audit = await once(weir.port, { path: `/client/v4/accounts/${ACCOUNT}/audit_logs?per_page=1000`, headers: { Authorization: `Bearer ${TOKEN}` } });
        const lines = audit.json.result.map((l) => l.resource.type);
        for (const kind of ['route', 'route_version', 'route_deployment']) assert.ok(lines.includes(`ai_gateway.${kind}`), kind);
        await weir.api('DELETE', `/gateways/${gateway_id}`);
        await weir.createGateway({ id: gateway_id });
        assert.deepEqual((await raw('GET', '')).json.data.routes, []);
    });
});
