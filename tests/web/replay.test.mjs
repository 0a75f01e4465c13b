// SPDX-License-Identifier: Apache-2.0
// A row of the log asked again: as curl, whatever door it came through, and in the playground, as a chat or as the same bytes.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { poll } from '../flow/lib/wait.mjs';
import { assertLooks } from './lib/browser.mjs';
import { world } from './lib/world.mjs';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const SLUGS = ['openai', 'anthropic', 'google-ai-studio', 'azure-openai', 'aws-bedrock', 'workers-ai', 'cohere'];
const w = world(SLUGS, { gateway: 'team', config: { egress: { allow: ['127.0.0.0/8'] } } });
const user = (content) => [{ role: 'user', content }];
const WEATHER = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

/** A call of the data plane; the row it has become. */
async function row(path, body, headers = {}) {
    const at = path.startsWith('/') ? path : `/v1/${w.weir.account}/team${path && '/'}${path}`;
    const answer = await fetch(w.base + at, { method: 'POST', headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${w.weir.token}`, ...headers }, body: JSON.stringify(body) });
    await answer.arrayBuffer();
    assert.equal(answer.status, 200, path);
    return w.weir.log(answer.headers.get('cf-aig-log-id'), 'team');
}
const bodyOf = async (r) => (await w.weir.logBody(r.id, 'request', 'team')).text;

before(async () => {
    await w.begin();
    await w.weir.createGateway({ id: 'team', authentication: true, cache_ttl: 600 });
    await w.api('POST', '/gateways/team/provider_configs', { provider_slug: 'openai', alias: 'red team', default_config: false, secret: 'sk-red-000000001' });
    await w.api('POST', '/gateways/team/provider_configs', { provider_slug: 'anthropic', alias: 'default', default_config: false, secret: 'sk-ant-000000001' });
});
after(() => w.end());

async function listening(t, at) {
    const page = await w.page(t, at);
    await page.evaluate(() => { Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (s) => { window.copied = s; } } }); });
    return page;
}
const bash = (script, env) => execFileSync('bash', { input: script, env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 16 << 20 }); // as if it were typed

const big = 'x'.repeat(300_000), quoted = 'it\'s "$HOME" `id` \\ $(id)\n@file';
const DOORS = {
    'a native path, with quotes in the text': () => row('openai/chat/completions', { model: 'gpt-4o-mini', messages: user(quoted) }, { authorization: 'Bearer sk-1' }),
    'a stored key by its alias': () => row('openai/chat/completions', { model: 'gpt-4o', messages: user('alias') }, { 'cf-aig-byok-alias': 'red team' }),
    'compat to Anthropic': () => row('compat/chat/completions', { model: 'anthropic/claude-sonnet-4-5', messages: user('compat'), max_tokens: 9 }),
    'compat in Anthropic’s words': () => row('compat/v1/messages', { model: 'openai/gpt-4o', messages: user('words'), max_tokens: 9 }, { authorization: 'Bearer sk-1' }),
    'a step of a Universal request': () => row('', [{ provider: 'openai', endpoint: 'chat/completions', headers: { authorization: 'Bearer k' }, query: { model: 'gpt-4o', messages: user('step') } }]),
    'a stream of Gemini': () => row('google-ai-studio/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse', { contents: [{ parts: [{ text: 'hi' }] }] }, { 'x-goog-api-key': 'k' }),
    'Azure': () => row('azure-openai/res/dep/chat/completions?api-version=2024-06-01', { messages: user('azure') }, { 'api-key': 'k' }),
    'Bedrock': () => row('aws-bedrock/bedrock-runtime/us-east-1/model/anthropic.claude-3%3A0/converse', { messages: [{ role: 'user', content: [{ text: 'hi' }] }] }, { authorization: 'Bearer k' }),
    'Workers AI': () => row('workers-ai/@cf/meta/llama-3.1-8b-instruct', { messages: user('workers') }, { authorization: 'Bearer k' }),
    'Cohere': () => row('cohere/v2/chat', { model: 'command-a-03-2025', messages: user('cohere') }, { authorization: 'Bearer k' }),
    'a custom provider': async () => {
        await w.api('POST', '/custom-providers', { name: 'Mine', slug: 'mine', base_url: `${w.mock.origin}/openai`, enable: true });
        return row('custom-mine/v1/chat/completions', { model: 'own', messages: user('custom') }, { authorization: 'Bearer k' });
    },
    'embeddings': () => row('openai/embeddings', { model: 'text-embedding-3-small', input: ['a', 'b'] }, { authorization: 'Bearer k' }),
    'the REST host': () => row(`/client/v4/accounts/${w.weir.account}/ai/v1/chat/completions`, { model: 'openai/gpt-4o', messages: user('rest') }, { authorization: `Bearer ${w.weir.token}`, 'cf-aig-gateway-id': 'team' }),
    'a body that is too long for an argument': () => row('openai/chat/completions', { model: 'gpt-4o-mini', messages: user(big) }, { authorization: 'Bearer sk-1' }),
};

test('what "curl" copies makes the same request again, whatever door it came through', async (t) => {
    const page = await listening(t, '/gateways/team/logs');
    for (const [door, ask] of Object.entries(DOORS)) {
        const one = await ask();
        await page.evaluate((to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }, `/gateways/team/logs?log=${one.id}`);
        await page.getByRole('dialog').getByRole('button', { name: 'Details' }).click();
        await page.getByRole('definition').getByText(one.id, { exact: true }).first().waitFor();
        await page.evaluate(() => { window.copied = ''; });
        await page.getByRole('dialog').getByRole('button', { name: 'curl' }).click();
        const command = await poll('the command', () => page.evaluate(() => window.copied));
        assert.ok(!command.includes(w.weir.token), door);
        const stdout = bash(`${command.replace(/^curl /, 'curl -sS -i ')}`, { WEIR_TOKEN: w.weir.token, PROVIDER_KEY: 'sk-mine' });
        assert.match(stdout, /^HTTP\/1\.1 200/, `${door}\n${command.slice(0, 600)}\n${stdout.slice(0, 600)}`);
        const again = await w.weir.log(/^cf-aig-log-id: (.*)\r$/im.exec(stdout)[1], 'team');
        assert.notEqual(again.id, one.id);
        assert.deepEqual([again.provider, again.path, again.model, again.weir.stream], [one.provider, one.path, one.model, one.weir.stream], door);
        assert.equal((await bodyOf(again)).trimEnd(), (await bodyOf(one)).trimEnd(), door);
        if (!again.cached) assert.equal(again.weir.key_alias, one.weir.key_alias, door);
    }
});

const answerOf = (page, model) => page.getByRole('region', { name: `Answer of ${model}` });
const withToken = async (page) => { await page.locator('#run-token').fill(w.weir.token); };

test('a chat is asked again as it was, and stands beside what was stored', async (t) => {
    const one = await row('openai/chat/completions', { model: 'gpt-4o', stream: true, temperature: 0.5, max_tokens: 99, top_p: 0.9, tools: [{ type: 'function', function: { name: 'get_weather', parameters: WEATHER } }], messages: [
        { role: 'system', content: 'Be terse.' }, { role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } }] },
        { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }] },
        { role: 'tool', tool_call_id: 'c1', content: '4 degrees' }, { role: 'user', content: 'Go on.' }] }, { 'cf-aig-byok-alias': 'red team' });
    const page = await w.page(t, `/gateways/team/logs?log=${one.id}`);
    await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
    await page.getByRole('region', { name: 'The stored answer' }).getByRole('article', { name: 'Answer' }).waitFor();
    assert.equal(await page.locator('#ask-gateway').inputValue(), 'team');
    assert.equal(await page.locator('#ask-model').inputValue(), 'openai/gpt-4o');
    assert.equal(await page.getByLabel('System prompt').inputValue(), 'Be terse.');
    assert.deepEqual([await page.locator('#ask-temperature').inputValue(), await page.locator('#ask-maxTokens').inputValue()], ['0.5', '99']);
    assert.equal(await page.locator('.message .picture').evaluate((i) => i.naturalWidth), 1);
    assert.equal(await page.getByLabel('Skip the cache').isChecked(), true);
    await assertLooks(page, 'replay');
    await withToken(page);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const answer = answerOf(page, 'openai/gpt-4o');
    await answer.getByRole('link', { name: 'Its row in the log' }).waitFor();
    const again = await w.weir.log(new URL(await answer.getByRole('link', { name: 'Its row in the log' }).getAttribute('href'), w.base).searchParams.get('log'), 'team');
    const sent = JSON.parse(await bodyOf(again)), was = JSON.parse(await bodyOf(one));
    Object.assign(was, { max_completion_tokens: was.max_tokens, max_tokens: undefined }); // as compat says it to this provider
    delete was.max_tokens;
    delete sent.stream_options; // the playground asks for usage
    assert.deepEqual(sent, was);
    assert.equal(again.weir.key_alias, 'red team');
    for (const card of [answer, page.getByRole('region', { name: 'The stored answer' })]) assert.match(await card.locator('.taken').innerText(), /Cost\s+\$0\.0/);
    await page.getByRole('button', { name: 'Show code' }).click();
    await page.getByText('cf-aig-byok-alias: red team').waitFor();
});

const CHATS = {
    responses: [() => row('openai/responses', { model: 'gpt-4o', instructions: 'Answer in a list.', input: [{ role: 'user', content: [{ type: 'input_text', text: 'Name three fish.' }] }], max_output_tokens: 50, stream: true, truncation: 'auto',
        tools: [{ type: 'function', name: 'get_weather', parameters: WEATHER }] }, { 'cf-aig-byok-alias': 'red team' }), 'openai/gpt-4o', 'Answer in a list.', 'Name three fish.', '50', 'truncation'],
    anthropic: [() => row('anthropic/v1/messages', { model: 'claude-sonnet-4-5', max_tokens: 300, system: 'You are a poet.', metadata: { user_id: 'u' }, tools: [{ name: 'get_weather', input_schema: WEATHER }],
        messages: [...user('Weather in Oslo?'), { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Oslo' } }] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '4 degrees' }] }] },
    { 'anthropic-version': '2023-06-01' }), 'anthropic/claude-sonnet-4-5', 'You are a poet.', 'Weather in Oslo?', '300', 'metadata'],
    gemini: [() => row('google-ai-studio/v1beta/models/gemini-2.5-flash:generateContent', { systemInstruction: { parts: [{ text: 'Be brief.' }] }, contents: [{ role: 'user', parts: [{ text: 'How deep?' }] }],
        tools: [{ functionDeclarations: [{ name: 'get_weather', parameters: WEATHER }] }], generationConfig: { maxOutputTokens: 70, topK: 3 } }, { 'x-goog-api-key': 'k' }), 'google-ai-studio/gemini-2.5-flash', 'Be brief.', 'How deep?', '70', 'topK'],
};

for (const [dialect, [ask, model, system, first, most, left]] of Object.entries(CHATS))
    test(`a request in the words of ${dialect} becomes a chat; what does not fit is named; its bytes can be sent as they are`, async (t) => {
        const one = await ask(), page = await w.page(t, `/playground?gateway=team&log=${one.id}`);
        await page.getByRole('region', { name: 'The stored answer' }).waitFor();
        await poll('the question', async () => (await page.locator('#ask-model').inputValue()) === model);
        assert.equal(await page.getByLabel('System prompt').inputValue(), system);
        assert.equal(await page.getByRole('textbox', { name: 'Message 1' }).inputValue(), first);
        assert.equal(await page.locator('#ask-maxTokens').inputValue(), most);
        assert.match(await page.locator('#ask-tools').inputValue(), /"name": "get_weather"/);
        await page.getByRole('note').getByText(left).waitFor();
        await withToken(page);
        await page.getByText('Key of the provider').click();
        if (dialect === 'gemini') await page.locator('#provider-key').fill('AIza-mine');
        await page.getByRole('button', { name: 'Run', exact: true }).click();
        await answerOf(page, model).getByRole('article', { name: 'Answer' }).waitFor();
        await page.getByRole('button', { name: 'The same bytes' }).click();
        await page.getByRole('button', { name: 'Run', exact: true }).click();
        const answer = answerOf(page, model), its = answer.getByRole('link', { name: 'Its row in the log' });
        await answer.getByRole('article', { name: 'Answer' }).waitFor();
        const again = await w.weir.log(new URL(await its.getAttribute('href'), w.base).searchParams.get('log'), 'team');
        assert.deepEqual([again.provider, again.path, again.success], [one.provider, one.path, true]);
        assert.deepEqual(JSON.parse(await bodyOf(again)), JSON.parse(await bodyOf(one)));
    });

test('what is no chat is edited as bytes; what was not stored cannot be asked again', async (t) => {
    const one = await row('openai/embeddings', { model: 'text-embedding-3-small', input: 'a text' }, { 'cf-aig-byok-alias': 'red team' });
    const page = await w.page(t, `/playground?gateway=team&log=${one.id}`, { expected: [404] }); // no body is stored of the last one
    assert.deepEqual(JSON.parse(await poll('the bytes', () => page.locator('#ask-raw').inputValue())), { model: 'text-embedding-3-small', input: 'a text' });
    await page.locator('#ask-raw').fill('{"model":');
    await page.getByText('This is not JSON').waitFor();
    await page.locator('#ask-raw').fill('{"model":"text-embedding-3-small","input":"another <b>text</b>"}');
    await withToken(page);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const its = answerOf(page, 'openai/text-embedding-3-small').getByRole('link', { name: 'Its row in the log' });
    const again = await w.weir.log(new URL(await its.getAttribute('href'), w.base).searchParams.get('log'), 'team');
    assert.deepEqual([await bodyOf(again), again.weir.key_alias], ['{"model":"text-embedding-3-small","input":"another <b>text</b>"}', 'red team']);
    await page.getByRole('button', { name: 'Show code' }).click();
    const env = { ...process.env, WEIR_TOKEN: w.weir.token };
    for (const [program, part, run] of [['curl', '--data-raw', ['bash']], ['Python', 'urllib.request.Request(', ['python3', '-']], ['JavaScript', 'await fetch(', ['node', '--input-type=module', '-']]]) {
        await page.getByRole('dialog').getByRole('button', { name: program, exact: true }).click();
        const code = page.getByRole('dialog').locator('pre').filter({ hasText: part });
        const out = execFileSync(run[0], run.slice(1), { input: await code.innerText(), env, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
        assert.match(out, /"embedding":/, program);
    }
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Leave the replay' }).click();
    await page.getByLabel('System prompt').waitFor();

    const lost = await row('openai/chat/completions', { model: 'gpt-4o', messages: user('secret') }, { 'cf-aig-byok-alias': 'red team', 'cf-aig-collect-log-payload': 'false' });
    await page.goto(`/gateways/team/logs?log=${lost.id}`);
    await page.getByText('It cannot be asked again: The request asked that bodies be left out.').waitFor();
    for (const name of ['Replay', 'curl']) assert.equal(await page.getByRole('dialog').getByRole('button', { name }).isDisabled(), true);
});
