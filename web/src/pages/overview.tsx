// SPDX-License-Identifier: Apache-2.0
// All gateways of the account: what they did, beside what they did the time before.
import { useMemo, useState } from 'preact/hooks';
import { may, mayAll, session } from '../lib/api';
import { inTime, NOTHING, overview, rangeOf, type Group, type Overview as Numbers, type Range, type Sums } from '../lib/analytics';
import { count, duration, money, percent } from '../lib/format';
import { gateways, readGateways } from '../lib/gateways';
import { useLoad } from '../lib/load';
import { go, link, query, setQuery } from '../lib/router';
import { Button, Empty, Head, Icon, Ready, type IconName } from '../ui/basics';
import { Find, finds } from '../ui/find';
import { entrance } from '../ui/places';
import { Spark } from '../ui/spark';
import { Cards, Delta, RangePicker } from '../ui/numbers';

const NO_NUMBERS: Numbers = { now: [], before: null, all: [], allBefore: null, series: [] };
const of = (groups: Group[] | null, id: string): Sums => groups?.find((g) => g.dimensions.gateway === id) ?? NOTHING;

function Row({ id, numbers, range }: { id: string; numbers: Numbers; range: Range }) {
    const now = of(numbers.now, id), before = numbers.before && of(numbers.before, id);
    const series = useMemo(() => inTime(numbers.series.filter((g) => g.dimensions.gateway === id), range), [numbers]);
    const q = now.quantiles;
    return (
        <tr onClick={(e) => { if (!(e.target as Element).closest('a')) go(entrance(id)); }}>
            <th scope="row"><a href={entrance(id)}>{id}</a></th>
            <td class="wide"><Spark values={series.of((g) => g.count) as number[]} bad={series.of((g) => g.sum.erroredRequests) as number[]} /></td>
            <td class="number" data-label="Requests">{count(now.count)}{before && <Delta now={now.count} before={before.count} />}</td>
            <td class="number" data-label="Errors">{percent(now.sum.erroredRequests, now.count)}</td>
            <td class="number" data-label="Cost">{money(now.sum.cost)}{before && <Delta now={now.sum.cost} before={before.sum.cost} bad />}</td>
            <td class="number" data-label="Tokens">{count(now.sum.tokensIn + now.sum.tokensOut)}</td>
            <td class="number" data-label="Cached">{percent(now.sum.cachedRequests, now.count)}</td>
            <td class="number" data-label="p50 / p95">{duration(q.durationMsP50)} / {duration(q.durationMsP95)}</td>
            <td class="number" data-label="First byte p50 / p95">{duration(q.ttftMsP50)} / {duration(q.ttftMsP95)}</td>
        </tr>
    );
}

const share = (part: number, whole: number) => (whole ? part / whole : -1);
/** Columns that the table can be in the order of: the largest first, or the first letter. */
const ORDERS: Record<string, (a: Sums) => number> = {
    requests: (s) => s.count, errors: (s) => share(s.sum.erroredRequests, s.count), cost: (s) => s.sum.cost, tokens: (s) => s.sum.tokensIn + s.sum.tokensOut,
    cached: (s) => share(s.sum.cachedRequests, s.count), latency: (s) => s.quantiles.durationMsP50 ?? -1, first: (s) => s.quantiles.ttftMsP50 ?? -1,
};
const HEADS: [label: string, key: string][] = [['Requests', 'requests'], ['Errors', 'errors'], ['Cost', 'cost'], ['Tokens', 'tokens'], ['Cached', 'cached'], ['Latency p50 / p95', 'latency'], ['First byte p50 / p95', 'first']];

function Table({ ids, numbers, range }: { ids: string[]; numbers: Numbers; range: Range }) {
    const [wanted, setWanted] = useState('');
    const order = query.value.get('order') ?? 'requests', by = ORDERS[order];
    const found = ids.filter((id) => finds(wanted, id)).sort((a, b) => (by ? by(of(numbers.now, b)) - by(of(numbers.now, a)) : 0) || a.localeCompare(b));
    const head = (label: string, key: string, numeric = true) => (
        <th key={key} scope="col" class={numeric ? 'number' : undefined} aria-sort={key === order ? (numeric ? 'descending' : 'ascending') : undefined}>
            <button type="button" class="plain" onClick={() => setQuery({ order: key === 'requests' ? null : key }, { replace: true })}>{label}<span aria-hidden="true">{key === order ? (numeric ? ' ↓' : ' ↑') : ''}</span></button>
        </th>
    );
    return (
        <>
            <Find what="gateways" of={ids.length} found={found.length} value={wanted} onChange={setWanted} />
            {!found.length && <Empty title="No gateway is called so"><Button onClick={() => setWanted('')}>Show all</Button></Empty>}
            {found.length > 0 && <div class="card scroll" tabIndex={0} role="region" aria-label="Gateways">
                <table class="stack">
                    <thead><tr>{head('Gateway', 'name', false)}<th scope="col">Requests over time</th>{HEADS.map(([label, key]) => head(label, key))}</tr></thead>
                    <tbody>{found.map((id) => <Row key={id} id={id} numbers={numbers} range={range} />)}</tbody>
                </table>
            </div>}
        </>
    );
}

/* For those who may not ask for numbers. */
const Names = ({ ids }: { ids: string[] }) => (
    <ul class="card names" aria-label="Gateways">{ids.map((id) => <li key={id}><a href={entrance(id)}>{id}</a></li>)}</ul>
);

const Step = ({ to, icon, title, children }: { to: string; icon: IconName; title: string; children: string }) => <a class="card step" href={to}><Icon name={icon} /><b>{title}</b><span class="muted">{children}</span></a>;

/* Nobody has called anything: what to do so that somebody does. */
const FirstSteps = ({ id, range }: { id: string; range: Range }) => (
    <section aria-label="First steps" class="plain-section">
        <h2>No request in the last {range.label}. To send one:</h2>
        <div class="steps">
            <Step to={link('gateways', id, 'start')} icon="code" title="Connect a program">Copy two lines into your program; a light turns green when its first request arrives.</Step>
            <Step to="/playground" icon="play" title="Try it here">Ask a model through the gateway, in this page.</Step>
            {may('write') && may('secrets_write') && <Step to={link('gateways', id, 'keys')} icon="key" title="Store a provider key">Then programs need the gateway’s token and nothing else.</Step>}
        </div>
    </section>
);

const None = () => (session.value?.permissions.join() === 'run'
    ? <Empty title="This token is for programs"><p>It may call models and see nothing here. Try it in the playground, or sign in with one that may read.</p><a class="button primary" href="/playground">Playground</a></Empty>
    : <Empty title="No gateway yet"><p>A gateway is what programs call in place of a provider; it has its own settings, keys and log.</p>
        {mayAll('write') && <Button icon="plus" kind="primary" onClick={() => go('/new')}>Create the first one</Button>}</Empty>);

/* Who may not list gateways knows those that the token is for, or that have numbers. */
const known = (numbers: Numbers) => [...new Set(session.value?.gateways ?? numbers.now.map((g) => g.dimensions.gateway ?? ''))].filter(Boolean);

export function Overview() {
    const range = rangeOf(query.value.get('range')), compare = query.value.get('compare') !== 'no', counts = may('analytics_read'), lists = may('read', 'write');
    const numbers = useLoad((abort) => (counts ? overview(range, abort) : Promise.resolve(NO_NUMBERS)), [range.key], { every: 30000 });
    const list = useLoad(() => (lists ? readGateways() : Promise.resolve([])), []);
    const names = (n: Numbers) => (lists ? (gateways.value ?? list.data ?? []).map((g) => g.id) : known(n));
    return (
        <>
            <Head title="Overview">
                {counts && <RangePicker range={range} compare={compare} />}
                {mayAll('write') && <Button icon="plus" kind="primary" onClick={() => go('/new')}>New gateway</Button>}
            </Head>
            {!counts && may('read', 'write', 'metadata_read') && <p class="note">This token may not ask for numbers: sign in with one that has analytics_read to see them.</p>}
            <Ready of={numbers} rows={2}>{(n) => {
                const shown = compare ? n : { ...n, before: null, allBefore: null }, ids = names(n);
                return (
                    <>
                        {counts && <Cards now={n.all[0] ?? NOTHING} before={shown.allBefore && (shown.allBefore[0] ?? NOTHING)} />}
                        <Ready of={list}>{() => (
                            <>
                                {counts && !n.all[0]?.count && ids[0] && <FirstSteps id={ids[0]} range={range} />}
                                {!ids.length ? <None /> : counts ? <Table ids={ids} numbers={shown} range={range} /> : <Names ids={ids} />}
                            </>)}
                        </Ready>
                    </>
                );
            }}</Ready>
        </>
    );
}
