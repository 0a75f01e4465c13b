// SPDX-License-Identifier: Apache-2.0
// The graph of a dynamic route: its elements as the API has them (docs/routes.md), and how they are changed, laid out and compared.
// Elements are never changed in place: one that is another object has been changed.
import type { Complaint } from './api';
import type { Fields, Json } from './types';

export type GraphElement = { id: string; type: string; outputs: Record<string, { elementId: string }>; properties?: Fields };
export type Elements = GraphElement[];
export interface Point { x: number; y: number }
export type Places = Record<string, Point>;

/** What the palette has: a new element's outputs, which lead nowhere yet, and its properties. */
export interface ElementType { label: string; note: string; outputs: string[]; properties?: Fields }
export const TYPES: Record<string, ElementType> = {
    conditional: { label: 'Conditional', note: 'by metadata, headers or the body', outputs: ['true', 'false'], properties: { conditions: { 'metadata.plan': { $eq: 'paid' } } } },
    percentage: { label: 'Percentage', note: 'by chance', outputs: ['50%', 'else'] },
    rate: { label: 'Rate', note: 'while a limit is kept', outputs: ['success', 'fallback'], properties: { key: 'metadata.user_id', limit: 20, limitType: 'count', window: 3600 } },
    model: { label: 'Model', note: 'asks a provider', outputs: ['success', 'fallback'], properties: { provider: 'openai', model: 'gpt-4o-mini', timeout: 20000, retries: 1 } },
    end: { label: 'End', note: 'the answer goes out', outputs: [] },
};
const ALIASES: Record<string, string> = { rate_limit: 'rate' };
export const typeOf = (e: { type: string }) => ALIASES[e.type] ?? e.type;
export const labelOf = (e: { type: string }) => (e.type === 'start' ? 'Start' : TYPES[typeOf(e)]?.label ?? e.type);
export const outputsOf = (e: GraphElement): string[] => Object.keys(e.outputs);
export const targetOf = (e: GraphElement, output: string) => e.outputs[output]?.elementId ?? '';

export const FIRST: Elements = [
    { id: 'start', type: 'start', outputs: { next: { elementId: 'model' } } },
    { id: 'model', type: 'model', properties: { provider: 'openai', model: 'gpt-4o-mini', timeout: 20000, retries: 1 }, outputs: { success: { elementId: 'end' } } },
    { id: 'end', type: 'end', outputs: {} },
];

/** One line that says what an element does. */
export function summary(e: GraphElement): string {
    const p = e.properties ?? {}, word = (v: Json | undefined) => (v === undefined || v === null || v === '' ? '?' : typeof v === 'object' ? JSON.stringify(v) : String(v));
    switch (typeOf(e)) {
        case 'start': return 'a request comes in';
        case 'end': return 'the answer goes out';
        case 'model': return `${word(p.provider)}/${word(p.model)}`;
        case 'rate': return `${p.limitType === 'cost' ? '$' : ''}${word(p.limit)} in ${word(p.window ?? p.interval)} s by ${word(p.key)}`;
        case 'percentage': return outputsOf(e).join(', ');
        case 'conditional': return word(p.conditions ?? p.condition);
        default: return '';
    }
}

// ---- reading -------------------------------------------------------------------------------------------

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

function fault(e: unknown, i: number): string | null {
    const at = `Element ${i + 1}`;
    if (!isObject(e)) return `${at} is no object`;
    if (typeof e.id !== 'string' || typeof e.type !== 'string') return `${at} needs an id and a type, both text`;
    if (e.outputs !== undefined && (!isObject(e.outputs) || !Object.values(e.outputs).every((o) => isObject(o) && typeof o.elementId === 'string')))
        return `${at} (${e.id}): outputs are like {"next": {"elementId": "..."}}`;
    return e.properties === undefined || isObject(e.properties) ? null : `${at} (${e.id}): properties are an object`;
}

/** The elements that a text stands for, or what is wrong with it. What they mean is for the API to judge. */
export function read(text: string): Elements | string {
    let v: unknown;
    try { v = JSON.parse(text); } catch (e) { return `This is not JSON: ${(e as Error).message}`; }
    if (!Array.isArray(v)) return 'The elements are an array: [{"id": "start", ...}, ...]';
    const wrong = v.map(fault).find((w) => w !== null);
    return wrong ?? (v as GraphElement[]).map((e) => ({ ...e, outputs: e.outputs ?? {} }));
}

export const write = (elements: Elements) => JSON.stringify(elements, null, 2);

// ---- changing ------------------------------------------------------------------------------------------

const freeId = (elements: Elements, type: string) => {
    for (let n = 1; ; n++) {
        const id = n === 1 ? type : `${type}-${n}`;
        if (!elements.some((e) => e.id === id)) return id;
    }
};

export function fresh(elements: Elements, type: string): GraphElement {
    const t = TYPES[type]!;
    const outputs = Object.fromEntries(t.outputs.map((o) => [o, { elementId: '' }]));
    return { id: freeId(elements, type), type, ...(t.properties && { properties: structuredClone(t.properties) }), outputs };
}

export const replace = (elements: Elements, i: number, e: GraphElement) => elements.map((old, k) => (k === i ? e : old));

/* An output without an element is kept while it is drawn; see settled(). */
export const connect = (e: GraphElement, output: string, to: string): GraphElement => ({ ...e, outputs: { ...e.outputs, [output]: { elementId: to } } });

export function dropOutput(e: GraphElement, output: string): GraphElement {
    const { [output]: _, ...outputs } = e.outputs;
    return { ...e, outputs };
}

export const renameOutput = (e: GraphElement, from: string, to: string): GraphElement =>
    ({ ...e, outputs: Object.fromEntries(Object.entries(e.outputs).map(([k, v]) => [k === from ? to : k, v])) });

/** Without an element; what led to it leads nowhere. */
export const remove = (elements: Elements, i: number): Elements => {
    const gone = elements[i]!.id;
    return elements.filter((_, k) => k !== i).map((e) => outputsOf(e).filter((o) => targetOf(e, o) === gone).reduce((x, o) => connect(x, o, ''), e));
};

/** Another id for an element, and for whatever leads to it. */
export const rename = (elements: Elements, i: number, id: string): Elements => {
    const old = elements[i]!.id;
    const led = elements.map((e) => outputsOf(e).filter((o) => targetOf(e, o) === old).reduce((x, o) => connect(x, o, id), e));
    return replace(led, i, { ...led[i]!, id });
};

/** As it is sent: a fallback that leads nowhere is none (the route ends there); any other is for the API to refuse. */
export const settled = (elements: Elements): Elements =>
    elements.map((e) => ((typeOf(e) === 'model' || typeOf(e) === 'rate') && e.outputs.fallback?.elementId === '' ? dropOutput(e, 'fallback') : e));

/** As it is drawn: with every output that its type has. */
export const opened = (elements: Elements): Elements => elements.map((e) => {
    const lacking = (typeOf(e) === 'start' ? ['next'] : typeOf(e) === 'percentage' ? [] : TYPES[typeOf(e)]?.outputs ?? []).filter((o) => !(o in e.outputs));
    return lacking.reduce((x, o) => connect(x, o, ''), e);
});

// ---- what the API says ----------------------------------------------------------------------------------

export interface Remark { at: string[]; message: string }

/* ["body","elements",1,"outputs","next"], or, about a draft, "...: elements.1.outputs.next: There is no ..." */
function placed(c: Complaint): { element: number | null; remark: Remark } {
    if (c.path[0] === 'body' && c.path[1] === 'elements' && c.path.length > 2) return { element: Number(c.path[2]), remark: { at: c.path.slice(3), message: c.message } };
    const inText = /(?:^|[ :])elements\.(\d+)\.([^ ]*): (.*)$/s.exec(c.message);
    if (inText) return { element: Number(inText[1]), remark: { at: inText[2]!.split('.'), message: inText[3]! } };
    return { element: null, remark: { at: c.path.slice(1), message: c.message } };
}

export type Remarks = Map<GraphElement, Remark[]>;

/** Complaints by the element they are about, and those about none. An element that is changed is no longer the one. */
export function blame(complaints: Complaint[], elements: Elements): { of: Remarks; others: Remark[] } {
    const of: Remarks = new Map(), others: Remark[] = [];
    for (const { element, remark } of complaints.map(placed)) {
        const e = element === null ? undefined : elements[element];
        if (e) of.set(e, [...(of.get(e) ?? []), remark]);
        else others.push(remark);
    }
    return { of, others };
}

// ---- layout: columns by the longest way from the start, in each the order of what leads there ------------------

export const WIDTH = 190, HEAD = 56, PORT = 24, GAP_X = 64, GAP_Y = 28, EDGE = 24;
export const heightOf = (e: GraphElement) => HEAD + PORT * outputsOf(e).length;

function columns(elements: Elements): number[] {
    const byId = new Map(elements.map((e, i) => [e.id, i]));
    const column = elements.map(() => 0);
    const visit = (i: number, depth: number, way: Set<number>) => {
        if (way.has(i) || (depth && column[i]! >= depth)) return; // a circle is drawn, too
        column[i] = Math.max(column[i]!, depth);
        way.add(i);
        for (const o of outputsOf(elements[i]!)) {
            const to = byId.get(targetOf(elements[i]!, o));
            if (to !== undefined) visit(to, depth + 1, way);
        }
        way.delete(i);
    };
    const led = new Set(elements.flatMap((e) => outputsOf(e).map((o) => targetOf(e, o))));
    elements.forEach((e, i) => { if (e.type === 'start' || !led.has(e.id)) visit(i, 0, new Set()); });
    return column;
}

/** Where each element stands when nobody has moved it. */
export function layout(elements: Elements): Places {
    const column = columns(elements), places: Places = {};
    const middle = (e: GraphElement) => places[e.id]!.y + heightOf(e) / 2;
    const most = Math.max(0, ...column);
    for (let c = 0; c <= most; c++) {
        const wanted = (e: GraphElement) => {
            const ys = elements.flatMap((from) => (places[from.id] ? outputsOf(from).map((o, k) => (targetOf(from, o) === e.id ? middle(from) + k : null)) : [])).filter((y) => y !== null);
            return ys.length ? ys.reduce((a, b) => a + b, 0) / ys.length : 0;
        };
        const here = elements.filter((_, i) => column[i] === c).map((e) => ({ e, y: wanted(e) })).sort((a, b) => a.y - b.y);
        let y = EDGE;
        for (const { e, y: want } of here) {
            const top = Math.max(y, Math.round(want - heightOf(e) / 2));
            places[e.id] = { x: EDGE + c * (WIDTH + GAP_X), y: top };
            y = top + heightOf(e) + GAP_Y;
        }
    }
    return places;
}

// ---- comparing ------------------------------------------------------------------------------------------

export interface Difference { id: string; what: 'added' | 'removed' | 'changed'; parts: { key: string; from: string; to: string }[] }

function flat(e: GraphElement): Record<string, string> {
    const out: Record<string, string> = { type: e.type };
    for (const o of outputsOf(e)) out[`outputs.${o}`] = targetOf(e, o) || 'nowhere';
    for (const [k, v] of Object.entries(e.properties ?? {})) out[`properties.${k}`] = typeof v === 'string' ? v : JSON.stringify(v);
    return out;
}

/** What has to be done to the elements of one version to have those of another. */
export function difference(before: Elements, now: Elements): Difference[] {
    const old = new Map(before.map((e) => [e.id, e])), fresh = new Map(now.map((e) => [e.id, e]));
    return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((id): Difference[] => {
        const a = old.get(id), b = fresh.get(id);
        const from = a ? flat(a) : {}, to = b ? flat(b) : {};
        const parts = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter((k) => from[k] !== to[k]).map((key) => ({ key, from: from[key] ?? '', to: to[key] ?? '' }));
        return parts.length ? [{ id, what: !a ? 'added' : !b ? 'removed' : 'changed', parts }] : [];
    });
}
