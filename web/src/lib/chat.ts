// SPDX-License-Identifier: Apache-2.0
// A chat through the gateway itself, as a program would have it: with a token, never with the session's cookie.
import { ApiError } from './api';
import { list } from './client';
import type { LogRow } from './types';

/** `callId`: which call a tool's message answers. */
export interface Message { role: 'user' | 'assistant' | 'tool'; content: string; pictures?: string[]; calls?: Call[]; callId?: string }
/** `extra`: more members of the body, a JSON object. */
export interface Question { system: string; messages: Message[]; tools: string; temperature: string; maxTokens: string; extra: string }
/** `alias`: which stored key is used, where there are several. */
export interface Way { account: string; gateway: string; token: string; providerKey: string; skipCache: boolean; alias: string }

export interface Call { id: string; name: string; args: string }
export interface Answer {
    text: string;
    thinking: string;
    calls: Call[];
    raw: string; // of a dialect that is not read here
    finish: string;
    status: number;
    firstMs: number | null; // from sending to the first text, thought or tool call
    totalMs: number | null; // null: it is still coming
    tokensIn: number | null;
    tokensOut: number | null;
    logId: string;
    stopped: boolean;
    error: string;
}
export const NO_ANSWER: Answer = { text: '', thinking: '', calls: [], raw: '', finish: '', status: 0, firstMs: null, totalMs: null, tokensIn: null, tokensOut: null, logId: '', stopped: false, error: '' };

type Obj = Record<string, unknown>;
const obj = (x: unknown): Obj => (typeof x === 'object' && x !== null && !Array.isArray(x) ? (x as Obj) : {});
const array = (x: unknown): unknown[] => (Array.isArray(x) ? x : []);
const num = (x: unknown): number | null => (typeof x === 'number' ? x : null);

function json(text: string): unknown {
    try { return JSON.parse(text); } catch { return undefined; }
}

// ---- the question ---------------------------------------------------------------------------------------

/** What is wrong with it before it is sent, by field. */
export function faults(q: Question): Partial<Record<keyof Question, string>> {
    const tools = q.tools.trim() ? json(q.tools) : [], extra = q.extra.trim() ? json(q.extra) : {};
    const number = (s: string) => s.trim() === '' || (Number.isFinite(Number(s)) && Number(s) >= 0);
    return {
        ...(!Array.isArray(tools) && { tools: 'This is not a JSON array' }),
        ...((typeof extra !== 'object' || extra === null || Array.isArray(extra)) && { extra: 'This is not a JSON object' }),
        ...(!number(q.temperature) && { temperature: 'A number from 0 is needed' }),
        ...((!number(q.maxTokens) || (q.maxTokens.trim() && !(Number.isInteger(Number(q.maxTokens)) && Number(q.maxTokens) > 0))) && { maxTokens: 'A whole number is needed' }),
        ...(!q.messages.some(says) && { messages: 'There is nothing to say yet' }),
    };
}

const says = (m: Message) => !!(m.content.trim() || m.pictures?.length || m.calls?.length || m.role === 'tool');

function spoken(m: Message): Obj {
    if (m.role === 'tool') return { role: 'tool', tool_call_id: m.callId ?? '', content: m.content };
    const content = m.pictures?.length ? [...(m.content.trim() ? [{ type: 'text', text: m.content }] : []), ...m.pictures.map((url) => ({ type: 'image_url', image_url: { url } }))] : m.content;
    return { role: m.role, content: m.calls?.length && !m.content ? null : content, ...(m.calls?.length && { tool_calls: m.calls.map((c) => ({ id: c.id, type: 'function', function: { name: c.name, arguments: c.args } })) }) };
}

export function bodyOf(q: Question, model: string): Obj {
    return {
        model, messages: [...(q.system.trim() ? [{ role: 'system', content: q.system }] : []), ...q.messages.filter(says).map(spoken)],
        ...(q.tools.trim() && { tools: json(q.tools) }),
        ...(q.temperature.trim() && { temperature: Number(q.temperature) }), ...(q.maxTokens.trim() && { max_tokens: Number(q.maxTokens) }),
        ...(q.extra.trim() && obj(json(q.extra))), stream: true,
    };
}

const address = (w: Way, rest: string) => `/v1/${encodeURIComponent(w.account)}/${encodeURIComponent(w.gateway)}/compat/${rest}`;
const headers = (w: Way): Record<string, string> => ({
    ...(w.token && { 'cf-aig-authorization': `Bearer ${w.token}` }), ...(w.providerKey ? { authorization: `Bearer ${w.providerKey}` } : w.alias && { 'cf-aig-byok-alias': w.alias }), ...(w.skipCache && { 'cf-aig-skip-cache': 'true' }),
});

/** Names of the models that have a price; anything else may be asked for as well. */
export async function models(w: Way, abort: AbortSignal): Promise<string[]> {
    const answer = await fetch(address(w, 'models'), { headers: headers(w), credentials: 'omit', signal: abort });
    const text = await answer.text();
    if (!answer.ok) throw new ApiError(answer.status, [{ code: 0, message: sentence(json(text)) || text.slice(0, 200), path: [] }], 'Listing models');
    return array(obj(json(text)).data).map((m) => String(obj(m).id ?? '')).filter(Boolean);
}

// ---- the answer -----------------------------------------------------------------------------------------

/* What an error says: the gateway's envelope, and the forms of providers. */
function sentence(x: unknown): string {
    const o = obj(x);
    for (const at of [o.description, obj(o.error).message, obj(array(o.error)[0]).message, obj(array(o.errors)[0]).message, o.error, o.message, o.detail])
        if (typeof at === 'string' && at) return at;
    return '';
}

function addCall(calls: Call[], x: unknown): void {
    const c = obj(x), f = obj(c.function), at = num(c.index) ?? calls.length;
    const call = (calls[at] ??= { id: '', name: '', args: '' });
    if (typeof c.id === 'string' && c.id) call.id = c.id;
    call.name += typeof f.name === 'string' ? f.name : '';
    call.args += typeof f.arguments === 'string' ? f.arguments : '';
}

/** Takes a chunk of a stream, or a whole answer, into `a`; true if something to read came with it. */
export function take(a: Answer, chunk: unknown): boolean {
    const o = obj(chunk), choice = obj(array(o.choices)[0]), part = obj(choice.delta ?? choice.message), usage = obj(o.usage);
    const before = a.text.length + a.thinking.length + a.calls.length;
    if (o.error) a.error = sentence(o) || JSON.stringify(o.error);
    if (typeof part.content === 'string') a.text += part.content;
    if (typeof part.refusal === 'string') a.text += part.refusal;
    const thought = part.reasoning_content ?? part.reasoning;
    if (typeof thought === 'string') a.thinking += thought;
    for (const call of array(part.tool_calls)) addCall(a.calls, call);
    if (typeof choice.finish_reason === 'string') a.finish = choice.finish_reason;
    a.tokensIn = num(usage.prompt_tokens) ?? a.tokensIn;
    a.tokensOut = num(usage.completion_tokens) ?? a.tokensOut;
    return a.text.length + a.thinking.length + a.calls.length > before;
}

/** The data of each event in a piece of a stream, and what is left of the last one. */
export function events(buffered: string): { data: string[]; rest: string } {
    const lines = buffered.split(/\r\n|\n|\r(?!$)/), rest = lines.pop() ?? '';
    return { data: lines.filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trim()), rest };
}

async function readStream(a: Answer, body: ReadableStream<Uint8Array>, came: () => void): Promise<void> {
    const reader = body.getReader(), decoder = new TextDecoder();
    let buffered = '';
    for (let ended = false; !ended;) {
        const { done, value } = await reader.read();
        ended = done;
        const { data, rest } = events(buffered + (value ? decoder.decode(value, { stream: true }) : '') + (done ? '\n' : ''));
        buffered = rest;
        for (const one of data) if (one !== '[DONE]' && take(a, json(one))) came();
        came();
    }
}

async function readChat(a: Answer, response: Response, came: () => void): Promise<void> {
    if (response.ok && response.body && response.headers.get('content-type')?.includes('text/event-stream')) {
        await readStream(a, response.body, came);
        if (!a.finish && !a.error) a.error = 'The stream ended in the middle of the answer';
    } else {
        const text = await response.text(), whole = json(text);
        if (response.ok) take(a, whole);
        else a.error = sentence(whole) || text.slice(0, 500) || 'There is no answer';
    }
}

const RAW_SHOWN = 200_000;

/* In whatever dialect it is: as it comes. */
async function readRaw(a: Answer, response: Response, came: () => void): Promise<void> {
    const reader = response.body?.getReader(), decoder = new TextDecoder();
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
        if (a.raw.length < RAW_SHOWN) a.raw += decoder.decode(next.value, { stream: true });
        came();
    }
    if (!response.ok) a.error = sentence(json(a.raw)) || a.raw.slice(0, 500) || 'There is no answer';
}

/** Asks, and says what has come whenever more has. It never throws: what goes wrong is in the answer. */
export const ask = (w: Way, body: Obj, abort: AbortSignal, say: (a: Answer) => void): Promise<Answer> =>
    exchange(address(w, 'chat/completions'), { method: 'POST', headers: { 'content-type': 'application/json', ...headers(w) }, body: JSON.stringify({ ...body, stream_options: { include_usage: true } }) }, readChat, abort, say);

/** The same of bytes that go to a provider's own path; `lines`: headers beside the gateway's. */
export const askRaw = (w: Way, path: string, method: string, lines: Record<string, string>, body: string, abort: AbortSignal, say: (a: Answer) => void): Promise<Answer> =>
    exchange(path, { method, headers: { ...headers({ ...w, providerKey: '', alias: '' }), ...lines }, ...(method !== 'GET' && { body }) }, readRaw, abort, say);

async function exchange(path: string, request: RequestInit, read: typeof readChat, abort: AbortSignal, say: (a: Answer) => void): Promise<Answer> {
    const a: Answer = { ...NO_ANSWER, calls: [] }, begin = performance.now();
    const came = () => {
        if (a.firstMs === null && (a.text || a.thinking || a.calls.length || a.raw)) a.firstMs = performance.now() - begin;
        say({ ...a, calls: [...a.calls] });
    };
    try {
        const response = await fetch(path, { ...request, credentials: 'omit', cache: 'no-store', signal: abort });
        a.status = response.status;
        a.logId = response.headers.get('cf-aig-log-id') ?? '';
        await read(a, response, came);
    } catch (e) {
        if (abort.aborted) a.stopped = true;
        else a.error = a.status ? 'The connection was lost in the middle of the answer' : `The daemon cannot be reached: ${(e as Error).message}`;
    }
    came();
    a.totalMs = performance.now() - begin;
    say(a);
    return a;
}

const LOOKS = 12, LOOK_MS = 300;

/** The row of the log that an answer has become, with its price; null if none appears. */
export async function rowOf(gateway: string, id: string): Promise<LogRow | null> {
    const filters = JSON.stringify([{ key: 'id', operator: 'eq', value: [id] }]);
    for (let i = 0; i < LOOKS; i++) {
        const { rows } = await list('/accounts/{A}/ai-gateway/gateways/{G}/logs', { G: gateway, query: { per_page: 1, filters }, what: 'Looking for the row of the log' });
        if (rows[0]) return rows[0];
        await new Promise((later) => setTimeout(later, LOOK_MS));
    }
    return null;
}

// ---- the same as a program --------------------------------------------------------------------------------

/* JSON as Python has it. */
function python(x: unknown, indent = ''): string {
    const inner = indent + '    ';
    if (x === null || x === undefined) return 'None';
    if (typeof x === 'boolean') return x ? 'True' : 'False';
    if (Array.isArray(x)) return x.length ? `[\n${x.map((v) => inner + python(v, inner)).join(',\n')},\n${indent}]` : '[]';
    if (typeof x === 'object') return `{${Object.entries(x).map(([k, v]) => `${JSON.stringify(k)}: ${python(v, indent)}`).join(', ')}}`;
    return JSON.stringify(x);
}

/* A client sends one credential where its provider wants it: the provider's key if there is one, else the gateway's token. */
function pythonHeaders(w: Way): string {
    const lines = [...(w.alias && !w.providerKey ? [`"cf-aig-byok-alias": ${JSON.stringify(w.alias)}`] : []), ...(w.providerKey ? ['"cf-aig-authorization": f"Bearer {os.environ[\'WEIR_TOKEN\']}"'] : []), ...(w.skipCache ? ['"cf-aig-skip-cache": "true"'] : [])];
    return lines.length ? `\n    default_headers={${lines.join(', ')}},` : '';
}

function scriptHeaders(w: Way): string {
    const lines = [...(w.alias && !w.providerKey ? [`'cf-aig-byok-alias': ${JSON.stringify(w.alias)}`] : []), ...(w.providerKey ? ["'cf-aig-authorization': `Bearer ${process.env.WEIR_TOKEN}`"] : []), ...(w.skipCache ? ["'cf-aig-skip-cache': 'true'"] : [])];
    return lines.length ? `\n    defaultHeaders: { ${lines.join(', ')} },` : '';
}

const quoted = (s: string) => `'${s.replaceAll("'", "'\\''")}'`;

export const PROGRAMS: { key: string; label: string; code: (origin: string, w: Way, body: Obj) => string }[] = [
    { key: 'curl', label: 'curl', code: (origin, w, body) => [`curl -N ${origin}${address(w, 'chat/completions')}`, '-H "cf-aig-authorization: Bearer $WEIR_TOKEN"', ...(w.providerKey ? ['-H "Authorization: Bearer $PROVIDER_KEY"'] : w.alias ? [`-H ${quoted(`cf-aig-byok-alias: ${w.alias}`)}`] : []),
        ...(w.skipCache ? ['-H "cf-aig-skip-cache: true"'] : []), '-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(body, null, 2))}`].join(' \\\n  ') },
    { key: 'python', label: 'Python', code: (origin, w, body) => `import os
from openai import OpenAI

client = OpenAI(
    base_url="${origin}${address(w, '').slice(0, -1)}",
    api_key=os.environ["${w.providerKey ? 'PROVIDER_KEY' : 'WEIR_TOKEN'}"],${pythonHeaders(w)}
)
stream = client.chat.completions.create(
${Object.entries(body).map(([k, v]) => `    ${k}=${python(v, '    ')},`).join('\n')}
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)` },
    { key: 'javascript', label: 'JavaScript', code: (origin, w, body) => `import OpenAI from 'openai';

const client = new OpenAI({
    baseURL: '${origin}${address(w, '').slice(0, -1)}',
    apiKey: process.env.${w.providerKey ? 'PROVIDER_KEY' : 'WEIR_TOKEN'},${scriptHeaders(w)}
});
const stream = await client.chat.completions.create(${JSON.stringify(body, null, 4)});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? '');` },
];
