// SPDX-License-Identifier: Apache-2.0
// Filters of a log as chips: each can be changed or taken away; a new one is put together from what the key may be.
import { createContext, type ComponentChildren } from 'preact';
import { useContext, useId, useState } from 'preact/hooks';
import { asTyped, KEYS, MISSING, operators, sign, toParam, typedList, words, type Filter, type Operator } from '../lib/filters';
import { Button, Icon } from './basics';

/** Names that a gateway's log is known to have, by key. */
export const Offers = createContext<Record<string, string[]>>({});

const local = (iso: string) => { const t = new Date(iso); return new Date(t.getTime() - t.getTimezoneOffset() * 60e3).toISOString().slice(0, 19); };

function ValueInput({ of, operator, value, onChange }: { of: string; operator: Operator; value: string; onChange: (v: string) => void }) {
    const { kind, unit, choices, offers } = KEYS[of]!, id = useId(), known = useContext(Offers)[of] ?? offers;
    const select = (options: [string, string][]) => <select aria-label="Value" value={value || options[0]![1]} onChange={(e) => onChange(e.currentTarget.value)}>{options.map(([text, v]) => <option key={v} value={v}>{text}</option>)}</select>;
    if (kind === 'bool') return select([['yes', 'true'], ['no', 'false']]);
    if (choices) return select(choices.map(([text], i) => [text, String(i)]));
    const common = { 'aria-label': 'Value', required: true, value, onInput: (e: { currentTarget: { value: string } }) => onChange(e.currentTarget.value) };
    if (kind === 'time') return <input {...common} type="datetime-local" step={1} />;
    const many = known && (operator === 'eq' || operator === 'neq');
    return (
        <>
            <input {...common} autocomplete="off" spellcheck={false} inputMode={kind === 'number' ? 'decimal' : 'text'} placeholder={unit ?? (many ? 'several: with commas' : '')} list={known ? id : undefined} />
            {known && <datalist id={id}>{[...known, MISSING].map((o) => <option key={o} value={o} />)}</datalist>}
        </>
    );
}

const firstText = (f: Filter | undefined) => (!f ? '' : KEYS[f.key]?.kind === 'time' ? local(String(f.value[0])) : KEYS[f.key]?.choices ? String(Math.max(0, KEYS[f.key]!.choices!.findIndex(([, v]) => JSON.stringify(v) === JSON.stringify(f.value)))) : asTyped(f));

/** A condition to be put together, or `old` to be changed; `keys` and `without` say what there is to choose from. */
export function AddFilter({ keys = Object.keys(KEYS), without = [], old, onAdd, onClose }: { keys?: string[]; without?: Operator[]; old?: Filter | undefined; onAdd: (f: Filter) => void; onClose: () => void }) {
    const [key, setKey] = useState(old?.key ?? (keys.includes('status_code') ? 'status_code' : keys[0]!));
    const signs = operators(key).filter((o) => !without.includes(o));
    const [operator, setOperator] = useState<Operator>(old?.operator ?? 'eq');
    const [text, setText] = useState(firstText(old));
    const { kind, choices } = KEYS[key]!;
    const op = signs.includes(operator) ? operator : signs[0]!;
    const value = choices ? choices[Number(text) || 0]![1] : typedList(key, op, kind === 'bool' && text === '' ? 'true' : text);
    const add = (e: Event) => {
        e.preventDefault();
        if (!value) return;
        onAdd({ key, operator: op, value });
        onClose();
    };
    return (
        <form class="card add-filter" onSubmit={add} aria-label={old ? 'The filter' : 'New filter'} onKeyDown={(e) => { if (e.key === 'Escape') { e.stopPropagation(); onClose(); } }}>
            <select aria-label="What" autofocus value={key} onChange={(e) => { setKey(e.currentTarget.value); setText(''); }}>{keys.map((k) => <option key={k} value={k}>{KEYS[k]!.label}</option>)}</select>
            <select aria-label="How" value={op} onChange={(e) => setOperator(e.currentTarget.value as Operator)}>{signs.map((o) => <option key={o} value={o}>{sign({ key, operator: o })}</option>)}</select>
            <ValueInput key={key} of={key} operator={op} value={text} onChange={setText} />
            <Button kind="primary" type="submit" disabled={!value}>{old ? 'Apply' : 'Add'}</Button><Button onClick={onClose}>Cancel</Button>
        </form>
    );
}

/** `quick`: conditions that are one click away. `Around` stands around the form of one: it knows what to offer. */
export function Chips({ filters, quick, set, Around }: { filters: Filter[]; quick: [string, Filter][]; set: (filters: Filter[]) => void; Around: (props: { children: ComponentChildren }) => ComponentChildren }) {
    const [editing, setEditing] = useState<number | 'new' | null>(null);
    const has = (f: Filter) => filters.some((x) => toParam(x) === toParam(f));
    const put = (f: Filter) => set(editing === 'new' ? [...filters, f] : filters.map((x, i) => (i === editing ? f : x)));
    return (
        <>
            <div class="chips">
                {filters.map((f, i) => (
                    <span key={toParam(f)} class="chip on">
                        <button type="button" class="plain" aria-label={`Change the filter: ${words(f)}`} aria-expanded={editing === i} onClick={() => setEditing(editing === i ? null : i)}>{words(f)}</button>
                        <button type="button" class="plain" aria-label={`Remove the filter: ${words(f)}`} onClick={() => { setEditing(null); set(filters.filter((_, k) => k !== i)); }}><Icon name="close" /></button>
                    </span>))}
                {quick.filter(([, f]) => !has(f)).map(([label, f]) => <button key={label} type="button" class="chip" onClick={() => set([...filters, f])}>{label}</button>)}
                <button type="button" class="chip" aria-expanded={editing === 'new'} onClick={() => setEditing(editing === 'new' ? null : 'new')}><Icon name="plus" />Filter</button>
                {filters.length > 1 && <button type="button" class="chip" onClick={() => { setEditing(null); set([]); }}>Clear all</button>}
            </div>
            {editing !== null && (editing === 'new' || filters[editing]) && <Around><AddFilter key={editing} old={editing === 'new' ? undefined : filters[editing]} onAdd={put} onClose={() => setEditing(null)} /></Around>}
        </>
    );
}
