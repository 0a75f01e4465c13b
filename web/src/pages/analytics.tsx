// SPDX-License-Identifier: Apache-2.0
// One gateway over time and in parts. A bar leads to the requests it stands for.
import { useMemo } from 'preact/hooks';
import { analytics, inTime, iso, NOTHING, rangeOf, span, type Analytics as Numbers, type Group, type Range } from '../lib/analytics';
import { count, duration, money, percent } from '../lib/format';
import { toParam, type Filter } from '../lib/filters';
import { useLoad } from '../lib/load';
import { link, query } from '../lib/router';
import { Empty, Head, Ready } from '../ui/basics';
import { Chart } from '../ui/chart';
import { Cards, RangePicker } from '../ui/numbers';

const fromNow = (range: Range): Filter => ({ key: 'created_at', operator: 'gt', value: [iso(span(range)[0])] });

function logsOf(gateway: string, range: Range, filters: Filter[]): string {
    const params = new URLSearchParams([...filters, fromNow(range)].map((f) => ['f', toParam(f)]));
    return `${link('gateways', gateway, 'logs')}?${params}`;
}

function Breakdown({ title, groups, name, filters, gateway, range }: {
    title: string; groups: Group[]; name: (g: Group) => string; filters: (g: Group) => Filter[]; gateway: string; range: Range;
}) {
    const most = Math.max(1, ...groups.map((g) => g.count));
    return (
        <section class="card breakdown" aria-label={title}>
            <h2>{title}</h2>
            <ul>
                {groups.map((g) => (
                    <li key={name(g)}>
                        <a href={logsOf(gateway, range, filters(g))} title={`${count(g.sum.tokensIn)} tokens in, ${count(g.sum.tokensOut)} out; ${percent(g.sum.erroredRequests, g.count)} failed; median ${duration(g.quantiles.durationMsP50)}`}>
                            <span class="name">{name(g)}</span><span class="number">{count(g.count)}</span><span class="number muted">{money(g.sum.cost)}</span>
                            <meter class="bar-meter" min={0} max={most} value={g.count} aria-label={`${name(g)}: ${g.count} requests`} />
                        </a>
                    </li>
                ))}
            </ul>
        </section>
    );
}

function Charts({ numbers, range }: { numbers: Numbers; range: Range }) {
    const made = useMemo(() => {
        const s = inTime(numbers.series, range);
        return { times: s.times,
            requests: [{ label: 'Requests', values: s.of((g) => g.count), colour: 'accent' as const, bars: true }, { label: 'Failed', values: s.of((g) => g.sum.erroredRequests), colour: 'bad' as const, bars: true },
                { label: 'From the cache', values: s.of((g) => g.sum.cachedRequests), colour: 'violet' as const }],
            cost: [{ label: 'Cost', values: s.of((g) => g.sum.cost), colour: 'accent' as const, fill: true }],
            tokens: [{ label: 'In', values: s.of((g) => g.sum.tokensIn), colour: 'accent' as const, fill: true }, { label: 'Out', values: s.of((g) => g.sum.tokensOut), colour: 'violet' as const, fill: true }],
            latency: [{ label: 'Median', values: s.of((g) => g.quantiles.durationMsP50, null), colour: 'accent' as const }, { label: '95 %', values: s.of((g) => g.quantiles.durationMsP95, null), colour: 'warn' as const },
                { label: 'First byte, median', values: s.of((g) => g.quantiles.ttftMsP50, null), colour: 'violet' as const }] };
    }, [numbers]);
    return (
        <div class="charts">
            <Chart title="Requests" times={made.times} lines={made.requests} format={count} />
            <Chart title="Cost" times={made.times} lines={made.cost} format={money} />
            <Chart title="Tokens" times={made.times} lines={made.tokens} format={count} />
            <Chart title="Latency" times={made.times} lines={made.latency} format={duration} />
        </div>
    );
}

export function Analytics({ id }: { id: string }) {
    const range = rangeOf(query.value.get('range')), compare = query.value.get('compare') !== 'no';
    const numbers = useLoad((abort) => analytics(id, range, abort), [id, range.key], { every: 30000 });
    const is = (key: string, value: string | number | undefined): Filter => ({ key, operator: 'eq', value: [value ?? null] });
    return (
        <>
            <Head title={id} note="Analytics"><RangePicker range={range} compare={compare} /></Head>
            <Ready of={numbers} rows={6}>{(n) => (n.all[0]?.count ? (
                <>
                    <Cards now={n.all[0]} before={compare && n.allBefore ? n.allBefore[0] ?? NOTHING : null} />
                    <Charts numbers={n} range={range} />
                    <div class="breakdowns">
                        <Breakdown title="Providers" groups={n.providers} name={(g) => g.dimensions.provider || '(none)'} filters={(g) => [is('provider', g.dimensions.provider)]} gateway={id} range={range} />
                        <Breakdown title="Models" groups={n.models} name={(g) => g.dimensions.model || '(none)'} filters={(g) => [is('provider', g.dimensions.provider), is('model', g.dimensions.model)]} gateway={id} range={range} />
                        <Breakdown title="Status" groups={n.statuses} name={(g) => String(g.dimensions.statusCode || 'no answer')} filters={(g) => [is('status_code', g.dimensions.statusCode || undefined)]} gateway={id} range={range} />
                    </div>
                </>
            ) : <Empty title={`No requests in the last ${range.label}`}><p>Choose a longer time above, or <a href={link('gateways', id, 'start')}>send the first request</a>.</p></Empty>)}</Ready>
        </>
    );
}
