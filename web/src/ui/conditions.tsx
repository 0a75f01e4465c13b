// SPDX-License-Identifier: Apache-2.0
// The condition of an element, as rows where it is a plain list of comparisons, and as JSON otherwise.
import { useState } from 'preact/hooks';
import type { GraphElement } from '../lib/graph';
import type { Json } from '../lib/types';
import { Button, Choice } from './basics';
import { Field } from './form';

const OPERATORS: [string, string][] = [['$eq', 'is'], ['$ne', 'is not'], ['$gt', 'more than'], ['$gte', 'at least'], ['$lt', 'less than'], ['$lte', 'at most'], ['$in', 'is one of'], ['$nin', 'is none of'], ['$exists', 'is there']];
const LISTS = ['$in', '$nin'];
export interface Comparison { field: string; op: string; value: Json }

const isObject = (v: unknown): v is Record<string, Json> => typeof v === 'object' && v !== null && !Array.isArray(v);
const isPlain = (v: Json) => v === null || typeof v !== 'object';

function ofField(field: string, v: Json): Comparison[] | null {
    if (field.startsWith('$')) return null;
    if (isPlain(v)) return [{ field, op: '$eq', value: v }];
    if (!isObject(v)) return null;
    const rows = Object.entries(v).map(([op, value]) => ({ field, op, value }));
    return rows.every(({ op, value }) => OPERATORS.some(([o]) => o === op) && (isPlain(value) || (LISTS.includes(op) && Array.isArray(value) && value.every(isPlain)))) ? rows : null;
}

/** A condition as comparisons that all must hold; null where it is more than that. */
export function comparisons(v: Json | undefined): Comparison[] | null {
    if (!isObject(v)) return null;
    const parts = Array.isArray(v.$and) && Object.keys(v).length === 1 ? v.$and.map((x) => comparisons(x)) : Object.entries(v).map(([field, x]) => ofField(field, x));
    return parts.every((p) => p !== null) ? parts.flat() : null;
}

/** And back: a field that is compared twice in the same way needs $and. */
export function condition(rows: Comparison[]): Json {
    const twice = rows.some((r, i) => rows.some((s, k) => k < i && s.field === r.field && s.op === r.op));
    if (twice) return { $and: rows.map(({ field, op, value }) => ({ [field]: { [op]: value } })) };
    const v: Record<string, Record<string, Json>> = {};
    for (const { field, op, value } of rows) v[field] = { ...v[field], [op]: value };
    return v;
}

/* 5 and true are what they are, "5" is a text. */
function readValue(text: string): Json {
    try { const v: Json = JSON.parse(text); return isPlain(v) ? v : text; } catch { return text; }
}
const showValue = (v: Json) => (typeof v === 'string' && readValue(v) === v ? v : JSON.stringify(v));

const readFor = (op: string, text: string): Json => (LISTS.includes(op) ? text.split(',').map((s) => readValue(s.trim())) : readValue(text));
const showFor = (v: Json) => (Array.isArray(v) ? v.map(showValue).join(', ') : showValue(v));

/* The value under another operator. */
function converted(v: Json, op: string): Json {
    if (op === '$exists') return v !== false;
    if (LISTS.includes(op)) return Array.isArray(v) ? v : [v];
    return Array.isArray(v) ? v[0] ?? '' : v;
}

function Rows({ rows, set, editable }: { rows: Comparison[]; set: (rows: Comparison[]) => void; editable: boolean }) {
    const change = (i: number, part: Partial<Comparison>) => set(rows.map((r, k) => (k === i ? { ...r, ...part } : r)));
    return (
        <fieldset class="ways" disabled={!editable}>
            <legend>True when {rows.length > 1 ? 'all of this holds' : 'this holds'}</legend>
            {rows.map((r, i) => (
                <div class="comparison" key={i}>
                    <input aria-label={`Field ${i + 1}`} value={r.field} placeholder="metadata.plan" onInput={(e) => change(i, { field: e.currentTarget.value })} />
                    <select aria-label={`Comparison ${i + 1}`} value={r.op} onChange={(e) => change(i, { op: e.currentTarget.value, value: converted(r.value, e.currentTarget.value) })}>{OPERATORS.map(([op, text]) => <option key={op} value={op}>{text}</option>)}</select>
                    {r.op === '$exists'
                        ? <select aria-label={`Value ${i + 1}`} value={String(r.value)} onChange={(e) => change(i, { value: e.currentTarget.value === 'true' })}><option value="true">yes</option><option value="false">no</option></select>
                        : <input aria-label={`Value ${i + 1}`} value={showFor(r.value)} onInput={(e) => change(i, { value: readFor(r.op, e.currentTarget.value) })} />}
                    <Button icon="close" kind="ghost" label={`Remove comparison ${i + 1}`} disabled={rows.length === 1} onClick={() => set(rows.filter((_, k) => k !== i))} />
                </div>
            ))}
            <small>Fields begin with metadata., headers. or body.</small>
            <div class="actions"><Button icon="plus" onClick={() => set([...rows, { field: 'metadata.', op: '$eq', value: '' }])}>And</Button></div>
        </fieldset>
    );
}

export function Conditions({ element: e, editable, change }: { element: GraphElement; editable: boolean; change: (e: GraphElement) => void }) {
    const key = e.properties?.condition !== undefined && e.properties.conditions === undefined ? 'condition' : 'conditions';
    const kept = e.properties?.[key];
    let value = kept;
    if (typeof kept === 'string') try { value = JSON.parse(kept) as Json; } catch { /* shown as the text it is */ }
    const rows = comparisons(value);
    const [json, setJson] = useState(!rows?.length);
    const set = (v: Json) => change({ ...e, properties: { ...e.properties, [key]: v } });
    const plain = rows !== null && rows.length > 0;
    return (
        <>
            {plain && <Choice label="Condition as" options={[{ key: 'rows', label: 'Rows' }, { key: 'json', label: 'JSON' }]} value={json ? 'json' : 'rows'} onChange={(k) => setJson(k === 'json')} />}
            {json || !plain
                ? <Field name={key} schema={{ type: 'object', description: 'As in MongoDB’s queries: {"metadata.plan": {"$eq": "paid"}}.' }} hint={{ label: 'Condition', lines: 8 }} value={value} disabled={!editable} onChange={set} />
                : <Rows rows={rows} set={(r) => set(condition(r))} editable={editable} />}
        </>
    );
}
