// SPDX-License-Identifier: Apache-2.0
// Programs that work once the token and the provider's key are in the environment.

export interface Place { origin: string; account: string; gateway: string }
export interface Snippet { key: string; label: string; code: (p: Place) => string }

const base = ({ origin, account, gateway }: Place) => `${origin}/v1/${account}/${gateway}`;
const HEADERS = `{ 'cf-aig-authorization': \`Bearer \${process.env.WEIR_TOKEN}\` }`;

export const SNIPPETS: Snippet[] = [
    { key: 'curl', label: 'curl', code: (p) => `curl ${base(p)}/openai/chat/completions \\
  -H "cf-aig-authorization: Bearer $WEIR_TOKEN" \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'` },
    { key: 'openai-python', label: 'OpenAI, Python', code: (p) => `import os
from openai import OpenAI

client = OpenAI(
    base_url="${base(p)}/openai",
    default_headers={"cf-aig-authorization": f"Bearer {os.environ['WEIR_TOKEN']}"},
)
answer = client.chat.completions.create(
    model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}]
)
print(answer.choices[0].message.content)` },
    { key: 'openai-js', label: 'OpenAI, JavaScript', code: (p) => `import OpenAI from 'openai';

const client = new OpenAI({
    baseURL: '${base(p)}/openai',
    defaultHeaders: ${HEADERS},
});
const answer = await client.chat.completions.create({
    model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.choices[0].message.content);` },
    { key: 'anthropic-js', label: 'Anthropic, JavaScript', code: (p) => `import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({
    baseURL: '${base(p)}/anthropic',
    defaultHeaders: ${HEADERS},
});
const answer = await client.messages.create({
    model: 'claude-sonnet-4-5', max_tokens: 200, messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.content);` },
    { key: 'vercel', label: 'Vercel AI SDK', code: (p) => `import { createOpenAI } from '@ai-sdk/openai';
import { generateText } from 'ai';

const openai = createOpenAI({
    baseURL: '${base(p)}/openai',
    headers: ${HEADERS},
});
const { text } = await generateText({ model: openai.chat('gpt-4o-mini'), prompt: 'Hello' });
console.log(text);` },
    { key: 'langchain', label: 'LangChain', code: (p) => `import { ChatOpenAI } from '@langchain/openai';

const model = new ChatOpenAI({
    model: 'gpt-4o-mini',
    configuration: {
        baseURL: '${base(p)}/openai',
        defaultHeaders: ${HEADERS},
    },
});
const answer = await model.invoke('Hello');
console.log(answer.content);` },
];

/** Calls of a dynamic route. */
export const routeSnippets = (route: string): Snippet[] => {
    const model = JSON.stringify(`dynamic/${route}`), js = `'dynamic/${route.replace(/[\\']/g, '\\$&')}'`;
    const body = JSON.stringify({ model: `dynamic/${route}`, messages: [{ role: 'user', content: 'Hello' }] }).replaceAll("'", "'\\''");
    return [
        { key: 'curl', label: 'curl', code: (p) => `curl ${base(p)}/compat/chat/completions \\
  -H "cf-aig-authorization: Bearer $WEIR_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '${body}'` },
        { key: 'python', label: 'OpenAI, Python', code: (p) => `import os
from openai import OpenAI

client = OpenAI(base_url="${base(p)}/compat", api_key=os.environ["WEIR_TOKEN"])
answer = client.chat.completions.create(
    model=${model}, messages=[{"role": "user", "content": "Hello"}]
)
print(answer.choices[0].message.content)` },
        { key: 'js', label: 'OpenAI, JavaScript', code: (p) => `import OpenAI from 'openai';

const client = new OpenAI({
    baseURL: '${base(p)}/compat',
    apiKey: process.env.WEIR_TOKEN,
});
const answer = await client.chat.completions.create({
    model: ${js}, messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.choices[0].message.content);` },
    ];
};
