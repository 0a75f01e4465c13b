// SPDX-License-Identifier: Apache-2.0
// Forms out of the API's own description: kinds, limits, choices and explanations come from its OpenAPI document.
import { useId, useState } from 'preact/hooks';
import { document as readDocument } from '../lib/api';
import type { Fields, Json, ObjectSchema, OpenApi, Schema } from '../lib/types';

let wanted: Promise<OpenApi> | undefined;
export async function schemaOf(name: string): Promise<ObjectSchema> {
    wanted ??= readDocument<OpenApi>('/openapi.json').catch((e) => { wanted = undefined; throw e; });
    const schema = (await wanted).components.schemas[name];
    if (!schema) throw new Error(`The API describes no ${name}`);
    return schema;
}

/** What a table of a page says of a key beyond the document. */
export interface Hint { label: string; choices?: [Json, string][]; unit?: string; lines?: number; secret?: boolean; example?: string }

const types = (s: Schema) => (Array.isArray(s.type) ? s.type : [s.type]);
export const nullable = (s: Schema) => types(s).includes('null');
const kind = (s: Schema) => types(s).find((t) => t !== 'null') ?? 'string';

/** Text of an input as the value it stands for; what is no JSON stays text, so that the API can say what is wrong. */
export function read(s: Schema, input: string): Json {
    if (input.trim() === '' && nullable(s)) return null;
    if (kind(s) === 'integer' || kind(s) === 'number') return input.trim() !== '' && Number.isFinite(Number(input)) ? Number(input) : input;
    if (kind(s) === 'object' || kind(s) === 'array') {
        try { return JSON.parse(input) as Json; } catch { return input; }
    }
    return input;
}

export const show = (v: Json | undefined) => (v == null ? '' : typeof v === 'object' ? JSON.stringify(v, null, 2) : String(v));

/** What is plainly wrong before the API is asked. */
export function fault(s: Schema, value: Json | undefined): string | null {
    if (value == null) return null;
    const k = kind(s);
    if (k === 'integer' || k === 'number') {
        if (typeof value !== 'number') return 'A number is needed';
        if (k === 'integer' && !Number.isInteger(value)) return 'A whole number is needed';
        if (s.minimum !== undefined && value < s.minimum) return `${s.minimum} at least`;
        if (s.maximum !== undefined && value > s.maximum) return `${s.maximum} at most`;
    }
    if ((k === 'object' || k === 'array') && typeof value === 'string') return 'This is not JSON';
    if (k === 'string' && typeof value === 'string' && s.minLength && value.length < s.minLength) return value ? `${s.minLength} characters at least` : 'This is needed';
    return null;
}

export function Field({ name, schema, hint, value, onChange, complaint, disabled = false }: {
    name: string; schema: Schema; hint?: Hint; value: Json | undefined; onChange: (v: Json) => void; complaint?: string | null; disabled?: boolean;
}) {
    const id = useId(), wrong = complaint ?? fault(schema, value), k = kind(schema);
    const [typed, setTyped] = useState(show(value));
    // what is being typed ("0.", half an object) stays as it is, until the value becomes another one than it says
    const written = JSON.stringify(read(schema, typed)) === JSON.stringify(value ?? null) || typed === show(value) ? typed : show(value);
    const type = (input: string) => { setTyped(input); onChange(read(schema, input)); };
    const common = { id, name, disabled, 'aria-describedby': `${id}-help`, 'aria-invalid': wrong ? true : undefined };
    const options: [Json, string][] | undefined = hint?.choices ?? schema.enum?.map((e): [Json, string] => [e, e]) ?? (k === 'boolean' && nullable(schema) ? [[null, 'as usual'], [true, 'yes'], [false, 'no']] : undefined);
    const limits = [schema.minimum !== undefined && schema.maximum !== undefined ? `${schema.minimum} to ${schema.maximum}` : '', nullable(schema) && !options ? 'Empty: not set' : ''].filter(Boolean).join('. ');
    const line = { ...common, autocomplete: 'off', value: written, placeholder: hint?.example ?? '', onInput: (e: { currentTarget: { value: string } }) => type(e.currentTarget.value) };
    const input = options
        ? <select {...common} value={String(Math.max(0, options.findIndex(([v]) => v === (value ?? null))))} onChange={(e) => onChange(options[Number(e.currentTarget.value)]![0])}>
            {options.map(([, text], i) => <option key={text} value={String(i)}>{text}</option>)}
        </select>
        : k === 'object' || k === 'array' || hint?.lines
            ? <textarea {...common} rows={hint?.lines ?? 4} spellcheck={false} value={written} placeholder={hint?.example} onInput={(e) => type(e.currentTarget.value)} />
            : hint?.secret ? <input {...line} type="password" /> : <input {...line} inputMode={k === 'integer' ? 'numeric' : k === 'number' ? 'decimal' : 'text'} />;
    const help = <small id={`${id}-help`}>{schema.description?.replaceAll('`', '')}{limits && <span class="limits"> {limits}.</span>}{schema['x-weir-idle'] && <strong> Nothing acts on it yet.</strong>}{wrong && <em class="wrong"> {wrong}</em>}</small>;
    if (k === 'boolean' && !options)
        return <div class="field toggle"><input {...common} type="checkbox" role="switch" checked={value === true} onChange={(e) => onChange(e.currentTarget.checked)} /><div><label for={id}>{hint?.label ?? name}</label>{help}</div></div>;
    return <div class="field"><label for={id}>{hint?.label ?? name}{hint?.unit && <span class="unit"> in {hint.unit}</span>}</label>{input}{help}</div>;
}

/** The keys of `now` that differ from what was there. */
export function changes(before: Fields, now: Fields): { key: string; from: Json; to: Json }[] {
    const same = (a: Json | undefined, b: Json | undefined) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
    return Object.keys(now).filter((key) => !same(before[key], now[key])).map((key) => ({ key, from: before[key] ?? null, to: now[key] ?? null }));
}
