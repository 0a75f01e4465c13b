// SPDX-License-Identifier: Apache-2.0
// Whose price a log row shows: the caller's, the operator's rules, the catalogue; rules that are read again.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BIN, startWeir, tempDir } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

// control plane section 17: 1000 in, 400 of them cached, 200 out, as either style counts them
const openai = { id: 'x', object: 'chat.completion', model: 'gpt-4o-mini-2024-07-18', choices: [],
    usage: { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200, prompt_tokens_details: { cached_tokens: 400 } } };
const anthropic = { id: 'x', type: 'message', role: 'assistant', model: 'claude-sonnet-5', content: [],
    usage: { input_tokens: 600, cache_read_input_tokens: 400, cache_creation_input_tokens: 0, output_tokens: 200 } };
const price = '{"per_token_in":0.000001,"per_token_out":0.000004,"per_cache_read_token":0.0000001}';

const answerBoth = (req, res) => res.json(200, req.target.includes('messages') ? anthropic : openai);

async function ask(weir, to, headers = {}) {
    const model = to.includes('messages') ? 'claude-sonnet-5' : 'gpt-4o-mini';
    const a = await weir.request({ to, headers: { 'Content-Type': 'application/json', ...headers }, body: `{"model":"${model}"}` });
    assert.equal(a.status, 200);
    const row = await weir.log(a.header('cf-aig-log-id'));
    return [row.cost, row.custom_cost];
}

test('the caller names the price, to the last digit, whoever counts how', async (t) => {
    const up = await startUpstream(t, answerBoth);
    const weir = await startWeir(t, { providers: { openai: up.origin, anthropic: up.origin } });
    const custom = { 'cf-aig-custom-cost': price };
    assert.deepEqual(await ask(weir, 'openai/chat/completions', custom), [0.00144, true]);
    assert.deepEqual(await ask(weir, 'anthropic/v1/messages', custom), [0.00144, true]);
    assert.deepEqual(await ask(weir, 'openai/chat/completions', { 'CF-AIG-Custom-Cost': '{"total_cost":1e-7}' }), [1e-7, true]);
    const list = await ask(weir, 'openai/chat/completions');
    assert.deepEqual(list, [0.00024, false]); // 600 at 0.15, 400 at 0.075, 200 at 0.60 USD a million
    for (const bad of ['{"per_token_in":-1}', '{"per_token_in":"1"}', 'free', '{}'])
        assert.deepEqual(await ask(weir, 'openai/chat/completions', { 'cf-aig-custom-cost': bad }), list, bad);
    for (const r of up.requests) assert.ok(!r.names.some((n) => n.startsWith('cf-')));
});

test('price rules: before the catalogue, after the caller; SIGHUP reads them, mistakes keep the old', async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, 'rules.jsonc');
    const write = (rules) => fs.writeFileSync(file, `// ours\n${JSON.stringify(rules)}`);
    const rule = { provider: 'openai', model: 'gpt-4o', model_rule: 'starts-with', cost_in: 1e-6, cost_out: 2e-6 };
    write([rule]);
    const up = await startUpstream(t, answerBoth);
    const weir = await startWeir(t, { providers: { openai: up.origin }, config: { price_rules: file } });
    const cost = async (headers) => (await ask(weir, 'openai/chat/completions', headers))[0];
    assert.equal(await cost(), 0.0014);
    assert.equal(await cost({ 'cf-aig-custom-cost': price }), 0.00144);

    write([{ ...rule, cost_in: '1' }]);
    weir.child.signal('SIGHUP');
    await weir.child.line(/price_rules: .*rules\.jsonc: rule 1: "cost_in" needs dollars per token.*; the old settings stay/);
    assert.equal(await cost(), 0.0014);

    write([{ ...rule, token_pricing: { input_cached_tokens: 0 } }, { ...rule, model_rule: 'equals', model: 'gpt-4o-mini', cost_in: 1e-7 }]);
    weir.child.signal('SIGHUP');
    await weir.child.line(/settings read again/);
    await weir.barrier();
    assert.equal(await cost(), 0.0005);
});

test('a file of rules that is not understood ends the start', (t) => {
    const dir = tempDir(t);
    const rules = path.join(dir, 'rules.jsonc'), settings = path.join(dir, 'weir.jsonc');
    fs.writeFileSync(rules, '[{"provider": "openai", "model": "m", "cost_in": 1, "cost_out": 1, "token_pricing": {"input_video_tokens": 1}}]');
    fs.writeFileSync(settings, JSON.stringify({ listen: '127.0.0.1:0', data: path.join(dir, 'data'), price_rules: rules }));
    for (const args of [['check', settings], ['serve', '--config', settings]]) {
        const run = spawnSync(BIN, args, { encoding: 'utf8', timeout: 15000 });
        assert.ok(run.status > 0, run.stderr);
        assert.match(run.stderr, /rule 1: "input_video_tokens" cannot be priced: weir does not count it/);
    }
});

test('every provider is listed, with the models that have a price', async (t) => {
    const weir = await startWeir(t, {});
    const list = (await weir.request({ path: '/client/v4/weir/providers', headers: { Authorization: `Bearer ${weir.token}` } })).json.result;
    const slugs = [...fs.readFileSync(new URL('../../src/providers/providers.def', import.meta.url), 'utf8').matchAll(/^PROVIDER\("([^"]+)"/gm)].map(([, s]) => s);
    assert.deepEqual(list.map((p) => p.slug), slugs);
    const { providers } = JSON.parse(fs.readFileSync(new URL('../../data/prices.json', import.meta.url), 'utf8'));
    const models = (slug) => list.find((p) => p.slug === slug).models;
    const named = (slug) => Object.entries(providers[slug].models).flatMap(([m, { also = [] }]) => [m, ...also]).filter((m) => m !== '*');
    for (const slug of ['openai', 'anthropic', 'groq']) assert.deepEqual([...models(slug)].sort(), named(slug).sort(), slug);
    assert.deepEqual(models('elevenlabs'), []);
    assert.equal((await weir.request({ path: '/client/v4/weir/providers', auth: false })).status, 403);
});
