// SPDX-License-Identifier: Apache-2.0
// Gateways through the management API while they are in use, by several workers.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startUpstream } from './lib/upstream.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const WORKERS = 3;
const SETTINGS = {
    cache_invalidate_on_update: false, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0,
};

/** A client connection that asks one thing after the other; it stays with the worker that took it. */
class Line {
    static async open(weir) {
        const line = new Line();
        line.client = await weir.connect();
        line.n = 0;
        return line;
    }
    async ask(method, path, body, headers = {}) {
        await this.client.request({ method, path, headers: { Authorization: `Bearer ${TOKEN}`, ...headers }, body: body && JSON.stringify(body) });
        return this.client.answer(this.n++);
    }
    api(method, rest, body) {
        return this.ask(method, `/client/v4/accounts/${ACCOUNT}/ai-gateway${rest}`, body);
    }
    close() {
        this.client.close();
    }
}

const lines = (weir, n) => Promise.all(Array.from({ length: n }, () => Line.open(weir)));

test('a change holds for the next request, whichever worker takes it', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { workers: WORKERS, providers: { openai: up.origin } });
    await weir.createGateway({ id: 'g' });
    const all = await lines(weir, 12); // SO_REUSEPORT spreads them
    const use = (line) => line.ask('GET', `/v1/${ACCOUNT}/g/openai/models`, undefined, { Authorization: 'Bearer sk' });
    for (let i = 0; i < 40; i++) {
        const authentication = i % 2 === 0;
        const a = await all[i % all.length].api('PUT', '/gateways/g', { ...SETTINGS, authentication });
        assert.equal(a.status, 200);
        const got = await Promise.all(all.map(use));
        assert.deepEqual([...new Set(got.map((g) => g.status))], [authentication ? 401 : 200], `round ${i}`);
    }
    all.forEach((l) => l.close());
});

test('fifty clients change gateways while requests run: nothing torn, nothing lost, no fault', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { workers: WORKERS, providers: { openai: up.origin } });
    const clients = await lines(weir, 50);
    const callers = await lines(weir, 6);
    const bad = [];
    const note = (a, what) => a.status === 200 || bad.push(`${what}: ${a.status} ${a.text}`);
    // The settings of one change all say the same number: what shows two of them is torn.
    const settings = (n) => ({ ...SETTINGS, cache_ttl: n, rate_limiting_interval: n, retry_delay: n, weir_total_timeout: n });
    await weir.createGateway({ id: 'shared', ...settings(20000) });
    const numbers = (g) => new Set([g.cache_ttl, g.rate_limiting_interval, g.retry_delay, g.weir_total_timeout]);
    let over = false, used = 0, changes = 0;
    const use = async (line) => {
        while (!over) {
            const a = await line.ask('POST', `/v1/${ACCOUNT}/shared/openai/chat/completions`, { model: 'm' }, { Authorization: 'Bearer sk' });
            note(a, 'a call');
            const g = await line.api('GET', '/gateways/shared');
            if (numbers(g.json.result).size !== 1) bad.push(`torn: ${g.text}`);
            used++;
        }
    };
    const change = async (line, i) => {
        const id = `own-${i}`;
        note(await line.api('POST', '/gateways', { id, ...settings(20000) }), 'creating');
        for (let k = 0; k < 4; k++) {
            const n = 20001 + i * 10 + k;
            const put = await line.api('PUT', `/gateways/${id}`, settings(n));
            note(put, 'changing its own');
            const got = await line.api('GET', `/gateways/${id}`);
            if (got.json.result.cache_ttl !== n || put.json.result.cache_ttl !== n) bad.push(`lost: ${n}, ${got.text}`);
            note(await line.api('PUT', '/gateways/shared', settings(n)), 'changing the shared one');
            changes += 2;
        }
        note(await line.api('DELETE', `/gateways/${id}`), 'deleting');
        if ((await line.api('GET', `/gateways/${id}`)).status !== 404) bad.push(`${id} is there still`);
    };
    const using = callers.map(use);
    await Promise.all(clients.map(change));
    over = true;
    await Promise.all(using);
    assert.deepEqual(bad, []);
    assert.ok(used > callers.length, 'calls ran meanwhile');

    // Each change left its line, in an order in which each began where the last one ended.
    const audit = async (query) => (await clients[0].ask('GET', `/client/v4/accounts/${ACCOUNT}/audit_logs?per_page=1000&direction=asc&${query}`)).json.result;
    const updates = await audit('action.type=update');
    assert.equal(updates.length, changes);
    const shared = updates.filter((l) => l.newValueJson.id === 'shared');
    assert.equal(shared.length, changes / 2);
    assert.ok(updates.every((l) => numbers(l.newValueJson).size === 1));
    for (let i = 1; i < shared.length; i++) assert.deepEqual(shared[i].oldValueJson, shared[i - 1].newValueJson);
    assert.deepEqual((await audit('action.type=delete')).length, clients.length);
    assert.deepEqual((await clients[0].api('GET', '/gateways/shared')).json.result.cache_ttl, shared.at(-1).newValueJson.cache_ttl);
    [...clients, ...callers].forEach((l) => l.close());
});
