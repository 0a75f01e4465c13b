// SPDX-License-Identifier: Apache-2.0
// Custom providers and their costs (control plane 8, data plane 29): managed by the official client, used on every
// surface, priced exactly.
import test from 'node:test';
import assert from 'node:assert/strict';
import Cloudflare from 'cloudflare';
import OpenAI from 'openai';
import { answers, chat, configure, rowsOf } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const account_id = ACCOUNT;

async function world(t, script = answers(200, chat()), config = { egress: { allow: ['127.0.0.0/8'] } }) {
    const up = await startUpstream(t, script);
    const weir = await startWeir(t, { config });
    const api = new Cloudflare({ apiToken: TOKEN, baseURL: `http://127.0.0.1:${weir.port}/client/v4`, maxRetries: 0 });
    /** What the client has no words for: PATCH, costs. */
    const raw = async (method, path, value) => {
        const got = await weir.api(method, `/custom-providers${path}`, value);
        if (got.status !== 200) throw Object.assign(new Error(got.text), { status: got.status });
        return got.json.result;
    };
    const edit = (id, value) => raw('PATCH', `/${id}`, value);
    const create = (more = {}) => api.aiGateway.customProviders.create({ account_id, name: 'Ours', slug: 'ours', base_url: `${up.origin}/base`, enable: true, ...more });
    const ask = (to, body, headers = {}) => weir.request({ to, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) });
    return { up, weir, api, raw, edit, create, ask };
}

const body = { model: 'llama-3', messages: [{ role: 'user', content: 'ping' }] };

test('the official client registers, lists, changes and deletes one', async (t) => {
    const { up, api, edit, create } = await world(t);
    const made = await create({ enable: undefined, beta: true, description: 'On our own machines.', headers: '{"x-team":"a"}', position: 2 });
    assert.equal(made.enable, false); // as the original has it
    assert.deepEqual([made.name, made.slug, made.base_url, made.beta, made.headers], ['Ours', 'ours', `${up.origin}/base`, true, '{"x-team":"a"}']);
    assert.equal(made.created_at, made.modified_at);
    await create({ name: 'First', slug: 'first', position: 1 });
    assert.deepEqual((await api.aiGateway.customProviders.list({ account_id })).result.map((p) => p.slug), ['first', 'ours']);
    assert.deepEqual((await api.aiGateway.customProviders.list({ account_id, beta: true })).result.map((p) => p.slug), ['ours']);
    assert.deepEqual((await api.aiGateway.customProviders.list({ account_id, search: 'machines' })).result.map((p) => p.slug), ['ours']);
    const changed = await edit(made.id, { enable: true });
    assert.deepEqual([changed.enable, changed.description], [true, 'On our own machines.']);
    assert.equal((await api.aiGateway.customProviders.get(made.id, { account_id })).enable, true);
    await assert.rejects(create(), (e) => e.status === 409);
    assert.equal((await api.aiGateway.customProviders.delete(made.id, { account_id })).slug, 'ours');
    await assert.rejects(api.aiGateway.customProviders.get(made.id, { account_id }), (e) => e.status === 404);
});

test('native path, Universal, compat and the REST host reach it', async (t) => {
    const { up, weir, create, ask } = await world(t);
    await create({ headers: '{"x-team":"a","Authorization":"Bearer fallback"}' });
    const native = await ask('custom-ours/v1/chat/completions?x=1', body, { Authorization: 'Bearer sk-own', 'X-Team': 'mine' });
    assert.equal(native.status, 200, native.text);
    assert.equal(up.last.target, '/base/v1/chat/completions?x=1');
    assert.deepEqual([up.last.header('authorization'), up.last.header('x-team')], ['Bearer sk-own', 'a']);
    const universal = await ask('', [{ provider: 'custom-ours', endpoint: 'v1/chat/completions', query: body }]);
    assert.equal(universal.status, 200, universal.text);
    assert.deepEqual([up.last.target, up.last.header('authorization')], ['/base/v1/chat/completions', 'Bearer fallback']);
    const compat = await ask('compat/chat/completions', { ...body, model: 'custom-ours/org/llama-3' });
    assert.equal(compat.status, 200, compat.text);
    assert.deepEqual([up.last.target, up.last.json.model], ['/base/v1/chat/completions', 'org/llama-3']);
    const rest = new OpenAI({ apiKey: TOKEN, baseURL: `http://127.0.0.1:${weir.port}/client/v4/accounts/${ACCOUNT}/ai/v1`, maxRetries: 0 });
    assert.equal((await rest.chat.completions.create({ ...body, model: 'custom-ours/llama-3' })).choices[0].message.content, 'Hi');
    const [row] = await rowsOf(weir, compat);
    assert.deepEqual([row.provider, row.model, row.tokens_in, row.tokens_out], ['custom-ours', 'org/llama-3', 7, 2]);
});

test('where chat is: by the version in the base, or as the account says', async (t) => {
    const { up, edit, create, ask } = await world(t);
    const made = await create({ base_url: `${up.origin}/openai/v2/` });
    const call = async () => (await ask('compat/chat/completions', { ...body, model: 'custom-ours/m' }), up.last.target);
    assert.equal(await call(), '/openai/v2/chat/completions');
    await edit(made.id, { weir_chat_path: '/v9/talk' });
    assert.equal(await call(), '/openai/v2/v9/talk');
});

test('not registered, or not enabled: no such provider', async (t) => {
    const { up, edit, create, ask } = await world(t);
    const made = await create();
    await edit(made.id, { enable: false });
    for (const slug of ['custom-ours', 'custom-other', 'custom-']) {
        const got = await ask(`${slug}/v1/chat/completions`, body);
        assert.deepEqual([got.status, got.json.error[0].code], [400, 2008]);
        const compat = await ask('compat/chat/completions', { ...body, model: `${slug}/m` });
        assert.deepEqual([compat.status, compat.json.error[0].code], [400, 2019]);
    }
    assert.equal(up.requests.length, 0);
});

test('costs: the account\'s prices count, the closest rule first, to the last digit', async (t) => {
    const { weir, api, raw, create, ask } = await world(t, answers(200, chat('Hi', { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, prompt_tokens_details: { cached_tokens: 400 } })));
    const made = await create();
    const add = (more) => raw('POST', '/costs', { account_provider_id: made.id, cost_in: 0.000001, cost_out: 0.000002, ...more });
    const cost = async (model) => {
        const [row] = await rowsOf(weir, await ask('custom-ours/v1/chat/completions', { ...body, model }));
        return [row.cost, row.custom_cost];
    };
    assert.deepEqual(await cost('llama-3-8b'), [null, false]);
    const rule = await add({ model: 'llama', model_rule: 'contains' });
    assert.deepEqual(await cost('llama-3-8b'), [0.0014, true]);
    const close = await add({ model: 'llama-3', model_rule: 'starts-with', token_pricing: { input_cached_tokens: 1e-7 } });
    assert.equal(close.token_pricing, '{"input_cached_tokens":1e-7}');
    assert.ok(close.weight > rule.weight);
    assert.deepEqual(await cost('llama-3-8b'), [0.00104, true]);
    await add({ model: 'llama-3-8b', cost_in: 0, cost_out: 0.00001 });
    assert.deepEqual(await cost('llama-3-8b'), [0.002, true]);
    const listed = (await weir.request({ to: 'compat/models' })).json.data.filter((m) => m.owned_by === 'custom-ours');
    assert.deepEqual(listed, [{ id: 'custom-ours/llama-3-8b', object: 'model', created_at: 0, owned_by: 'custom-ours', cost_in: 0, cost_out: 0.00001 }]);
    assert.deepEqual(await cost('old-llama'), [0.0014, true]);
    assert.equal((await raw('GET', `/costs?account_provider_id=${made.id}&model_rule=equals`)).length, 1);
    await raw('PATCH', `/costs/${rule.id}`, { enable: false });
    assert.deepEqual(await cost('old-llama'), [null, false]);
    await assert.rejects(add({ model: 'llama', model_rule: 'contains' }), (e) => e.status === 400 && /Another rule/.test(e.message));
    await assert.rejects(add({ model: 'x', cost_in: 2 }), (e) => e.status === 400);
    await raw('DELETE', `/costs/${close.id}`);
    await api.aiGateway.customProviders.delete(made.id, { account_id });
    assert.equal((await raw('GET', '/costs')).length, 0); // they go with it
});

test('a change forgets what was cached', async (t) => {
    const { weir, edit, create, ask } = await world(t);
    await configure(weir, { cache_ttl: 60 });
    const made = await create();
    const status = async () => (await ask('custom-ours/v1/chat/completions', body)).header('cf-aig-cache-status');
    assert.deepEqual([await status(), await status()], ['MISS', 'HIT']);
    await edit(made.id, { description: 'another' });
    assert.deepEqual([await status(), await status()], ['MISS', 'HIT']);
});

test('without TLS only into networks the operator names', async (t) => {
    const { up, create, ask } = await world(t, answers(200, chat()), {});
    await create();
    const got = await ask('custom-ours/v1/chat/completions', body);
    assert.deepEqual([got.status, got.json.error[0].code], [400, 2005]);
    assert.match(got.json.description, /egress/);
    assert.equal(up.requests.length, 0);
});

test('what is wrong is named', async (t) => {
    const { weir } = await world(t);
    const base = { name: 'x', slug: 'x', base_url: 'https://x.example' };
    const cases = [
        [{ ...base, slug: 'Not OK' }, 'slug'], [{ ...base, base_url: 'ftp://x' }, 'base_url'], [{ ...base, base_url: 'x.example' }, 'base_url'], [{ ...base, headers: 'x: y' }, 'headers'],
        [{ ...base, headers: '{"Host":"x"}' }, 'headers'], [{ ...base, headers: '{"x":"a\\nb"}' }, 'headers'], [{ ...base, headers: { x: 'y' } }, 'headers'], [{ ...base, enable: 'yes' }, 'enable'],
        [{ slug: 'x', base_url: base.base_url }, 'name'], [{ ...base, weir_chat_path: '../x' }, 'weir_chat_path'],
    ];
    for (const [value, member] of cases) {
        const got = await weir.request({ path: `/client/v4/accounts/${ACCOUNT}/ai-gateway/custom-providers`, auth: false, headers: { Authorization: `Bearer ${TOKEN}` }, body: JSON.stringify(value) });
        assert.equal(got.status, 400, JSON.stringify(value));
        assert.deepEqual([got.json.errors[0].code, got.json.errors[0].path], [7001, ['body', member]]);
    }
});
