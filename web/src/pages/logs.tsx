// SPDX-License-Identifier: Apache-2.0
// The log of a gateway: what is looked for stands in the address, rows come a page at a time as they are scrolled to.
import { useEffect, useRef, useState } from 'preact/hooks';
import { gatewayPath, list, may, remove, url } from '../lib/api';
import { fromParams, inDataset, listQuery, toParam, typed, words, KEYS, operators, sign, type Filter, type Operator } from '../lib/filters';
import { duration, exact, money, NONE, time } from '../lib/format';
import { useLoad } from '../lib/load';
import { link, query, setQuery } from '../lib/router';
import type { LogRow } from '../lib/types';
import { ask, Button, Empty, Head, Icon, Problem, say, Skeleton, Tag } from '../ui/basics';
import { VirtualList } from '../ui/virtual';
import { Drawer } from './log';

const PAGE = 50, SETTLE_MS = 400;

// ---- filters -------------------------------------------------------------------------------------------

const setFilters = (filters: Filter[]) => setQuery({ f: filters.map(toParam), log: null });

/** A condition to be put together; `keys` and `without` say what there is to choose from. */
export function AddFilter({ keys = Object.keys(KEYS), without = [], onAdd, onClose }: { keys?: string[]; without?: Operator[]; onAdd: (f: Filter) => void; onClose: () => void }) {
    const [key, setKey] = useState(keys.includes('status_code') ? 'status_code' : keys[0]!);
    const signs = operators(key).filter((o) => !without.includes(o));
    const [operator, setOperator] = useState<Operator>('eq');
    const [text, setText] = useState('');
    const { kind, unit } = KEYS[key]!;
    const op = signs.includes(operator) ? operator : signs[0]!;
    const value = typed(key, kind === 'bool' && text === '' ? 'true' : text);
    const add = (e: Event) => {
        e.preventDefault();
        if (value === undefined || value === '') return;
        onAdd({ key, operator: op, value: [value] });
        onClose();
    };
    const input = kind === 'bool'
        ? <select aria-label="Value" value={text || 'true'} onChange={(e) => setText(e.currentTarget.value)}><option value="true">yes</option><option value="false">no</option></select>
        : kind === 'time' ? <input aria-label="Value" required type="datetime-local" value={text} onInput={(e) => setText(e.currentTarget.value)} />
            : <input aria-label="Value" required inputMode={kind === 'number' ? 'decimal' : 'text'} placeholder={unit ?? ''} value={text} onInput={(e) => setText(e.currentTarget.value)} />;
    return (
        <form class="card add-filter" onSubmit={add} aria-label="New filter">
            <select aria-label="What" autofocus value={key} onChange={(e) => { setKey(e.currentTarget.value); setText(''); }}>{keys.map((k) => <option key={k} value={k}>{KEYS[k]!.label}</option>)}</select>
            <select aria-label="How" value={op} onChange={(e) => setOperator(e.currentTarget.value as Operator)}>{signs.map((o) => <option key={o} value={o}>{sign({ key, operator: o })}</option>)}</select>
            {input}
            <Button kind="primary" type="submit" disabled={value === undefined || value === ''}>Add</Button><Button onClick={onClose}>Cancel</Button>
        </form>
    );
}

const QUICK: [string, Filter][] = [
    ['Failed', { key: 'success', operator: 'eq', value: [false] }],
    ['Slow', { key: 'duration', operator: 'gt', value: [5000] }],
    ['Thumbs down', { key: 'feedback', operator: 'eq', value: [-1] }],
];

function Chips({ filters }: { filters: Filter[] }) {
    const [adding, setAdding] = useState(false);
    const has = (f: Filter) => filters.some((x) => toParam(x) === toParam(f));
    return (
        <>
            <div class="chips">
                {filters.map((f, i) => <button key={toParam(f)} type="button" class="chip on" aria-label={`Remove the filter: ${words(f)}`} onClick={() => setFilters(filters.filter((_, k) => k !== i))}>{words(f)}<Icon name="close" /></button>)}
                {QUICK.filter(([, f]) => !has(f)).map(([label, f]) => <button key={label} type="button" class="chip" onClick={() => setFilters([...filters, f])}>{label}</button>)}
                <button type="button" class="chip" aria-expanded={adding} onClick={() => setAdding(!adding)}><Icon name="plus" />Filter</button>
                {filters.length > 1 && <button type="button" class="chip" onClick={() => setFilters([])}>Clear all</button>}
            </div>
            {adding && <AddFilter onAdd={(f) => setFilters([...filters, f])} onClose={() => setAdding(false)} />}
        </>
    );
}

function Search() {
    const [text, setText] = useState(query.value.get('q') ?? '');
    const apply = () => setQuery({ q: text, log: null });
    useEffect(() => {
        const timer = setTimeout(() => { if (text !== (query.value.get('q') ?? '')) apply(); }, 350);
        return () => clearTimeout(timer);
    }, [text]);
    return (
        <form class="search" role="search" onSubmit={(e) => { e.preventDefault(); apply(); }}>
            <Icon name="search" /><input data-search type="search" aria-label="Search the log" placeholder="Model, path, id, metadata…" value={text} onInput={(e) => setText(e.currentTarget.value)} /><kbd>/</kbd>
        </form>
    );
}

// ---- rows ----------------------------------------------------------------------------------------------

const tokens = (r: LogRow) => (r.tokens_in == null && r.tokens_out == null ? NONE : `${exact(r.tokens_in ?? 0)} → ${exact(r.tokens_out ?? 0)}`);
export const statusTone = (r: LogRow) => (r.success ? 'good' : r.status_code && r.status_code < 500 ? 'warn' : 'bad');

function Row({ row }: { row: LogRow }) {
    return (
        <>
            <span class="c-time" role="cell">{time(row.created_at)}</span>
            <span class="c-status" role="cell"><Tag tone={statusTone(row)}>{row.status_code ?? 'none'}</Tag>{row.cached && <Tag tone="accent">cached</Tag>}</span>
            <span class="c-model" role="cell"><button type="button" class="plain" aria-haspopup="dialog" onClick={() => setQuery({ log: row.id })}>{row.model || row.path || 'no model'}</button><small>{row.provider}{row.weir?.error ? ` · ${row.weir.error}` : ''}</small></span>
            <span class="c-tokens number" role="cell">{tokens(row)}</span>
            <span class="c-cost number" role="cell">{money(row.cost)}</span>
            <span class="c-duration number" role="cell">{duration(row.duration)}</span>
            <span class="c-feedback" role="cell">{row.feedback === 1 ? <span class="good"><Icon name="up" /><span class="hidden">good</span></span> : row.feedback === -1 ? <span class="bad"><Icon name="down" /><span class="hidden">bad</span></span> : ''}</span>
        </>
    );
}

const HEADS = ['Time', 'Status', 'Model', 'Tokens in → out', 'Cost', 'Duration', 'Feedback'];
const CLASSES = ['c-time', 'c-status', 'c-model', 'c-tokens number', 'c-cost number', 'c-duration number', 'c-feedback'];

interface Pages { base: string; rows: Map<number, LogRow[]>; stale: Set<number>; error: Error | null }

/* Pages of one list. When its head has changed, the others are read again as they are looked at, and shown as they were until then. */
function usePages(base: string, first: LogRow[] | undefined): { row: (i: number) => LogRow | undefined; error: Error | null; retry: () => void } {
    const [pages, setPages] = useState<Pages>({ base, rows: new Map(), stale: new Set(), error: null });
    const asked = useRef(new Set<string>());
    useEffect(() => {
        if (first) setPages((old) => ({ base, error: null, rows: new Map(old.base === base ? old.rows : []).set(1, first), stale: new Set(old.base === base && old.rows.get(1)?.[0]?.id !== first[0]?.id ? [...old.rows.keys()].filter((n) => n > 1) : []) }));
    }, [first]);
    const want = (page: number) => {
        const key = `${base}&page=${page}`;
        if (!first || page < 2 || pages.error || asked.current.has(key)) return;
        asked.current.add(key);
        list<LogRow>(key, { what: 'Reading the log' }).then(
            ({ rows }) => setPages((old) => (old.base === base ? { ...old, rows: new Map(old.rows).set(page, rows), stale: new Set([...old.stale].filter((n) => n !== page)) } : old)),
            (error: Error) => setPages((old) => ({ ...old, error })),
        ).finally(() => asked.current.delete(key));
    };
    const row = (i: number) => {
        const page = Math.floor(i / PAGE) + 1, rows = pages.base === base ? pages.rows.get(page) : undefined;
        if (!rows || pages.stale.has(page)) want(page);
        return rows?.[i % PAGE];
    };
    return { row, error: pages.error, retry: () => setPages({ ...pages, error: null }) };
}

async function deleteMatching(id: string, filters: Filter[], search: string, done: () => void): Promise<void> {
    await remove(`${gatewayPath(id)}/logs?${listQuery(filters, search)}`, 'Deleting rows');
    say('Deleted');
    done();
}

function Tools({ id, filters, search, total, reload }: { id: string; filters: Filter[]; search: string; total: number; reload: () => void }) {
    const what = filters.length || search ? 'the rows that match' : 'all rows';
    const destroy = () => ask({ title: `Delete ${what}?`, act: 'Delete', word: id, run: () => deleteMatching(id, filters, search, reload),
        text: `${exact(Math.min(total, 10000))} rows with their bodies${total > 10000 ? ', the newest 10,000 of them' : ''} go for good. The audit log will say who did it.` });
    const exportAs = (format: string) => url(`${gatewayPath(id)}/logs/export?${listQuery(filters, search, { format })}`);
    return (
        <>
            {may('write') && filters.length > 0 && filters.every(inDataset) && <a class="button" href={`${link('gateways', id, 'evaluations')}?${filters.map((f) => `f=${encodeURIComponent(toParam(f))}`).join('&')}`}><Icon name="plus" />Dataset</a>}
            <a class="button" download={`${id}.csv`} href={exportAs('csv')}><Icon name="download" />CSV</a>
            <a class="button" download={`${id}.ndjson`} href={exportAs('ndjson')}><Icon name="download" />JSON</a>
            {may('write') && total > 0 && <Button icon="trash" label={`Delete ${what}`} onClick={destroy} />}
        </>
    );
}

/** Reads again soon after rows have reached the log: at most once in SETTLE_MS, however many come. */
function useLive(source: string, on: boolean, reload: () => void): void {
    useEffect(() => {
        if (!on) return;
        const events = new EventSource(source);
        let timer = 0;
        events.onmessage = () => { timer ||= window.setTimeout(() => { timer = 0; reload(); }, SETTLE_MS); };
        return () => { events.close(); window.clearTimeout(timer); };
    }, [source, on]);
}

export function Logs({ id }: { id: string }) {
    const params = query.value, filters = fromParams(params.getAll('f')), search = params.get('q') ?? '';
    const live = params.get('live') === 'yes';
    const base = `${gatewayPath(id)}/logs?${listQuery(filters, search, { per_page: PAGE })}`;
    const head = useLoad((abort) => list<LogRow>(`${base}&page=1`, { signal: abort, what: 'Reading the log' }), [base]);
    useLive(url(`${gatewayPath(id)}/logs/tail?${listQuery(filters, search)}`), live, head.reload);
    const total = head.data?.info.total_count;
    const { row, error, retry } = usePages(base, head.data?.rows);
    const open = params.get('log');
    return (
        <>
            <Head title="Logs" note={total === undefined ? id : `${id}: ${exact(total)} ${filters.length || search ? 'match' : total === 1 ? 'row' : 'rows'}`}>
                <Tools id={id} filters={filters} search={search} total={total ?? 0} reload={head.reload} />
            </Head>
            <div class="toolbar">
                <Search />
                <Button icon="refresh" label="Read again" busy={head.loading && !live} onClick={head.reload} />
                <Button aria-pressed={live} onClick={() => setQuery({ live: live ? null : 'yes' }, { replace: true })}><span class={live ? 'dot on' : 'dot'} />Live</Button>
            </div>
            <Chips filters={filters} />
            {head.error ? <Problem error={head.error} retry={head.reload} /> : error && <Problem error={error} retry={retry} />}
            {total === undefined ? !head.error && <Skeleton rows={10} /> : total === 0 ? <NoRows id={id} filtered={filters.length > 0 || search !== ''} /> : (
                <VirtualList label="Log" head={HEADS.map((h, i) => <span key={h} role="columnheader" class={CLASSES[i]}>{h}</span>)} total={total} render={(i) => { const r = row(i); return r && { key: r.id, open: () => setQuery({ log: r.id }), selected: r.id === open, cells: <Row row={r} /> }; }} />
            )}
            {open && <Drawer key={open} gateway={id} log={open} onClose={() => setQuery({ log: null })} onChange={head.reload} />}
        </>
    );
}

const NoRows = ({ id, filtered }: { id: string; filtered: boolean }) => (filtered
    ? <Empty title="Nothing matches"><p>Take a filter away, or search for less.</p><Button onClick={() => setQuery({ f: null, q: null })}>Clear all</Button></Empty>
    : <Empty title="No request yet"><p>Every call through this gateway leaves a row here, with what was asked and answered.</p><a class="button primary" href={link('gateways', id, 'start')}>Send the first one</a></Empty>);
