// SPDX-License-Identifier: Apache-2.0
// Starting, stopping, crashing, reloading: no client sees a broken answer, no row is missing.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ACCOUNT, startWeir, tempDir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { once } from './lib/http.mjs';
import { poll } from './lib/wait.mjs';

const answer = (req, res) => res.json(200, { id: 'x', model: 'gpt-4o-mini', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } });

/** Runs `clients` loops of requests until `stop` is set; collects every answer's log id. */
function load(weir, clients) {
    const state = { ids: [], broken: [], refused: 0, done: 0, stop: false, count: 0 };
    state.finished = Promise.all(Array.from({ length: clients }, async () => {
        while (!state.stop) {
            let a;
            try {
                a = await weir.request({ to: 'openai/chat/completions', body: '{"model":"gpt-4o-mini"}' });
            } catch (e) {
                // a connection that was never accepted, or closed before a byte of an answer, is no broken answer
                state.refused++;
                if (state.stop || weir.child.exit) return;
                await new Promise((r) => setTimeout(r, 1));
                if (state.refused > 1000) return;
                continue;
            }
            if (a.cut || (a.status !== 200 && a.status !== 503)) state.broken.push(`${a.status} ${a.cut} ${a.text}`);
            else if (a.status === 200) state.ids.push(a.header('cf-aig-log-id'));
            state.count++;
        }
    }));
    return state;
}

async function allIds(weir) {
    const ids = new Set();
    for (let page = 1; ; page++) {
        const rows = await weir.logs({ query: `per_page=50&page=${page}` });
        if (!rows.length) return ids;
        rows.forEach((r) => ids.add(r.id));
    }
}

test('SIGTERM under load: no broken answer, no row missing', async (t) => {
    const up = await startUpstream(t, async (req, res) => {
        await new Promise((r) => setTimeout(r, 3));
        await answer(req, res);
    });
    const dir = tempDir(t);
    const weir = await startWeir(t, { providers: { openai: up.origin }, dir });
    const run = load(weir, 8);
    await poll('some traffic', async () => run.count > 200);
    const streams = [];
    weir.child.signal('SIGTERM');
    await weir.child.exited();
    run.stop = true;
    await run.finished;
    await Promise.all(streams);
    assert.deepEqual(run.broken, []);
    const again = await startWeir(t, { providers: { openai: up.origin }, dir });
    const ids = await allIds(again);
    assert.deepEqual(run.ids.filter((id) => !ids.has(id)), [], 'answers without a row');
});

test('SIGTERM lets a running stream finish and refuses newcomers', async (t) => {
    let go;
    const gate = new Promise((r) => (go = r));
    const up = await startUpstream(t, async (req, res) => {
        await res.head(200, { 'Content-Type': 'text/event-stream', 'Transfer-Encoding': 'chunked' });
        await res.chunk('data: 1\n\n');
        await gate;
        await res.chunk('data: 2\n\n');
        await res.lastChunk();
    });
    const dir = tempDir(t);
    const weir = await startWeir(t, { providers: { anthropic: up.origin }, dir });
    const idle = await weir.connect();
    await idle.request({ path: '/healthz' });
    await idle.answer();
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path('anthropic/v1/messages'), headers: weir.headers(), body: '{"stream":true}' });
    await c.bodyBytes(9);
    weir.child.signal('SIGTERM');
    await idle.closed();
    assert.equal(weir.child.exit, null, 'still draining');
    go();
    const a = await c.answer();
    assert.equal(a.text, 'data: 1\n\ndata: 2\n\n');
    assert.ok(!a.cut);
    const exit = await weir.child.exited();
    assert.deepEqual(exit, { code: 0, signal: null });
    const again = await startWeir(t, { providers: { anthropic: up.origin }, dir });
    assert.equal((await again.log(a.header('cf-aig-log-id'))).success, true);
});

test('SIGTERM ends at the deadline even if a stream does not', async (t) => {
    const up = await startUpstream(t, (req, res) => res.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n'));
    const dir = tempDir(t);
    const weir = await startWeir(t, { providers: { anthropic: up.origin }, limits: { drain_timeout_ms: 200 }, dir });
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path('anthropic/v1/messages'), headers: weir.headers(), body: '{"stream":true}' });
    const head = await c.bodyBytes(9);
    weir.child.signal('SIGTERM');
    const a = await c.answer();
    assert.ok(a.cut);
    assert.equal((await weir.child.exited()).code, 0);
    const again = await startWeir(t, { providers: { anthropic: up.origin }, dir });
    assert.equal((await again.log(head.header('cf-aig-log-id'))).success, false);
});

test('kill -9 under load: the database opens, at most a commit interval is lost', async (t) => {
    const up = await startUpstream(t, answer);
    const dir = tempDir(t);
    const weir = await startWeir(t, { providers: { openai: up.origin }, dir });
    const run = load(weir, 8);
    await poll('some traffic', async () => run.count > 300);
    const before = run.ids.slice();
    await new Promise((r) => setTimeout(r, 200)); // four commit intervals
    await weir.kill();
    run.stop = true;
    await run.finished;
    const again = await startWeir(t, { providers: { openai: up.origin }, dir });
    const ids = await allIds(again);
    assert.deepEqual(before.filter((id) => !ids.has(id)), [], 'rows older than the interval');
    t.diagnostic(`${run.ids.length} answers, ${ids.size} rows after the kill`);
    const last = [...ids].sort().at(-1);
    assert.equal((await again.logBody(last, 'request')).text, '{"model":"gpt-4o-mini"}', 'a committed row has its body');
    const a = await again.request({ to: 'openai/chat/completions', body: '{}' });
    assert.equal(a.status, 200);
});

test('durability sync: an answer that was seen is in the log, whatever happens', async (t) => {
    const up = await startUpstream(t, answer);
    const dir = tempDir(t);
    const config = { durability: 'sync' };
    const weir = await startWeir(t, { providers: { openai: up.origin }, dir, config });
    const run = load(weir, 4);
    await poll('some traffic', async () => run.count > 40);
    await weir.kill();
    run.stop = true;
    await run.finished;
    const again = await startWeir(t, { providers: { openai: up.origin }, dir, config });
    const ids = await allIds(again);
    assert.deepEqual(run.ids.filter((id) => !ids.has(id)), []);
});

test('SIGHUP takes new settings, keeps the old ones when they are wrong', async (t) => {
    const one = await startUpstream(t, (req, res) => res.json(200, { at: 1 }));
    const two = await startUpstream(t, (req, res) => res.json(200, { at: 2 }));
    const weir = await startWeir(t, { providers: { openai: one.origin } });
    const at = async () => (await weir.request({ to: 'openai/x', body: '{}' })).json.at;
    assert.equal(await at(), 1);
    const kept = await weir.connect();
    await kept.request({ path: '/healthz' });
    await kept.answer();
    weir.writeConfig({ providers: { openai: two.origin }, limits: { max_body_bytes: 2000 } });
    weir.child.signal('SIGHUP');
    await poll('the new origin', async () => (await at()) === 2);
    assert.equal((await weir.request({ to: 'openai/x', body: 'x'.repeat(2001) })).status, 413);
    await kept.request({ path: '/healthz' });
    assert.equal((await kept.answer(1)).status, 200, 'connections live on');
    kept.close();
    fs.writeFileSync(weir.configFile, '{"limits": {"max_body_bytes": "nonsense"}}');
    const seen = weir.output.length;
    weir.child.signal('SIGHUP');
    await weir.child.until('a message about the mistake', () => /max_body_bytes/.test(weir.output.slice(seen)));
    assert.equal(await at(), 2);
});

for (const [kind, value] of [['unset', undefined], ['empty', '']]) test(`first start, variables ${kind}: account, token and gateway are made, printed once`, async (t) => {
    const dir = tempDir(t);
    const up = await startUpstream(t, answer);
    const env = { WEIR_ACCOUNT_ID: value, WEIR_ROOT_TOKEN: value };
    const weir = await startWeir(t, { providers: { openai: up.origin }, dir, env });
    const account = /\/v1\/([0-9a-f]{32})\/default/.exec(weir.output)?.[1];
    assert.ok(account, `the base URL is printed: ${weir.output}`);
    const token = [...weir.output.matchAll(/[A-Za-z0-9_-]{24,}/g)].map((m) => m[0]).filter((x) => x !== account);
    let works;
    for (const x of token) {
        const a = await once(weir.port, { method: 'POST', path: `/v1/${account}/default/openai/x`, headers: { 'cf-aig-authorization': `Bearer ${x}` }, body: '{}' });
        if (a.status === 200) works = x;
    }
    assert.ok(works, 'the root token is printed');
    await weir.stop();
    const again = await startWeir(t, { providers: { openai: up.origin }, dir, env });
    assert.ok(!again.child.output.includes(works), 'and never again');
    const a = await once(again.port, { method: 'POST', path: `/v1/${account}/default/openai/x`, headers: { 'cf-aig-authorization': `Bearer ${works}` }, body: '{}' });
    assert.equal(a.status, 200);
    for (const file of fs.readdirSync(path.join(dir, 'data'))) {
        const full = path.join(dir, 'data', file);
        if (fs.statSync(full).isFile()) assert.ok(!fs.readFileSync(full).includes(works), `${file} holds the token in clear`);
    }
    assert.equal(fs.statSync(path.join(dir, 'data')).mode & 0o077, 0, 'the data directory is the owner\'s alone');
});

test('several workers: every one serves, logs are one', async (t) => {
    const up = await startUpstream(t, answer);
    const weir = await startWeir(t, { providers: { openai: up.origin }, workers: 4 });
    const all = await Promise.all(Array.from({ length: 60 }, () => weir.request({ to: 'openai/chat/completions', body: '{"model":"gpt-4o-mini"}' })));
    assert.ok(all.every((a) => a.status === 200));
    assert.equal(new Set(all.map((a) => a.header('cf-aig-log-id'))).size, 60);
    const ids = await allIds(weir);
    for (const a of all) assert.ok(ids.has(a.header('cf-aig-log-id')));
});

test('the sandbox answers without a provider, a key or a network', async (t) => {
    const weir = await startWeir(t, { env: { WEIR_SANDBOX: 'true' } });
    const a = await weir.request({ to: 'mock/v1/chat/completions', headers: { 'Content-Type': 'application/json' },
        body: '{"model":"mock","messages":[{"role":"user","content":"Hello"}]}' });
    assert.equal(a.status, 200, a.text);
    assert.ok(a.json.choices[0].message.content.length > 0);
    const row = await weir.log(a.header('cf-aig-log-id'));
    assert.equal(row.provider, 'mock');
    assert.equal(row.tokens_in, a.json.usage.prompt_tokens);
    assert.equal(row.tokens_out, a.json.usage.completion_tokens);
    assert.ok(row.cost > 0, `cost ${row.cost}`);
    const s = await weir.request({ to: 'mock/chat/completions', headers: { 'Content-Type': 'application/json' },
        body: '{"model":"mock","stream":true,"messages":[{"role":"user","content":"Hello"}]}' });
    assert.match(s.header('content-type'), /text\/event-stream/);
    assert.match(s.text, /data: \[DONE\]\n\n$/);
    assert.doesNotMatch(s.text, /"usage":\{/);
    assert.ok((await weir.log(s.header('cf-aig-log-id'))).tokens_out > 0);
});

test('without the sandbox the slug mock is not a provider', async (t) => {
    const weir = await startWeir(t);
    const a = await weir.request({ to: 'mock/v1/chat/completions', body: '{}' });
    assert.equal(a.status, 400);
    assert.equal(a.json.error[0].code, 2008);
});

test('settings come from the environment too', async (t) => {
    const up = await startUpstream(t, answer);
    const weir = await startWeir(t, { env: { WEIR_PROVIDERS_OPENAI_ORIGIN: up.origin, WEIR_PROVIDERS_GOOGLE_AI_STUDIO_ORIGIN: `${up.origin}/g`, WEIR_LIMITS_MAX_BODY_BYTES: '2000' } });
    assert.equal((await weir.request({ to: 'openai/x', body: '{}' })).status, 200);
    assert.equal((await weir.request({ to: 'google-ai-studio/v1/x', body: '{}' })).status, 200);
    assert.equal(up.last.target, '/g/v1/x');
    assert.equal((await weir.request({ to: 'openai/x', body: 'x'.repeat(2001) })).status, 413);
    assert.equal(weir.account, ACCOUNT);
    assert.equal(weir.token, TOKEN);
});
