// SPDX-License-Identifier: Apache-2.0
// Datasets, evaluations and evaluation types (control plane 6): managed by the official client.
import test from 'node:test';
import assert from 'node:assert/strict';
import Cloudflare from 'cloudflare';
import { startWeir, ACCOUNT, TOKEN } from './lib/weir.mjs';

const account_id = ACCOUNT;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NOBODY = '00000000-0000-7000-8000-000000000000';

const clientOf = (weir) => new Cloudflare({ apiToken: TOKEN, baseURL: `http://127.0.0.1:${weir.port}/client/v4`, maxRetries: 0 });
const wrong = (e) => e.errors.map(({ path, message }) => [path.join('.'), message]);

test('datasets', async (t) => {
    const weir = await startWeir(t);
    const { datasets } = clientOf(weir).aiGateway;
    await weir.createGateway({ id: 'team' });
    const create = (more = {}) => datasets.create('team', { account_id, name: 'slow', enable: true, filters: [], ...more });
    const names = async (query) => (await datasets.list('team', { account_id, ...query })).result.map((d) => d.name);

    await t.test('the official client makes, lists, replaces and deletes them', async () => {
        const filters = [{ key: 'provider', operator: 'eq', value: ['openai'] }, { key: 'duration', operator: 'gt', value: [2000] }];
        const made = await create({ name: 'slow-openai', filters });
        assert.match(made.id, UUID);
        assert.deepEqual(made, { id: made.id, name: 'slow-openai', enable: true, filters, gateway_id: 'team', account_id, account_tag: account_id,
            created_at: made.created_at, modified_at: made.created_at });
        await create({ name: 'idle', enable: false });
        assert.deepEqual(await names(), ['idle', 'slow-openai']);
        assert.deepEqual([await names({ enable: true }), await names({ enable: false })], [['slow-openai'], ['idle']]);
        assert.deepEqual([await names({ name: 'idle' }), await names({ name: 'idl' })], [['idle'], []]);
        assert.deepEqual([await names({ search: 'idl' }), await names({ search: 'openai' }), await names({ search: made.id.slice(-12) })], [['idle'], ['slow-openai'], ['slow-openai']]);
        assert.deepEqual([await names({ page: 2, per_page: 1 }), await names({ page: 3, per_page: 1 })], [['slow-openai'], []]);
        const put = await datasets.update(made.id, { account_id, gateway_id: 'team', name: 'cached', enable: false, filters: [{ key: 'cached', operator: 'eq', value: [true] }] });
        assert.deepEqual([put.id, put.name, put.enable, put.filters[0].key, put.created_at], [made.id, 'cached', false, 'cached', made.created_at]);
        assert.ok(put.modified_at > made.modified_at);
        assert.deepEqual(await datasets.get(made.id, { account_id, gateway_id: 'team' }), put);
        assert.deepEqual(await datasets.delete(made.id, { account_id, gateway_id: 'team' }), put);
        for (const gone of [made.id, NOBODY])
            await assert.rejects(datasets.get(gone, { account_id, gateway_id: 'team' }), (e) => e.status === 404 && e.errors[0].code === 7002);
        await weir.createGateway({ id: 'other' });
        const [{ id }] = (await datasets.list('team', { account_id })).result;
        await assert.rejects(datasets.get(id, { account_id, gateway_id: 'other' }), (e) => e.status === 404);
    });

    await t.test('what is wrong with a filter is said with its path', async () => {
        const good = { key: 'model', operator: 'eq', value: ['m'] };
        const table = [
            [[{ ...good, key: 'user_agent' }], 'body.filters.0.key', /^Invalid enum value\. Expected 'created_at' \| .*'feedback', received 'user_agent'$/],
            [[good, { ...good, operator: 'neq' }], 'body.filters.1.operator', /^Invalid enum value\. Expected 'eq' \| 'contains' \| 'lt' \| 'gt', received 'neq'$/],
            [[{ ...good, value: 'm' }], 'body.filters.0.value', /^Expected array, received string$/],
            [[{ ...good, value: [] }], 'body.filters.0.value', /at least 1 element/],
            [[{ ...good, value: [{}] }], 'body.filters.0.value.0', /^Expected string, number, boolean or null, received object$/],
            [[{ key: 'cost', operator: 'gt', value: ['much'] }], 'body.filters.0.value.0', /^Expected number, received string$/],
            [[{ key: 'created_at', operator: 'lt', value: ['soon'] }], 'body.filters.0.value.0', /^Expected date/],
            [[{ key: 'success', operator: 'gt', value: [true] }], 'body.filters.0.operator', /use 'eq'$/],
            [[{ key: 'cost', operator: 'contains', value: [1] }], 'body.filters.0.operator', /has no parts/],
            [[{ operator: 'eq', value: ['m'] }], 'body.filters.0.key', /^Required$/],
            [[{ key: 'model', value: ['m'] }], 'body.filters.0.operator', /^Required$/],
            [[{ key: 'model', operator: 'eq' }], 'body.filters.0.value', /^Required$/],
            [[{ ...good, key: 7 }], 'body.filters.0.key', /^Expected string, received number$/],
            [['model'], 'body.filters.0', /^Expected object, received string$/],
            [{}, 'body.filters', /^Expected array, received object$/],
            [Array(101).fill(good), 'body.filters', /at most 100/],
        ];
        for (const [filters, path, message] of table)
            await assert.rejects(create({ filters }), (e) => {
                assert.deepEqual([e.status, e.errors[0].code, wrong(e)[0][0]], [400, 7001, path], e.message);
                assert.match(wrong(e)[0][1], message);
                return true;
            });
        assert.deepEqual(await names(), ['idle']);
    });

    await t.test('a gateway has ten at most', async () => {
        for (let i = 1; i < 10; i++) await create({ name: 'same name' });
        await assert.rejects(create(), (e) => e.status === 400 && /at most 10 datasets/.test(wrong(e)[0][1]));
        const [last] = (await datasets.list('team', { account_id })).result;
        assert.equal((await datasets.update(last.id, { account_id, gateway_id: 'team', name: 'changed', enable: true, filters: [] })).name, 'changed');
        await datasets.delete(last.id, { account_id, gateway_id: 'team' });
        await create();
    });
});
