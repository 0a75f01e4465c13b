// SPDX-License-Identifier: Apache-2.0
// Target health: who is passed over, for how long, what does not suffer with it, and what log and metrics say.
import test from 'node:test';
import assert from 'node:assert/strict';
import { answers, chat, configure, failure, inTurn, metric, rowsOf, silent } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, startWeir } from './lib/weir.mjs';

const step = (key = 'sk-1', model = 'gpt-4o-mini', more = {}) => ({ provider: 'openai', endpoint: 'chat/completions', headers: { Authorization: `Bearer ${key}` }, query: { model }, ...more });
const spare = { provider: 'mistral', endpoint: 'v1/chat/completions', headers: { Authorization: 'Bearer m' }, query: { model: 'mistral-small-latest' } };
const busy = (seconds) => answers(429, failure('quota'), seconds && { 'Retry-After': seconds });
const ok = answers(200, chat());

async function world(t, script, settings = { weir_target_health: true }, options = {}) {
    const a = await startUpstream(t, script);
    const b = await startUpstream(t, ok);
    const weir = await startWeir(t, { providers: { openai: a.origin, groq: a.origin, mistral: b.origin }, ...options });
    await configure(weir, settings);
    const ask = (steps, headers = {}, gateway = 'default') => weir.request({ path: `/v1/${ACCOUNT}/${gateway}`, body: JSON.stringify(steps), headers: { 'Content-Type': 'application/json', ...headers } });
    /** Which step answered, and how often the first provider was asked for it. */
    const tried = async (...args) => {
        const n = a.requests.length;
        const got = await ask(...args);
        assert.equal(got.status, 200, got.text);
        return [Number(got.header('cf-aig-step')), a.requests.length - n];
    };
    return { a, b, weir, ask, tried };
}

test('a 429 with Retry-After cools that target: later requests go on at once, and leave a row', async (t) => {
    const { a, weir, ask, tried } = await world(t, busy(600));
    assert.deepEqual(await tried([step(), spare]), [1, 1]);
    a.script = ok;
    const got = await ask([step(), spare], { 'cf-aig-metadata': '{"n":1}' });
    assert.deepEqual([got.status, got.header('cf-aig-step'), a.requests.length], [200, '1', 1]);
    const rows = await rowsOf(weir, got);
    assert.deepEqual(rows.map((r) => [r.step, r.weir.attempt, r.status_code, r.provider, r.cost, r.tokens_in]), [[0, 0, 503, 'openai', 0, null], [1, 0, 200, 'mistral', rows[1].cost, 7]]);
    assert.match(rows[0].weir.error, /cooling down/);
    assert.deepEqual([rows[0].success, rows[0].metadata, rows[0].model], [false, { n: 1 }, 'gpt-4o-mini']);
    assert.deepEqual((await weir.logBody(rows[0].id, 'request')).json, step().query);
    assert.equal(await metric(weir, 'weir_target_cooldowns_total'), 1);
    assert.equal(await metric(weir, 'weir_target_cooling_skips_total'), 1);
    assert.equal(await metric(weir, 'weir_fallbacks_total'), 2);
});

test('another key, model, provider or gateway does not suffer with it', async (t) => {
    const { a, weir, tried } = await world(t, inTurn(busy(600), ok));
    await weir.createGateway({ id: 'b', weir_target_health: true });
    assert.deepEqual(await tried([step(), spare]), [1, 1]);
    assert.deepEqual(await tried([step(), spare]), [1, 0]);
    for (const other of [step('sk-2'), step('sk-1', 'gpt-4o'), step('sk-1', 'gpt-4o-mini', { provider: 'groq' })]) assert.deepEqual(await tried([other, spare]), [0, 1]);
    assert.deepEqual(await tried([step(), spare], {}, 'b'), [0, 1]);
    assert.deepEqual(await tried([step(), step('sk-2')]), [1, 1], 'the spare one may be the same provider');
    assert.equal(a.last.header('authorization'), 'Bearer sk-2');
});

test('where there is no other it is tried all the same', async (t) => {
    const { a, weir, ask, tried } = await world(t, busy(600));
    const native = () => weir.request({ to: 'openai/chat/completions', body: JSON.stringify(step().query), headers: { Authorization: 'Bearer sk-1' } });
    assert.equal((await native()).status, 429);
    a.script = ok;
    assert.equal((await native()).status, 200);
    assert.deepEqual(await tried(step()), [0, 1]);
    assert.deepEqual(await tried([step(), spare]), [1, 0], 'a success does not shorten what the provider asked for');
    assert.deepEqual(await tried([step(), step()]), [1, 1], 'the last one is tried');
    a.script = answers(500, failure('down'));
    const got = await ask([spare, step()].reverse());
    assert.equal(got.header('cf-aig-step'), '1');
});

test('a 429 that names no time: a second, and a success ends it', async (t) => {
    const { a, weir, tried } = await world(t, inTurn(busy(), busy(), ok));
    assert.deepEqual(await tried([step(), spare]), [1, 1]);
    await poll('the end of the cooldown', async () => (await tried([step(), spare]))[1] === 1);
    assert.equal(a.requests.length, 2, 'it failed again, and cools again');
    assert.deepEqual(await tried([step()]), [0, 1]);
    assert.deepEqual(await tried([step(), spare]), [0, 1], 'it has recovered');
    assert.equal(await metric(weir, 'weir_target_cooldowns_total'), 2);
});

test('three failures in a row', async (t) => {
    const ways = { 'status 500': answers(500, failure('x')), 'a closed connection': (req, res) => res.close(), silence: silent };
    for (const [name, script] of Object.entries(ways))
        await t.test(name, async (t) => {
            const { weir, tried } = await world(t, script);
            const s = step('sk-1', 'gpt-4o-mini', { config: { requestTimeout: 250 } });
            for (let i = 0; i < 3; i++) {
                assert.equal(await metric(weir, 'weir_target_cooldowns_total'), 0);
                assert.deepEqual(await tried([s, spare]), [1, 1], `failure ${i}`);
            }
            assert.equal(await metric(weir, 'weir_target_cooldowns_total'), 1);
            // it cools for a second, and again if we are slower than that
            await poll('a request that passes it over', async () => (await tried([s, spare]))[1] === 0);
        });
    await t.test('but not two, nor what is the request\'s own fault', async (t) => {
        const { tried } = await world(t, inTurn(...[500, 500, 400, 500, 500, 422, 404].map((s) => answers(s, failure('x')))));
        for (let i = 0; i < 7; i++) assert.deepEqual(await tried([step(), spare]), [1, 1], `request ${i}`);
    });
});

test('a target that has just been sent into a cooldown is not tried again before the next one', async (t) => {
    const patient = { config: { maxAttempts: 5, retryDelay: 0 } };
    const { a, tried } = await world(t, busy(600));
    assert.deepEqual(await tried([step('sk-1', 'gpt-4o-mini', patient), spare]), [1, 1]);
    a.script = answers(500, failure('x'));
    assert.deepEqual(await tried([step('sk-2', 'gpt-4o-mini', patient), spare]), [1, 3], 'the third failure did');
    a.script = inTurn(busy(600), busy(600), ok);
    assert.deepEqual(await tried([step('sk-3', 'gpt-4o-mini', patient)]), [0, 3], 'without another one it is');
});

test('only where a gateway wants it', async (t) => {
    const { weir, tried } = await world(t, busy(600), {});
    for (let i = 0; i < 4; i++) assert.deepEqual(await tried([step(), spare]), [1, 1]);
    await configure(weir, { weir_target_health: true });
    assert.deepEqual(await tried([step(), spare]), [1, 1]);
    assert.deepEqual(await tried([step(), spare]), [1, 0]);
    await configure(weir, {});
    assert.deepEqual(await tried([step(), spare]), [1, 1]);
});

test('all workers know', async (t) => {
    const { tried } = await world(t, busy(600), undefined, { workers: 2 });
    assert.deepEqual(await tried([step(), spare]), [1, 1]);
    for (let i = 0; i < 20; i++) assert.deepEqual(await tried([step(), spare]), [1, 0]); // a connection each
});
