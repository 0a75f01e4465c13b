// SPDX-License-Identifier: Apache-2.0
// What was said, out of the bodies of four dialects: OpenAI's chat and Responses, Anthropic's Messages, Gemini's contents.
// Everything in here came from strangers: unknown shapes are kept as JSON, nothing is assumed to be there.

export type Part =
    | { kind: 'text'; text: string }
    | { kind: 'thinking'; text: string }
    | { kind: 'image'; url: string }
    | { kind: 'call'; name: string; id: string; args: string }
    | { kind: 'result'; id: string; text: string }
    | { kind: 'other'; json: unknown };
export interface Turn { role: string; parts: Part[]; answer?: boolean }

type Obj = Record<string, unknown>;
const isObj = (x: unknown): x is Obj => typeof x === 'object' && x !== null && !Array.isArray(x);
const obj = (x: unknown): Obj => (isObj(x) ? x : {});
const list = (x: unknown): unknown[] => (Array.isArray(x) ? x : []);
const str = (x: unknown): string => (typeof x === 'string' ? x : x == null ? '' : JSON.stringify(x));

export function parse(body: string | null | undefined): unknown {
    try {
        return body ? JSON.parse(body) : undefined;
    } catch {
        return undefined;
    }
}

const text = (s: unknown): Part[] => (typeof s === 'string' && s ? [{ kind: 'text', text: s }] : []);
const thinking = (s: unknown): Part[] => (typeof s === 'string' && s ? [{ kind: 'thinking', text: s }] : []);
const image = (url: unknown): Part[] => (typeof url === 'string' ? [{ kind: 'image', url }] : []);
const call = (name: unknown, id: unknown, args: unknown): Part => ({ kind: 'call', name: str(name), id: str(id), args: typeof args === 'string' ? args : JSON.stringify(args ?? {}, null, 2) });
const joined = (x: unknown): string => (typeof x === 'string' ? x : Array.isArray(x) ? x.map((p) => str(obj(p).text ?? p)).join('\n') : str(x));

/* A part of a message: the types of the dialects do not collide. */
function part(x: unknown): Part[] {
    if (typeof x === 'string') return text(x);
    const p = obj(x), source = obj(p.source);
    switch (p.type) {
    case 'text': case 'input_text': case 'output_text': return text(p.text);
    case 'refusal': return text(p.refusal);
    case 'image_url': return image(typeof p.image_url === 'string' ? p.image_url : obj(p.image_url).url);
    case 'input_image': return image(p.image_url);
    case 'image': return image(source.type === 'base64' ? `data:${str(source.media_type)};base64,${str(source.data)}` : source.url);
    case 'thinking': return Array.isArray(p.thinking) ? thinking(joined(p.thinking)) : thinking(p.thinking);
    case 'redacted_thinking': return thinking('(redacted by the provider)');
    case 'tool_use': case 'server_tool_use': return [call(p.name, p.id, p.input)];
    case 'tool_result': return [{ kind: 'result', id: str(p.tool_use_id), text: joined(p.content) }];
    default: return geminiPart(p);
    }
}

function geminiPart(p: Obj): Part[] {
    const inline = obj(p.inlineData ?? p.inline_data), made = obj(p.functionCall), back = obj(p.functionResponse);
    if (p.functionCall) return [call(made.name, made.id, made.args)];
    if (p.functionResponse) return [{ kind: 'result', id: str(back.id ?? back.name), text: JSON.stringify(back.response ?? null, null, 2) }];
    if (inline.data) return image(`data:${str(inline.mimeType ?? inline.mime_type)};base64,${str(inline.data)}`);
    if (typeof p.text === 'string') return p.thought ? thinking(p.text) : text(p.text);
    return [{ kind: 'other', json: p }];
}

const parts = (content: unknown): Part[] => (typeof content === 'string' ? text(content) : list(content).flatMap(part));

// ---- requests ----------------------------------------------------------------------------------------

function chatMessage(x: unknown): Turn {
    const m = obj(x), role = str(m.role) || 'unknown';
    if (role === 'tool') return { role, parts: [{ kind: 'result', id: str(m.tool_call_id), text: joined(m.content) }] };
    const calls = list(m.tool_calls).map((c) => { const f = obj(obj(c).function); return call(f.name, obj(c).id, f.arguments); });
    return { role, parts: [...thinking(m.reasoning_content ?? m.reasoning), ...parts(m.content), ...calls] };
}

function responsesItem(x: unknown): Turn {
    const i = obj(x);
    switch (i.type) {
    case 'function_call': return { role: 'assistant', parts: [call(i.name, i.call_id, i.arguments)] };
    case 'function_call_output': return { role: 'tool', parts: [{ kind: 'result', id: str(i.call_id), text: joined(i.output) }] };
    case 'reasoning': return { role: 'assistant', parts: thinking(joined(i.summary)) };
    case undefined: case 'message': return { role: str(i.role) || 'assistant', parts: parts(i.content) };
    default: return { role: 'assistant', parts: [{ kind: 'other', json: i }] };
    }
}

const system = (content: unknown): Turn[] => (content ? [{ role: 'system', parts: parts(content) }] : []);

export function asked(body: unknown): Turn[] {
    const b = obj(body);
    if (Array.isArray(body)) return body.flatMap((step) => asked(obj(step).query)); // the Universal endpoint's steps
    if (Array.isArray(b.messages)) return [...system(b.system), ...b.messages.map(chatMessage)];
    if (Array.isArray(b.contents)) {
        const instruction = obj(b.systemInstruction ?? b.system_instruction);
        return [...system(instruction.parts), ...b.contents.map((c) => ({ role: str(obj(c).role) || 'user', parts: list(obj(c).parts).flatMap(part) }))];
    }
    if (Array.isArray(b.input) && b.input.some(isObj)) return [...system(b.instructions), ...b.input.map(responsesItem)];
    const prompt = b.input ?? b.prompt ?? b.text;
    return [...system(b.instructions), ...(prompt === undefined ? [] : [{ role: 'user', parts: Array.isArray(prompt) ? prompt.flatMap((p) => text(str(p))) : text(str(prompt)) }])];
}

// ---- answers -----------------------------------------------------------------------------------------

export function answered(body: unknown): Turn[] {
    const b = obj(body);
    const turns = Array.isArray(b.choices) ? b.choices.map((c) => ({ ...chatMessage({ role: 'assistant', ...obj(obj(c).message ?? obj(c).delta), ...(obj(c).text ? { content: obj(c).text } : {}) }) }))
        : Array.isArray(b.candidates) ? b.candidates.map((c) => ({ role: 'assistant', parts: list(obj(obj(c).content).parts).flatMap(part) }))
            : Array.isArray(b.output) ? b.output.map(responsesItem)
                : Array.isArray(b.content) ? [{ role: 'assistant', parts: parts(b.content) }] : [];
    return turns.filter((t) => t.parts.length).map((t) => ({ ...t, answer: true }));
}

/** The names of the tools that were offered. */
export function tools(body: unknown): string[] {
    return list(obj(body).tools).flatMap((t) => {
        const declared = list(obj(t).functionDeclarations).map((f) => str(obj(f).name));
        return declared.length ? declared : [str(obj(obj(t).function).name ?? obj(t).name ?? obj(t).type)];
    });
}

/** Pictures that may be shown: those that came along, never those of some other server. */
export const showable = (url: string) => /^data:image\/(png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]+$/.test(url);
