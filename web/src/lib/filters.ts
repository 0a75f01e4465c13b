// SPDX-License-Identifier: Apache-2.0
// Filters of a log list, as the API takes them and as they stand in the address: f=key:operator:value, values apart by '|'.

export type Operator = 'eq' | 'neq' | 'contains' | 'lt' | 'gt';
export interface Filter { key: string; operator: Operator; value: (string | number | boolean | null)[] }

type Kind = 'text' | 'number' | 'bool' | 'time';
export const KEYS: Record<string, { label: string; kind: Kind; unit?: string }> = {
    status_code: { label: 'Status', kind: 'number' },
    success: { label: 'Success', kind: 'bool' },
    provider: { label: 'Provider', kind: 'text' },
    model: { label: 'Model', kind: 'text' },
    model_type: { label: 'Kind of call', kind: 'text' },
    cached: { label: 'From the cache', kind: 'bool' },
    cost: { label: 'Cost', kind: 'number', unit: '$' },
    tokens: { label: 'Tokens', kind: 'number' },
    tokens_in: { label: 'Tokens in', kind: 'number' },
    tokens_out: { label: 'Tokens out', kind: 'number' },
    duration: { label: 'Duration', kind: 'number', unit: 'ms' },
    created_at: { label: 'Time', kind: 'time' },
    feedback: { label: 'Feedback', kind: 'number' },
    'metadata.key': { label: 'Metadata key', kind: 'text' },
    'metadata.value': { label: 'Metadata value', kind: 'text' },
    user_agent: { label: 'User agent', kind: 'text' },
    request_type: { label: 'Door', kind: 'text' },
    request_content_type: { label: 'Request type', kind: 'text' },
    response_content_type: { label: 'Answer type', kind: 'text' },
    event_id: { label: 'Event', kind: 'text' },
    id: { label: 'Log id', kind: 'text' },
    authentication: { label: 'With a token', kind: 'bool' },
    compatibilityMode: { label: 'Compat', kind: 'bool' },
};

const SIGNS: Record<Operator, string> = { eq: 'is', neq: 'is not', contains: 'contains', lt: 'below', gt: 'above' };
const TIME_SIGNS: Record<Operator, string> = { ...SIGNS, lt: 'before', gt: 'after' };

export const operators = (key: string): Operator[] => {
    const kind = KEYS[key]?.kind;
    if (kind === 'bool') return ['eq'];
    if (kind === 'number') return ['eq', 'neq', 'gt', 'lt'];
    return kind === 'time' ? ['gt', 'lt'] : ['eq', 'neq', 'contains'];
};
export const sign = (f: { key: string; operator: Operator }) => (KEYS[f.key]?.kind === 'time' ? TIME_SIGNS : SIGNS)[f.operator];

const escape = (s: string) => s.replace(/[\\|]/g, '\\$&');
/* `\N` stands for rows that have none. */
const ABSENT = '\\N';
const written = (v: Filter['value'][number]) => (v === null ? ABSENT : escape(String(v)));
const split = (s: string) => s.match(/(?:\\.|[^|\\])+|(?<=\||^)(?=\||$)/g) ?? [''];

/** A value as the key wants it; undefined when it is not one. */
export function typed(key: string, s: string): Filter['value'][number] | undefined {
    const kind = KEYS[key]?.kind;
    if (kind === 'bool') return s === 'true' ? true : s === 'false' ? false : undefined;
    if (kind === 'number') return s.trim() !== '' && Number.isFinite(Number(s)) ? Number(s) : undefined;
    if (kind === 'time') return Number.isNaN(Date.parse(s)) ? undefined : new Date(s).toISOString();
    return s;
}

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
    const { label = f.key, kind, unit } = KEYS[f.key] ?? {};
    const show = (v: Filter['value'][number]) => (v === null ? 'missing' : kind === 'time' ? new Date(String(v)).toLocaleString() : kind === 'bool' ? (v ? 'yes' : 'no')
        : unit === '$' ? `$${v}` : unit ? `${v} ${unit}` : String(v));
    return `${label} ${sign(f)} ${f.value.map(show).join(' or ')}`;
}

/** The query of a list or an export. */
export function listQuery(filters: Filter[], search: string, more: Record<string, string | number> = {}): string {
    const params = new URLSearchParams(Object.entries(more).map(([k, v]) => [k, String(v)]));
    if (filters.length) params.set('filters', JSON.stringify(filters));
    if (search) params.set('search', search);
    return params.toString();
}

/** What a dataset may ask for: less than a list. */
export const DATASET_KEYS = ['success', 'provider', 'model', 'cached', 'cost', 'tokens', 'tokens_in', 'tokens_out', 'duration', 'feedback', 'created_at', 'request_content_type', 'response_content_type'];
export const inDataset = (f: Filter) => DATASET_KEYS.includes(f.key) && f.operator !== 'neq';
