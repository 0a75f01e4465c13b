// SPDX-License-Identifier: Apache-2.0
// The log of a gateway: what is looked for stands in the address, rows come a page at a time as they are scrolled to.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { iso, RANGES, seen } from '../lib/analytics';
import { ApiError, may } from '../lib/api';
import { address, list, remove, type Query } from '../lib/client';
import { download } from '../lib/export';
import { fromParams, inDataset, toParam, wanted, type Filter } from '../lib/filters';
import { duration, exact, money, NONE, time } from '../lib/format';
import { useLoad } from '../lib/load';
import { modelsOf, slugs, useProviders } from '../lib/providers';
import { link, query, setQuery } from '../lib/router';
import type { LogResultInfo } from '../lib/openapi';
import type { LogRow } from '../lib/types';
import { ask, Button, Choice, Empty, Head, Icon, Problem, Skeleton, Tag } from '../ui/basics';
import { Chips, Offers } from '../ui/filters';
import { useKeys } from '../ui/keys';
import { VirtualList, type ListActs } from '../ui/virtual';
import { work } from '../ui/work';
import { Drawer } from './log';

const LOGS = '/accounts/{A}/ai-gateway/gateways/{G}/logs';
type Asked = Query<'get', typeof LOGS>;
const PAGE = 50, SETTLE_MS = 400;
const DEEPEST = 100_000; // rows of a list that is not in the order of time
const AT_ONCE = 5000; // rows of one call that deletes

// ---- what is looked for --------------------------------------------------------------------------------

const setFilters = (filters: Filter[]) => setQuery({ f: filters.map(toParam), log: null });

const QUICK: [string, Filter][] = [
    ['Failed', { key: 'success', operator: 'eq', value: [false] }],
    ['Slow', { key: 'duration', operator: 'gt', value: [5000] }],
    ['Thumbs down', { key: 'feedback', operator: 'eq', value: [-1] }],
];

const TIMES = [...RANGES.map((r) => ({ key: r.key, label: r.key })), { key: '', label: 'All' }];

/* The span ends where the list was read last: it moves on when that is done again, not with every look at it. */
function useSince(key: string, turn: number): Filter[] {
    return useMemo(() => {
        const range = RANGES.find((r) => r.key === key);
        return range ? [{ key: 'created_at', operator: 'gt', value: [iso(Math.floor(Date.now() / 1000) - range.minutes * 60)] }] : [];
    }, [key, turn]);
}

/* What this gateway's log has stands before what there is in the world. Asked for when somebody is about to type it. */
const Offering = (id: string) => function OffersOf({ children }: { children: ComponentChildren }) {
    const known = useProviders();
    const here = useLoad((abort) => (may('analytics_read') ? seen(id, abort) : Promise.resolve([])), [id]);
    const offers = useMemo(() => {
        const providers = (here.data ?? []).map((p) => p.provider), models = (here.data ?? []).map((p) => p.model);
        const rest = providers.length ? providers.flatMap((p) => modelsOf(known, p)) : known.flatMap((k) => k.models);
        const once = (list: string[]) => [...new Set(list)].filter(Boolean);
        return { provider: once([...providers, ...slugs(known)]), model: once([...models, ...rest]).slice(0, 500) };
    }, [here.data, known]);
    return <Offers.Provider value={offers}>{children}</Offers.Provider>;
};

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

/** Columns that are there when they are wished for. */
const MORE: Record<string, [label: string, text: (r: LogRow) => string]> = {
    metadata: ['Metadata', (r) => Object.entries(r.metadata ?? {}).map(([k, v]) => `${k}: ${v}`).join(', ')],
    path: ['Path', (r) => r.path], agent: ['User agent', (r) => r.user_agent ?? ''], kind: ['Kind of call', (r) => r.model_type ?? ''], score: ['Score', (r) => (r.score == null ? '' : String(r.score))],
};
const wished = () => (query.value.get('cols') ?? '').split(',').filter((c) => c in MORE);

function Columns() {
    const on = wished(), toggle = (key: string) => setQuery({ cols: (on.includes(key) ? on.filter((c) => c !== key) : [...on, key]).join(',') }, { replace: true });
    return (
        <details class="menu wide-only" onFocusOut={(e) => { if (!e.currentTarget.contains(e.relatedTarget as Node | null)) e.currentTarget.open = false; }}><summary class="button">Columns</summary>
            <div class="card" tabIndex={-1}>{Object.entries(MORE).map(([key, [label]]) => <label key={key} class="check"><input type="checkbox" checked={on.includes(key)} onChange={() => toggle(key)} />{label}</label>)}</div>
        </details>
    );
}

function Row({ row }: { row: LogRow }) {
    return (
        <>
            <span class="c-time" role="cell">{time(row.created_at)}</span>
            <span class="c-status" role="cell"><Tag tone={statusTone(row)}>{row.status_code ?? 'none'}</Tag>{row.cached && <Tag tone="accent">cached</Tag>}</span>
            <span class="c-model" role="cell"><button type="button" class="plain" aria-haspopup="dialog" onClick={() => setQuery({ log: row.id })}>{row.model || row.path || 'no model'}</button><small>{row.provider}{row.weir?.error ? ` · ${row.weir.error}` : ''}</small></span>
            {wished().map((c) => { const text = MORE[c]![1](row); return <span key={c} class="c-more" role="cell" title={text}>{text}</span>; })}
            <span class="c-tokens number" role="cell">{tokens(row)}</span>
            <span class="c-cost number" role="cell">{money(row.cost)}</span>
            <span class="c-duration number" role="cell">{duration(row.duration)}</span>
            <span class="c-feedback" role="cell">{row.feedback === 1 ? <span class="good"><Icon name="up" /><span class="hidden">good</span></span> : row.feedback === -1 ? <span class="bad"><Icon name="down" /><span class="hidden">bad</span></span> : ''}</span>
        </>
    );
}

type Order = NonNullable<Asked['order_by']>;
const HEADS: [label: string, classes: string, order?: Order][] = [['Time', 'c-time', 'created_at'], ['Status', 'c-status', 'success'], ['Model', 'c-model', 'model'], ['Tokens in → out', 'c-tokens number', 'tokens'],
    ['Cost', 'c-cost number', 'cost'], ['Duration', 'c-duration number', 'duration'], ['Feedback', 'c-feedback']];

/* The largest first, then the smallest, then as it was. */
function Heads({ order, ascending }: { order: string; ascending: boolean }) {
    const turn = (key: string) => (key !== order ? setQuery({ order: key === 'created_at' ? null : key, dir: key === 'created_at' ? 'asc' : null })
        : !ascending ? setQuery({ order: key === 'created_at' ? null : key, dir: 'asc' }) : setQuery({ order: null, dir: null }));
    return (
        <>{[...HEADS.slice(0, 3), ...wished().map((c): typeof HEADS[0] => [MORE[c]![0], 'c-more']), ...HEADS.slice(3)].map(([label, classes, key]) => (
            <span key={label} role="columnheader" class={classes} aria-sort={key === order ? (ascending ? 'ascending' : 'descending') : undefined}>
                {key ? <button type="button" class="plain" onClick={() => turn(key)}>{label}<span aria-hidden="true">{key === order && (key !== 'created_at' || ascending) ? (ascending ? ' ↑' : ' ↓') : ''}</span></button> : label}
            </span>))}
        </>
    );
}

interface Pages { base: string; rows: Map<number, LogRow[]>; stale: Set<number>; error: Error | null }

/* Pages of one list. When its head has changed, the others are read again as they are looked at, and shown as they were until then. */
function usePages(base: string, { G, query }: { G: string; query: Asked }, first: LogRow[] | undefined): { row: (i: number) => LogRow | undefined; placeOf: (id: string) => number; error: Error | null; retry: () => void } {
    const [pages, setPages] = useState<Pages>({ base, rows: new Map(), stale: new Set(), error: null });
    const underway = useRef(new Set<string>());
    useEffect(() => {
        if (first) setPages((old) => ({ base, error: null, rows: new Map(old.base === base ? old.rows : []).set(1, first), stale: new Set(old.base === base && old.rows.get(1)?.[0]?.id !== first[0]?.id ? [...old.rows.keys()].filter((n) => n > 1) : []) }));
    }, [first]);
    const want = (page: number) => {
        const key = `${base} ${page}`;
        if (!first || page < 2 || pages.error || underway.current.has(key)) return;
        underway.current.add(key);
        list(LOGS, { G, query: { ...query, page }, what: 'Reading the log' }).then(
            ({ rows }) => setPages((old) => (old.base === base ? { ...old, rows: new Map(old.rows).set(page, rows), stale: new Set([...old.stale].filter((n) => n !== page)) } : old)),
            (error: Error) => setPages((old) => ({ ...old, error })),
        ).finally(() => underway.current.delete(key));
    };
    const row = (i: number) => {
        const page = Math.floor(i / PAGE) + 1, rows = pages.base === base ? pages.rows.get(page) : undefined;
        if (!rows || pages.stale.has(page)) want(page);
        return rows?.[i % PAGE];
    };
    const placeOf = (id: string) => {
        for (const [page, rows] of pages.rows) {
            const i = rows.findIndex((r) => r.id === id);
            if (i >= 0) return (page - 1) * PAGE + i;
        }
        return -1;
    };
    return { row, placeOf, error: pages.error, retry: () => setPages({ ...pages, error: null }) };
}

/* Until none is left of those that were there at the beginning; a call takes AT_ONCE of them. */
async function deleteMatching(id: string, filters: Filter[], search: string, done: (n: number) => void, abort: AbortSignal): Promise<string> {
    const until: Filter = { key: 'created_at', operator: 'lt', value: [new Date(Date.now() + 1000).toISOString()] };
    const which = wanted([...filters, until], search), left = async () => (await list(LOGS, { G: id, query: { ...which, per_page: 1 }, what: 'Counting rows', signal: abort })).info.total_count;
    const first = await left();
    for (let now = first; now > 0;) {
        abort.throwIfAborted();
        await remove(LOGS, { G: id, query: { ...which, limit: AT_ONCE }, what: 'Deleting rows' });
        const then = await left();
        if (then >= now) throw new ApiError(200, [{ code: 0, message: `${exact(then)} rows are still there`, path: [] }], 'Deleting rows');
        now = then;
        done(first - now);
    }
    return `${exact(first)} ${first === 1 ? 'row is' : 'rows are'} deleted`;
}

function Tools({ id, filters, search, total, reload }: { id: string; filters: Filter[]; search: string; total: number; reload: () => void }) {
    const what = filters.length || search ? 'the rows that match' : 'all rows', rows = total === 1 ? '1 row' : `${exact(total)} rows`;
    const destroy = () => ask({ title: `Delete ${what}?`, act: `Delete ${rows}`, word: id, text: `${rows} of ${id} and their bodies go for good. The audit log will say who did it. It can be stopped on the way; what is gone by then stays gone.`,
        run: async () => { void work(`Deleting ${rows} of ${id}`, total, (done, abort) => deleteMatching(id, filters, search, done, abort)).then(reload); } });
    const save = (format: 'csv' | 'ndjson', file: string) => void work(`Export of ${id}`, total, async (done, abort) => {
        const n = await download(address(`${LOGS}/export`, { G: id, query: { ...wanted(filters, search), format } }), file, (n) => done(Math.min(n, total)), abort);
        return `${file} has ${exact(format === 'csv' ? n - 1 : n)} of them`;
    });
    return (
        <>
            {may('write') && filters.length > 0 && filters.every(inDataset) && <a class="button" href={`${link('gateways', id, 'evaluations')}?${filters.map((f) => `f=${encodeURIComponent(toParam(f))}`).join('&')}`}><Icon name="plus" />Dataset</a>}
            {total > 0 && <><Button icon="download" onClick={() => save('csv', `${id}.csv`)}>CSV</Button><Button icon="download" onClick={() => save('ndjson', `${id}.ndjson`)}>JSON</Button></>}
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

/** With j and k from row to row: in the list, or in the drawer while it is open; Enter opens the one in focus. */
function useWalk(row: (i: number) => LogRow | undefined, placeOf: (id: string) => number, total: number, acts: { current: ListActs | null }): void {
    const focused = () => Number(document.activeElement?.closest('.row-space [aria-rowindex]')?.getAttribute('aria-rowindex') ?? 1) - 2;
    const step = (by: number) => () => {
        const open = query.value.get('log'); // keys come faster than drawings
        if (document.querySelectorAll('dialog[open]').length > (open ? 1 : 0)) return;
        const at = open ? placeOf(open) : focused(), to = Math.max(0, Math.min(total - 1, at + by));
        if (open && at < 0) return;
        const next = row(to);
        acts.current?.reveal(to, !open);
        if (open && next) setQuery({ log: next.id }, { replace: true });
    };
    useKeys({ j: step(1), k: step(-1) });
}

const isAbout = (info: LogResultInfo | undefined) => info?.weir_total_is_estimate === true;

export function Logs({ id }: { id: string }) {
    const params = query.value, filters = fromParams(params.getAll('f')), search = params.get('q') ?? '';
    const live = params.get('live') === 'yes', range = params.get('range') ?? '', order = HEADS.find(([, , key]) => key === params.get('order'))?.[2] ?? 'created_at', ascending = params.get('dir') === 'asc';
    const [turn, setTurn] = useState(0);
    const all = [...filters, ...useSince(range, turn)], acts = useRef<ListActs>(null);
    const asked: Asked = { ...wanted(all, search), per_page: PAGE, order_by: order, order_by_direction: ascending ? 'asc' : 'desc' }, base = JSON.stringify([id, asked]);
    const head = useLoad((abort) => list(LOGS, { G: id, query: { ...asked, page: 1 }, signal: abort, what: 'Reading the log' }), [base]);
    const again = () => { if (range) setTurn(turn + 1); else head.reload(); };
    useLive(address(`${LOGS}/tail`, { G: id, query: wanted(all, search) }), live, head.reload);
    const total = head.data?.info.total_count, shown = order === 'created_at' ? total : Math.min(total ?? 0, DEEPEST);
    const { row, placeOf, error, retry } = usePages(base, { G: id, query: asked }, head.data?.rows);
    const open = params.get('log'), offering = useMemo(() => Offering(id), [id]);
    useWalk(row, placeOf, shown ?? 0, acts);
    const note = total === undefined ? id : `${id}: ${isAbout(head.data?.info) ? 'about ' : ''}${exact(total)} ${all.length || search ? 'match' : total === 1 ? 'row' : 'rows'}${shown! < total ? `, the first ${exact(shown)} in this order` : ''}`;
    return (
        <>
            <Head title="Logs" note={note}>
                <Tools id={id} filters={all} search={search} total={total ?? 0} reload={head.reload} />
            </Head>
            <div class="toolbar">
                <Search />
                <Choice label="Time range" options={TIMES} value={range} onChange={(key) => setQuery({ range: key, log: null })} />
                <Columns />
                <Button icon="refresh" label="Read again" busy={head.loading && !live} onClick={again} />
                <Button aria-pressed={live} onClick={() => setQuery({ live: live ? null : 'yes' }, { replace: true })}><span class={live ? 'dot on' : 'dot'} />Live</Button>
            </div>
            <Chips filters={filters} quick={QUICK} set={setFilters} Around={offering} />
            {head.error ? <Problem error={head.error} retry={head.reload} /> : error && <Problem error={error} retry={retry} />}
            {total === undefined ? !head.error && <Skeleton rows={10} /> : total === 0 ? <NoRows id={id} filtered={all.length > 0 || search !== ''} /> : (
                <VirtualList label="Log" more={wished().length} acts={acts} head={<Heads order={order} ascending={ascending} />} total={shown!} render={(i) => { const r = row(i); return r && { key: r.id, open: () => setQuery({ log: r.id }), selected: r.id === open, cells: <Row row={r} /> }; }} />
            )}
            {open && <Drawer gateway={id} log={open} onClose={() => setQuery({ log: null })} onChange={head.reload} />}
        </>
    );
}

const NoRows = ({ id, filtered }: { id: string; filtered: boolean }) => (filtered
    ? <Empty title="Nothing matches"><p>Take a filter away, search for less, or choose a longer time.</p><Button onClick={() => setQuery({ f: null, q: null, range: null })}>Clear all</Button></Empty>
    : <Empty title="No request yet"><p>Every call through this gateway leaves a row here, with what was asked and answered.</p><a class="button primary" href={link('gateways', id, 'start')}>Send the first one</a></Empty>);
