// SPDX-License-Identifier: Apache-2.0
// OpenAI's embeddings client at every provider's models: the same vectors in the same places, whatever the provider
// calls them and however many calls it takes.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { OpenAIEmbeddings } from '@langchain/openai';
import OpenAI from 'openai';
import { startMock, startWeir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

const PLACE = Buffer.from(JSON.stringify({ type: 'service_account', project_id: 'p', region: 'europe-west4',
    private_key: crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'robot@p.iam.gserviceaccount.com', token_uri: 'https://oauth2.googleapis.com/token' })).toString('base64');

// provider, model, vectors' own size, inputs of one call (0: all), priced
const MODELS = [
    ['openai', 'text-embedding-3-small', 1536, 0, true],
    ['azure-openai', 'res/text-embedding-3-small', 1536, 0, true],
    ['mistral', 'mistral-embed', 1536, 0, true],
    ['openrouter', 'openai/text-embedding-3-small', 1536, 0, false],
    ['workers-ai', '@cf/baai/bge-m3', 1536, 100, true],
    ['google-ai-studio', 'gemini-embedding-001', 768, 100, true],
    ['google-vertex-ai', 'google/gemini-embedding-001', 768, 1, true],
    ['google-vertex-ai', 'gemini-embedding-2', 768, 1, true],
    ['google-vertex-ai', 'text-embedding-005', 768, 5, false],
    ['cohere', 'embed-v4.0', 1024, 96, true],
    ['aws-bedrock', 'amazon.titan-embed-text-v2:0', 1024, 1, true],
    ['aws-bedrock', 'amazon.nova-2-multimodal-embeddings-v1:0', 3072, 1, true],
    ['aws-bedrock', 'cohere.embed-english-v3', 1024, 96, true],
];
const TEXTS = ['Zoë lives in Łódź.', 'The cat sat.', 'a "quoted" \\ text\n', 'the fourth', 'the fifth', 'the sixth', 'the seventh'];
const tokens = (texts) => Math.ceil(texts.reduce((n, s) => n + Buffer.byteLength(s), 0) / 4);
const calls = (n, most) => (most ? Math.ceil(n / most) : 1);

async function world(t) {
    const mock = await startMock(t);
    const google = await startUpstream(t, async (req, res) => {
        await req.whole();
        return res.json(200, { access_token: 'minted', expires_in: 3600, token_type: 'Bearer' });
    });
    const slugs = [...new Set(MODELS.map(([slug]) => slug))];
    const providers = Object.fromEntries(slugs.map((slug) => [slug, `${mock.origin}/${slug}`]));
    const weir = await startWeir(t, { providers: { ...providers, 'google-oauth': google.origin } });
    const client = (slug, headers = {}) => new OpenAI({ baseURL: `${weir.base}/compat`, maxRetries: 0,
        apiKey: slug === 'google-vertex-ai' ? PLACE : 'sk-provider', defaultHeaders: { 'cf-aig-authorization': `Bearer ${TOKEN}`, ...headers } });
    return { mock, weir, client };
}

test('embeddings', async (t) => {
    const { weir, client } = await world(t);
    const rows = (n) => weir.logs({ query: `per_page=${n}` });
    for (const [slug, model, size, most, priced] of MODELS) {
        const named = `${slug}/${model}`;
        const c = client(slug);
        await t.test(`${named}: one text, several texts`, async () => {
            const one = await c.embeddings.create({ model: named, input: TEXTS[0] });
            assert.equal(one.object, 'list');
            assert.equal(one.data.length, 1);
            assert.equal(one.data[0].embedding.length, size);
            const all = await c.embeddings.create({ model: named, input: TEXTS });
            assert.deepEqual(all.data.map((e) => [e.object, e.index, e.embedding.length]), TEXTS.map((_, i) => ['embedding', i, size]));
            assert.deepEqual(all.data[0].embedding, one.data[0].embedding);
            assert.equal(new Set(all.data.map((e) => e.embedding.join())).size, TEXTS.length);
            assert.ok(all.model.length > 0);
            const n = calls(TEXTS.length, most);
            const log = await rows(n);
            for (const r of log) {
                assert.deepEqual([r.provider, r.model_type, r.success, r.status_code], [slug, 'embeddings', true, 200], JSON.stringify(r));
                assert.equal(r.model, slug === 'azure-openai' ? 'text-embedding-3-small' : model.replace(/^google\//, ''));
                assert.ok(r.tokens_in > 0, JSON.stringify(r));
                assert.equal(r.tokens_out, 0);
                assert.equal(r.cost > 0, priced, JSON.stringify(r));
            }
            assert.equal(new Set(log.map((r) => r.id)).size, n);
            assert.equal(log.reduce((sum, r) => sum + r.tokens_in, 0), all.usage.prompt_tokens);
            assert.equal(all.usage.total_tokens, all.usage.prompt_tokens);
            if (n === 1) assert.equal(all.usage.prompt_tokens, tokens(TEXTS));
        });
        await t.test(`${named}: numbers, and as many as asked for`, async () => {
            const base64 = await c.embeddings.create({ model: named, input: TEXTS[1], encoding_format: 'base64', dimensions: 256 });
            const floats = await c.embeddings.create({ model: named, input: [TEXTS[1]], encoding_format: 'float', dimensions: 256 });
            const bytes = Buffer.from(base64.data[0].embedding, 'base64');
            assert.equal(bytes.length, 4 * 256);
            assert.equal(floats.data[0].embedding.length, 256);
            floats.data[0].embedding.forEach((v, i) => assert.equal(bytes.readFloatLE(4 * i), Math.fround(v)));
        });
        for (const status of [400, 401, 429])
            await t.test(`${named}: error ${status}`, async () => {
                const error = await client(slug, { 'x-mock': String(status) }).embeddings.create({ model: named, input: TEXTS })
                    .then(() => null, (e) => e);
                assert.ok(error instanceof OpenAI.APIError, String(error));
                assert.equal(error.status, status);
                assert.ok(error.error.message.length > 0, JSON.stringify(error.error));
            });
    }
});

const CLOCK = { retries: { 'cf-aig-max-attempts': '3', 'cf-aig-retry-delay': '1' } };

/** Titan, scripted: one vector a call, of the text's length; `odd(call, res)` may answer instead. */
async function titan(t, odd = () => false, options = {}) {
    const asked = [];
    const up = await startUpstream(t, async (req, res) => {
        await req.whole();
        asked.push(req.json);
        if (odd(asked.length, res)) return undefined;
        const text = req.json.inputText;
        return res.json(200, { embedding: [text.length, 0.5], inputTextTokenCount: 3 }, { 'x-amzn-bedrock-input-token-count': '3' });
    });
    const mock = await startMock(t);
    const weir = await startWeir(t, { providers: { 'aws-bedrock': up.origin, openai: `${mock.origin}/openai` }, ...options });
    const ask = async (body, headers = {}) => {
        const r = await fetch(`${weir.base}/compat/embeddings`, { method: 'POST', body: JSON.stringify(body),
            headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${TOKEN}`, Authorization: 'Bearer k', ...headers } });
        return { status: r.status, headers: r.headers, json: await r.json() };
    };
    return { asked, weir, ask };
}
const TITAN = 'aws-bedrock/amazon.titan-embed-text-v2:0';
const lengths = (answer) => answer.json.data.map((e) => e.embedding[0]);

test('a failed call of several is tried again, and only that one', async (t) => {
    const { asked, weir, ask } = await titan(t, (n, res) => (n === 2 ? res.json(503, { message: 'busy' })
        : n === 4 ? (res.head(200, { 'Content-Length': '100', 'Content-Type': 'application/json' }), res.write('{"embedding":[9,'), res.close(), true) : false));
    const got = await ask({ model: TITAN, input: ['a', 'bb', 'ccc'] }, CLOCK.retries);
    assert.equal(got.status, 200, JSON.stringify(got.json));
    assert.deepEqual(lengths(got), [1, 2, 3]);
    assert.deepEqual(got.json.usage, { prompt_tokens: 9, total_tokens: 9 });
    assert.deepEqual(asked.map((x) => x.inputText), ['a', 'bb', 'bb', 'ccc', 'ccc']);
    const rows = (await weir.logs({ query: 'per_page=9' })).reverse();
    assert.deepEqual(rows.map((r) => [r.status_code, r.weir.attempt, r.tokens_in]), [[200, 0, 3], [503, 0, null], [200, 1, 3], [200, 0, null], [200, 1, 3]]);
    for (const [i, r] of rows.entries()) assert.deepEqual(JSON.parse((await weir.logBody(r.id, 'request')).text), asked[i]);
});

test('a call of several that fails for good is the answer', async (t) => {
    const { asked, ask } = await titan(t, (n, res) => n === 2 && res.json(400, { message: 'Too many tokens' }, { 'x-amzn-ErrorType': 'ValidationException' }));
    const got = await ask({ model: TITAN, input: ['a', 'bb', 'ccc'] });
    assert.equal(got.status, 400);
    assert.match(got.json.error.message, /Too many tokens/);
    assert.equal(asked.length, 2);
});

test('another target answers where one of several calls fails', async (t) => {
    const { weir } = await titan(t, (n, res) => n === 2 && res.json(500, { message: 'broken' }));
    const step = (model) => ({ provider: 'compat', endpoint: 'embeddings', headers: { Authorization: 'Bearer k' }, query: { model, input: ['a', 'bb'] } });
    const r = await fetch(weir.base, { method: 'POST', headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${TOKEN}` },
        body: JSON.stringify([step(TITAN), step('openai/text-embedding-3-small')]) });
    assert.equal(r.headers.get('cf-aig-step'), '1');
    assert.equal((await r.json()).data.length, 2);
    const rows = (await weir.logs({ query: 'per_page=9' })).reverse();
    assert.deepEqual(rows.map((x) => [x.provider, x.status_code]), [['aws-bedrock', 200], ['aws-bedrock', 500], ['openai', 200]]);
});

test('answers of several calls are cached together, for either format', async (t) => {
    const { asked, weir, ask } = await titan(t);
    const cached = { 'cf-aig-cache-ttl': '60' };
    const body = { model: TITAN, input: ['a', 'bb', 'ccc'], encoding_format: 'float' };
    const first = await ask(body, cached), again = await ask(body, cached), packed = await ask({ ...body, encoding_format: 'base64' }, cached);
    assert.deepEqual([first, again, packed].map((a) => a.headers.get('cf-aig-cache-status')), ['MISS', 'HIT', 'HIT']);
    assert.deepEqual(again.json, first.json);
    assert.equal(Buffer.from(packed.json.data[2].embedding, 'base64').readFloatLE(0), 3);
    assert.equal(asked.length, 3);
    assert.equal((await ask({ ...body, input: ['a', 'bb', 'cccc'] }, cached)).headers.get('cf-aig-cache-status'), 'MISS');
    const hit = (await weir.logs({ query: 'per_page=9' })).find((r) => r.cached);
    assert.deepEqual([hit.tokens_in, hit.cost, hit.model_type], [0, 0, 'embeddings']);
    assert.deepEqual(JSON.parse((await weir.logBody(hit.id, 'request')).text).input, body.input);
});

test('the client leaves between two calls', async (t) => {
    const left = new AbortController();
    const { asked, weir } = await titan(t, (n) => n === 2 && (left.abort(), true));
    const gone = await fetch(`${weir.base}/compat/embeddings`, { method: 'POST', signal: left.signal, body: JSON.stringify({ model: TITAN, input: ['a', 'bb', 'ccc'] }),
        headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${TOKEN}`, Authorization: 'Bearer k' } }).then(() => null, (e) => e);
    assert.equal(gone.name, 'AbortError');
    let rows = [];
    while (rows.length < 2) rows = (await weir.logs({ query: 'per_page=9' })).reverse();
    assert.deepEqual(rows.map((r) => [r.success, r.weir.client_gone]), [[true, false], [false, true]]);
    assert.equal(asked.length, 2);
});

test('an answer without a vector for each text is none', async (t) => {
    const odd = [{ embedding: [] }, { embedding: ['a'] }, {}, [], { embedding: [[1], [2]] }];
    const { ask } = await titan(t, (n, res) => res.json(200, odd[n - 1]) || true);
    for (const answer of odd) {
        const got = await ask({ model: TITAN, input: 'a', encoding_format: 'base64' });
        assert.deepEqual([got.status, got.json.error.code], [502, '2002'], JSON.stringify([answer, got.json]));
    }
});

test('what cannot be embedded is said', async (t) => {
    const { ask, asked } = await titan(t);
    const cases = [[{ model: TITAN, input: [1, 2, 3] }, /token ids/], [{ model: TITAN, input: [[1], [2]] }, /token ids/], [{ model: TITAN }, /input.* must/],
        [{ model: TITAN, input: [] }, /empty/], [{ model: TITAN, input: ['a', 1] }, /input.* must/], [{ model: TITAN, input: { a: 1 } }, /input.* must/],
        [{ model: TITAN, input: Array(2049).fill('a') }, /2048/], [{ model: TITAN, input: 'a', dimensions: 'many' }, /dimensions/],
        [{ model: TITAN, input: 'a', encoding_format: 'hex' }, /encoding_format/], [{ model: 'anthropic/claude-sonnet-5', input: 'a' }, /no embeddings API/],
        [{ model: 'aws-bedrock/amazon.titan-embed-image-v1', input: 'a' }, /no embeddings API/], [[], /./]];
    for (const [body, said] of cases) {
        const got = await ask(body);
        assert.deepEqual([got.status, got.json.error?.[0].code], [400, 2019], JSON.stringify([body, got.json]).slice(0, 300));
        assert.match(JSON.stringify(got.json), said);
    }
    assert.equal(asked.length, 0);
});

test('what Bedrock counts in the head alone is known to hits of the cache, too', async (t) => {
    const { client } = await world(t);
    const ask = async () => {
        const { data, response } = await client('aws-bedrock', { 'cf-aig-cache-ttl': '60' }).embeddings
            .create({ model: 'aws-bedrock/cohere.embed-english-v3', input: TEXTS }).withResponse();
        return [response.headers.get('cf-aig-cache-status'), data.usage.prompt_tokens];
    };
    assert.deepEqual([await ask(), await ask()], [['MISS', tokens(TEXTS)], ['HIT', tokens(TEXTS)]]);
});

test('what is left out, and how many calls it takes, is told', async (t) => {
    const { ask } = await titan(t);
    const body = { model: TITAN, input: ['a', 'bb', 'ccc'], user: 'u' };
    const told = JSON.parse((await ask(body, { 'weir-trace': 'true' })).headers.get('weir-trace')).target;
    const planned = (await ask(body, { 'weir-trace': 'explain' })).json.targets[0];
    for (const target of [told, planned]) assert.deepEqual([target.calls, target.not_told], [3, ['user']]);
});

test('only clients of OpenAI embed through compat', async (t) => {
    const { weir } = await titan(t);
    for (const path of ['v2/embed', 'v1beta/models/google-ai-studio/gemini-embedding-001:embedContent', 'model/aws-bedrock%2Famazon.titan-embed-text-v1/invoke']) {
        const refused = await weir.request({ to: `compat/${path}`, body: '{"model":"cohere/embed-v4.0","texts":["a"]}' });
        assert.ok([400, 405].includes(refused.status), path); // in the client's dialect; not all have a 405
        assert.match(refused.text, /compat endpoints/);
    }
    const listed = (await weir.request({ to: 'compat/models' })).json.data.map((m) => m.id);
    for (const id of [TITAN, 'aws-bedrock/cohere.embed-v4:0', 'google-vertex-ai/gemini-embedding-001', 'google-ai-studio/gemini-embedding-001', 'openai/text-embedding-3-small'])
        assert.ok(listed.includes(id), id);
});

test('more calls than a request of another kind has memory for, each signed', async (t) => {
    const mock = await startMock(t);
    const weir = await startWeir(t, { providers: { 'aws-bedrock': `${mock.origin}/aws-bedrock` }, gateway: 'team' });
    await weir.createGateway({ id: 'team', authentication: true, cache_ttl: 0 });
    const secret = JSON.stringify({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', region: 'eu-west-1' });
    const stored = await weir.api('POST', '/gateways/team/provider_configs', { provider_slug: 'aws-bedrock', alias: 'default', default_config: false, secret });
    assert.equal(stored.status, 200, stored.text);
    const input = Array.from({ length: 1200 }, (_, i) => `text ${i}`);
    const r = await fetch(`${weir.base}/compat/embeddings`, { method: 'POST', body: JSON.stringify({ model: TITAN, input, dimensions: 2 }),
        headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${TOKEN}` } });
    assert.equal(r.status, 200);
    const { data, usage } = await r.json();
    assert.deepEqual([data.length, data[1199].index, usage.prompt_tokens], [1200, 1199, input.reduce((n, s) => n + Math.ceil(s.length / 4), 0)]);
});

test("LangChain's OpenAIEmbeddings", async (t) => {
    const { weir } = await titan(t);
    const make = (model) => new OpenAIEmbeddings({ model, apiKey: 'k', maxRetries: 0, batchSize: 2,
        configuration: { baseURL: `${weir.base}/compat`, defaultHeaders: { 'cf-aig-authorization': `Bearer ${TOKEN}` } } });
    assert.deepEqual((await make(TITAN).embedDocuments(['a', 'bb', 'ccc'])).map((v) => v[0]), [1, 2, 3]);
    assert.equal((await make('openai/text-embedding-3-small').embedQuery('hello')).length, 1536);
});
