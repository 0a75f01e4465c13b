// SPDX-License-Identifier: Apache-2.0
// The OpenAPI document: valid, complete, and what it says of a body is what the API checks.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { ACCOUNT, BIN, startWeir, TOKEN } from './lib/weir.mjs';

test('a valid OpenAPI 3.1 document, for anybody, with every call of the API', async (t) => {
    const weir = await startWeir(t);
    const got = await weir.request({ path: '/client/v4/openapi.json', auth: false });
    assert.equal(got.status, 200);
    const checked = await new Validator().validate(structuredClone(got.json));
    assert.ok(checked.valid, JSON.stringify(checked.errors, null, 1));
    assert.equal(got.json.openapi, '3.1.0');
    assert.match(got.json.servers[0].url, /^http:\/\/.+\/client\/v4$/);
    const page = spawnSync(BIN, ['docs', 'api'], { encoding: 'utf8' }).stdout;
    const calls = [...page.matchAll(/^\| `(GET|POST|PUT|PATCH|DELETE) ([^`]+)` \|/gm)].map(([, method, path]) => `${method} ${path}`);
    const told = Object.entries(got.json.paths).flatMap(([path, ops]) => Object.keys(ops).map((m) => `${m.toUpperCase()} ${path}`));
    assert.deepEqual(told.sort(), calls.sort());
    const operations = Object.values(got.json.paths).flatMap((ops) => Object.values(ops)), ids = operations.map((o) => o.operationId);
    assert.deepEqual([new Set(ids).size, ids.filter((id) => !/^[a-z][a-z-]+$/.test(id))], [ids.length, []], 'each has an id, and no two the same');
    for (const { operationId, responses } of operations) assert.ok(responses[200]?.content || responses[302] || operationId.includes('billing'), operationId); // which refuses some for good
    for (const [path, ops] of Object.entries(got.json.paths))
        for (const op of Object.values(ops))
            assert.deepEqual(op.parameters.filter((p) => p.in === 'path').map((p) => `{${p.name}}`), path.match(/\{\w+\}/g) ?? []);
    const { properties } = got.json.components.schemas.GatewayBody; // what nothing acts on yet is marked
    assert.deepEqual([properties.cache_ttl['x-weir-idle'], properties.guardrails['x-weir-idle']], [undefined, true]);
    assert.deepEqual(got.json.paths['/accounts/{A}/ai-gateway/gateways/{G}/logs'].get.parameters.filter((p) => p.in === 'query').map((p) => p.name).slice(0, 2), ['page', 'per_page']);
});

test('docs/openapi.json is what the program prints', async (t) => {
    const weir = await startWeir(t);
    const printed = spawnSync(BIN, ['docs', 'openapi'], { encoding: 'utf8' }).stdout;
    assert.equal(fs.readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'), printed, 'build/weir docs openapi > docs/openapi.json');
    const { servers, ...served } = (await weir.request({ path: '/client/v4/openapi.json', auth: false })).json;
    assert.ok(servers[0].url.endsWith('/client/v4'));
    assert.deepEqual({ ...served, servers: [{ url: '/client/v4' }] }, JSON.parse(printed));
});

test('what it requires is what is required', async (t) => {
    const weir = await startWeir(t);
    const { paths, components } = (await weir.request({ path: '/client/v4/openapi.json', auth: false })).json;
    for (const [path, ops] of Object.entries(paths)) {
        const schema = ops.post?.requestBody?.content['application/json'].schema;
        if (!schema || !path.startsWith('/accounts/{A}/ai-gateway') || /\{(?!A\}|G\})/.test(path)) continue;
        const got = await weir.request({ path: `/client/v4${path.replace('{A}', ACCOUNT).replace('{G}', 'default')}`, auth: false, method: 'POST', headers: { Authorization: `Bearer ${TOKEN}` }, body: '{}' });
        const required = [...(schema.required ?? []), ...schema.allOf.flatMap(({ $ref }) => components.schemas[$ref.split('/').at(-1)].required ?? [])];
        const missing = got.json.errors.filter((e) => e.message === 'Required').map((e) => e.path[1]);
        for (const key of required) assert.ok(missing.includes(key), `${path}: ${key}`);
        const declared = schema.allOf.flatMap(({ $ref }) => Object.keys(components.schemas[$ref.split('/').at(-1)].properties));
        for (const key of required) assert.ok(declared.includes(key), `${path}: ${key}`);
    }
});
