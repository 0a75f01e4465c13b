// SPDX-License-Identifier: Apache-2.0
// The log: one row for each attempt with every field, bodies as they were, readable at once.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { BIN, startWeir } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

const chat = (model, usage) => ({ id: 'chatcmpl-1', object: 'chat.completion', model, choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }], usage });

test('a row has every field', async (t) => {
    const up = await startUpstream(t, (req, res) => res.json(200, chat('gpt-4o-mini-2024-07-18', {
        prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500, prompt_tokens_details: { cached_tokens: 200 }, completion_tokens_details: { reasoning_tokens: 100 } })));
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const body = '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Grüße"}]}';
    const sent = Date.now();
    const a = await weir.request({ to: 'openai/v1/chat/completions', body: Buffer.from(body, 'utf8'),
        headers: { 'Content-Type': 'application/json', 'User-Agent': 'flow/1.0', 'cf-aig-metadata': '{"user":"u-7","n":3,"ok":true}', 'cf-aig-event-id': 'ev-1' } });
    const id = a.header('cf-aig-log-id');
    const [row] = await weir.logs();
    assert.equal(row.id, id);
    assert.ok(Math.abs(new Date(row.created_at).getTime() - sent) < 5000);
    assert.match(row.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(row.provider, 'openai');
    assert.match(row.model, /^gpt-4o-mini/);
    assert.equal(row.model_type, 'chat');
    assert.equal(row.path, 'v1/chat/completions');
    assert.equal(row.success, true);
    assert.equal(row.cached, false);
    assert.equal(row.status_code, 200);
    assert.ok(Number.isInteger(row.duration) && row.duration >= 0 && row.duration < 10000);
    assert.equal(row.tokens_in, 1000);
    assert.equal(row.tokens_out, 500);
    // 800 fresh at 0.15, 200 cached at 0.075, 500 out at 0.60 USD a million
    assert.equal(row.cost, 0.000435);
    assert.equal(row.custom_cost, false);
    assert.deepEqual(row.metadata, { user: 'u-7', n: 3, ok: true });
    assert.equal(row.step, 0);
    assert.equal(row.event_id, 'ev-1');
    assert.equal(row.request_content_type, 'application/json');
    assert.equal(row.response_content_type, 'application/json');
    assert.equal(row.user_agent, 'flow/1.0');
    assert.equal(row.authentication, true);
    assert.deepEqual([row.wholesale, row.byok], [false, false]);
    const u = row.usage_metadata;
    assert.deepEqual([u.input_tokens, u.output_tokens, u.total_tokens, u.output_reasoning_tokens, u.input_cached_tokens], [1000, 500, 1500, 100, 200]);
    assert.ok(row.timings.total >= row.timings.latency && row.timings.latency >= 0);
    const detail = await weir.log(id);
    assert.equal(detail.request_head, body);
    assert.equal(detail.request_head_complete, true);
    assert.equal(detail.request_size, Buffer.byteLength(body));
    assert.equal(detail.response_size, a.body.length);
    assert.equal(detail.response_head, a.text);
    const request = await weir.logBody(id, 'request');
    assert.equal(request.text, body);
    assert.match(request.header('content-type'), /json/);
    assert.equal((await weir.logBody(id, 'response')).text, a.text);
});

test('streams are stored merged', async (t) => {
    const events = [{ role: 'assistant', content: 'Hel' }, { content: 'lo ' }, { content: '🌍' }].map((delta, i) => ({ id: 'c1', object: 'chat.completion.chunk', model: 'gpt-4o', choices: [{ index: 0, delta, finish_reason: i === 2 ? 'stop' : null }] }));
    const last = { id: 'c1', object: 'chat.completion.chunk', model: 'gpt-4o', choices: [], usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } };
    const up = await startUpstream(t, (req, res) => res.reply(200, { 'Content-Type': 'text/event-stream' },
        Buffer.from([...events, last].map((e) => `data: ${JSON.stringify(e)}\n\n`).join('') + 'data: [DONE]\n\n', 'utf8')));
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const a = await weir.request({ to: 'openai/chat/completions', body: '{"model":"gpt-4o","stream":true}' });
    const stored = await weir.logBody(a.header('cf-aig-log-id'), 'response');
    const merged = stored.json;
    assert.equal(merged.id, 'c1');
    assert.equal(merged.model, 'gpt-4o');
    assert.equal(merged.choices[0].delta.content, 'Hello 🌍');
    assert.equal(merged.choices[0].delta.role, 'assistant');
    assert.deepEqual(merged.usage, last.usage);
    assert.deepEqual(merged.streamed_data, [...events, last]);
});

test('paging, order, limits of the list', async (t) => {
    const up = await startUpstream(t, (req, res) => res.json(Number(req.header('x-status') ?? 200), chat(req.json.model, { prompt_tokens: req.json.n, completion_tokens: 1, total_tokens: req.json.n + 1 })));
    const weir = await startWeir(t, { providers: { openai: up.origin, groq: up.origin } });
    const ids = [];
    for (let n = 1; n <= 25; n++) {
        const a = await weir.request({ to: `${n % 2 ? 'openai' : 'groq'}/chat/completions`, headers: n === 3 ? { 'X-Status': '500' } : {}, body: JSON.stringify({ model: `m-${String(n).padStart(2, '0')}`, n }) });
        ids.push(a.header('cf-aig-log-id'));
    }
    const list = async (query) => (await weir.api('GET', `/gateways/default/logs?${query}`)).json;
    const first = await list('');
    assert.deepEqual(first.result.map((r) => r.id), ids.toReversed().slice(0, 20));
    assert.deepEqual([first.result_info.page, first.result_info.per_page, first.result_info.count, first.result_info.total_count], [1, 20, 20, 25]);
    const second = await list('page=2');
    assert.deepEqual(second.result.map((r) => r.id), ids.toReversed().slice(20));
    const none = await list('page=99');
    assert.deepEqual([none.success, none.result], [true, []]);
    const asc = await list('order_by=created_at&order_by_direction=asc&per_page=50');
    assert.deepEqual(asc.result.map((r) => r.id), ids);
    const models = await list('order_by=model&order_by_direction=asc&per_page=3');
    assert.deepEqual(models.result.map((r) => r.model), ['m-01', 'm-02', 'm-03']);
    const tokens = await list('order_by=tokens_in&order_by_direction=desc&per_page=2');
    assert.deepEqual(tokens.result.map((r) => r.tokens_in), [25, 24]);
    const providers = await list('order_by=provider&order_by_direction=asc&per_page=1');
    assert.equal(providers.result[0].provider, 'groq');
    const failed = await list('order_by=success&order_by_direction=asc&per_page=1');
    assert.equal(failed.result[0].id, ids[2]);
    for (const query of ['per_page=51', 'per_page=0', 'page=0', 'page=x', 'order_by=nonsense', 'order_by_direction=sideways']) {
        const a = await weir.api('GET', `/gateways/default/logs?${query}`);
        assert.equal(a.status, 400, query);
        assert.equal(a.json.success, false);
        assert.equal(a.json.errors[0].code, 7001);
    }
});

test('what is not there: 404 / 7002', async (t) => {
    const weir = await startWeir(t);
    const id = '01990000-0000-7000-8000-000000000000';
    for (const rest of [`/gateways/default/logs/${id}`, `/gateways/default/logs/${id}/request`, `/gateways/default/logs/${id}/response`, '/gateways/nosuch/logs', '/gateways/default/logs/nonsense',
        '/gateways/default/logs/01M1KZ00000000000000000000']) {
        const a = await weir.api('GET', rest);
        assert.equal(a.status, 404, rest);
        assert.equal(a.json.success, false);
        assert.equal(a.json.errors[0].code, 7002);
    }
});

test('a gateway without logs leaves no row and names none', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    await weir.createGateway({ id: 'quiet', collect_logs: false });
    const a = await weir.request({ gateway: 'quiet', to: 'openai/chat/completions', body: '{}' });
    assert.equal(a.status, 200);
    assert.equal(a.header('cf-aig-log-id'), undefined);
    assert.ok(a.header('cf-aig-request-id'));
    assert.deepEqual(await weir.logs({ gateway: 'quiet' }), []);
});

test('gateways keep their logs apart', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    await weir.createGateway({ id: 'b' });
    const a = await weir.request({ to: 'openai/x', body: '{}' });
    const b = await weir.request({ gateway: 'b', to: 'openai/x', body: '{}' });
    assert.deepEqual((await weir.logs()).map((r) => r.id), [a.header('cf-aig-log-id')]);
    assert.deepEqual((await weir.logs({ gateway: 'b' })).map((r) => r.id), [b.header('cf-aig-log-id')]);
    assert.equal((await weir.api('GET', `/gateways/b/logs/${a.header('cf-aig-log-id')}`)).status, 404);
});

test('bodies: binary, empty, long', async (t) => {
    const up = await startUpstream(t, (req, res) => res.reply(200, { 'Content-Type': req.header('content-type') ?? 'text/plain' }, req.body));
    const weir = await startWeir(t, { providers: { openai: up.origin }, limits: { max_log_body_bytes: 100_000 } });
    const post = (body, type) => weir.request({ to: 'openai/x', body, headers: { 'Content-Type': type } });
    const text = `{"text":"${'ž'.repeat(40_000)}"}`;
    const a = await post(Buffer.from(text, 'utf8'), 'application/json');
    const stored = await weir.logBody(a.header('cf-aig-log-id'), 'request');
    assert.equal(stored.text, text);
    const detail = await weir.log(a.header('cf-aig-log-id'));
    assert.equal(detail.request_head_complete, false);
    assert.ok(text.startsWith(detail.request_head) && detail.request_head.length > 1000, 'cut on a character boundary');
    const big = await post('x'.repeat(100_001), 'text/plain');
    assert.equal(big.body.length, 100_001);
    const row = await weir.log(big.header('cf-aig-log-id'));
    assert.equal(row.request_size, 100_001);
    assert.equal((await weir.logBody(row.id, 'request')).status, 404);
    const empty = await weir.request({ to: 'openai/models' });
    assert.equal((await weir.log(empty.header('cf-aig-log-id'))).request_size, 0);
});

test('an unknown model has tokens and no cost; errors cost nothing', async (t) => {
    const up = await startUpstream(t, (req, res) => res.json(200, chat('no-such-model-9', { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 })));
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const a = await weir.request({ to: 'openai/chat/completions', body: '{"model":"no-such-model-9"}' });
    const row = await weir.log(a.header('cf-aig-log-id'));
    assert.deepEqual([row.tokens_in, row.tokens_out, row.cost], [4, 2, null]);
});

test('weir logs tail and search read a running daemon\'s log', async (t) => {
    const up = await startUpstream(t, (req, res) => res.json(200, chat('gpt-4o', { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 })));
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const one = await weir.request({ to: 'openai/chat/completions', body: '{"model":"gpt-4o"}', headers: { 'cf-aig-event-id': 'needle-1' } });
    await weir.log(one.header('cf-aig-log-id'));
    const data = path.join(weir.dir, 'data');
    const out = execFileSync(BIN, ['logs', 'search', '--data', data, 'needle-1'], { encoding: 'utf8', timeout: 10000 });
    assert.ok(out.includes(one.header('cf-aig-log-id')) || out.includes('needle-1'), out);
    const none = execFileSync(BIN, ['logs', 'search', '--data', data, 'nothing-like-it'], { encoding: 'utf8', timeout: 10000 });
    assert.ok(!none.includes(one.header('cf-aig-log-id')));
    const tail = spawn(BIN, ['logs', 'tail', '--data', data], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => tail.kill());
    let seen = '';
    tail.stdout.on('data', (d) => (seen += d));
    const two = await weir.request({ to: 'openai/chat/completions', body: '{"model":"gpt-4o"}' });
    const { poll } = await import('./lib/wait.mjs');
    await poll('the new row in the tail', async () => seen.includes('gpt-4o') && (seen.includes(two.header('cf-aig-log-id')) || seen.split('\n').length > 1));
});
