// SPDX-License-Identifier: Apache-2.0
// The Universal endpoint (data plane 11): steps in their order, what makes one fail, what reaches each provider,
// which setting counts, and what the log says.
import test from 'node:test';
import assert from 'node:assert/strict';
import { answers, chat, chatEvents, configure, failure, inTurn, message, metric, resets, rowsOf, silent, streamChat, timed } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const first = (more = {}) => ({ provider: 'openai', endpoint: 'chat/completions', headers: { Authorization: 'Bearer sk-1', 'content-type': 'application/json' },
    query: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'ping' }] }, ...more });
const second = (more = {}) => ({ provider: 'anthropic', endpoint: 'v1/messages', headers: { 'x-api-key': 'sk-ant', 'anthropic-version': '2023-06-01' },
    query: { model: 'claude-sonnet-4-5', max_tokens: 9, messages: [{ role: 'user', content: 'ping' }] }, ...more });
const PATH = `/v1/${ACCOUNT}/default`;

/** Two providers and a gateway; `ask` sends steps (or a body as it is). */
async function world(t, one = answers(200, chat()), two = answers(200, message()), options = {}) {
    const a = await startUpstream(t, one);
    const b = await startUpstream(t, two);
    const providers = { openai: a.origin, anthropic: b.origin, groq: a.origin, mistral: b.origin, 'azure-openai': a.origin, 'google-ai-studio': b.origin, ...options.providers };
    const weir = await startWeir(t, { ...options, providers });
    const ask = (steps, headers = {}, more = {}) => weir.request({ path: PATH, headers: { 'Content-Type': 'application/json', ...headers },
        body: typeof steps === 'string' || Buffer.isBuffer(steps) ? steps : JSON.stringify(steps), method: 'POST', ...more });
    return { a, b, weir, ask };
}

const step = (answer) => answer.header('cf-aig-step');

test('the first step that answers is the answer', async (t) => {
    const { a, b, weir, ask } = await world(t);
    const got = await ask([first(), second()]);
    assert.equal(got.status, 200);
    assert.deepEqual(got.json, chat());
    assert.equal(step(got), '0');
    assert.equal(got.header('cf-aig-cache-status'), 'MISS');
    assert.deepEqual([a.requests.length, b.requests.length], [1, 0]);
    assert.deepEqual([a.last.method, a.last.target], ['POST', '/v1/chat/completions']);
    const [row, ...others] = await rowsOf(weir, got);
    assert.deepEqual(others, []);
    assert.deepEqual([row.id, row.event_id, row.request_type, row.provider, row.model, row.step], [got.header('cf-aig-log-id'), row.id, 'universal', 'openai', 'gpt-4o-mini', 0]);
    assert.deepEqual((await weir.logBody(row.id, 'request')).json, first().query);
    assert.equal(row.weir.method, 'POST');
});

test('one object is an array of one; a slash may follow the gateway', async (t) => {
    const { a, ask } = await world(t);
    const array = await ask([first()]);
    for (const [body, path] of [[first(), PATH], [first(), `${PATH}/`], [[first()], `${PATH}/`], [` ${JSON.stringify(first())}\n`, PATH]]) {
        const got = await ask(body, {}, { path });
        assert.equal(got.status, 200, got.text);
        assert.equal(got.text, array.text);
        assert.equal(step(got), '0');
        assert.equal(a.last.text, a.requests[0].text);
        assert.equal(a.last.rawHead, a.requests[0].rawHead);
    }
    assert.equal((await ask(first(), {}, { path: `${PATH}//x` })).status, 400);
});

test('a failed first step: the second answers, at once, and both have a row', async (t) => {
    const { a, b, weir, ask } = await world(t, answers(500, failure('out of order')));
    const got = await ask([first(), second()], { 'cf-aig-metadata': '{"k":1}' });
    assert.equal(got.status, 200);
    assert.deepEqual(got.json, message());
    assert.equal(step(got), '1');
    assert.deepEqual([a.requests.length, b.requests.length], [1, 1]);
    const rows = await rowsOf(weir, got);
    assert.deepEqual(rows.map((r) => [r.step, r.weir.attempt, r.status_code, r.provider, r.model, r.success]),
        [[0, 0, 500, 'openai', 'gpt-4o-mini', false], [1, 0, 200, 'anthropic', 'claude-sonnet-4-5', true]]);
    assert.deepEqual(rows.map((r) => [r.tokens_in, r.tokens_out]), [[null, null], [11, 3]]);
    assert.deepEqual([rows[0].cost, rows[0].weir.error], [0, 'out of order']);
    assert.ok(rows[1].cost > 0);
    assert.equal(rows[1].id, got.header('cf-aig-log-id'));
    assert.notEqual(rows[0].id, rows[1].id);
    assert.deepEqual(rows.map((r) => r.metadata), [{ k: 1 }, { k: 1 }]);
    assert.equal(new Set(rows.map((r) => r.weir.request_id)).size, 1);
    assert.equal(rows[0].weir.request_id, got.header('cf-aig-request-id'));
    for (const [i, s] of [first(), second()].entries()) assert.deepEqual((await weir.logBody(rows[i].id, 'request')).json, s.query);
    assert.deepEqual((await weir.logBody(rows[0].id, 'response')).json, failure('out of order'));
    assert.equal(await metric(weir, 'weir_fallbacks_total'), 1);
    assert.equal(await metric(weir, 'weir_requests_total'), 1);
    assert.equal(await metric(weir, 'weir_attempts_total'), 2);
});

test('what makes a step fail', async (t) => {
    const ways = {
        'any status from 400 on': [400, 401, 403, 404, 422, 429, 500, 503, 529].map((s) => answers(s, failure('x'))),
        'a connection that is reset': [resets],
        'a connection that is closed': [(req, res) => res.close()],
        'an answer that is not HTTP': [(req, res) => res.write('SSH-2.0-x\r\n\r\n')],
    };
    for (const [name, scripts] of Object.entries(ways))
        await t.test(name, async (t) => {
            const { ask } = await world(t, inTurn(...scripts));
            for (const _ of scripts) {
                const got = await ask([first(), second()]);
                assert.deepEqual([got.status, step(got)], [200, '1'], got.text);
            }
        });
    await t.test('a refused connection', async (t) => {
        const { a, weir, ask } = await world(t);
        await new Promise((resolve) => a.server.close(resolve));
        const got = await ask([first(), second()]);
        assert.deepEqual([got.status, step(got)], [200, '1']);
        assert.equal((await rowsOf(weir, got))[0].weir.error, 'The connection was refused');
    });
    await t.test('a host without an address', async (t) => {
        const { weir, ask } = await world(t, undefined, undefined, { providers: { openai: 'http://nowhere.invalid' } });
        const got = await ask([first(), second()]);
        assert.deepEqual([got.status, step(got)], [200, '1']);
        const [row] = await rowsOf(weir, got);
        assert.deepEqual([row.status_code, row.weir.error], [400, 'The host name could not be resolved']);
    });
    await t.test('too slow', async (t) => {
        const { a, weir, ask } = await world(t, silent);
        const got = await ask([first({ config: { requestTimeout: 50 } }), second()]);
        assert.deepEqual([got.status, step(got)], [200, '1']);
        assert.deepEqual((await rowsOf(weir, got)).map((r) => [r.status_code, r.weir.error]), [[504, 'Request timed out'], [200, null]]);
        await a.connections[0].closed();
    });
    await t.test('a redirect is an answer', async (t) => {
        const { ask } = await world(t, (req, res) => res.reply(307, { Location: 'https://elsewhere.example/' }, ''));
        assert.deepEqual([307, '0'], await ask([first(), second()]).then((g) => [g.status, step(g)]));
    });
});

test('all fail: the last step\'s status and body', async (t) => {
    const { weir, ask } = await world(t, answers(500, failure('one')), (req, res) => res.reply(418, { 'Content-Type': 'text/plain', 'X-Tea': 'pot' }, 'short and stout'));
    const got = await ask([first(), second()]);
    assert.deepEqual([got.status, got.text, got.header('x-tea'), got.header('content-type'), step(got)], [418, 'short and stout', 'pot', 'text/plain', '1']);
    assert.equal(got.header('cf-aig-log-id'), (await rowsOf(weir, got))[1].id);
});

test('all fail, the last without an answer: an envelope', async (t) => {
    const { weir, ask } = await world(t, answers(500, failure('one')), resets);
    const got = await ask([first(), second()]);
    assert.deepEqual([got.status, got.json.error, step(got)], [400, [{ code: 2005, message: 'Failed to get response from provider' }], '1']);
    assert.equal((await rowsOf(weir, got)).length, 2);
    const slow = await world(t, answers(500, failure('one')), silent);
    const late = await slow.ask([first(), second({ config: { requestTimeout: 50 } })]);
    assert.deepEqual([late.status, late.json.error[0].code], [504, 2004]);
});

test('order, and tries of a step before the next one', async (t) => {
    const { a, b, weir, ask } = await world(t, answers(503, failure('x')), inTurn(answers(503, failure('y')), answers(200, message())));
    const got = await ask([first({ config: { maxAttempts: 3, retryDelay: 1 } }), first({ provider: 'groq' }), second({ config: { maxAttempts: 2, retryDelay: 1 } }), second()]);
    assert.deepEqual([got.status, step(got)], [200, '2']);
    assert.deepEqual([a.requests.length, b.requests.length], [4, 2]);
    const rows = await rowsOf(weir, got);
    assert.deepEqual(rows.map((r) => [r.provider, r.step, r.weir.attempt, r.status_code]), [['openai', 0, 0, 503], ['openai', 0, 1, 503],
        ['openai', 0, 2, 503], ['groq', 1, 0, 503], ['anthropic', 2, 0, 503], ['anthropic', 2, 1, 200]]);
    assert.equal(new Set(rows.map((r) => r.id)).size, 6);
    assert.ok(rows.every((r) => r.event_id === rows[0].event_id));
});

test('a stream from the second step: byte for byte, usage asked for and taken out again', async (t) => {
    const { a, b, weir, ask } = await world(t, answers(500, failure('x')), (req, res) => streamChat(res, ['He', 'llo'], req));
    const query = { model: 'mistral-small-latest', stream: true, messages: [] };
    const got = await ask([first({ query: { ...query, model: 'gpt-4o-mini' } }), first({ provider: 'openai', query: { ...query, model: 'gpt-4o' } }),
        { provider: 'mistral', endpoint: 'v1/chat/completions', headers: { Authorization: 'Bearer m' }, query: { ...query, stream_options: { include_usage: true } } }]);
    assert.deepEqual([got.status, step(got)], [200, '2']);
    assert.equal(got.text, chatEvents(['He', 'llo'], b.last).join(''));
    assert.deepEqual(a.requests.map((r) => r.json.model), ['gpt-4o-mini', 'gpt-4o']);
    for (const r of a.requests) assert.equal(r.json.stream_options.include_usage, true, 'each step is asked in its own body');
    assert.deepEqual((await rowsOf(weir, got)).map((r) => [r.status_code, r.tokens_out]), [[500, null], [500, null], [200, 2]]);
});

test('a stream without a word about usage, from the second step', async (t) => {
    const { a, weir, ask } = await world(t, (req, res) => streamChat(res, ['a'], req), answers(500, failure('x')));
    const query = { model: 'gpt-4o-mini', stream: true, messages: [] };
    const got = await ask([second(), first({ query })]);
    assert.equal(step(got), '1');
    assert.equal(a.last.json.stream_options.include_usage, true);
    assert.equal(got.text, chatEvents(['a'], { json: query }).join(''), 'the chunk with the usage is not for the client');
    assert.deepEqual((await rowsOf(weir, got)).map((r) => r.tokens_in), [null, 7]);
});

test('once a stream has begun there is no other step', async (t) => {
    const { b, ask } = await world(t, async (req, res) => {
        await res.head(200, { 'Content-Type': 'text/event-stream', 'Transfer-Encoding': 'chunked' });
        await res.chunk('data: {"choices":[]}\n\n');
        res.reset();
    });
    const got = await ask([first({ query: { model: 'gpt-4o', stream: true } }), second()]);
    assert.ok(got.cut);
    assert.equal(step(got), '0');
    assert.equal(b.requests.length, 0);
});

// ---- what reaches the provider ----

test('bodies are the bytes of `query`', async (t) => {
    const { a, weir, ask } = await world(t);
    const bodies = ['{ "id": 12345678901234567890, "neg":-1.50E+02 ,\n\t"s":"\\u00e9\\/\\ud83d\\ude00 é", "a":[ 1,2 , {} ] }', '[1, 2]', '"text"', '17.0', 'true', 'null', '{}',
        '{"dup":1,"dup":2}', '{"deep":[[[[{"x":"]}\\""}]]]]}'];
    for (const body of bodies) {
        const got = await ask(Buffer.from(`[ {"provider":"openai" , "endpoint":"chat/completions","headers":{}, "query" :  ${body}  } ]`));
        assert.equal(got.status, 200, got.text);
        assert.equal(a.last.text, body);
        assert.equal(a.last.header('content-length'), String(Buffer.byteLength(body)));
        assert.equal((await weir.logBody(got.header('cf-aig-log-id'), 'request')).text, body);
    }
    const none = await ask('{"provider":"openai","endpoint":"models"}');
    assert.equal(none.status, 200);
    assert.deepEqual([a.last.method, a.last.target, a.last.text, a.last.header('content-length'), a.last.header('content-type')], ['POST', '/v1/models', '', '0', undefined]);
});

test('paths: with and without v1, leading slashes, a query string, percent-escapes', async (t) => {
    const { a, b, ask } = await world(t);
    const cases = [
        [a, 'openai', 'v1/chat/completions', '/v1/chat/completions'], [a, 'openai', '/chat/completions', '/v1/chat/completions'], [a, 'openai', '//chat/completions', '/v1/chat/completions'],
        [a, 'groq', 'openai/v1/chat/completions', '/openai/v1/chat/completions'], [a, 'groq', 'chat/completions', '/openai/v1/chat/completions'],
        [a, 'azure-openai', 'res/dep/chat/completions?api-version=2024-10-21&x=a%2Fb', '/openai/deployments/dep/chat/completions?api-version=2024-10-21&x=a%2Fb'],
        [b, 'google-ai-studio', 'v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse', '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse'],
        [b, 'mistral', 'v1/a%3Ab/c%20d?', '/v1/a%3Ab/c%20d?'],
    ];
    for (const [up, provider, endpoint, target] of cases) {
        const got = await ask([{ provider, endpoint, headers: {}, query: {} }]);
        assert.equal(got.status, 200, `${endpoint}: ${got.text}`);
        assert.equal(up.last.target, target);
    }
});

test('headers: those of the step and nothing else, but for User-Agent and a content type', async (t) => {
    const { a, ask } = await world(t);
    const outer = { Authorization: 'Bearer outer', 'x-api-key': 'outer', 'OpenAI-Organization': 'outer', 'User-Agent': 'app/1', Cookie: 'c=1', 'cf-aig-metadata': '{"a":1}', 'X-Forwarded-For': '1.2.3.4', Accept: 'x/y' };
    const lines = () => a.last.headers.filter(([n]) => !['host', 'content-length', 'accept-encoding'].includes(n.toLowerCase()));
    await ask([first({ headers: { Authorization: 'Bearer sk-1' } })], outer);
    assert.deepEqual(lines(), [['Authorization', 'Bearer sk-1'], ['User-Agent', 'app/1'], ['Content-Type', 'application/json']]);
    const own = { authorization: 'Bearer sk-2', 'Content-Type': 'application/json; charset=utf-8', 'user-agent': 'ai/7', 'X-Odd-Case': 'v', 'x-number': 20250101, 'X-Bool': true, 'x-null': null,
        'CF-AIG-Cache-TTL': '600', 'cf-aig-custom': 'x', 'cf-ray': 'r', 'weir-retry-jitter': 'true', Host: 'evil.example', 'Content-Length': '9', 'Transfer-Encoding': 'chunked', Connection: 'close', 'X-Forwarded-For': '6.6.6.6' };
    await ask([first({ headers: own })], outer);
    assert.deepEqual(lines(), [['authorization', 'Bearer sk-2'], ['Content-Type', 'application/json; charset=utf-8'], ['user-agent', 'ai/7'], ['X-Odd-Case', 'v'], ['x-number', '20250101'], ['X-Bool', 'true']]);
    assert.notEqual(a.last.header('host'), 'evil.example');
    await ask([first({ headers: undefined, authorization: 'Bearer legacy' })], outer);
    assert.deepEqual(lines(), [['Authorization', 'Bearer legacy'], ['User-Agent', 'app/1'], ['Content-Type', 'application/json']]);
    await ask([first({ authorization: 'Bearer legacy' })], outer);
    assert.equal(a.last.header('authorization'), 'Bearer sk-1', 'a header counts more than the legacy member');
});

test('a gateway token inside a step reaches no provider', async (t) => {
    const { a, b, weir, ask } = await world(t);
    const bare = (headers) => [first({ headers: { Authorization: `Bearer ${TOKEN}` } }), second({ headers: { 'x-api-key': TOKEN, Authorization: `Bearer ${TOKEN}`, 'anthropic-version': 'v' } })].map((s) => ({ ...s, headers: { ...s.headers, ...headers } }));
    a.script = answers(401, failure('no key'));
    for (const request of [{}, { auth: false, headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' } }]) {
        const got = await weir.request({ path: PATH, body: JSON.stringify(bare({ 'cf-aig-authorization': `Bearer ${TOKEN}` })), ...request });
        assert.equal(step(got), '1', got.text);
        for (const r of [a.last, b.last]) assert.ok(!r.rawHead.includes(TOKEN), r.rawHead);
        assert.equal(b.last.header('anthropic-version'), 'v');
    }
    assert.equal((await ask([first({ headers: { Authorization: `Bearer ${TOKEN}x` } })])).status, 401);
    assert.equal(a.last.header('authorization'), `Bearer ${TOKEN}x`, 'anything else is the provider\'s');
});

// ---- who may, and what is wrong ----

test('without a token: 401, whatever the body is', async (t) => {
    const { a, ask } = await world(t);
    for (const body of [[first()], 'nonsense', [first({ headers: { Authorization: `Bearer ${TOKEN}` } })]]) {
        const got = await ask(body, {}, { auth: false });
        assert.deepEqual([got.status, got.json.error, got.json.success, step(got)], [401, [{ code: 2009, message: 'Unauthorized' }], false, '0']);
    }
    assert.equal(a.requests.length, 0);
});

test('the outer request may bring the token where providers have their keys', async (t) => {
    const { a, ask } = await world(t);
    const got = await ask([first()], { Authorization: `Bearer ${TOKEN}` }, { auth: false });
    assert.equal(got.status, 200);
    assert.equal(a.last.header('authorization'), 'Bearer sk-1');
});

test('a body that is none of it: 400 / 2007, and words that help', async (t) => {
    const { a, b, ask } = await world(t);
    const cases = [
        ['', /not JSON/], ['{', /not JSON/], ['[{}', /not JSON/], ['nonsense', /not JSON/], ['"text"', /neither an array of steps nor a step/], ['17', /neither/], ['null', /neither/],
        ['[]', /no steps/], ['{}', /Step 0: lacks provider/], ['[17]', /Step 0: not an object/], [[first(), { endpoint: 'x' }], /Step 1: lacks provider/],
        [[first({ endpoint: undefined })], /Step 0: lacks endpoint/], [[first({ provider: '' })], /Step 0: lacks provider/], [[first({ provider: 5 })], /Step 0: not a string: provider/],
        [[first({ endpoint: ['x'] })], /Step 0: not a string: endpoint/], [[first({ headers: 'x' })], /Step 0: not an object: headers/], [[first({ headers: { 'x-list': ['a'] } })], /Step 0: not a string: the header x-list/],
        [[first({ headers: { 'x-bad': 'a\r\nEvil: 1' } })], /Step 0: may not be sent, the header x-bad/], [[first({ headers: { 'bad name': 'a' } })], /may not be sent/], [[first({ config: 'x' })], /Step 0: not an object: config/],
        [Array.from({ length: 33 }, () => first()), /too many steps/],
    ];
    for (const [body, words] of cases) {
        const got = await ask(body);
        assert.equal(got.status, 400, JSON.stringify(body));
        assert.deepEqual(got.json.error, [{ code: 2007, message: 'Invalid request body' }]);
        assert.match(got.json.description, words);
        assert.equal(step(got), '0');
    }
    assert.deepEqual([a.requests.length, b.requests.length], [0, 0]);
});

test('32 steps are taken, and tried', async (t) => {
    const { a, weir, ask } = await world(t, inTurn(...Array.from({ length: 31 }, () => answers(500, failure('x'))), answers(200, chat('at last'))));
    const got = await ask(Array.from({ length: 32 }, (_, i) => first({ query: { model: `m${i}` } })));
    assert.deepEqual([got.status, step(got), got.json.choices[0].message.content], [200, '31', 'at last']);
    assert.deepEqual(a.requests.map((r) => r.json.model), Array.from({ length: 32 }, (_, i) => `m${i}`));
    const rows = await rowsOf(weir, got);
    assert.deepEqual(rows.map((r) => r.step), Array.from({ length: 32 }, (_, i) => i));
    assert.equal(rows[31].id, got.header('cf-aig-log-id'));
});

test('a provider that does not exist, in any step: 400 / 2008, nobody is asked', async (t) => {
    const { a, ask } = await world(t);
    for (const provider of ['nosuch', 'Openai', 'bedrock', 'openai/', '../openai']) {
        const got = await ask([first(), second({ provider })]);
        assert.deepEqual([got.status, got.json.error], [400, [{ code: 2008, message: 'Invalid provider' }]], provider);
        assert.match(got.json.description, /There is no provider/);
    }
    for (const endpoint of ['../x', 'v1/%2e%2e/x', 'a b', 'x\r\ny']) assert.deepEqual([400, 2008], await ask([first(), first({ endpoint })]).then((g) => [g.status, g.json.error[0].code]), endpoint);
    assert.equal(a.requests.length, 0);
});

test('another method: 405', async (t) => {
    const { weir } = await world(t);
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
        const got = await weir.request({ path: PATH, method });
        assert.deepEqual([got.status, got.json.error[0].code], [405, 2008], method);
    }
});

// ---- settings: config of a step, its headers, the request's, the gateway's ----

test('which setting counts: config, then the step\'s headers, then the request\'s, then the gateway\'s', async (t) => {
    const script = timed(answers(503, failure('x')));
    const { a, weir, ask } = await world(t, script);
    const tries = async (steps, headers) => {
        const n = a.requests.length;
        await ask(steps, headers);
        return a.requests.length - n;
    };
    const h = (headers) => ({ headers: { Authorization: 'Bearer sk-1', ...headers } });
    const fast = { 'cf-aig-retry-delay': '0' };
    assert.equal(await tries([first()]), 1);
    await configure(weir, { retry_max_attempts: 2, retry_delay: 0 });
    assert.equal(await tries([first()]), 2, 'gateway');
    assert.equal(await tries([first()], { 'cf-aig-max-attempts': '3' }), 3, 'request over gateway');
    assert.equal(await tries([first(h({ 'CF-AIG-Max-Attempts': '4' }))], { 'cf-aig-max-attempts': '3' }), 4, 'step over request');
    assert.equal(await tries([first({ ...h({ 'cf-aig-max-attempts': '4' }), config: { maxAttempts: 5 } })], { 'cf-aig-max-attempts': '3' }), 5, 'config over step');
    assert.equal(await tries([first({ config: { maxAttempts: 1 } }), first(h({ 'cf-aig-max-attempts': '2' })), first({ provider: 'groq' })], { 'cf-aig-max-attempts': '3' }), 6, 'each step for itself');
    assert.equal(await tries([first({ config: { maxAttempts: 'x', retryDelay: -1, backoff: 'sideways', other: {} } })]), 2, 'what is malformed does not count');

    const statuses = async (steps, headers) => (await tries(steps, { ...fast, 'cf-aig-max-attempts': '2', ...headers })) === 2;
    await configure(weir, { weir_retry_statuses: [404] });
    assert.equal(await statuses([first()]), false, 'gateway');
    assert.equal(await statuses([first()], { 'weir-retry-statuses': '503' }), true, 'request');
    assert.equal(await statuses([first(h({ 'weir-retry-statuses': '404' }))], { 'weir-retry-statuses': '503' }), false, 'step');
    assert.equal(await statuses([first({ ...h({ 'weir-retry-statuses': '404' }), config: { retryStatuses: [503] } })]), true, 'config');

    const pause = async (steps, headers) => {
        const n = script.times.length;
        await ask(steps, { 'cf-aig-max-attempts': '3', ...headers });
        return script.times[n + 2] - script.times[n + 1];
    };
    await configure(weir, { retry_delay: 20, retry_backoff: 'exponential' });
    const atLeast = (ms, want, what) => assert.ok(ms >= want - 2, `${what}: ${ms}`);
    atLeast(await pause([first()]), 40, 'gateway: twice the delay');
    atLeast(await pause([first()], { 'cf-aig-retry-delay': '40' }), 80, 'request');
    atLeast(await pause([first(h({ 'cf-aig-retry-delay': '60' }))], { 'cf-aig-retry-delay': '1' }), 120, 'step');
    atLeast(await pause([first({ ...h({ 'cf-aig-retry-delay': '1', 'cf-aig-backoff': 'constant' }), config: { retryDelay: 70, backoff: 'linear' } })]), 140, 'config');
});

test('timeouts at every level', async (t) => {
    const { a, weir, ask } = await world(t, silent);
    const passes = async (s, headers) => {
        const got = await ask([s, second()], headers);
        assert.deepEqual([got.status, step(got)], [200, '1'], got.text);
    };
    await passes(first({ config: { requestTimeout: 30 } }), { 'cf-aig-request-timeout': '3600000' });
    await passes(first({ headers: { 'cf-aig-request-timeout': '30' } }), { 'cf-aig-request-timeout': '3600000' });
    await passes(first(), { 'cf-aig-request-timeout': '30' });
    await configure(weir, { weir_request_timeout: 30 });
    await passes(first());
    await configure(weir, { weir_request_timeout: 3600000 });
    await passes(first({ config: { requestTimeout: 30 }, headers: { 'cf-aig-request-timeout': '3600000' } }));
    assert.equal(a.requests.length, 5);
    const got = await ask([first(), second()], { 'weir-total-timeout': '50' });
    assert.deepEqual([got.status, got.json.error[0].code, step(got)], [504, 2004, '0'], 'no time is left for the second');
});

test('the row of each step: whether there is one, its bodies, metadata, event id, cost, as the step says', async (t) => {
    const { weir, ask } = await world(t, answers(500, failure('x')), answers(200, message()));
    const h = (headers) => ({ headers: { 'x-api-key': 'k', ...headers } });
    const steps = [
        first({ headers: { 'cf-aig-collect-log': 'false' } }),
        first({ provider: 'groq', headers: { 'cf-aig-collect-log-payload': 'false', 'cf-aig-metadata': '{"who":"groq","six":1,"a":2,"b":3,"c":4,"d":5}' } }),
        first({ headers: { 'cf-aig-metadata': '{"who":null}' } }),
        second(h({ 'cf-aig-metadata': '{"who":"anthropic"}', 'cf-aig-custom-cost': '{"total_cost":0.5}' })),
    ];
    const got = await ask(steps, { 'cf-aig-event-id': 'ours', 'cf-aig-metadata': '{"who":"outer"}', 'cf-aig-custom-cost': '{"per_token_in":1,"per_token_out":1}' });
    assert.deepEqual([step(got), got.header('cf-aig-event-id')], ['3', 'ours']);
    const rows = await rowsOf(weir, 'ours');
    assert.deepEqual(rows.map((r) => [r.step, r.metadata]), [[1, { who: 'groq', six: 1, a: 2, b: 3, c: 4 }], [2, { who: 'outer' }], [3, { who: 'anthropic' }]]);
    assert.deepEqual(rows.map((r) => r.weir.no_payload), [true, false, false]);
    assert.deepEqual([(await weir.logBody(rows[0].id, 'request')).status, (await weir.logBody(rows[1].id, 'request')).status], [404, 200]);
    assert.deepEqual([rows[2].cost, rows[2].custom_cost], [0.5, true]);
    const quiet = await ask([second(h({ 'cf-aig-collect-log': 'false' }))]);
    assert.equal(quiet.header('cf-aig-log-id'), undefined);
    await configure(weir, { collect_logs: false });
    const loud = await ask([second(h({ 'cf-aig-collect-log': 'true' }))], { 'cf-aig-collect-log': 'false' });
    assert.equal((await weir.log(loud.header('cf-aig-log-id'))).step, 0);
    const none = await ask([second()]);
    assert.equal(none.header('cf-aig-log-id'), undefined);
});

test('an event id inside a step, as bindings send it, is echoed and in the row', async (t) => {
    const { weir, ask } = await world(t);
    const got = await ask([first({ headers: { 'cf-aig-event-id': 'from-the-step' } })]);
    assert.equal(got.header('cf-aig-event-id'), 'from-the-step');
    assert.equal((await weir.log(got.header('cf-aig-log-id'))).event_id, 'from-the-step');
});

test('the cache is asked step by step: a hit in the second says so', async (t) => {
    const { a, b, weir, ask } = await world(t, answers(500, failure('x')));
    const steps = [first(), second({ headers: { 'x-api-key': 'k', 'cf-aig-cache-ttl': '600' } })];
    assert.deepEqual(['MISS', '1'], await ask(steps).then((g) => [g.header('cf-aig-cache-status'), step(g)]));
    const hit = await ask(steps);
    assert.deepEqual([hit.status, hit.header('cf-aig-cache-status'), step(hit), hit.json], [200, 'HIT', '1', message()]);
    assert.deepEqual([a.requests.length, b.requests.length], [2, 1]);
    const rows = await rowsOf(weir, hit);
    assert.deepEqual(rows.map((r) => [r.step, r.status_code, r.cached, r.cost, r.tokens_in]), [[0, 500, false, 0, null], [1, 200, true, 0, 0]]);
    assert.equal(rows[1].id, hit.header('cf-aig-log-id'));
    const first0 = await ask([first({ headers: { 'cf-aig-cache-ttl': '600' } }), steps[1]]);
    assert.equal(step(first0), '1', 'a failure is not stored');
    b.script = answers(500, failure('b is down, too'));
    assert.equal((await ask([steps[1], first()])).header('cf-aig-cache-status'), 'HIT');
});

// ---- credentials (data plane 4) ----

test('without a credential: refused where nobody else\'s may be used, and the next step is tried', async (t) => {
    const { a, b, weir, ask } = await world(t);
    const bare = first({ headers: {} });
    assert.equal((await ask([bare])).status, 200, 'as a rule it is forwarded');
    for (const [steps, headers] of [[[bare], { 'cf-aig-no-wholesale': 'true' }], [[first({ headers: { 'cf-aig-no-wholesale': '1' } })], {}]]) {
        const got = await ask(steps, headers);
        assert.deepEqual([got.status, got.json.error], [400, [{ code: 2040, message: "Provider 'openai' has no credentials and unified billing is disabled for this request" }]]);
        const [row] = await rowsOf(weir, got);
        assert.deepEqual([row.status_code, row.cost, row.tokens_in, row.success, row.weir.error], [400, 0, null, false, 'No provider credential']);
        assert.equal(row.id, got.header('cf-aig-log-id'));
    }
    const next = await ask([bare, second()], { 'cf-aig-no-wholesale': 'true' });
    assert.deepEqual([next.status, step(next)], [200, '1']);
    assert.deepEqual((await rowsOf(weir, next)).map((r) => [r.step, r.status_code, r.provider]), [[0, 400, 'openai'], [1, 200, 'anthropic']]);
    assert.deepEqual([a.requests.length, b.requests.length], [1, 1]);
    await configure(weir, { byok_only: true });
    assert.equal((await ask([bare], { 'cf-aig-no-wholesale': 'false' })).status, 400, 'a header cannot loosen it');
    assert.equal((await ask([first()])).status, 200);
    const native = await weir.request({ to: 'openai/chat/completions', body: '{}' });
    assert.deepEqual([native.status, native.json.error[0].code], [400, 2040]);
});

test('an alias is ignored where no key of the provider is stored', async (t) => {
    const { a, weir, ask } = await world(t);
    const native = await weir.request({ to: 'openai/chat/completions', body: '{}', headers: { 'cf-aig-byok-alias': 'team' } });
    assert.equal(native.status, 200);
    assert.equal((await ask([first({ headers: { 'cf-aig-byok-alias': 'team' } })])).status, 200);
    assert.deepEqual(a.requests.map((r) => r.header('authorization')), [undefined, undefined]);
});

// ---- everything together, against a model ----

/** Numbers that look random and are the same in each run (Park and Miller). */
function numbers(seed) {
    let x = seed;
    return (below) => (x = (x * 48271) % 2147483647) % below;
}

const OUTCOMES = { ok: [200, false], bad: [400, false], denied: [401, false], busy: [429, true], down: [503, true], closed: [400, true], mute: [504, true] };

/** What should become of a plan: its tries with their statuses, and which of them is the answer. */
function model(plan) {
    const tries = [];
    for (const [s, { outcomes, attempts }] of plan.entries())
        for (let i = 0; i < attempts; i++) {
            const [status, again] = OUTCOMES[outcomes[i]];
            tries.push([s, i, status]);
            if (status < 400) return tries;
            if (!again) break;
        }
    return tries;
}

/** A step that is silent is silent in all its tries, so that only such a step needs a timeout. */
function randomPlan(pick) {
    const names = Object.keys(OUTCOMES).filter((name) => name !== 'mute');
    const steps = 1 + pick(4);
    return Array.from({ length: steps }, (_, s) => {
        const provider = ['openai', 'groq', 'mistral'][pick(3)];
        const mute = pick(6) === 0;
        const attempts = mute && s === steps - 1 ? 1 : 1 + pick(3); // the last retry of all would be waited for
        const outcomes = Array.from({ length: attempts }, () => (mute ? 'mute' : names[pick(names.length)]));
        return { provider, attempts, outcomes, config: { maxAttempts: attempts, ...(mute && { requestTimeout: 30 }) } };
    });
}

test('random plans fare as the model says, many at once, also when clients leave', async (t) => {
    const plans = new Map();
    const seen = new Map();
    const script = async (req, res) => {
        const key = `${req.json.plan}/${req.json.step}`;
        const n = seen.get(key) ?? 0;
        seen.set(key, n + 1);
        const outcome = plans.get(req.json.plan)[req.json.step].outcomes[n];
        if (outcome === 'mute') return;
        // a connection of its own for each, or weir could take a closed one for a stale one
        if (outcome === 'closed') return void res.close();
        await res.json(OUTCOMES[outcome][0], { plan: req.json.plan, step: req.json.step, n }, { Connection: 'close' });
        res.close();
    };
    const { weir } = await world(t, script, script, { workers: 2 });
    const pick = numbers(20261121);
    const requestOf = (id) => ({ method: 'POST', path: PATH, headers: weir.headers({ 'Content-Type': 'application/json', 'cf-aig-event-id': id, 'cf-aig-retry-delay': '2' }),
        body: JSON.stringify(plans.get(id).map((s, step) => ({ provider: s.provider, endpoint: 'v1/chat/completions', headers: {}, query: { plan: id, step, model: 'gpt-4o-mini' }, config: s.config }))) });
    const run = async (id) => {
        const c = await weir.connect();
        await c.request(requestOf(id));
        if (id.startsWith('leaves')) {
            for (let i = pick(30); i > 0; i--) await new Promise(setImmediate);
            c.close();
            return null;
        }
        const a = await c.answer();
        c.close();
        return a;
    };
    for (let i = 0; i < 300; i++) plans.set(`${i % 5 ? 'stays' : 'leaves'}-${1000 + i}`, randomPlan(pick));
    const ids = [...plans.keys()];
    const got = new Map();
    await Promise.all(Array.from({ length: 20 }, async () => {
        for (let id; (id = ids.pop());) got.set(id, await run(id));
    }));
    for (const [id, a] of got) {
        const want = model(plans.get(id));
        const rows = (await weir.logs({ query: `per_page=50&search=${id}` })).filter((r) => r.event_id === id).sort((x, y) => x.step - y.step || x.weir.attempt - y.weir.attempt);
        const tries = rows.map((r) => [r.step, r.weir.attempt, r.status_code]);
        if (!a) {
            if (tries.length) assert.deepEqual(tries.slice(0, -1), want.slice(0, tries.length - 1), id);
            continue;
        }
        const [s, n, status] = want.at(-1);
        const outcome = plans.get(id)[s].outcomes[n];
        assert.deepEqual([a.status, step(a)], [status, String(s)], `${id} ${JSON.stringify(plans.get(id))}: ${a.text}`);
        if (outcome !== 'mute' && outcome !== 'closed') assert.deepEqual(a.json, { plan: id, step: s, n });
        assert.deepEqual(tries, want, `${id} ${JSON.stringify(plans.get(id))}`);
        assert.equal(rows.at(-1).id, a.header('cf-aig-log-id'));
    }
});
