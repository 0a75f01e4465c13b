// SPDX-License-Identifier: Apache-2.0
// Streams: passed on event by event, byte for byte, however the bytes arrive; usage found on the way.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startWeir } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

const SSE = { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' };
const chunk = (delta, extra = {}) => `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', model: 'gpt-4o-2024-08-06',
    choices: [{ index: 0, delta, finish_reason: null }], ...extra })}\n\n`;
const usageChunk = `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', model: 'gpt-4o-2024-08-06', choices: [],
    usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } })}\n\n`;
const CONTENT = chunk({ role: 'assistant', content: 'Grüße ' }) + chunk({ content: '🌍 "usage":{"prompt_tokens":999}' }) + chunk({ content: '' });
const DONE = 'data: [DONE]\n\n';

const anthropic = (eol) => [
    ['message_start', { type: 'message_start', message: { id: 'msg_1', model: 'claude-sonnet-4-5-20250929', usage: { input_tokens: 25, output_tokens: 1, cache_read_input_tokens: 5, cache_creation_input_tokens: 0 } } }],
    ['content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }],
    ['ping', { type: 'ping' }],
    ['content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Žluťoučký 🐎\n' } }],
    ['content_block_stop', { type: 'content_block_stop', index: 0 }],
    ['message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 15 } }],
    ['message_stop', { type: 'message_stop' }],
].map(([name, data]) => `event: ${name}${eol}data: ${JSON.stringify(data)}${eol}${eol}`).join('');

/** Serves `script.stream` in the pieces of `script.cuts`, waiting between them until weir has seen each. */
async function streamer(t, slug, options = {}) {
    const script = { stream: Buffer.alloc(0), cuts: [], headers: SSE, framing: 'chunked', close: false };
    const world = {};
    const up = await startUpstream(t, async (req, res) => {
        const { stream, cuts, headers } = script;
        await res.head(200, script.framing === 'chunked' ? { ...headers, 'Transfer-Encoding': 'chunked' } : { ...headers, Connection: 'close' });
        let from = 0;
        for (const to of [...cuts, stream.length]) {
            const piece = stream.subarray(from, to);
            if (piece.length) await (script.framing === 'chunked' ? res.chunk(piece) : res.write(piece));
            if (to < stream.length) await world.weir.barrier();
            from = to;
        }
        if (script.framing === 'chunked') await res.lastChunk();
        else res.close();
    });
    const weir = await startWeir(t, { providers: { [slug]: up.origin }, ...options });
    world.weir = weir;
    return { up, weir, script };
}

const ask = (weir, to, body) => weir.request({ to, body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });

for (const [name, eol] of [['LF', '\n'], ['CRLF', '\r\n'], ['CR', '\r']])
    test(`an SSE stream with ${name} arrives byte for byte at every split point`, async (t) => {
        const { weir, script } = await streamer(t, 'anthropic');
        script.stream = Buffer.from(`: a comment${eol}${eol}${anthropic(eol)}`, 'utf8');
        const check = async (cuts) => {
            script.cuts = cuts;
            const a = await ask(weir, 'anthropic/v1/messages', { model: 'claude-sonnet-4-5', stream: true });
            assert.ok(!a.cut);
            assert.ok(a.body.equals(script.stream), `cut at ${cuts}: ${a.text}`);
            return a;
        };
        for (let i = 1; i < script.stream.length; i++) await check([i]);
        const a = await check(Array.from({ length: script.stream.length - 1 }, (_, i) => i + 1));
        const row = await weir.log(a.header('cf-aig-log-id'));
        assert.equal(row.tokens_in, 30);
        assert.equal(row.tokens_out, 15);
        const rows = await weir.logs({ query: 'per_page=50' });
        for (const r of rows) assert.deepEqual([r.tokens_in, r.tokens_out, r.success], [30, 15, true]);
    });

test('usage is asked for and the extra chunk taken out again, at every split point', async (t) => {
    const { up, weir, script } = await streamer(t, 'openai');
    script.stream = Buffer.from(CONTENT + usageChunk + DONE, 'utf8');
    const want = Buffer.from(CONTENT + DONE, 'utf8');
    const body = '{"model":"gpt-4o", "big":12345678901234567890,\n "stream" : true, "messages":[{"role":"user","content":"\\u00fc \\" stream_options"}]}';
    for (let i = 1; i < script.stream.length; i += 1) {
        script.cuts = [i];
        const a = await ask(weir, 'openai/chat/completions', body);
        assert.ok(a.body.equals(want), `split at ${i}: ${a.text}`);
    }
    // what went upstream is the client's bytes with one insertion
    const sent = up.last.text;
    let p = 0;
    while (p < body.length && sent[p] === body[p]) p++;
    let s = 0;
    while (s < body.length - p && sent[sent.length - 1 - s] === body[body.length - 1 - s]) s++;
    assert.equal(p + s, body.length, `not a pure insertion: ${sent}`);
    assert.deepEqual(up.last.json.stream_options, { include_usage: true });
    for (const r of await weir.logs()) assert.deepEqual([r.tokens_in, r.tokens_out], [11, 7]);
});

test('stream_options: what the client wrote decides what it sees', async (t) => {
    const { up, weir, script } = await streamer(t, 'openai');
    script.stream = Buffer.from(CONTENT + usageChunk + DONE, 'utf8');
    const cases = [
        ['{"model":"m","stream":true,"stream_options":{"include_usage":true}}', true, true],
        ['{"model":"m","stream":true,"stream_options":{"include_usage":false}}', false, false],
        ['{"model":"m","stream":true,"stream_options":{}}', false, false],
        ['{"model":"m","stream":true,"stream_options":null}', false, false],
        ['{"model":"m","stream":true,"stream_options":{"include_obfuscation":false}}', false, false],
        ['{"stream":true}', false, false],
    ];
    for (const [body, sees, untouched] of cases)
        await t.test(body, async () => {
            const a = await ask(weir, 'openai/chat/completions', body);
            assert.equal(a.text, sees ? CONTENT + usageChunk + DONE : CONTENT + DONE);
            assert.equal(up.last.json.stream_options.include_usage, true);
            if (body.includes('obfuscation')) assert.equal(up.last.json.stream_options.include_obfuscation, false);
            if (untouched) assert.equal(up.last.text, body);
            const row = await weir.log(a.header('cf-aig-log-id'));
            assert.deepEqual([row.tokens_in, row.tokens_out], [11, 7]);
            // the stored request is what the client sent
            assert.equal((await weir.logBody(row.id, 'request')).text, body);
        });
    for (const body of ['{"model":"m","stream":false}', '{"model":"m"}', '{"model":"m","stream":"true"}', '{"stream":true', 'stream']) {
        script.stream = Buffer.from(CONTENT);
        await ask(weir, 'openai/chat/completions', body);
        assert.equal(up.last.text, body, 'no stream: nothing is inserted');
    }
});

test('usage on a chunk with content stays; asking can be switched off', async (t) => {
    const { up, weir, script } = await streamer(t, 'openai', {});
    const mixed = chunk({ content: 'x' }, { usage: { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 } });
    script.stream = Buffer.from(CONTENT + mixed + DONE, 'utf8');
    const a = await ask(weir, 'openai/chat/completions', { model: 'm', stream: true });
    assert.equal(a.text, CONTENT + mixed + DONE);
    const off = await startWeir(t, { providers: { openai: { origin: up.origin, usage_injection: false } } });
    script.stream = Buffer.from(CONTENT + usageChunk + DONE, 'utf8');
    const body = '{"model":"m","stream":true}';
    const b = await ask(off, 'openai/chat/completions', body);
    assert.equal(up.last.text, body);
    assert.equal(b.text, CONTENT + usageChunk + DONE);
});

test('an event is passed on as soon as it is complete', async (t) => {
    let go;
    const gate = new Promise((r) => (go = r));
    const up = await startUpstream(t, async (req, res) => {
        await res.head(200, { ...SSE, 'Transfer-Encoding': 'chunked' });
        await res.chunk(chunk({ content: 'first' }));
        await gate;
        await res.chunk(chunk({ content: 'second' }) + DONE);
        await res.lastChunk();
    });
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path('openai/chat/completions'), headers: weir.headers(), body: '{"model":"m","stream":true}' });
    await c.bodyBytes(chunk({ content: 'first' }).length); // the provider has not sent the second yet
    go();
    const a = await c.answer();
    assert.equal(a.text, chunk({ content: 'first' }) + chunk({ content: 'second' }) + DONE);
    c.close();
});

test('a head without a body yet is passed on', async (t) => {
    let go;
    const gate = new Promise((r) => (go = r));
    const up = await startUpstream(t, async (req, res) => {
        await res.head(200, { ...SSE, 'Transfer-Encoding': 'chunked' });
        await gate;
        await res.chunk(DONE);
        await res.lastChunk();
    });
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path('anthropic/v1/messages'), headers: weir.headers(), body: '{"stream":true}' });
    assert.equal((await c.head()).status, 200);
    go();
    assert.equal((await c.answer()).text, DONE);
    c.close();
});

test('odd streams pass unchanged', async (t) => {
    const { weir, script } = await streamer(t, 'openai');
    const long = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(300_000) } }] })}\n\n`;
    const streams = {
        'no blank line at the end': 'data: {"choices":[{"delta":{}}]}\n\ndata: [DONE]',
        'no end mark': CONTENT, empty: '', 'only comments': ': keep-alive\n\n: keep-alive\n\n',
        'several data lines': 'data: {"a":\ndata: 1}\n\n', 'byte order mark': `\ufeff${CONTENT}`, 'not JSON': 'data: hello\n\nevent: x\n\n\n\n',
        'id and retry': 'id: 7\nretry: 10\ndata: {}\n\n', 'a 300 KB event': long + CONTENT, 'no space after the colon': 'data:{"a":1}\n\n',
        'not a stream at all': '{"error":"plain JSON with the wrong content type"}', 'mixed line ends': 'data: 1\r\n\ndata: 2\n\r\ndata: 3\r\r',
        'zeros in the middle': chunk({ content: 'x' }, { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }) + CONTENT,
    };
    for (const [name, text] of Object.entries(streams))
        for (const framing of ['chunked', 'close'])
            await t.test(`${name}, ${framing}`, async () => {
                script.framing = framing;
                script.stream = Buffer.from(text, 'utf8');
                script.cuts = script.stream.length > 10 ? [3, script.stream.length - 2] : [];
                const a = await ask(weir, 'openai/chat/completions', { model: 'm', stream: true });
                assert.ok(a.body.equals(script.stream), a.text.slice(0, 300));
                const row = await weir.log(a.header('cf-aig-log-id'));
                assert.equal(row.tokens_in, name === 'zeros in the middle' ? 0 : null);
            });
});

test('errors inside a stream: passed on, recorded as errors', async (t) => {
    const { weir, script } = await streamer(t, 'anthropic', {});
    const partial = anthropic('\n').slice(0, anthropic('\n').indexOf('event: content_block_stop'));
    script.stream = Buffer.from(`${partial}event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`, 'utf8');
    const a = await ask(weir, 'anthropic/v1/messages', { model: 'claude-sonnet-4-5', stream: true });
    assert.ok(a.body.equals(script.stream));
    const row = await weir.log(a.header('cf-aig-log-id'));
    assert.equal(row.success, false);
    assert.equal(row.status_code, 200);
});

test('a stream cut by the provider is cut towards the client, with what was reported by then', async (t) => {
    const partial = anthropic('\n').slice(0, anthropic('\n').indexOf('event: message_delta'));
    const up = await startUpstream(t, async (req, res) => {
        await res.head(200, { ...SSE, 'Transfer-Encoding': 'chunked' });
        await res.chunk(Buffer.from(partial, 'utf8'));
        res.reset();
    });
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    const a = await ask(weir, 'anthropic/v1/messages', { model: 'claude-sonnet-4-5', stream: true });
    assert.ok(a.cut, 'the client must see that the stream is incomplete');
    assert.ok(Buffer.from(partial, 'utf8').subarray(0, a.body.length).equals(a.body));
    const row = await weir.log(a.header('cf-aig-log-id'));
    assert.equal(row.success, false);
    assert.equal(row.tokens_in, 30);
});

test('AWS event-stream frames pass untouched, at every split point', async (t) => {
    const { frame } = await import('./lib/aws.mjs');
    const event = (type, payload) => frame({ ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' }, JSON.stringify(payload));
    const { weir, script } = await streamer(t, 'aws-bedrock');
    script.headers = { 'Content-Type': 'application/vnd.amazon.eventstream' };
    script.stream = Buffer.concat([
        event('messageStart', { role: 'assistant' }), event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'hé' } }),
        event('messageStop', { stopReason: 'end_turn' }), event('metadata', { usage: { inputTokens: 8, outputTokens: 4, totalTokens: 12 }, metrics: { latencyMs: 1 } })]);
    for (let i = 1; i < script.stream.length; i++) {
        script.cuts = [i];
        const a = await ask(weir, 'aws-bedrock/bedrock-runtime/us-east-1/model/amazon.nova-lite-v1%3A0/converse-stream', {});
        assert.ok(a.body.equals(script.stream), `split at ${i}`);
        assert.equal(a.header('content-type'), 'application/vnd.amazon.eventstream');
    }
    for (const r of await weir.logs()) assert.deepEqual([r.tokens_in, r.tokens_out, r.model], [8, 4, 'amazon.nova-lite-v1:0']);
});

test('Gemini streams as SSE with CRLF and as one JSON array', async (t) => {
    const part = (text, out) => ({ candidates: [{ content: { parts: [{ text }], role: 'model' } }], usageMetadata: { promptTokenCount: 6, candidatesTokenCount: out, thoughtsTokenCount: 2, totalTokenCount: 8 + out }, modelVersion: 'gemini-2.5-flash' });
    const { weir, script } = await streamer(t, 'google-ai-studio');
    script.stream = Buffer.from([part('a', 1), part('b', 3)].map((p) => `data: ${JSON.stringify(p)}\r\n\r\n`).join(''), 'utf8');
    for (const cut of [1, 40, script.stream.length - 1, script.stream.length - 3]) {
        script.cuts = [cut];
        const a = await ask(weir, 'google-ai-studio/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse', {});
        assert.ok(a.body.equals(script.stream));
        const row = await weir.log(a.header('cf-aig-log-id'));
        assert.deepEqual([row.tokens_in, row.tokens_out, row.model], [6, 5, 'gemini-2.5-flash']);
    }
    script.headers = { 'Content-Type': 'application/json' };
    script.stream = Buffer.from(`[${JSON.stringify(part('a', 1))}\n,\r\n${JSON.stringify(part('b', 3))}\n]\n`, 'utf8');
    script.cuts = [10];
    const a = await ask(weir, 'google-ai-studio/v1beta/models/gemini-2.5-flash:streamGenerateContent', {});
    assert.ok(a.body.equals(script.stream));
    const row = await weir.log(a.header('cf-aig-log-id'));
    assert.deepEqual([row.tokens_in, row.tokens_out], [6, 5]);
});
