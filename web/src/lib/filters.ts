// SPDX-License-Identifier: Apache-2.0
// Filters of a log list, as the API takes them and as they stand in the address: f=key:operator:value, values apart by '|'.
import type { LogFilter } from './openapi';

export type Operator = 'eq' | 'neq' | 'contains' | 'lt' | 'gt';
export type Filter = { key: string; operator: Operator; value: (string | number | boolean | null)[] };

type Kind = 'text' | 'number' | 'bool' | 'time';
type Value = Filter['value'][number];
/** `choices`: all there is, each with its words. `offers`: some of what there may be; several are typed apart by commas. */
export interface Key { label: string; kind: Kind; unit?: string; choices?: [words: string, value: Value[]][]; offers?: string[] }

const named = (...names: string[]): [string, Value[]][] => names.map((n) => [n.replaceAll('_', ' '), [n]]);

export const KEYS: Record<string, Key> = {
    status_code: { label: 'Status', kind: 'number', offers: ['200', '400', '401', '403', '404', '408', '429', '500', '502', '503', '504', '529'] },
    success: { label: 'Success', kind: 'bool' },
    weir_error_kind: { label: 'Kind of error', kind: 'text', choices: named('rate_limited', 'provider_rate_limited', 'provider_auth', 'refused', 'provider_error', 'timeout', 'unreachable', 'cut', 'stream_error', 'client_gone', 'gateway') },
    provider: { label: 'Provider', kind: 'text', offers: [] },
    model: { label: 'Model', kind: 'text', offers: [] },
    model_type: { label: 'Kind of call', kind: 'text', choices: named('chat', 'completions', 'embeddings', 'image', 'audio', 'video', 'rerank', 'moderation') },
    cached: { label: 'From the cache', kind: 'bool' },
    cost: { label: 'Cost', kind: 'number', unit: '$' },
    tokens: { label: 'Tokens', kind: 'number' },
    tokens_in: { label: 'Tokens in', kind: 'number' },
    tokens_out: { label: 'Tokens out', kind: 'number' },
    duration: { label: 'Duration', kind: 'number', unit: 'ms' },
    created_at: { label: 'Time', kind: 'time' },
    feedback: { label: 'Feedback', kind: 'number', choices: [['thumbs up', [1]], ['thumbs down', [-1]], ['none', [0, null]]] },
    weir_note: { label: 'Note', kind: 'text' },
    weir_key_alias: { label: 'Stored key', kind: 'text' },
    'metadata.key': { label: 'Metadata key', kind: 'text' },
    'metadata.value': { label: 'Metadata value', kind: 'text' },
    weir_metadata: { label: 'Metadata', kind: 'text' },
    weir_token: { label: 'Token', kind: 'number' },
    user_agent: { label: 'User agent', kind: 'text' },
    request_type: { label: 'Door', kind: 'text', choices: named('native', 'universal') },
    request_content_type: { label: 'Request type', kind: 'text', offers: ['application/json', 'multipart/form-data'] },
    response_content_type: { label: 'Answer type', kind: 'text', offers: ['application/json', 'text/event-stream', 'application/vnd.amazon.eventstream'] },
    event_id: { label: 'Event', kind: 'text' },
    id: { label: 'Log id', kind: 'text' },
    authentication: { label: 'With a token', kind: 'bool' },
    wholesale: { label: 'Unified Billing', kind: 'bool' },
    compatibilityMode: { label: 'Compat', kind: 'bool' },
};

/** A kind of error in words. */
export const errorKind = (kind: string) => (kind ? kind.replaceAll('_', ' ') : 'not known');

const SIGNS: Record<Operator, string> = { eq: 'is', neq: 'is not', contains: 'contains', lt: 'below', gt: 'above' };
const TIME_SIGNS: Record<Operator, string> = { ...SIGNS, lt: 'before', gt: 'after' };

export const operators = (key: string): Operator[] => {
    const { kind, choices } = KEYS[key] ?? {};
    if (kind === 'bool') return ['eq'];
    if (choices) return ['eq', 'neq'];
    if (kind === 'number') return ['eq', 'neq', 'gt', 'lt'];
    return kind === 'time' ? ['gt', 'lt'] : ['eq', 'neq', 'contains'];
};
export const sign = (f: { key: string; operator: Operator }) => (KEYS[f.key]?.kind === 'time' ? TIME_SIGNS : SIGNS)[f.operator];

const escape = (s: string) => s.replace(/[\\|]/g, '\\$&');
/* `\N` stands for rows that have none. */
const ABSENT = '\\N';
const written = (v: Filter['value'][number]) => (v === null ? ABSENT : escape(String(v)));
const split = (s: string) => s.match(/(?:\\.|[^|\\])+|(?<=\||^)(?=\||$)/g) ?? [''];

/** Typed for "there is none". */
export const MISSING = '(none)';

/** A value as the key wants it; undefined when it is not one. */
export function typed(key: string, s: string): Filter['value'][number] | undefined {
    const kind = KEYS[key]?.kind;
    if (kind === 'bool') return s === 'true' ? true : s === 'false' ? false : undefined;
    if (kind === 'number') return s.trim() !== '' && Number.isFinite(Number(s)) ? Number(s) : undefined;
    if (kind === 'time') return Number.isNaN(Date.parse(s)) ? undefined : new Date(s).toISOString();
    return s;
}

/** What is typed for a key: one value, or where names are offered several between commas. Undefined: not such values. */
export function typedList(key: string, operator: Operator, s: string): Value[] | undefined {
    const many = KEYS[key]?.offers && (operator === 'eq' || operator === 'neq');
    const values = (many ? s.split(',').map((one) => one.trim()).filter(Boolean) : [s]).map((one) => (one === MISSING ? null : typed(key, one)));
    return values.length && values.every((v) => v !== undefined && v !== '') ? values as Value[] : undefined;
}

/** The same as it would be typed. */
export const asTyped = (f: Filter) => f.value.map((v) => (v === null ? MISSING : String(v))).join(', ');

export const toParam = (f: Filter) => `${f.key}:${f.operator}:${f.value.map(written).join('|')}`;

export function fromParam(s: string): Filter | null {
    const [, key = '', operator = '', rest = ''] = /^([\w.]+):(\w+):([^]*)$/.exec(s) ?? [];
    if (!KEYS[key] || !operators(key).includes(operator as Operator)) return null;
    const value = split(rest).map((v) => (v === ABSENT ? null : typed(key, v.replace(/\\(.)/gs, '$1'))));
    return value.some((v) => v === undefined) ? null : { key, operator: operator as Operator, value: value as Filter['value'] };
}

export const fromParams = (list: string[]) => list.map(fromParam).filter((f): f is Filter => f !== null);

/** The words of a chip. */
export function words(f: Filter): string {
    const { label = f.key, kind, unit, choices } = KEYS[f.key] ?? {};
    const choice = choices?.find(([, v]) => JSON.stringify(v) === JSON.stringify(f.value));
    if (choice) return `${label} ${sign(f)} ${choice[0]}`;
    const show = (v: Filter['value'][number]) => (v === null ? 'missing' : kind === 'time' ? new Date(String(v)).toLocaleString() : kind === 'bool' ? (v ? 'yes' : 'no')
        : unit === '$' ? `$${v}` : unit ? `${v} ${unit}` : String(v));
    return `${label} ${sign(f)} ${f.value.map(show).join(' or ')}`;
}

/** What a list, an export and the live log ask for; nothing where there is nothing. */
export const wanted = (filters: Filter[], search: string) => ({ filters: filters.length ? JSON.stringify(filters) : undefined, search });

/** What a dataset may ask for: less than a list. */
export const DATASET_KEYS = ['success', 'provider', 'model', 'cached', 'cost', 'tokens', 'tokens_in', 'tokens_out', 'duration', 'feedback', 'created_at', 'request_content_type', 'response_content_type'];
export const inDataset = (f: Filter): f is LogFilter => DATASET_KEYS.includes(f.key) && f.operator !== 'neq';
