// SPDX-License-Identifier: Apache-2.0
// Where the time of each attempt went, on the one line of its request; the stored key it used; notes about it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { answers, chat, configure, failure, inTurn, rowsOf } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, startWeir } from './lib/weir.mjs';

const TO = 'openai/chat/completions', JSON_TYPE = { 'Content-Type': 'application/json' };
const OWN = { ...JSON_TYPE, Authorization: 'Bearer sk-1' };
const BODY = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'ping' }] });
const ORDER = ['pause', 'auth', 'body', 'plan', 'cache', 'shared', 'limits', 'credential', 'connect', 'reuse', 'send', 'wait', 'answer'];
const later = (ms, script) => async (...args) => { await new Promise((done) => setTimeout(done, ms)); return script(...args); };

/** Steps follow each other without a gap, in order; those of the attempt add up to its duration. */
function check(row) {
    const { steps, started_us } = row.weir;
    assert.ok(Array.isArray(steps) && Number.isInteger(started_us), JSON.stringify(row.weir));
    let at = steps[0]?.start_us ?? started_us, before = -1;
    for (const s of steps) {
        assert.equal(s.start_us, at, JSON.stringify(steps));
        assert.ok(s.duration_us > 0 || s.name === 'reuse', JSON.stringify(steps));
        assert.ok(ORDER.indexOf(s.name) > before, JSON.stringify(steps));
        before = ORDER.indexOf(s.name);
        at += s.duration_us;
    }
    const own = steps.filter((s) => s.start_us >= started_us).reduce((sum, s) => sum + s.duration_us, 0);
    const duration = Math.round(row.timings.total * 1000);
    assert.ok(own <= duration && (own === duration || steps.length === 0 || !row.status_code || row.weir.error), `${own} of ${duration}: ${JSON.stringify(steps)}`);
    return { ...Object.fromEntries(steps.map((s) => [s.name, s.duration_us])), names: steps.map((s) => s.name), end: at, own, duration };
}

test('where the time goes', async (t) => {
    const up = await startUpstream(t, answers(200, chat()));
    const weir = await startWeir(t, { providers: { openai: up.origin, anthropic: up.origin } });
    await configure(weir, { cache_ttl: 600 });
    const ask = (headers = {}, body = BODY) => weir.request({ to: TO, body, headers: { ...OWN, ...headers } });
    const rowOf = async (answer) => weir.log(answer.header('cf-aig-log-id'));
    const fresh = { 'cf-aig-skip-cache': 'true' };

    await t.test('a connection is made, then used again', async () => {
        up.script = later(40, answers(200, chat()));
        const one = check(await rowOf(await ask(fresh))), two = check(await rowOf(await ask(fresh)));
        assert.ok(one.connect > 0 && !('reuse' in one), one.names.join());
        assert.ok('reuse' in two && !('connect' in two), two.names.join());
        for (const s of [one, two]) {
            assert.ok(s.wait >= 35e3 && s.auth > 0 && s.body > 0, JSON.stringify(s));
            assert.equal(s.own, s.duration);
        }
    });

    await t.test('a body that comes slowly; what came before the attempt is not in its duration', async () => {
        up.script = answers(200, chat());
        const client = await weir.connect();
        const head = weir.headers([...Object.entries({ ...OWN, ...fresh }), ['Content-Length', String(BODY.length)]]);
        await client.request({ method: 'POST', path: weir.path(TO), headers: head });
        await new Promise((done) => setTimeout(done, 60));
        await client.send(BODY);
        const row = await rowOf(await client.answer()), s = check(row);
        client.close();
        assert.ok(s.body >= 30e3, JSON.stringify(s));
        assert.ok( row.weir.started_us >= s.auth + s.body);
        assert.ok(s.duration < s.body + s.duration && s.own === s.duration);
    });

    await t.test('tries, and the pauses between them', async () => {
        up.script = inTurn(answers(500, failure('no')), later(30, answers(500, failure('no'))), answers(200, chat()));
        const rows = await rowsOf(weir, await ask({ ...fresh, 'cf-aig-max-attempts': '3', 'cf-aig-retry-delay': '60' }));
        assert.deepEqual(rows.map((r) => r.status_code), [500, 500, 200]);
        const seen = rows.map(check);
        assert.ok(!('pause' in seen[0]) && 'auth' in seen[0]);
        for (const i of [1, 2]) {
            assert.equal(rows[i].weir.steps[0].start_us, seen[i - 1].end, 'it begins where the one before ended');
            assert.ok(seen[i].pause >= 55e3 && !('auth' in seen[i]), seen[i].names.join());
            assert.ok(rows[i].weir.started_us >= rows[i - 1].weir.started_us + seen[i - 1].duration + 55e3);
        }
    });

    await t.test('a fallback begins later, on the same line', async () => {
        up.script = (req, ...rest) => (req.target.includes('messages') ? answers(200, { id: 'm', type: 'message', content: [], usage: {} }) : later(30, answers(500, failure('no'))))(req, ...rest);
        const steps = [{ provider: 'openai', endpoint: 'chat/completions', headers: OWN, query: JSON.parse(BODY) },
            { provider: 'anthropic', endpoint: 'v1/messages', headers: { 'x-api-key': 'k' }, query: { model: 'claude-sonnet-4-5', max_tokens: 9, messages: [] } }];
        const rows = await rowsOf(weir, await weir.request({ method: 'POST', path: `/v1/${ACCOUNT}/default`, headers: { ...JSON_TYPE, ...fresh }, body: JSON.stringify(steps) }));
        assert.deepEqual(rows.map((r) => [r.provider, r.step]), [['openai', 0], ['anthropic', 1]]);
        const [one, two] = rows.map(check);
        assert.ok(one.wait >= 25e3);
        assert.ok(rows[1].weir.started_us >= one.end && rows[1].weir.started_us >= 25e3);
        assert.equal(rows[1].weir.request_id, rows[0].weir.request_id);
        assert.ok(!('pause' in two));
    });

    await t.test('the cache: looked up, hit, and how old the answer was', async () => {
        up.script = answers(200, chat());
        const missed = await rowOf(await ask({}, BODY.replace('ping', 'cached'))), m = check(missed);
        assert.ok(m.names.includes('cache') && missed.weir.cache_age_ms === null);
        await new Promise((done) => setTimeout(done, 20));
        const hit = await rowOf(await ask({}, BODY.replace('ping', 'cached'))), h = check(hit);
        assert.equal(hit.cached, true);
        assert.ok(hit.weir.cache_age_ms >= 15 && hit.weir.cache_age_ms < 60e3, `${hit.weir.cache_age_ms}`);
        assert.ok(!['connect', 'reuse', 'wait'].some((name) => name in h), h.names.join());
    });

    await t.test('a reader of another request’s answer waits for that', async () => {
        let go;
        const gate = new Promise((done) => { go = done; });
        up.script = async (...args) => { await gate; return answers(200, chat())(...args); };
        const both = [ask({}, BODY.replace('ping', 'shared')), ask({}, BODY.replace('ping', 'shared'))];
        await poll('the second one to read along', async () => /weir_cache_shared_total 1\b/.test((await weir.request({ path: '/metrics', auth: false })).text));
        await new Promise((done) => setTimeout(done, 30));
        go();
        const seen = (await Promise.all((await Promise.all(both)).map(rowOf))).map((r) => ({ cached: r.cached, ...check(r) }));
        const reader = seen.find((s) => s.cached), leader = seen.find((s) => !s.cached);
        assert.ok(reader.shared >= 25e3 && !('wait' in reader), reader.names.join());
        assert.ok(leader.wait >= 25e3 && !('shared' in leader), leader.names.join());
    });

    await t.test('a provider that cannot be reached, and a refusal', async () => {
        up.script = (req, res) => res.reset();
        const cut = check(await rowOf(await ask(fresh)));
        assert.ok(!('answer' in cut), cut.names.join());
        await configure(weir, { rate_limiting_interval: 3600, rate_limiting_limit: 1, rate_limiting_technique: 'fixed' });
        up.script = answers(200, chat());
        const refused = (await Promise.all([ask(fresh), ask(fresh)])).find((a) => a.status === 429);
        const row = await rowOf(refused), s = check(row);
        assert.ok(s.names.every((name) => ['auth', 'body', 'plan', 'limits'].includes(name)), s.names.join());
        assert.equal(row.weir.started_us, s.end);
        await configure(weir, {});
    });

    await t.test('the client leaves in the middle', async () => {
        up.script = () => {};
        const client = await weir.connect(), before = up.requests.length;
        await client.request({ method: 'POST', path: weir.path(TO), headers: weir.headers({ ...OWN, ...fresh, 'cf-aig-event-id': 'left' }), body: BODY });
        await poll('the request to arrive', () => up.requests.length > before);
        await new Promise((done) => setTimeout(done, 30));
        client.close();
        const [row] = await poll('its row', async () => { const rows = await rowsOf(weir, 'left'); return rows.length ? rows : null; });
        const s = check(row);
        assert.equal(row.weir.client_gone, true);
        assert.ok(s.names.includes('wait') && !s.names.includes('answer'), s.names.join());
    });
});

test('which stored key was used; notes', async (t) => {
    const up = await startUpstream(t, answers(200, chat()));
    const weir = await startWeir(t, { providers: { openai: up.origin }, gateway: 'team' });
    await weir.createGateway({ id: 'team', authentication: true, cache_ttl: 600 });
    for (const [alias, secret] of [['red', 'sk-red-0000001'], ['blue team', 'sk-blue-0000001']]) {
        const a = await weir.api('POST', '/gateways/team/provider_configs', { provider_slug: 'openai', alias, default_config: false, secret });
        assert.equal(a.status, 200, a.text);
    }
    const ask = async (headers, body = BODY) => weir.log((await weir.request({ to: TO, body, headers: { ...JSON_TYPE, ...headers } })).header('cf-aig-log-id'));
    const found = async (...clauses) => (await weir.logs({ query: `per_page=50&filters=${encodeURIComponent(JSON.stringify(clauses.map(([key, operator, ...value]) => ({ key, operator, value }))))}` })).map((r) => r.id);
    const own = await ask({ Authorization: 'Bearer sk-own' }), red = await ask({ 'cf-aig-byok-alias': 'red' }), blue = await ask({ 'cf-aig-byok-alias': 'blue team' });
    const again = await ask({ 'cf-aig-byok-alias': 'red' });

    await t.test('the row names the key, and is found by it', async () => {
        assert.deepEqual([own, red, blue, again].map((r) => [r.byok, r.weir.key_alias, r.cached]), [[false, null, false], [true, 'red', false], [true, 'blue team', false], [false, null, true]]);
        assert.deepEqual(await found(['weir_key_alias', 'eq', 'red']), [red.id]);
        assert.deepEqual(await found(['weir_key_alias', 'contains', 'TEAM']), [blue.id]);
        assert.deepEqual(await found(['weir_key_alias', 'eq', null]), [again.id, own.id]);
    });

    await t.test('notes are kept, found, exported and taken away', async () => {
        const patch = (id, body) => weir.api('PATCH', `/gateways/team/logs/${id}`, body);
        const text = 'Wrong city: "Bern"\n<script>alert(1)</script> =1+1';
        assert.equal((await patch(red.id, { weir_note: text })).json.result.weir.note, text);
        assert.equal((await patch(blue.id, { weir_note: 'Fine', score: 3 })).json.result.weir.note, 'Fine');
        assert.equal((await patch(blue.id, { score: 4 })).json.result.weir.note, 'Fine', 'what is not sent stays');
        assert.equal((await weir.log(red.id)).weir.note, text);
        assert.deepEqual(await found(['weir_note', 'contains', 'bern']), [red.id]);
        assert.deepEqual(await found(['weir_note', 'neq', null]), [blue.id, red.id]);
        assert.deepEqual(await found(['weir_note', 'eq', null]), [again.id, own.id]);
        const lines = (await weir.api('GET', '/gateways/team/logs/export')).text.trim().split('\n').map((l) => JSON.parse(l));
        assert.deepEqual(lines.map((r) => [r.weir.note, r.weir.key_alias]), [[null, null], ['Fine', 'blue team'], [text, 'red'], [null, null]]);
        const csv = (await weir.api('GET', '/gateways/team/logs/export?format=csv')).text;
        const heading = csv.slice(0, csv.indexOf('\r\n')).split(',');
        assert.deepEqual(heading.slice(-2), ['key_alias', 'note']);
        assert.ok(csv.includes(`"red","${text.replaceAll('"', '""')}"\r\n`), csv);
        for (const gone of [null, '']) {
            await patch(red.id, { weir_note: 'again' });
            assert.equal((await patch(red.id, { weir_note: gone })).json.result.weir.note, null);
        }
        assert.deepEqual(await found(['weir_note', 'neq', null]), [blue.id]);
    });

    await t.test('a note has its bounds', async () => {
        const patch = (body) => weir.api('PATCH', `/gateways/team/logs/${own.id}`, body);
        const longest = 'y'.repeat(10000);
        assert.equal((await patch({ weir_note: longest })).json.result.weir.note, longest);
        for (const bad of [`${longest}x`, 7, ['a'], true]) {
            const a = await patch({ weir_note: bad });
            assert.deepEqual([a.status, a.json.errors[0].code, a.json.errors[0].path], [400, 7001, ['body', 'weir_note']]);
        }
        assert.equal((await weir.log(own.id)).weir.note, longest);
    });
});
