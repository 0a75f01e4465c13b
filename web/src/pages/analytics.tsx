// SPDX-License-Identifier: Apache-2.0
// One gateway over time and in parts. A bar leads to the requests it stands for.
import { useMemo } from 'preact/hooks';
import { analytics, byLabel, inTime, NOTHING, rangeOf, TOKEN, type Analytics as Numbers, type Group, type LabelGroup, type Range } from '../lib/analytics';
import { is, labelled, logsOf } from '../lib/behind';
import { ago, count, duration, money, percent } from '../lib/format';
import { errorKind, type Filter } from '../lib/filters';
import { useLoad } from '../lib/load';
import { link, query, setQuery } from '../lib/router';
import { tokenNames } from '../lib/users';
import { Button, Empty, Head, Ready } from '../ui/basics';
import { Breakdown, type Bar } from '../ui/breakdown';
import { Chart } from '../ui/chart';
import { Cards, RangePicker } from '../ui/numbers';

const about = (g: Group) => `${count(g.sum.tokensIn)} tokens in, ${count(g.sum.tokensOut)} out; ${percent(g.sum.erroredRequests, g.count)} failed; median ${duration(g.quantiles.durationMsP50)}`;
const aboutLabel = (g: LabelGroup) => `${count(g.sum.tokensIn)} tokens in, ${count(g.sum.tokensOut)} out; ${percent(g.sum.erroredRequests, g.count)} failed; ${money(g.sum.savedCost)} saved; last ${ago(g.max.datetime)}`;
const OTHERS = 'other values';

/** What is beyond the values that are told apart comes last, and has no filter. */
function labelBars(groups: LabelGroup[], name: (value: string) => string, href: (value: string) => string): Bar[] {
    const bar = (g: LabelGroup): Bar => (g.dimensions.other
        ? { name: OTHERS, count: g.count, note: money(g.sum.cost), title: `Too many values to tell apart. ${aboutLabel(g)}` }
        : { name: name(g.dimensions.value), count: g.count, note: money(g.sum.cost), title: aboutLabel(g), href: href(g.dimensions.value) });
    return [...groups].sort((a, b) => a.dimensions.other - b.dimensions.other).map(bar);
}

function ByToken({ groups, to }: { groups: LabelGroup[]; to: (...filters: Filter[]) => string }) {
    const names = useLoad(tokenNames, []), named = names.data !== undefined || names.error !== undefined;
    return (
        <Breakdown title="By token" bars={named ? labelBars(groups, (value) => names.data?.get(value) ?? `token ${value}`, (value) => to(labelled(TOKEN, value))) : []}>
            {groups.length > 0 ? 'Reading their names…' : <>No request came with a token of weir. Make one in <a href="/tokens">Tokens</a>, and send it as <code>cf-aig-authorization: Bearer …</code>.</>}
        </Breakdown>
    );
}

function ByMetadata({ id, range, labels, to }: { id: string; range: Range; labels: string[]; to: (...filters: Filter[]) => string }) {
    const asked = query.value.get('label'), label = (asked && labels.includes(asked) ? asked : labels[0]) ?? '';
    const groups = useLoad((abort) => (label ? byLabel(id, label, range, abort) : Promise.resolve([])), [id, range.key, label], { every: 30000 });
    const choice = labels.length > 0 && (
        <select aria-label="Metadata key" value={label} onChange={(e) => setQuery({ label: e.currentTarget.value }, { replace: true })}>{labels.map((l) => <option key={l} value={l}>{l}</option>)}</select>
    );
    return (
        <Breakdown title="By metadata" choice={choice} bars={labelBars(groups.data ?? [], (value) => value || '(empty)', (value) => to(labelled(label, value)))}>
            {groups.error ? <span role="alert">{groups.error.message} <Button onClick={groups.reload}>Try again</Button></span> : labels.length ? 'Counting…' : <>
                Requests do not say who they are for. Send <code>{'cf-aig-metadata: {"user": "ana", "team": "search"}'}</code> with them to see what each user and team costs.</>}
        </Breakdown>
    );
}

function Charts({ numbers, range }: { numbers: Numbers; range: Range }) {
    const made = useMemo(() => {
        const s = inTime(numbers.series, range);
        return { times: s.times,
            requests: [{ label: 'Requests', values: s.of((g) => g.count), colour: 'accent' as const, bars: true }, { label: 'Failed', values: s.of((g) => g.sum.erroredRequests), colour: 'bad' as const, bars: true },
                { label: 'From the cache', values: s.of((g) => g.sum.cachedRequests), colour: 'violet' as const }],
            cost: [{ label: 'Cost', values: s.of((g) => g.sum.cost), colour: 'accent' as const, fill: true }, { label: 'Saved by the cache', values: s.of((g) => g.sum.savedCost), colour: 'good' as const }],
            tokens: [{ label: 'In', values: s.of((g) => g.sum.tokensIn), colour: 'accent' as const, fill: true }, { label: 'Out', values: s.of((g) => g.sum.tokensOut), colour: 'violet' as const, fill: true }],
            latency: [{ label: 'Median', values: s.of((g) => g.quantiles.durationMsP50, null), colour: 'accent' as const }, { label: '95 %', values: s.of((g) => g.quantiles.durationMsP95, null), colour: 'warn' as const },
                { label: 'First byte, median', values: s.of((g) => g.quantiles.ttftMsP50, null), colour: 'violet' as const }] };
    }, [numbers]);
    return (
        <div class="charts">
            <Chart title="Requests" times={made.times} lines={made.requests} format={count} />
            <Chart title="Cost, and what the cache saved" times={made.times} lines={made.cost} format={money} />
            <Chart title="Tokens" times={made.times} lines={made.tokens} format={count} />
            <Chart title="Latency" times={made.times} lines={made.latency} format={duration} />
        </div>
    );
}

function Breakdowns({ id, range, numbers: n }: { id: string; range: Range; numbers: Numbers }) {
    const to = (...filters: Filter[]) => logsOf(id, range, filters);
    const bar = (g: Group, name: string, ...filters: Filter[]): Bar => ({ name, count: g.count, note: money(g.sum.cost), title: about(g), href: to(...filters) });
    const failed = n.errors.reduce((sum, g) => sum + g.count, 0);
    return (
        <div class="breakdowns">
            <Breakdown title="Providers" bars={n.providers.map((g) => bar(g, g.dimensions.provider || '(none)', is('provider', g.dimensions.provider)))} />
            <Breakdown title="Models" bars={n.models.map((g) => bar(g, g.dimensions.model || '(none)', is('provider', g.dimensions.provider), is('model', g.dimensions.model)))} />
            <Breakdown title="Status" bars={n.statuses.map((g) => bar(g, String(g.dimensions.statusCode || 'no answer'), is('status_code', g.dimensions.statusCode || undefined)))} />
            <Breakdown title="Errors by kind" tone="bad" bars={n.errors.map(({ count: many, dimensions: { errorKind: kind } }) => ({ name: errorKind(kind), count: many, note: percent(many, failed), title: `${percent(many, failed)} of what failed`,
                href: to(is('success', 'false'), is('weir_error_kind', kind || undefined)) }))}>Nothing failed in the last {range.label}.</Breakdown>
            <ByToken groups={n.tokens} to={to} />
            <ByMetadata id={id} range={range} labels={n.labels.map((g) => g.dimensions.label)} to={to} />
        </div>
    );
}

export function Analytics({ id }: { id: string }) {
    const range = rangeOf(query.value.get('range')), compare = query.value.get('compare') !== 'no';
    const numbers = useLoad((abort) => analytics(id, range, abort), [id, range.key], { every: 30000 });
    return (
        <>
            <Head title={id} note="Analytics"><RangePicker range={range} compare={compare} /></Head>
            <Ready of={numbers} rows={6}>{(n) => (n.all[0]?.count ? (
                <>
                    <Cards now={n.all[0]} before={compare && n.allBefore ? n.allBefore[0] ?? NOTHING : null} />
                    <Charts numbers={n} range={range} />
                    <Breakdowns id={id} range={range} numbers={n} />
                </>
            ) : <Empty title={`No requests in the last ${range.label}`}><p>Choose a longer time above, or <a href={link('gateways', id, 'start')}>send the first request</a>.</p></Empty>)}</Ready>
        </>
    );
}
