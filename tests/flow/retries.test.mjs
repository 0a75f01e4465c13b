// SPDX-License-Identifier: Apache-2.0
// Timeouts and retries (data plane 20): when a try is made again, when not, how long it is waited, and what the
// log says of each.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { cleanup, PROVIDERS } from './lib/cleanup.mjs';
import { answers, chat, chatEvents, configure, failure, inTurn, message, metric, resets, rowsOf, silent, streamChat, timed } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { startWeir } from './lib/weir.mjs';

const TO = 'openai/chat/completions';
const BODY = '{"model":"gpt-4o-mini","messages":[],"n":12345678901234567890}';
const ok = answers(200, chat());
const json = { 'Content-Type': 'application/json' };

async function world(t, script, options = {}) {
    const up = await startUpstream(t, script, options.upstream);
    const weir = await startWeir(t, { providers: { openai: up.origin, anthropic: up.origin }, ...options });
    const ask = (headers = {}, more = {}) => weir.request({ to: TO, body: BODY, headers: { ...json, ...headers }, ...more });
    return { up, weir, ask };
}

test('a failed try is made again until one succeeds, and each has its row', async (t) => {
    const { up, weir } = await world(t, inTurn(answers(500, failure('the model fell over'), { Connection: 'close' }), resets, answers(429, failure('slow down'), { 'Retry-After': '3600' }), ok));
    const client = new OpenAI({ baseURL: `${weir.base}/openai`, apiKey: 'sk-1', maxRetries: 0, defaultHeaders: {
        'cf-aig-authorization': `Bearer ${weir.token}`, 'cf-aig-max-attempts': '4', 'cf-aig-retry-delay': '1', 'cf-aig-metadata': '{"team":"a"}' } });
    const { data, response } = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [] }).withResponse();
    assert.equal(data.choices[0].message.content, 'Hi');
    assert.equal(up.requests.length, 4);
    assert.equal(new Set(up.requests.map((r) => r.text)).size, 1, 'the same body each time');
    assert.equal(new Set(up.requests.map((r) => r.rawHead)).size, 1, 'and the same head');

    const id = response.headers.get('cf-aig-log-id');
    assert.equal(response.headers.get('cf-aig-step'), '0');
    assert.equal(response.headers.get('retry-after'), null, "a failed try's head is not the client's");
    const rows = await rowsOf(weir, response.headers.get('cf-aig-event-id'));
    assert.deepEqual(rows.map((r) => r.status_code), [500, 400, 429, 200]);
    assert.deepEqual(rows.map((r) => r.weir.attempt), [0, 1, 2, 3]);
    assert.deepEqual(rows.map((r) => r.step), [0, 0, 0, 0]);
    assert.deepEqual(rows.map((r) => r.success), [false, false, false, true]);
    assert.deepEqual(rows.map((r) => [r.tokens_in, r.tokens_out]), [[null, null], [null, null], [null, null], [7, 2]]);
    assert.deepEqual(rows.slice(0, 3).map((r) => r.cost), [0, 0, 0]);
    assert.ok(rows[3].cost > 0);
    assert.deepEqual(rows.map((r) => r.metadata), Array(4).fill({ team: 'a' }));
    assert.equal(rows[0].weir.error, 'the model fell over');
    assert.match(rows[1].weir.error, /connection was (reset|closed)/);
    assert.equal(rows[2].weir.error, 'slow down');
    assert.equal(rows[3].weir.error, null);
    assert.equal(new Set(rows.map((r) => r.id)).size, 4);
    assert.equal(rows[3].id, id, 'the header names the row of the answer that was returned');
    assert.equal(new Set(rows.map((r) => r.weir.request_id)).size, 1);
    for (const r of rows) assert.equal((await weir.logBody(r.id, 'request')).text, up.last.text);
    assert.deepEqual((await weir.logBody(rows[0].id, 'response')).json, failure('the model fell over'));
    assert.deepEqual((await weir.logBody(rows[3].id, 'response')).json, chat());
    assert.equal((await weir.logBody(rows[1].id, 'response')).status, 404);
    assert.equal(await metric(weir, 'weir_retries_total'), 3);
    assert.equal(await metric(weir, 'weir_attempts_total'), 4);
    assert.equal(await metric(weir, 'weir_requests_total'), 1);
});

test('as many tries as were asked for, five at most; the last answer is the client\'s, byte for byte', async (t) => {
    const { up, ask } = await world(t, (req, res, u) => res.json(503, `{"try": ${u.requests.length}, "n": 98765432109876543210 }`));
    for (const [asked, tries] of [[undefined, 1], ['1', 1], ['2', 2], ['5', 5], ['9', 5], ['0', 1], ['-3', 1], ['many', 1]]) {
        const n = up.requests.length;
        const a = await ask({ 'cf-aig-retry-delay': '0', ...(asked && { 'cf-aig-max-attempts': asked }) });
        assert.equal(up.requests.length - n, tries, `asked for ${asked}`);
        assert.equal(a.status, 503);
        assert.equal(a.text, `{"try": ${up.requests.length}, "n": 98765432109876543210 }`);
    }
});

test('which answers are tried again', async (t) => {
    let status;
    const { up, weir, ask } = await world(t, (req, res) => res.json(status, failure('x')));
    const tries = async (s, headers) => {
        const n = up.requests.length;
        status = s;
        const a = await ask({ 'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '0', ...headers });
        assert.equal(a.status, s);
        return up.requests.length - n;
    };
    for (const s of [408, 409, 425, 429, 500, 502, 503, 504, 529]) assert.equal(await tries(s), 2, String(s));
    for (const s of [301, 400, 401, 403, 404, 413, 422, 451]) assert.equal(await tries(s), 1, String(s));
    const own = { 'weir-retry-statuses': '404, 52x, 5xx' };
    for (const [s, n] of [[404, 1], [500, 2]]) assert.equal(await tries(s, own), n === 1 ? 1 : 2, 'a list with a wrong entry is ignored');
    for (const [s, n] of [[404, 2], [500, 1], [503, 2], [429, 1]]) assert.equal(await tries(s, { 'weir-retry-statuses': '404, 503' }), n, String(s));
    await configure(weir, { weir_retry_statuses: [418, '5xx'] });
    for (const [s, n] of [[418, 2], [500, 2], [429, 1]]) assert.equal(await tries(s), n, `${s} by the gateway's settings`);
    assert.equal(await tries(418, { 'weir-retry-statuses': '404' }), 1, 'the header counts more');
});

test('pauses are at least what was asked for', async (t) => {
    const script = timed(answers(500, failure('x')));
    const { weir, ask } = await world(t, script);
    const d = 40;
    const due = { constant: [d, d, d], linear: [d, 2 * d, 3 * d], exponential: [d, 2 * d, 4 * d] };
    const gaps = async (headers) => {
        const n = script.times.length;
        await ask(headers);
        return script.times.slice(n + 1).map((at, i) => at - script.times[n + i]);
    };
    const check = (got, want, what) => {
        assert.equal(got.length, want.length, what);
        // the loop's clock has whole milliseconds, and so have its timers
        want.forEach((ms, i) => assert.ok(got[i] >= ms - 2, `${what}: ${got}, not ${want}`));
    };
    const times = { 'cf-aig-max-attempts': '4', 'cf-aig-retry-delay': String(d) };
    for (const [backoff, want] of Object.entries(due)) check(await gaps({ ...times, 'cf-aig-backoff': backoff }), want, backoff);
    check(await gaps(times), due.constant, 'nothing said');
    check(await gaps({ 'cf-aig-max-attempts': '2' }), [100], 'the built-in delay');
    await configure(weir, { retry_max_attempts: 4, retry_delay: d, retry_backoff: 'exponential' });
    check(await gaps({}), due.exponential, "the gateway's settings");
    check(await gaps({ 'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '150' }), [150], 'headers count more');
});

test('with jitter a pause may be shorter; who leaves during one is gone', async (t) => {
    const { up, weir } = await world(t, answers(500, failure('x')));
    const n = 200; // pauses of anything from 0 to 60 s: one of them is over soon
    const clients = await Promise.all(Array.from({ length: n }, () => weir.connect()));
    for (const c of clients)
        await c.request({ method: 'POST', path: weir.path(TO), body: BODY, headers: weir.headers({ ...json,
            'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '60000', 'weir-retry-jitter': 'true' }) });
    await up.until('a second try', () => up.requests.length > n);
    for (const c of clients) c.close();
    await weir.barrier();
    assert.ok(up.requests.length < 2 * n, 'not all of them came back at once');
    const rows = await weir.waitLogs(50);
    const cut = (r) => r.weir.attempt === 1 && r.weir.client_gone && r.status_code === 499; // left in the midst of a second try
    assert.deepEqual(rows.filter((r) => r.status_code !== 500 && !cut(r)), []);
    assert.ok(rows.some((r) => r.weir.client_gone));
});

test('who leaves during a pause leaves a row that says so, and no further try', async (t) => {
    const { up, weir } = await world(t, answers(503, failure('busy')));
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path(TO), body: BODY, headers: weir.headers({ ...json,
        'cf-aig-event-id': 'left', 'cf-aig-max-attempts': '3', 'cf-aig-retry-delay': '60000' }) });
    await up.request(0);
    await weir.barrier();
    c.close();
    await weir.waitLogs(1);
    const [row, ...others] = await rowsOf(weir, 'left');
    assert.deepEqual(others, []);
    assert.deepEqual([row.status_code, row.weir.client_gone, row.weir.error], [503, true, 'busy']);
    assert.equal(up.requests.length, 1);
});

test('no answer: a silent provider is waited for as long as was asked, the last of several tries for as long as it takes', async (t) => {
    let release;
    const { up, weir, ask } = await world(t, inTurn(silent, (req, res) => (release = () => res.json(200, chat('late')))));
    const answer = ask({ 'cf-aig-request-timeout': '50', 'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '0' });
    await up.request(1);
    await up.connections[0].closed(); // what timed out is not waited for any more
    const later = performance.now() + 150; // three times the timeout
    while (performance.now() < later) await weir.barrier();
    release();
    const a = await answer;
    assert.equal(a.status, 200, a.text);
    assert.equal(a.json.choices[0].message.content, 'late');
    const rows = await rowsOf(weir, a);
    assert.deepEqual(rows.map((r) => [r.status_code, r.weir.error]), [[504, 'Request timed out'], [200, null]]);
    assert.equal(rows[0].cost, 0);
    assert.ok(rows[0].timings.total >= 48, `${rows[0].timings.total}`);
});

test('a single try does time out: 504 / 2004', async (t) => {
    const { up, weir, ask } = await world(t, silent);
    for (const headers of [{ 'cf-aig-request-timeout': '50' }, { 'cf-aig-request-timeout': '50', 'cf-aig-max-attempts': '1' }]) {
        const a = await ask(headers);
        assert.equal(a.status, 504);
        assert.deepEqual(a.json.error, [{ code: 2004, message: 'Request timed out' }]);
        assert.equal(a.header('cf-aig-step'), '0');
        assert.equal((await weir.log(a.header('cf-aig-log-id'))).status_code, 504);
    }
    await configure(weir, { weir_request_timeout: 50 });
    assert.equal((await ask()).status, 504, "the gateway's setting");
    assert.equal(up.requests.length, 3);
});

test('a header lifts the gateway\'s timeout', async (t) => {
    let release;
    const { up, weir, ask } = await world(t, (req, res) => (release = () => res.json(200, chat())));
    await configure(weir, { weir_request_timeout: 50 });
    const answer = ask({ 'cf-aig-request-timeout': '0' });
    await up.request(0);
    const later = performance.now() + 150;
    while (performance.now() < later) await weir.barrier();
    release();
    assert.equal((await answer).status, 200);
});

test('a stream that has begun is not cut by the timeout', async (t) => {
    let res;
    const { weir, ask } = await world(t, (req, r) => {
        res = r;
        return r.head(200, { 'Content-Type': 'text/event-stream', 'Transfer-Encoding': 'chunked' });
    });
    const answer = ask({ 'cf-aig-request-timeout': '50', 'weir-total-timeout': '60' }, { body: '{"model":"gpt-4o-mini","stream":true}' });
    const later = performance.now() + 150;
    while (performance.now() < later) await weir.barrier();
    await res.chunk('data: {"choices":[]}\n\n');
    await res.lastChunk();
    assert.equal((await answer).text, 'data: {"choices":[]}\n\n');
});

test('the timeout counts from the start: a handshake that never ends is one', async (t) => {
    const sockets = [];
    const server = net.createServer((s) => sockets.push(s.on('error', () => {})));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanup(t, PROVIDERS, () => {
        for (const s of sockets) s.destroy();
        server.close();
    });
    const weir = await startWeir(t, { providers: { openai: `https://127.0.0.1:${server.address().port}` } });
    const a = await weir.request({ to: TO, body: BODY, headers: { ...json, 'cf-aig-request-timeout': '50' } });
    assert.equal(a.status, 504);
    assert.equal((await weir.log(a.header('cf-aig-log-id'))).weir.error, 'Request timed out');
});

test('total timeout: pauses that do not fit are not begun, and a try that is under way is cut', async (t) => {
    const { up, weir, ask } = await world(t, inTurn(answers(503, failure('one')), answers(503, failure('two')), silent));
    const slow = { 'cf-aig-max-attempts': '5', 'cf-aig-retry-delay': '5000', 'weir-total-timeout': '1000' };
    const a = await ask(slow);
    assert.equal(a.status, 503, 'what the provider said');
    assert.equal(a.json.error.message, 'one');
    assert.equal(up.requests.length, 1);

    const b = await ask({ 'cf-aig-max-attempts': '5', 'cf-aig-retry-delay': '1', 'weir-total-timeout': '300' });
    assert.equal(b.status, 504);
    assert.deepEqual(b.json.error, [{ code: 2004, message: 'Request timed out' }]);
    const rows = await rowsOf(weir, b);
    assert.deepEqual(rows.map((r) => [r.status_code, r.weir.attempt]), [[503, 0], [504, 1]]);
    assert.equal(rows[1].weir.error, 'Request timed out');
    assert.equal(rows[1].id, b.header('cf-aig-log-id'));
    await up.request(2);
    await up.requests[2].conn.closed();

    await configure(weir, { weir_total_timeout: 200, retry_max_attempts: 5 });
    assert.equal((await ask()).status, 504, "the gateway's setting");
});

test('once a byte has gone to the client there is no other try', async (t) => {
    const { up, ask } = await world(t, async (req, res) => {
        await res.head(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
        await res.write('{"half":');
        res.reset();
    });
    const a = await ask({ 'cf-aig-max-attempts': '5', 'cf-aig-retry-delay': '0' });
    assert.ok(a.cut, 'an answer that is incomplete looks incomplete');
    assert.equal(a.text, '{"half":');
    assert.equal(up.requests.length, 1);
});

test('what can be sent again is: any body up to 1 MiB, and requests without one', async (t) => {
    const { up, ask, weir } = await world(t, (req, res, u) => (u.requests.length % 2 ? res.json(503, failure('x')) : ok(req, res)));
    const again = { 'cf-aig-max-attempts': '3', 'cf-aig-retry-delay': '0' };
    const binary = Buffer.alloc(1_000_000, Buffer.from([0, 255, 10, 13, 1]));
    for (const [body, type] of [[binary, 'application/octet-stream'], [Buffer.from(`{"x":"${'y'.repeat(3_000_000)}"}`), 'application/json']]) {
        const n = up.requests.length;
        const a = await ask({ ...again, 'Content-Type': type }, { body });
        assert.equal(a.status, 200);
        assert.equal(up.requests.length, n + 2);
        for (const r of up.requests.slice(n)) assert.ok(r.body.equals(body));
    }
    const get = await weir.request({ to: 'openai/models', headers: again });
    assert.equal(get.status, 200);
    assert.deepEqual(up.requests.slice(-2).map((r) => r.method), ['GET', 'GET']);
});

test('a body that is streamed through is sent once', async (t) => {
    const { up, weir, ask } = await world(t, answers(503, failure('x')));
    const body = Buffer.alloc(3_000_000, 'z');
    const a = await ask({ 'cf-aig-max-attempts': '5', 'cf-aig-retry-delay': '0', 'Content-Type': 'application/octet-stream' }, { body });
    assert.equal(a.status, 503);
    assert.equal(up.requests.length, 1);
    assert.equal(up.last.body.length, body.length);
    assert.equal((await weir.log(a.header('cf-aig-log-id'))).status_code, 503);
});

test('a failed answer is read away, and its connection used again', async (t) => {
    const { up, ask } = await world(t, inTurn(answers(500, failure('x'.repeat(20_000))), ok));
    assert.equal((await ask({ 'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '0' })).status, 200);
    assert.equal(up.connections.length, 1);
});

test('but not without end: neither a long one nor a slow one keeps the next try waiting', async (t) => {
    const endless = async (req, res) => {
        await res.head(500, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' });
        while (await res.chunk('x'.repeat(10_000)));
    };
    const stuck = async (req, res) => {
        await res.head(500, { 'Content-Type': 'application/json', 'Content-Length': '100' });
        await res.write('{"error":{"message":"st');
    };
    for (const bad of [endless, stuck])
        await t.test(bad.name, async (t) => {
            const { up, weir, ask } = await world(t, inTurn(bad, ok));
            const a = await ask({ 'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '0' });
            assert.equal(a.status, 200);
            await up.connections[0].closed();
            const [row] = await rowsOf(weir, a);
            assert.deepEqual([row.status_code, row.success], [500, false]);
        });
});

test('a stream that came with the second try: usage was asked for both times, and the client sees none of it', async (t) => {
    const { up, weir } = await world(t, inTurn(answers(503, failure('x')), (req, res) => streamChat(res, ['He', 'llo'], req)));
    const client = new OpenAI({ baseURL: `${weir.base}/openai`, apiKey: 'sk-1', maxRetries: 0, defaultHeaders: {
        'cf-aig-authorization': `Bearer ${weir.token}`, 'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '0', 'cf-aig-event-id': 'asked' } });
    const chunks = [];
    for await (const chunk of await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [], stream: true })) chunks.push(chunk);
    assert.equal(chunks.map((c) => c.choices[0].delta.content ?? '').join(''), 'Hello');
    assert.ok(chunks.every((c) => !c.usage && c.choices.length === 1));
    assert.equal(up.requests.length, 2);
    assert.equal(up.requests[0].text, up.requests[1].text);
    assert.equal(up.requests[1].json.stream_options.include_usage, true);
    const rows = await rowsOf(weir, 'asked');
    assert.deepEqual(rows.map((r) => [r.status_code, r.tokens_in, r.tokens_out]), [[503, null, null], [200, 7, 2]]);
    for (const r of rows) assert.ok(!(await weir.logBody(r.id, 'request')).text.includes('stream_options'), "the log has the client's body");
});

test('the client asked for usage itself: it gets it, also from the second try', async (t) => {
    const { weir, ask } = await world(t, inTurn(answers(503, failure('x')), (req, res) => streamChat(res, ['a'], req)));
    const body = '{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true}}';
    const a = await ask({ 'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '0' }, { body });
    assert.equal(a.text, chatEvents(['a'], { json: JSON.parse(body) }).join(''));
    assert.deepEqual((await rowsOf(weir, a)).map((r) => r.tokens_in), [null, 7]);
});

test('@anthropic-ai/sdk: an overloaded provider is asked again by the gateway', async (t) => {
    const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    const { up, weir } = await world(t, inTurn(answers(529, overloaded), answers(529, overloaded), answers(200, message('Hello'))));
    const client = new Anthropic({ baseURL: `${weir.base}/anthropic`, apiKey: 'sk-ant', maxRetries: 0, defaultHeaders: {
        'cf-aig-authorization': `Bearer ${weir.token}`, 'cf-aig-max-attempts': '3', 'cf-aig-retry-delay': '1', 'cf-aig-event-id': 'busy' } });
    const got = await client.messages.create({ model: 'claude-sonnet-4-5', max_tokens: 10, messages: [{ role: 'user', content: 'x' }] });
    assert.equal(got.content[0].text, 'Hello');
    assert.equal(up.requests.length, 3);
    const rows = await rowsOf(weir, 'busy');
    assert.deepEqual(rows.map((r) => [r.status_code, r.weir.error]), [[529, 'Overloaded'], [529, 'Overloaded'], [200, null]]);
    assert.equal(rows[2].tokens_in, 11);
});

test('a port where nobody listens', async (t) => {
    const up = await startUpstream(t, ok);
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    await new Promise((resolve) => up.server.close(resolve));
    const a = await weir.request({ to: TO, body: BODY, headers: { ...json, 'cf-aig-max-attempts': '3', 'cf-aig-retry-delay': '0' } });
    assert.equal(a.status, 400);
    assert.deepEqual(a.json.error, [{ code: 2005, message: 'Failed to get response from provider' }]);
    const rows = await rowsOf(weir, a);
    assert.deepEqual(rows.map((r) => r.weir.error), Array(3).fill('The connection was refused'));
    assert.equal(a.header('cf-aig-log-id'), rows[2].id);
});
