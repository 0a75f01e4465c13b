// SPDX-License-Identifier: Apache-2.0
// Clients that leave, clients that are slow, providers that are slow: nothing is held, nothing is lost.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { sanitized, startWeir } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

const SSE = { 'Content-Type': 'text/event-stream', 'Transfer-Encoding': 'chunked' };
const MIB = 1 << 20;

test('a client that leaves before the answer cancels the provider\'s work', async (t) => {
    const up = await startUpstream(t, () => {}); // never answers
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path('openai/chat/completions'), headers: weir.headers(), body: '{"model":"m"}' });
    await up.request(0);
    c.close();
    await up.connections[0].closed();
    const [row] = await weir.waitLogs(1);
    assert.equal(row.success, false);
    assert.equal(row.model, 'm');
});

test('a client that leaves inside a stream cancels it; what was reported is accounted', async (t) => {
    let stop = false;
    const start = { type: 'message_start', message: { model: 'claude-sonnet-4-5', usage: { input_tokens: 12, output_tokens: 1 } } };
    const up = await startUpstream(t, async (req, res) => {
        await res.head(200, SSE);
        await res.chunk(`event: message_start\ndata: ${JSON.stringify(start)}\n\n`);
        while (!stop && !req.conn.gone) {
            await res.chunk('event: ping\ndata: {"type":"ping"}\n\n');
            await new Promise((r) => setTimeout(r, 5));
        }
    });
    t.after(() => (stop = true));
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path('anthropic/v1/messages'), headers: weir.headers(), body: '{"model":"claude-sonnet-4-5","stream":true}' });
    await c.bodyBytes(200);
    c.close();
    await up.connections[0].closed();
    const [row] = await weir.waitLogs(1);
    assert.equal(row.success, false);
    assert.equal(row.tokens_in, 12);
    assert.equal(row.tokens_out, 1);
});

test('a client that leaves while it is sending: the provider sees an incomplete request at most', async (t) => {
    const up = await startUpstream(t, () => {});
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    for (const type of ['application/json', 'application/octet-stream']) {
        const c = await weir.connect();
        await c.request({ method: 'POST', path: weir.path('openai/files'), headers: weir.headers({ 'Content-Type': type, 'Content-Length': '4000000' }) });
        await c.send(Buffer.alloc(2_000_000, 'x'));
        await weir.barrier();
        c.close();
    }
    await weir.barrier();
    assert.ok(up.requests.every((r) => !r.reader.done));
    for (const conn of up.connections) await conn.closed();
});

test('a slow client slows the provider; memory stays flat', async (t) => {
    const total = 64 * MIB;
    const event = Buffer.from(`data: ${'x'.repeat(16 * 1024 - 8)}\n\n`);
    let sent = 0;
    const sum = crypto.createHash('sha256');
    const up = await startUpstream(t, async (req, res) => {
        await res.head(200, SSE);
        while (sent < total) {
            if (!(await res.chunk(event))) return;
            if (!res.conn.socket.writableNeedDrain) { /* the kernel took it */ }
            sum.update(event);
            sent += event.length;
        }
        await res.lastChunk();
    });
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    await weir.barrier();
    const before = weir.rssKiB();
    const c = await weir.connect();
    c.socket.pause();
    await c.request({ method: 'POST', path: weir.path('anthropic/v1/messages'), headers: weir.headers(), body: '{"stream":true}' });
    // the provider's progress stops: kernel buffers and weir's marks are full
    for (let last = -1, same = 0; same < 10; ) {
        await weir.barrier();
        await new Promise((r) => setTimeout(r, 20));
        same = sent === last && sent > 0 ? same + 1 : 0;
        last = sent;
    }
    assert.ok(sent < total / 2, `the provider got rid of ${sent} bytes while the client read none`);
    const grown = weir.rssKiB() - before;
    t.diagnostic(`stalled after ${(sent / MIB).toFixed(1)} MiB, RSS grew by ${grown} KiB`);
    assert.ok(grown < (sanitized ? 60000 : 16000), `RSS grew by ${grown} KiB`);
    c.socket.resume();
    const a = await c.answer();
    assert.ok(!a.cut);
    assert.equal(a.reader.size, Math.ceil(total / event.length) * event.length);
    assert.equal(crypto.createHash('sha256').update(a.body).digest('hex'), sum.digest('hex'));
    c.close();
});

test('a slow provider slows the uploading client; memory stays flat', async (t) => {
    const up = await startUpstream(t, async (req, res) => {
        req.conn.socket.pause();
        up.paused = req.conn.socket;
        up.changed();
        await req.whole();
        await res.json(200, { got: req.body.length });
    }, { early: true });
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    await weir.barrier();
    const before = weir.rssKiB();
    const total = 64 * MIB;
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path('openai/files'), headers: weir.headers({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(total) }) });
    const piece = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    const sending = (async () => {
        for (; sent < total; sent += piece.length) await c.send(piece);
    })();
    await up.until('the request to reach the provider', () => up.paused);
    for (let last = -1, same = 0; same < 10; ) {
        await weir.barrier();
        await new Promise((r) => setTimeout(r, 20));
        same = sent === last ? same + 1 : 0;
        last = sent;
    }
    assert.ok(sent < total, 'the upload must have stalled');
    const grown = weir.rssKiB() - before;
    t.diagnostic(`stalled after ${(sent / MIB).toFixed(1)} MiB, RSS grew by ${grown} KiB`);
    assert.ok(grown < (sanitized ? 80000 : 24000), `RSS grew by ${grown} KiB`);
    up.paused.resume();
    await sending;
    assert.equal((await c.answer()).json.got, total);
    c.close();
});

test('a client that takes nothing is cut in the end, the provider released', async (t) => {
    let sent = 0;
    const up = await startUpstream(t, async (req, res) => {
        await res.head(200, SSE);
        const event = Buffer.from(`data: ${'x'.repeat(64 * 1024)}\n\n`);
        while (await res.chunk(event)) sent++;
    });
    const weir = await startWeir(t, { providers: { anthropic: up.origin }, limits: { body_timeout_ms: 300 } });
    const c = await weir.connect();
    c.socket.pause();
    await c.request({ method: 'POST', path: weir.path('anthropic/v1/messages'), headers: weir.headers(), body: '{"stream":true}' });
    await up.until('the connection to the provider', () => up.connections[0]);
    await up.connections[0].closed();
    assert.ok(sent > 0);
    const [row] = await weir.waitLogs(1);
    assert.equal(row.success, false);
    c.close();
});

test('200 streams at once, each byte for byte', async (t) => {
    const n = 200;
    const events = 20;
    const up = await startUpstream(t, async (req, res) => {
        await res.head(200, SSE);
        const id = req.header('x-id');
        for (let i = 0; i < events; i++) {
            await res.chunk(`data: {"id":"${id}","i":${i},"text":"${'é'.repeat(i)}"}\n\n`);
            await new Promise((r) => setImmediate(r));
        }
        await res.lastChunk();
    });
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    await Promise.all(Array.from({ length: n }, async (_, id) => {
        const a = await weir.request({ to: 'anthropic/v1/messages', body: '{"stream":true}', headers: { 'X-Id': String(id) } });
        const want = Array.from({ length: events }, (_, i) => `data: {"id":"${id}","i":${i},"text":"${'é'.repeat(i)}"}\n\n`).join('');
        assert.ok(a.body.equals(Buffer.from(want, 'latin1')), `stream ${id}`);
    }));
    const rows = [];
    for (let page = 1; page <= 4; page++) rows.push(...(await weir.logs({ query: `per_page=50&page=${page}` })));
    assert.equal(rows.length, n);
});

test('more callers than connections to the provider: they wait their turn', async (t) => {
    let open = 0;
    let most = 0;
    const up = await startUpstream(t, async (req, res) => {
        most = Math.max(most, ++open);
        await new Promise((r) => setTimeout(r, 5));
        open--;
        await res.json(200, {});
    });
    const weir = await startWeir(t, { providers: { openai: up.origin }, limits: { upstream_connections: 4 } });
    const all = await Promise.all(Array.from({ length: 40 }, () => weir.request({ to: 'openai/chat/completions', body: '{}' })));
    assert.ok(all.every((a) => a.status === 200));
    assert.ok(most <= 4, `${most} at once`);
    assert.ok(up.connections.length <= 4, `${up.connections.length} connections`);
});
