// SPDX-License-Identifier: Apache-2.0
// The log through the management API: filters in both dialects, ratings, deleting, caps' settings, export. With Cloudflare's
// own client and with plain requests.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import path from 'node:path';
import { execFileSync, spawnSync } from 'node:child_process';
import Cloudflare from 'cloudflare';
import { ACCOUNT, BIN, startWeir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { once } from './lib/http.mjs';
import { poll } from './lib/wait.mjs';

const TEAMS = ['blue', 'green'];

/** A daemon with 24 rows: models a, b, c; every fourth failed; metadata team, n (a number) and ok. */
async function world(t) {
    const up = await startUpstream(t, (req, res) => res.json(req.json.fail ? 500 : 200, {
        id: 'c', object: 'chat.completion', model: req.json.model, choices: [],
        usage: { prompt_tokens: req.json.n, completion_tokens: 1, total_tokens: req.json.n + 1 } }));
    const weir = await startWeir(t, { providers: { openai: up.origin, groq: up.origin } });
    const rows = [];
    for (let n = 0; n < 24; n++) {
        const body = { model: `m-${'abc'[n % 3]}`, n, fail: n % 4 === 3 };
        const a = await weir.request({ to: `${n % 2 ? 'groq' : 'openai'}/chat/completions`, body: JSON.stringify(body), headers: {
            'User-Agent': n % 2 ? 'Client/1' : 'other/2', 'cf-aig-event-id': n % 5 ? `ev-${n}` : '',
            'cf-aig-metadata': n === 7 ? '' : JSON.stringify({ team: TEAMS[n % 2], n, ok: n % 3 === 0 }) } });
        rows.push({ id: a.header('cf-aig-log-id'), n, ...body, fail: a.status === 500 });
    }
    const list = (query) => weir.api('GET', `/gateways/default/logs?${query}`);
    /** The n of the rows that a query answers with. */
    const found = async (query) => {
        const a = await list(`per_page=50&order_by_direction=asc&${query}`);
        assert.equal(a.status, 200, a.text);
        const ns = a.json.result.map((r) => rows.find((x) => x.id === r.id).n);
        assert.equal(a.json.result_info.total_count, ns.length);
        return ns;
    };
    const filtered = (...clauses) => found(`filters=${encodeURIComponent(JSON.stringify(clauses.map(([key, operator, ...value]) => ({ key, operator, value }))))}`);
    const where = (fn) => rows.filter(fn).map((r) => r.n);
    return { weir, rows, list, found, filtered, where };
}

test('the log of a gateway', async (t) => {
    const { weir, rows, list, found, filtered, where } = await world(t);
    const client = new Cloudflare({ apiToken: TOKEN, baseURL: `http://127.0.0.1:${weir.port}/client/v4`, maxRetries: 0 });
    const logs = client.aiGateway.logs;
    const at = { account_id: ACCOUNT };

    await t.test('filters mean what they say', async () => {
        assert.deepEqual(await filtered(['model', 'eq', 'm-a']), where((r) => r.model === 'm-a'));
        assert.deepEqual(await filtered(['model', 'eq', 'm-a', 'm-b']), where((r) => r.model !== 'm-c'));
        assert.deepEqual(await filtered(['model', 'neq', 'm-a', 'm-b']), where((r) => r.model === 'm-c'));
        assert.deepEqual(await filtered(['model', 'eq', 'm']), []);
        assert.deepEqual(await filtered(['model', 'contains', 'M-']), where(() => true));
        assert.deepEqual(await filtered(['success', 'eq', false]), where((r) => r.fail));
        assert.deepEqual(await filtered(['status_code', 'eq', 500]), where((r) => r.fail));
        assert.deepEqual(await filtered(['success', 'eq', true], ['provider', 'eq', 'groq']), where((r) => !r.fail && r.n % 2));
        assert.deepEqual(await filtered(['tokens_in', 'gt', 9], ['tokens_in', 'lt', '13']), where((r) => !r.fail && r.n > 9 && r.n < 13));
        assert.deepEqual(await filtered(['tokens_in', 'eq', null]), where((r) => r.fail));
        assert.deepEqual(await filtered(['user_agent', 'contains', 'CLIENT']), where((r) => r.n % 2));
        assert.deepEqual(await filtered(['event_id', 'eq', 'ev-6']), [6]);
        assert.deepEqual(await filtered(['id', 'eq', rows[3].id, rows[5].id]), [3, 5]);
        assert.deepEqual(await filtered(['request_type', 'eq', 'native'], ['cached', 'eq', false]), where(() => true));
        assert.deepEqual(await filtered(['compatibilityMode', 'eq', true]), []);
        assert.deepEqual(await filtered(['dlp_action', 'eq', 'BLOCK']), []);
        assert.deepEqual(await filtered(['created_at', 'gt', '2020-01-01T00:00:00Z']), where(() => true));
        assert.deepEqual(await filtered(['created_at', 'lt', '2020-01-01']), []);
    });

    await t.test('metadata: keys and values by themselves, values as strings', async () => {
        const has = (r) => r.n !== 7;
        assert.deepEqual(await filtered(['metadata.key', 'eq', 'team']), where(has));
        assert.deepEqual(await filtered(['metadata.key', 'eq', null]), [7]);
        assert.deepEqual(await filtered(['metadata.value', 'eq', 'blue']), where((r) => r.n % 2 === 0));
        assert.deepEqual(await filtered(['metadata.key', 'eq', 'ok'], ['metadata.value', 'eq', 'blue']), where((r) => r.n % 2 === 0));
        assert.deepEqual(await filtered(['metadata.value', 'eq', '0']), [0]);
        assert.deepEqual(await filtered(['metadata.value', 'eq', 0]), []);
        assert.deepEqual(await filtered(['metadata.value', 'eq', 'true']), where((r) => has(r) && r.n % 3 === 0));
        assert.deepEqual(await found('search=GREEN'), where((r) => has(r) && r.n % 2));
    });

    await t.test('the dotted dialect and the older parameters agree, the bracketed one is ignored', async () => {
        assert.deepEqual(await found('filters.key=provider&filters.operator=eq&filters.value=groq&filters.value=x&filters.key=tokens_in&filters.operator=gt&filters.value=20'),
            await filtered(['provider', 'eq', 'groq', 'x'], ['tokens_in', 'gt', 20]));
        assert.deepEqual(await found('provider=groq&min_tokens_in=21'), await filtered(['provider', 'eq', 'groq'], ['tokens_in', 'gt', 20]));
        assert.deepEqual(await found('filters[0][key]=provider&filters[0][operator]=eq&filters[0][value]=groq'), where(() => true));
    });

    await t.test('what is wrong is named', async () => {
        const refused = async (query, path, message) => {
            const a = await list(query);
            assert.equal(a.status, 400, query);
            assert.deepEqual(a.json.result, {});
            assert.equal(a.json.errors[0].code, 7001);
            assert.deepEqual(a.json.errors[0].path, path);
            assert.match(a.json.errors[0].message, message);
        };
        const json = (value) => `filters=${encodeURIComponent(JSON.stringify(value))}`;
        await refused(json([{ key: 'model', operator: 'eq', value: 'a' }]), ['query', 'filters', 0, 'value'], /^Expected array, received string$/);
        await refused(json([{ key: 'metadata.user', operator: 'eq', value: ['a'] }]), ['query', 'filters', 0, 'key'], /^Invalid enum value/);
        await refused('filters=%5B', ['query', 'filters'], /JSON/);
        await refused('per_page=51', ['query', 'per_page'], /./);
        await refused('min_cost=much', ['query', 'min_cost'], /number/);
        await refused('order_by=score', ['query', 'order_by'], /enum/);
    });

    await t.test('orders, pages, ranges', async () => {
        const a = await list('order_by=tokens_in&order_by_direction=desc&per_page=3&success=true&meta_info=true');
        assert.deepEqual(a.json.result.map((r) => r.tokens_in), [22, 21, 20]);
        const info = a.json.result_info;
        assert.deepEqual([info.total_count, info.total_pages, info.min_tokens_in, info.max_tokens_in, info.min_total_tokens, info.max_total_tokens], [18, 6, 0, 22, 1, 23]);
        assert.ok(info.min_duration >= 0 && info.max_duration >= info.min_duration && 'min_cost' in info);
        assert.equal(info.weir_total_is_estimate, undefined);
        const beyond = await list('page=9&success=true');
        assert.deepEqual([beyond.status, beyond.json.result], [200, []]);
    });

    await t.test('Cloudflare\'s client lists, rates, reads', async () => {
        const seen = [];
        for await (const row of logs.list('default', { ...at, per_page: 10, filters: [{ key: 'provider', operator: 'eq', value: ['groq'] }, { key: 'success', operator: 'eq', value: [true] }] })) seen.push(row.id);
        assert.deepEqual(seen, rows.filter((r) => !r.fail && r.n % 2).map((r) => r.id).reverse());
        const id = rows[4].id;
        await logs.edit(id, { ...at, gateway_id: 'default', feedback: 1, score: 87.5, metadata: { reviewer: 'ana', golden: true } });
        const row = await logs.get(id, { ...at, gateway_id: 'default' });
        assert.deepEqual([row.feedback, row.score, row.metadata], [1, 87.5, { reviewer: 'ana', golden: true }]);
        assert.deepEqual(await filtered(['feedback', 'eq', 1]), [4]);
        assert.deepEqual(await filtered(['metadata.value', 'eq', 'ana']), [4]);
        assert.deepEqual(await (await logs.request(id, { ...at, gateway_id: 'default' }).asResponse()).json(), { model: rows[4].model, n: 4, fail: false });
        assert.equal((await (await logs.response(id, { ...at, gateway_id: 'default' }).asResponse()).json()).usage.prompt_tokens, 4);
    });

    await t.test('ratings are checked', async () => {
        const patch = (body, id = rows[0].id) => weir.api('PATCH', `/gateways/default/logs/${id}`, body);
        for (const [body, where] of [[{ score: 100.5 }, ['body', 'score']], [{ feedback: 2 }, ['body', 'feedback']], [{ feedback: 'up' }, ['body', 'feedback']],
            [{ metadata: { a: null } }, ['body', 'metadata', 'a']], [{ metadata: [] }, ['body', 'metadata']]]) {
            const a = await patch(body);
            assert.deepEqual([a.status, a.json.errors[0].code, a.json.errors[0].path], [400, 7001, where], JSON.stringify(body));
        }
        for (const feedback of [-1, 0, 1, null]) assert.equal((await patch({ feedback })).json.result.feedback, feedback);
        const many = await patch({ metadata: { 'cf.x': 1, a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 } });
        assert.deepEqual(many.json.result.metadata, { a: 1, b: 2, c: 3, d: 4, e: 5 });
        assert.equal((await patch({ metadata: null })).json.result.metadata, null);
        assert.ok('request_head' in many.json.result, 'the detail');
        assert.equal((await patch({}, '01990000-0000-7000-8000-000000000000')).status, 404);
    });

    await t.test('export: every row, as lines of JSON or of CSV', async () => {
        const a = await weir.api('GET', '/gateways/default/logs/export?order_by_direction=asc&success=true');
        assert.equal(a.header('content-type'), 'application/x-ndjson');
        const lines = a.text.trimEnd().split('\n').map((l) => JSON.parse(l));
        assert.deepEqual(lines.map((l) => l.id), rows.filter((r) => !r.fail).map((r) => r.id));
        const csv = await weir.api('GET', '/gateways/default/logs/export?format=csv');
        assert.match(csv.header('content-type'), /^text\/csv/);
        const table = csv.text.trimEnd().split('\r\n');
        assert.equal(table.length, 25);
        assert.ok(table[0].startsWith('id,created_at,gateway,provider,model,'));
        assert.ok(table[1].startsWith(rows[23].id));
        assert.equal((await weir.api('GET', '/gateways/default/logs/export?format=xml')).status, 400);
        const head = await weir.api('HEAD', '/gateways/default/logs/export');
        assert.deepEqual([head.status, head.text], [200, '']);
    });

    await t.test('weir logs has the same filters and forms', () => {
        const cli = (...args) => spawnSync(BIN, ['logs', ...args, '--data', path.join(weir.dir, 'data')], { encoding: 'utf8', timeout: 20000 });
        const ids = (out) => out.stdout.trimEnd().split('\n').map((l) => JSON.parse(l).id);
        const failed = rows.filter((r) => r.fail).map((r) => r.id);
        assert.deepEqual(ids(cli('export', '--oldest-first', '--filter', 'success eq false')), failed);
        assert.deepEqual(ids(cli('search', '--json', '--filter', 'success eq false', '--filter', 'model eq m-a, m-b')), rows.filter((r) => r.fail && r.model !== 'm-c').map((r) => r.id));
        assert.deepEqual(ids(cli('tail', '--once', '--format', 'ndjson', '-n', '2')), rows.slice(-2).map((r) => r.id));
        const csv = cli('export', '--format', 'csv', 'm-a').stdout.trimEnd().split('\r\n');
        assert.deepEqual([csv.length, csv[0].slice(0, 14)], [9, 'id,created_at,']);
        const wrong = cli('export', '--filter', 'cost gt much');
        assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
        assert.match(wrong.stderr, /Expected number/);
    });

    await t.test('a client that leaves an export leaves nothing behind', async () => {
        for (let i = 0; i < 5; i++) await new Promise((resolve, reject) => {
            const s = net.connect(weir.port, '127.0.0.1', () => s.write(`GET /client/v4/accounts/${ACCOUNT}/ai-gateway/gateways/default/logs/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`));
            s.on('error', reject);
            if (i % 2) s.once('data', () => { s.destroy(); resolve(); });
            else setTimeout(() => { s.destroy(); resolve(); }, 2);
        });
        assert.equal((await list('')).status, 200);
    });

    await t.test('who may only read metadata sees no bodies, and changes nothing', async () => {
        const policy = (word) => once(weir.port, { method: 'GET', path: `/client/v4/accounts/${ACCOUNT}/ai-gateway/gateways/default/logs${word}`, headers: [['Authorization', `Bearer ${reader}`]] });
        const out = execFileSync(BIN, ['token', 'create', '--data', path.join(weir.dir, 'data'), '--account', ACCOUNT, '--name', 'r', '--permissions', 'metadata_read'], { encoding: 'utf8' });
        const reader = /weir_\w+/.exec(out)[0];
        await poll('the token', async () => (await policy('')).status === 200);
        assert.equal((await policy('/export')).status, 200);
        const detail = await policy(`/${rows[0].id}`);
        assert.deepEqual([detail.status, detail.json.result.request_head, detail.json.result.response_head], [200, '', '']);
        for (const body of ['request', 'response']) assert.equal((await policy(`/${rows[0].id}/${body}`)).status, 403);
        for (const method of ['PATCH', 'DELETE']) {
            const a = await once(weir.port, { method, path: `/client/v4/accounts/${ACCOUNT}/ai-gateway/gateways/default/logs${method === 'PATCH' ? `/${rows[0].id}` : ''}`,
                headers: [['Authorization', `Bearer ${reader}`]], body: method === 'PATCH' ? '{}' : undefined });
            assert.equal(a.status, 403, method);
        }
    });

    await t.test('deleting', async () => {
        assert.equal((await weir.api('DELETE', '/gateways/default/logs?limit=10001')).status, 400);
        const a = await weir.api('DELETE', '/gateways/default/logs?limit=2&order_by=created_at&order_by_direction=asc');
        assert.deepEqual([a.status, a.text], [200, '{"success":true}']);
        assert.deepEqual(await found(''), where((r) => r.n > 1));
        assert.equal((await weir.api('GET', `/gateways/default/logs/${rows[0].id}/request`)).status, 404);
        const r = await logs.delete('default', { ...at, filters: [{ key: 'provider', operator: 'eq', value: ['groq'] }] });
        assert.equal(r.success, true);
        assert.deepEqual(await found(''), where((x) => x.n > 1 && x.n % 2 === 0));
        assert.deepEqual(await filtered(['id', 'eq', rows[2].id]), [2]);
        await weir.api('DELETE', '/gateways/default/logs');
        assert.deepEqual(await found(''), []);
    });
});
