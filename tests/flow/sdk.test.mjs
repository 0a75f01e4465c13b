// SPDX-License-Identifier: Apache-2.0
// Official SDKs, unchanged, in front of weir in front of the mock: what the program gets is what it would get
// from the provider, and the log row says what happened.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startMock, startWeir, TOKEN } from './lib/weir.mjs';
import { OpenAI, QUESTION, sdks } from './lib/sdks.mjs';

const SLUGS = [...new Set(Object.values(sdks).map((s) => s.slug))];

async function world(t) {
    const mock = await startMock(t);
    const weir = await startWeir(t, { providers: Object.fromEntries(SLUGS.map((slug) => [slug, `${mock.origin}/${slug}`])) });
    const through = (sdk, words) => sdk.make({ base: `${weir.base}/${sdk.slug}${sdk.suffix ?? ''}`,
        headers: { 'cf-aig-authorization': `Bearer ${TOKEN}`, ...(words ? { 'x-mock': words } : {}) } });
    return { mock, weir, through };
}

for (const [name, sdk] of Object.entries(sdks))
    test(name, async (t) => {
        const { weir, through } = await world(t);
        const newest = async () => (await weir.logs({ query: 'per_page=1' }))[0];
        const client = through(sdk);

        const checkRow = async (got, what) => {
            const row = await newest();
            const row_ = JSON.stringify(row);
            assert.equal(row.provider, sdk.slug, row_);
            assert.equal(row.success, true, row_);
            assert.equal(row.model, sdk.model, row_);
            if (got.in !== null) assert.deepEqual([row.tokens_in, row.tokens_out], [got.in, got.out], row_);
            assert.ok(row.tokens_in > 0 && row.tokens_out > 0, row_);
            assert.ok(row.cost > 0, `cost of ${sdk.model}: ${row_}`);
            const request = await weir.logBody(row.id, 'request');
            assert.ok(request.text.includes('Zoë'), request.text);
            const response = (await weir.logBody(row.id, 'response')).json;
            if (what.includes('tream')) assert.ok(Array.isArray(response.streamed_data) && response.streamed_data.length > 0, 'merged stream');
            return { row, response };
        };
        let plain;
        await t.test('plain', async () => {
            plain = await sdk.plain(client);
            assert.ok(plain.text.length > 0);
            const { response } = await checkRow(plain, 'plain');
            assert.ok(JSON.stringify(response).length > 50);
        });
        await t.test('stream', async () => {
            const got = await sdk.stream(client);
            assert.equal(got.text, plain.text);
            await checkRow(got, 'stream');
        });
        for (const kind of ['tools', 'toolStream'])
            if (sdk[kind])
                await t.test(kind, async () => {
                    const got = await sdk[kind](client);
                    assert.equal(got.tool?.name, 'weather');
                    assert.equal(typeof got.tool.args.city, 'string');
                    await checkRow(got, kind);
                });
        for (const status of [400, 401, 429, 500])
            await t.test(`error ${status}`, async () => {
                const error = await sdk.plain(through(sdk, String(status))).then(() => null, (e) => e);
                assert.ok(error instanceof sdk.ErrorClass, `${error?.constructor?.name}: ${error?.message}`);
                const seen = error.status ?? error.statusCode ?? error.$metadata?.httpStatusCode;
                assert.equal(seen, status);
                const row = await newest();
                assert.deepEqual([row.status_code, row.success, row.tokens_in, row.tokens_out, row.cost], [status, false, null, null, 0]);
                const body = (await weir.logBody(row.id, 'response')).json;
                const message = body.error?.message ?? body.message;
                assert.ok(message && error.message.includes(message), `${error.message} should say ${message}`);
            });
        await t.test('error inside a stream', async () => {
            const error = await sdk.stream(through(sdk, 'error-3')).then(() => null, (e) => e);
            const row = await newest();
            assert.equal(row.success, false, `raised: ${error}`);
        });
    });

test('openai: responses, embeddings, models, and an abort', async (t) => {
    const { weir, through } = await world(t);
    const client = through(sdks.openai);
    const newest = async () => (await weir.logs({ query: 'per_page=1' }))[0];
    const answer = await client.responses.create({ model: 'gpt-4o-mini', input: QUESTION });
    assert.ok(answer.output_text.length > 0);
    let row = await newest();
    assert.deepEqual([row.tokens_in, row.tokens_out], [answer.usage.input_tokens, answer.usage.output_tokens]);
    assert.ok(row.cost > 0);
    let last;
    let text = '';
    for await (const event of await client.responses.create({ model: 'gpt-4o-mini', input: QUESTION, stream: true })) {
        if (event.type === 'response.output_text.delta') text += event.delta;
        last = event;
    }
    assert.equal(last.type, 'response.completed');
    assert.equal(text, answer.output_text);
    row = await newest();
    assert.deepEqual([row.tokens_in, row.tokens_out], [last.response.usage.input_tokens, last.response.usage.output_tokens]);
    const vectors = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] });
    assert.equal(vectors.data.length, 2);
    assert.ok(vectors.data[0].embedding.length > 3 && vectors.data[0].embedding.every(Number.isFinite));
    row = await newest();
    assert.deepEqual([row.tokens_in, row.model_type], [vectors.usage.prompt_tokens, 'embeddings']);
    assert.ok(row.cost > 0);
    const models = await client.models.list();
    assert.ok(models.data.length > 0);
    const stream = await through(sdks.openai, 'tps-20-big-20000').chat.completions.create({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: QUESTION }] });
    for await (const chunk of stream) {
        assert.ok(chunk);
        stream.controller.abort();
    }
    const [aborted] = await weir.waitLogs(5);
    assert.equal(aborted.success, false);
});

test('a token as the API key: the gateway takes it, the provider does not see it', async (t) => {
    const { weir } = await world(t);
    const client = new OpenAI({ baseURL: `${weir.base}/openai`, apiKey: TOKEN, maxRetries: 0 });
    const answer = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'x' }] });
    assert.ok(answer.choices[0].message.content);
});

test('the gateway\'s own refusal raises the SDK\'s class', async (t) => {
    const { weir } = await world(t);
    const client = new OpenAI({ baseURL: `${weir.base}/openai`, apiKey: 'sk-x', maxRetries: 0 });
    const error = await client.chat.completions.create({ model: 'm', messages: [] }).catch((e) => e);
    assert.ok(error instanceof OpenAI.AuthenticationError, String(error));
});

test('bedrock: invoke, with the model id of the path', async (t) => {
    const { weir, through } = await world(t);
    const sdk = sdks['@aws-sdk/client-bedrock-runtime'];
    const answer = await sdk.invoke(through(sdk));
    const [row] = await weir.logs({ query: 'per_page=1' });
    assert.deepEqual([row.model, row.tokens_in, row.tokens_out], ['anthropic.claude-3-haiku-20240307-v1:0', answer.usage.input_tokens, answer.usage.output_tokens]);
    assert.ok(row.cost > 0);
});
