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
