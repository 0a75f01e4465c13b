// SPDX-License-Identifier: Apache-2.0
// Forms out of the API's own description: kinds, limits, choices and explanations come from its OpenAPI document.
import { useId, useState } from 'preact/hooks';
import { checked } from '../lib/api';
import { exact } from '../lib/format';
import type { Fields, Json, ObjectSchema, OpenApi, Schema, Schemas } from '../lib/types';
import { Tag } from './basics';

const readDocument = async (): Promise<OpenApi> => (await checked('/openapi.json', { what: 'Reading the description of the API' })).json();
let wanted: Promise<OpenApi> | undefined;
export async function schemaOf(name: keyof Schemas): Promise<ObjectSchema> {
    wanted ??= readDocument().catch((e) => { wanted = undefined; throw e; });
    const schema = (await wanted).components.schemas[name];
    if (!schema) throw new Error(`The API describes no ${name}`);
    return schema;
}

/** What a table of a page says of a key beyond the document. */
export interface Hint { label: string; choices?: [Json, string][]; unit?: string; lines?: number; secret?: boolean; example?: string; offers?: string[] | undefined }

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

const range = (s: Schema) => (s.minimum !== undefined && s.maximum !== undefined ? `${exact(s.minimum)} to ${exact(s.maximum)}` : s.minimum !== undefined ? `${exact(s.minimum)} or more` : s.maximum !== undefined ? `at most ${exact(s.maximum)}` : '');

function numberFault(s: Schema, value: Json): string | null {
    const whole = kind(s) === 'integer', fits = typeof value === 'number' && value >= (s.minimum ?? -Infinity) && value <= (s.maximum ?? Infinity);
    if (fits && (!whole || Number.isInteger(value))) return null;
    return `Type a ${whole ? 'whole ' : ''}number${range(s) && `, ${range(s)}`}${nullable(s) ? ', or leave it empty' : ''}`;
}

/** What is plainly wrong before the API is asked, as what to do about it. */
export function fault(s: Schema, value: Json | undefined): string | null {
    if (value == null) return null;
    const k = kind(s);
    if (k === 'integer' || k === 'number') return numberFault(s, value);
    if ((k === 'object' || k === 'array') && typeof value === 'string') return `This is no JSON yet: type ${k === 'object' ? 'an object, {"…": …}' : 'a list, […]'}${nullable(s) ? ', or leave it empty' : ''}`;
    if (k === 'string' && typeof value === 'string' && s.minLength && value.length < s.minLength) return value ? `Type ${s.minLength} characters at least` : 'Type something here';
    return null;
}

/* "3600 seconds" is an hour, 2e-7 a token are 0.2 a million: numbers that nobody reads at a glance, in other words. */
function inWords(value: Json | undefined, unit: string | undefined): string {
    if (unit === 'USD per token') return typeof value === 'number' && value > 0 ? ` = $${Number((value * 1e6).toPrecision(6))} for 1 M` : '';
    const ms = typeof value !== 'number' ? 0 : unit === 'seconds' ? value * 1000 : unit === 'milliseconds' ? value : 0;
    const [n, word] = ms >= 864e5 ? [ms / 864e5, 'd'] : ms >= 36e5 ? [ms / 36e5, 'h'] : ms >= 6e4 ? [ms / 6e4, 'min'] : [ms / 1000, 's'];
    return ms >= (unit === 'seconds' ? 120000 : 1000) ? ` = ${Number(n.toFixed(2))} ${word}` : '';
}

/* Descriptions are Markdown. */
const plain = (text = '') => text.replaceAll('`', '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');

export function Field({ name, schema, hint, value, onChange, complaint, disabled = false }: {
    name: string; schema: Schema; hint?: Hint; value: Json | undefined; onChange: (v: Json) => void; complaint?: string | null; disabled?: boolean;
}) {
    const id = useId(), k = kind(schema);
    const [typed, setTyped] = useState(show(value)), [visited, setVisited] = useState(false);
    const wrong = complaint ?? (visited || value !== '' ? fault(schema, value) : null); // nothing is wrong with a form that is just begun
    // what is being typed ("0.", half an object) stays as it is, until the value becomes another one than it says
    const written = JSON.stringify(read(schema, typed)) === JSON.stringify(value ?? null) || typed === show(value) ? typed : show(value);
    const type = (input: string) => { setTyped(input); onChange(read(schema, input)); };
    const common = { id, name, disabled, onBlur: () => setVisited(true), 'aria-describedby': `${id}-help`, 'aria-invalid': wrong ? true : undefined };
    const options: [Json, string][] | undefined = hint?.choices ?? schema.enum?.map((e): [Json, string] => [e, e ?? 'not set']) ?? (k === 'boolean' && nullable(schema) ? [[null, 'as usual'], [true, 'yes'], [false, 'no']] : undefined);
    const limits = [schema.minimum !== undefined && schema.maximum !== undefined ? range(schema) : '', nullable(schema) && !options ? 'Empty: not set' : ''].filter(Boolean).join('. ');
    const line = { ...common, autocomplete: 'off', value: written, placeholder: hint?.example ?? '', onInput: (e: { currentTarget: { value: string } }) => type(e.currentTarget.value) };
    const input = options
        ? <select {...common} value={String(Math.max(0, options.findIndex(([v]) => v === (value ?? null))))} onChange={(e) => onChange(options[Number(e.currentTarget.value)]![0])}>
            {options.map(([, text], i) => <option key={text} value={String(i)}>{text}</option>)}
        </select>
        : k === 'object' || k === 'array' || hint?.lines
            ? <textarea {...common} rows={hint?.lines ?? 4} spellcheck={false} value={written} placeholder={hint?.example} onInput={(e) => type(e.currentTarget.value)} />
            : hint?.secret ? <input {...line} type="password" /> : hint?.offers ? <><input {...line} list={`${id}-offers`} spellcheck={false} /><datalist id={`${id}-offers`}>{hint.offers.map((o) => <option key={o} value={o} />)}</datalist></> : <input {...line} inputMode={k === 'integer' ? 'numeric' : k === 'number' ? 'decimal' : 'text'} />;
    const help = <small id={`${id}-help`}>{plain(schema.description)}{limits && <span class="limits"> {limits}.</span>}{schema['x-weir-idle'] && ' It is kept, but nothing acts on it yet.'}{wrong && <em class="wrong"> {wrong}</em>}</small>;
    const idle = schema['x-weir-idle'] && <Tag tone="warn">not yet</Tag>;
    if (k === 'boolean' && !options)
        return <div class="field toggle"><input {...common} type="checkbox" role="switch" checked={value === true} onChange={(e) => onChange(e.currentTarget.checked)} /><div><span class="label"><label for={id}>{hint?.label ?? name}</label>{idle}</span>{help}</div></div>;
    return <div class="field"><span class="label"><label for={id}>{hint?.label ?? name}{hint?.unit && <span class="unit"> in {hint.unit}{inWords(value, hint.unit)}</span>}</label>{idle}</span>{input}{help}</div>;
}

/** The keys of `now` that differ from what was there. */
export function changes(before: Fields, now: Fields): { key: string; from: Json; to: Json }[] {
    const same = (a: Json | undefined, b: Json | undefined) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
    return Object.keys(now).filter((key) => !same(before[key], now[key])).map((key) => ({ key, from: before[key] ?? null, to: now[key] ?? null }));
}
