// SPDX-License-Identifier: Apache-2.0
// Calls of every kind the dashboard shows: dialects, tools, images, streams, failures, and texts that try to be markup.

export const XSS = '<img src=x onerror="window.xss=1"><script>window.xss=2</script>';
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const chat = (model, messages, more = {}) => ({ model, messages, ...more });
const user = (content) => [{ role: 'user', content }];
const TOOLS = [{ type: 'function', function: { name: 'get_weather', description: 'The weather in a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }];

const CALLS = [
    ['openai/chat/completions', chat('gpt-4o-mini', [{ role: 'system', content: 'You are a terse assistant.' }, ...user('What is a weir?')])],
    ['openai/chat/completions', chat('gpt-4o', user('Tell me about rivers in three sentences.'), { stream: true })],
    ['openai/chat/completions', chat('gpt-4o-mini', user('What is the weather in Oslo?'), { tools: TOOLS })],
    ['openai/chat/completions', chat('gpt-4o', [{ role: 'user', content: [{ type: 'text', text: 'What is in this picture?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } }] }])],
    ['openai/responses', { model: 'gpt-4o', input: 'Name three fish.', instructions: 'Answer in a list.', stream: true }],
    ['openai/embeddings', { model: 'text-embedding-3-small', input: 'a text' }],
    ['anthropic/v1/messages', { model: 'claude-sonnet-4-5', max_tokens: 300, stream: true, system: 'You are a poet.', thinking: { type: 'enabled', budget_tokens: 1024 },
        messages: user('Write a line about water.') }, { 'x-mock': 'reasoning-40' }],
    ['anthropic/v1/messages', { model: 'claude-sonnet-4-5', max_tokens: 300, tools: [{ name: 'get_weather', input_schema: TOOLS[0].function.parameters }],
        messages: [...user('Weather in Oslo?'), { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Oslo' } }] },
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '4 degrees, rain' }] }] }],
    ['google-ai-studio/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse', { systemInstruction: { parts: [{ text: 'Be brief.' }] },
        contents: [{ role: 'user', parts: [{ text: 'How deep is a river?' }] }] }],
    ['groq/chat/completions', chat('llama-3.3-70b-versatile', user('Say hello.'), { stream: true })],
    ['openai/chat/completions', chat('gpt-4o-mini', user('This one fails.')), { 'x-mock': '500' }],
    ['openai/chat/completions', chat('gpt-4o-mini', user('This one is too much.')), { 'x-mock': '429' }],
];

const HEADERS = { openai: 'authorization', anthropic: 'x-api-key', 'google-ai-studio': 'x-goog-api-key', groq: 'authorization' };

async function call(weir, gateway, [to, body, headers = {}], i) {
    const provider = to.slice(0, to.indexOf('/'));
    const answer = await fetch(`http://127.0.0.1:${weir.port}/v1/${weir.account}/${gateway}/${to}`, {
        method: 'POST', body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${weir.token}`, [HEADERS[provider] ?? 'authorization']: 'Bearer sk-test',
            'cf-aig-metadata': JSON.stringify({ user: `u-${i % 5}`, team: i % 2 ? 'search' : 'support' }), ...headers },
    });
    await answer.arrayBuffer();
    return answer.headers.get('cf-aig-log-id');
}

/** One call of each kind; the ids of their rows. */
export const everyKind = (weir, gateway = 'default') => Promise.all(CALLS.map((c, i) => call(weir, gateway, c, i)));

/** Many plain calls, one in eleven fails. */
export async function plenty(weir, n, gateway = 'default') {
    for (let i = 0; i < n; i += 10)
        await Promise.all(Array.from({ length: Math.min(10, n - i) }, (_, k) => call(weir, gateway, CALLS[(i + k) % CALLS.length], i + k)));
}

/** A call whose every text is markup; the id of its row. */
export const hostile = (weir, gateway = 'default') => call(weir, gateway, ['openai/chat/completions',
    chat(XSS, [{ role: 'system', content: XSS }, { role: 'user', content: [{ type: 'text', text: XSS }, { type: 'image_url', image_url: { url: 'javascript:window.xss=3' } }] },
        { role: 'assistant', content: null, tool_calls: [{ id: XSS, type: 'function', function: { name: XSS, arguments: XSS } }] }, { role: 'tool', tool_call_id: XSS, content: XSS }]),
    { 'user-agent': XSS, 'cf-aig-metadata': JSON.stringify({ [XSS]: XSS }), 'x-mock': 'echo' }], 0);
