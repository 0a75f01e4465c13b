// SPDX-License-Identifier: Apache-2.0
// A row of the log as something that can be asked again: as a program, as the same bytes, or as a conversation of the playground.
// Rows keep what the provider was sent, whatever door it came through: the native path is the one way that leads there from all of them.
import type { Message, Question } from './chat';
import { asked, parse, type Part, type Turn } from './conversation';
import type { LogRow } from './types';

type Obj = Record<string, unknown>;
const obj = (x: unknown): Obj => (typeof x === 'object' && x !== null && !Array.isArray(x) ? (x as Obj) : {});
const list = (x: unknown): unknown[] => (Array.isArray(x) ? x : []);

// ---- the same bytes -------------------------------------------------------------------------------------

/* Where a provider wants its key, if not in `Authorization: Bearer`. */
const KEY_LINES: Record<string, [name: string, scheme: string]> = {
    anthropic: ['x-api-key', ''], parallel: ['x-api-key', ''], cartesia: ['X-API-Key', ''], ideogram: ['Api-Key', ''], 'azure-openai': ['api-key', ''], elevenlabs: ['xi-api-key', ''],
    'google-ai-studio': ['x-goog-api-key', ''], deepgram: ['Authorization', 'Token '], fal: ['Authorization', 'Key '],
};
export const keyLine = (provider: string) => KEY_LINES[provider] ?? (['Authorization', 'Bearer '] as const);

/* Rows have no query. Two providers do not answer, or not as a stream, without what usually stands there. */
function queryOf(row: LogRow): string {
    if (row.provider === 'azure-openai') return '?api-version=2024-10-21';
    return row.weir.stream && row.path.endsWith(':streamGenerateContent') ? '?alt=sse' : '';
}
export const pathOf = (row: LogRow, account: string, gateway: string) => `/v1/${encodeURIComponent(account)}/${encodeURIComponent(gateway)}/${row.provider}/${row.path}${queryOf(row)}`;

/** Lines beside the credentials. */
export const linesOf = (row: LogRow): Record<string, string> => ({
    ...(row.request_content_type && { 'Content-Type': row.request_content_type }), ...(row.provider === 'anthropic' && { 'anthropic-version': '2023-06-01' }),
    ...(row.weir.key_alias && { 'cf-aig-byok-alias': row.weir.key_alias }),
});

/** Did the request bring the provider's key? */
const broughtKey = (row: LogRow) => !row.byok && !row.wholesale && !row.cached && row.provider !== 'mock';

const quote = (s: string) => `'${s.replaceAll("'", "'\\''")}'`;
const HERE = 'END_OF_BODY', ARGUMENT_BYTES = 100_000; // what a command line takes of one argument is some more

export interface Place { origin: string; account: string; gateway: string }

export function asCurl(row: LogRow, request: string | null, { origin, account, gateway }: Place, lines: string[] = []): string {
    const [name, scheme] = keyLine(row.provider), long = !!request && request.length > ARGUMENT_BYTES;
    const command = ['curl -N ' + quote(origin + pathOf(row, account, gateway)), row.weir.method === (request ? 'POST' : 'GET') || !row.weir.method ? '' : `-X ${row.weir.method}`,
        '-H "cf-aig-authorization: Bearer $WEIR_TOKEN"', broughtKey(row) && `-H "${name}: ${scheme}$PROVIDER_KEY"`, ...Object.entries(linesOf(row)).map(([n, v]) => `-H ${quote(`${n}: ${v}`)}`), ...lines,
        request && (long ? `--data-binary @- <<'${HERE}'` : `--data-raw ${quote(request)}`)].filter(Boolean).join(' \\\n  ');
    return long ? `${command}\n${request}\n${HERE}` : command;
}

const python = (s: string) => JSON.stringify(s);
const envLine = (row: LogRow, lines: (name: string, scheme: string) => string) => (broughtKey(row) ? lines(...(keyLine(row.provider) as [string, string])) : '');
const header = (n: string, v: string, indent: string) => `\n${indent}${JSON.stringify(n)}: ${JSON.stringify(v)},`;

/** The same bytes as programs, none of which needs more than its language. */
export const RAW_PROGRAMS: { key: string; label: string; code: (row: LogRow, body: string, place: Place, skipCache: boolean) => string }[] = [
    { key: 'curl', label: 'curl', code: (row, body, place, skip) => asCurl(row, body, place, skip ? ['-H "cf-aig-skip-cache: true"'] : []) },
    { key: 'python', label: 'Python', code: (row, body, place, skip) => `import os
import urllib.request

body = ${python(body)}
headers = {
    "cf-aig-authorization": "Bearer " + os.environ["WEIR_TOKEN"],${envLine(row, (n, s) => `\n    "${n}": "${s}" + os.environ["PROVIDER_KEY"],`)}${Object.entries({ ...linesOf(row), ...(skip && { 'cf-aig-skip-cache': 'true' }) }).map(([n, v]) => header(n, v, '    ')).join('')}
}
request = urllib.request.Request(
    ${python(place.origin + pathOf(row, place.account, place.gateway))},
    body.encode(), headers, method=${python(row.weir.method ?? 'POST')},
)
with urllib.request.urlopen(request) as answer:
    for line in answer:
        print(line.decode(), end="")` },
    { key: 'javascript', label: 'JavaScript', code: (row, body, place, skip) => `const answer = await fetch(${JSON.stringify(place.origin + pathOf(row, place.account, place.gateway))}, {
    method: ${JSON.stringify(row.weir.method ?? 'POST')},
    headers: {
        "cf-aig-authorization": \`Bearer \${process.env.WEIR_TOKEN}\`,${envLine(row, (n, s) => `\n        "${n}": \`${s}\${process.env.PROVIDER_KEY}\`,`)}${Object.entries({ ...linesOf(row), ...(skip && { 'cf-aig-skip-cache': 'true' }) }).map(([n, v]) => header(n, v, '        ')).join('')}
    },
    body: ${JSON.stringify(body)},
});
console.log(answer.status, await answer.text());` },
];

// ---- as a conversation ----------------------------------------------------------------------------------

/** What of a request cannot be said in the playground's chat; null: it cannot be said there at all. */
export interface Said { question: Question; left: string[] }

/* Their models have other names at the compat endpoint than in the row. */
const ELSEWHERE = ['aws-bedrock', 'azure-openai', 'google-vertex-ai'];

/* Members of a dialect that a chat has under its own name. */
interface Dialect { known: string[]; params: (b: Obj) => Obj; temperature: (b: Obj) => unknown; maxTokens: (b: Obj) => unknown; rest?: (b: Obj) => string[] }
const generation = (b: Obj) => obj(b.generationConfig ?? b.generation_config);
const CHAT: Dialect = { known: [], params: ({ model: _m, messages: _s, tools: _t, temperature: _e, max_tokens: _x, stream: _r, stream_options: _o, ...rest }) => rest, temperature: (b) => b.temperature, maxTokens: (b) => b.max_tokens };
const ANTHROPIC: Dialect = { known: ['model', 'messages', 'system', 'tools', 'temperature', 'max_tokens', 'stream', 'stop_sequences', 'top_p'],
    params: (b) => ({ stop: b.stop_sequences, top_p: b.top_p }), temperature: (b) => b.temperature, maxTokens: (b) => b.max_tokens };
const RESPONSES: Dialect = { known: ['model', 'input', 'instructions', 'tools', 'temperature', 'max_output_tokens', 'stream', 'store', 'top_p', 'parallel_tool_calls'],
    params: (b) => ({ top_p: b.top_p, parallel_tool_calls: b.parallel_tool_calls }), temperature: (b) => b.temperature, maxTokens: (b) => b.max_output_tokens };
const GEMINI: Dialect = { known: ['model', 'contents', 'systemInstruction', 'system_instruction', 'tools', 'generationConfig', 'generation_config'],
    params: (b) => ({ top_p: generation(b).topP, stop: generation(b).stopSequences }), temperature: (b) => generation(b).temperature, maxTokens: (b) => generation(b).maxOutputTokens,
    rest: (b) => Object.keys(generation(b)).filter((k) => !['temperature', 'topP', 'maxOutputTokens', 'stopSequences'].includes(k)) };

function dialectOf(row: LogRow, b: Obj): Dialect | null {
    if (Array.isArray(b.contents)) return GEMINI;
    if (Array.isArray(b.messages)) return row.path.endsWith('messages') ? ANTHROPIC : CHAT;
    return b.input !== undefined && row.path.endsWith('responses') ? RESPONSES : null;
}

/* A tool of any dialect as a chat has it; null for those that only their provider knows. */
function toolOf(x: unknown): Obj[] | null {
    const t = obj(x), declared = list(t.functionDeclarations ?? t.function_declarations);
    if (declared.length) return declared.map((f) => ({ type: 'function', function: { name: obj(f).name, description: obj(f).description, parameters: obj(f).parameters ?? obj(f).parametersJsonSchema } }));
    if (t.function) return [t];
    if (t.input_schema) return [{ type: 'function', function: { name: t.name, description: t.description, parameters: t.input_schema } }];
    return t.type === 'function' && t.parameters ? [{ type: 'function', function: { name: t.name, description: t.description, parameters: t.parameters } }] : null;
}

const joined = (parts: Part[]) => parts.flatMap((p) => (p.kind === 'text' ? [p.text] : [])).join('\n\n');

/* Results come first: a message of theirs answers the calls before it. */
function messagesOf(turn: Turn): Message[] {
    const results = turn.parts.flatMap((p): Message[] => (p.kind === 'result' ? [{ role: 'tool', content: p.text, callId: p.id }] : []));
    const pictures = turn.parts.flatMap((p) => (p.kind === 'image' ? [p.url] : [])), content = joined(turn.parts);
    const calls = turn.parts.flatMap((p) => (p.kind === 'call' ? [{ id: p.id || p.name, name: p.name, args: p.args }] : []));
    const own: Message = { role: ['assistant', 'model'].includes(turn.role) ? 'assistant' : 'user', content, ...(pictures.length && { pictures }), ...(calls.length && { calls }) };
    return content || pictures.length || calls.length ? [...results, own] : results;
}

/* Calls that stand one by one are one message in a chat. */
const together = (all: Message[]) => all.reduce<Message[]>((out, m) => {
    const last = out.at(-1);
    if (!last?.calls || !m.calls || m.content || last.role !== m.role) return [...out, m];
    return [...out.slice(0, -1), { ...last, calls: [...last.calls, ...m.calls] }];
}, []);

const isSystem = (t: Turn) => t.role === 'system' || t.role === 'developer';
const written = (x: unknown) => (typeof x === 'number' ? String(x) : '');

/** The request as the playground would ask it. */
export function questionOf(row: LogRow, request: string | null): Said | null {
    const body = obj(parse(request)), dialect = dialectOf(row, body), turns = asked(body), tools = list(body.tools).map(toolOf);
    if (!dialect || ELSEWHERE.includes(row.provider) || row.model_type !== 'chat' || !row.model || tools.includes(null)) return null;
    if (!turns.length || turns.some((t) => t.parts.some((p) => p.kind === 'other'))) return null;
    const params = Object.entries(dialect.params(body)).filter(([, v]) => v !== undefined), offered = (tools as Obj[][]).flat();
    const unknown = dialect.known.length ? Object.keys(body).filter((k) => !dialect.known.includes(k)) : [];
    return {
        question: {
            system: turns.filter(isSystem).map((t) => joined(t.parts)).join('\n\n'), messages: together(turns.filter((t) => !isSystem(t)).flatMap(messagesOf)),
            tools: offered.length ? JSON.stringify(offered, null, 2) : '', temperature: written(dialect.temperature(body)), maxTokens: written(dialect.maxTokens(body)),
            extra: params.length ? JSON.stringify(Object.fromEntries(params), null, 2) : '',
        },
        left: [...unknown, ...(dialect.rest?.(body) ?? []), ...(turns.some((t) => t.parts.some((p) => p.kind === 'thinking')) ? ['thinking'] : [])],
    };
}
