// SPDX-License-Identifier: Apache-2.0
// Errors: the gateway's envelope with exact keys, the provider's bytes untouched, and a row for each.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { ACCOUNT, startWeir } from './lib/weir.mjs';
import { answerJson, startUpstream } from './lib/upstream.mjs';
import { once } from './lib/http.mjs';
import { poll } from './lib/wait.mjs';

const envelope = (status, code, message) => ({
    success: false, result: [], messages: [], error: [{ code, message }], name: 'AiGatewayError',
    httpCode: status, internalCode: code, message, description: message,
});

test('unknown gateway, account or prefix: 400 / 2001', async (t) => {
    const weir = await startWeir(t);
    const want = envelope(400, 2001, 'Please configure AI Gateway in the Cloudflare dashboard');
    for (const path of [`/v1/${ACCOUNT}/nosuch/openai/x`, `/v1/${'e'.repeat(32)}/default/openai/x`, '/v1/not-an-account/default/openai/x',
        `/v1/${ACCOUNT}`, `/v1/${ACCOUNT}/`, '/v1/', '/v1', `/v2/${ACCOUNT}/default/openai/x`, `/v1/${ACCOUNT}/bad%20gateway/openai/x`])
        await t.test(path, async () => {
            const a = await weir.request({ path, body: '{}' });
            assert.equal(a.status, 400);
            assert.equal(a.header('content-type'), 'application/json');
            assert.deepEqual(a.json, want);
            assert.deepEqual(Object.keys(a.json), Object.keys(want), 'order of keys');
        });
});

test('unknown provider: 400 / 2008', async (t) => {
    const weir = await startWeir(t);
    for (const slug of ['nosuch', 'bedrock', 'azure', 'xai', 'OpenAI', 'custom-mine', 'openai%2Fx'])
        await t.test(slug, async () => {
            const a = await weir.request({ to: `${slug}/x`, body: '{}' });
            assert.equal(a.status, 400);
            const { description, ...rest } = a.json;
            const { description: _, ...want } = envelope(400, 2008, 'Invalid provider');
            assert.deepEqual(rest, want);
            assert.equal(typeof description, 'string'); // may say more than the message
        });
});

test('a path that nobody serves: 404', async (t) => {
    const weir = await startWeir(t);
    const a = await weir.request({ path: '/client/v4/nothing/here' });
    assert.equal(a.status, 404);
    assert.equal(a.json.success, false);
});

test('GET on the gateway itself: 405', async (t) => {
    const weir = await startWeir(t);
    for (const path of [`/v1/${ACCOUNT}/default`, `/v1/${ACCOUNT}/default/`]) {
        const a = await weir.request({ path });
        assert.equal(a.status, 405);
        assert.equal(a.json.name, 'AiGatewayError');
    }
});

test('a provider that cannot be reached: 400 / 2005, and a row', async (t) => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((r) => server.once('listening', r));
    const port = server.address().port;
    await new Promise((r) => server.close(r));
    const weir = await startWeir(t, { providers: { openai: `http://127.0.0.1:${port}`, groq: 'http://no-such-host.invalid' } });
    for (const slug of ['openai', 'groq']) {
        const a = await weir.request({ to: `${slug}/chat/completions`, body: '{"model":"m"}' });
        assert.equal(a.status, 400);
        assert.equal(a.json.error[0].code, 2005);
        assert.equal(a.json.name, 'AiGatewayError');
        assert.ok(a.json.message.length > 0);
        const row = await weir.log(a.header('cf-aig-log-id'));
        assert.equal(row.success, false);
        assert.equal(row.provider, slug);
        assert.equal(row.model, 'm');
        assert.equal(row.tokens_in, null);
        assert.equal(row.cost, 0);
    }
});

test('a provider that is silent: 504 / 2004, in time, and its connection is dropped', async (t) => {
    const up = await startUpstream(t, () => {});
    const weir = await startWeir(t, { providers: { openai: up.origin }, limits: { first_byte_timeout_ms: 100 } });
    const a = await weir.request({ to: 'openai/chat/completions', body: '{}' });
    assert.equal(a.status, 504);
    assert.equal(a.json.error[0].code, 2004);
    assert.equal(a.json.message, 'Request timed out');
    await up.connections[0].closed();
    assert.equal((await weir.log(a.header('cf-aig-log-id'))).success, false);
});

test('answers that are not HTTP: 400 / 2005', async (t) => {
    const answers = ['garbage\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
        'HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n', 'HTTP/9.9 200 OK\r\n\r\n', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(300000)}\r\n\r\n`,
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n'];
    let n = 0;
    const up = await startUpstream(t, async (req, res) => {
        await res.write(answers[n++]);
        res.close();
    });
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    for (const text of answers)
        await t.test(JSON.stringify(text.slice(0, 60)), async () => {
            const a = await weir.request({ to: 'openai/x', body: '{}' });
            assert.equal(a.status, 400);
            assert.equal(a.json.error[0].code, 2005);
        });
    assert.equal(up.requests.length, answers.length, 'none is tried again');
});

test('provider errors pass verbatim and are recorded', async (t) => {
    const cases = [
        [400, '{"error":{"message":"bad \\u00e9","type":"invalid_request_error","param":null,"code":null}}', 'application/json'],
        [401, '{"error": {"message": "Incorrect API key"}}\n', 'application/json; charset=utf-8'],
        [404, '', 'text/plain'], [409, 'x', 'text/plain'], [429, '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}', 'application/json'],
        [500, '<html>oops</html>', 'text/html'], [502, '{', 'application/json'], [503, 'unavailable', 'text/plain'], [529, '{"type":"error"}', 'application/json'],
        [418, 'teapot', 'text/plain'],
    ];
    const up = await startUpstream(t, (req, res) => {
        const [status, body, type] = cases[Number(req.header('x-case'))];
        return res.reply(status, { 'Content-Type': type, 'Retry-After': '7' }, body);
    });
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    for (const [i, [status, body, type]] of cases.entries())
        await t.test(String(status), async () => {
            const a = await weir.request({ to: 'openai/chat/completions', body: '{"model":"gpt-4o"}', headers: { 'X-Case': String(i) } });
            assert.equal(a.status, status);
            assert.equal(a.text, body);
            assert.equal(a.header('content-type'), type);
            assert.equal(a.header('retry-after'), '7');
            assert.equal(a.header('cf-aig-step'), '0');
            const row = await weir.log(a.header('cf-aig-log-id'));
            assert.equal(row.status_code, status);
            assert.equal(row.success, false);
            assert.equal(row.tokens_in, null);
            assert.equal(row.tokens_out, null);
            assert.equal(row.cost, 0);
            assert.equal(row.model, 'gpt-4o');
            const stored = await weir.logBody(row.id, 'response');
            if (body) assert.equal(stored.text.trim(), body.trim());
        });
});

test('an answer that breaks off is cut towards the client too', async (t) => {
    const up = await startUpstream(t, async (req, res) => {
        if (req.target.endsWith('length')) await res.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npartial');
        else await res.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\npartial\r\n');
        res.close();
    });
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    for (const kind of ['length', 'chunked'])
        await t.test(kind, async () => {
            const a = await weir.request({ to: `anthropic/${kind}` });
            assert.equal(a.status, 200);
            assert.equal(a.text, 'partial');
            assert.ok(a.cut, 'the client must see that the answer is incomplete');
            const row = await weir.log(a.header('cf-aig-log-id'));
            assert.equal(row.success, false);
        });
});

test('a provider that stops inside its answer is cut after the idle time', async (t) => {
    const up = await startUpstream(t, (req, res) => res.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npartial'));
    const weir = await startWeir(t, { providers: { anthropic: up.origin }, limits: { stream_idle_timeout_ms: 100 } });
    const a = await weir.request({ to: 'anthropic/x' });
    assert.equal(a.text, 'partial');
    assert.ok(a.cut);
    await up.connections[0].closed();
});

test('an early answer while the request is still being sent', async (t) => {
    const up = await startUpstream(t, async (req, res) => {
        await res.reply(413, { 'Content-Type': 'text/plain', Connection: 'close' }, 'too much');
    }, { early: true });
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path('openai/files'), headers: weir.headers({ 'Content-Type': 'application/octet-stream', 'Content-Length': '5000000' }) });
    const piece = Buffer.alloc(100_000, 'x');
    for (let i = 0; i < 30 && !c.answers.length && !c.ended; i++) await Promise.race([c.send(piece), c.head().catch(() => {})]);
    const a = await c.answer();
    assert.equal(a.status, 413);
    assert.equal(a.text, 'too much');
    c.close();
});

test('wrong or missing things in weir.jsonc are named, and nothing starts', async (t) => {
    const { spawnSync } = await import('node:child_process');
    const { BIN, tempDir } = await import('./lib/weir.mjs');
    const fs = await import('node:fs');
    const dir = tempDir(t);
    const cases = { '{"listn": "127.0.0.1:0"}': /listn/, '{"limits": {"max_body_bytes": "lots"}}': /max_body_bytes/, '{"workers": -1}': /workers/, '{': /line|:\d/, '{"durability":"never"}': /durability/ };
    for (const [text, pattern] of Object.entries(cases)) {
        fs.writeFileSync(`${dir}/w.jsonc`, text);
        const r = spawnSync(BIN, ['serve', '--config', `${dir}/w.jsonc`, '--data', `${dir}/data`], { timeout: 5000, encoding: 'utf8' });
        assert.notEqual(r.status, 0);
        assert.notEqual(r.status, null, 'it must not start');
        assert.match(r.stderr, pattern);
    }
});

test('two daemons do not share an address silently', async (t) => {
    const { spawnSync } = await import('node:child_process');
    const { BIN, tempDir } = await import('./lib/weir.mjs');
    const blocker = net.createServer().listen(0, '127.0.0.1');
    await new Promise((r) => blocker.once('listening', r));
    t.after(() => blocker.close());
    const dir = tempDir(t);
    const r = spawnSync(BIN, ['serve', '--listen', `127.0.0.1:${blocker.address().port}`, '--data', `${dir}/data`], { timeout: 5000, encoding: 'utf8' });
    assert.notEqual(r.status, 0);
    assert.match(r.stderr, /address|in use|listen/i);
});

test('health and readiness need no token', async (t) => {
    const up = await startUpstream(t, answerJson);
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    for (const path of ['/healthz', '/readyz']) assert.equal((await once(weir.port, { path })).status, 200);
    await poll('', async () => true);
});
