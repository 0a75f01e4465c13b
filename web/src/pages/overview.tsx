// SPDX-License-Identifier: Apache-2.0
// All gateways of the account: what they did, beside what they did the time before.
import { useMemo } from 'preact/hooks';
import { may, mayAll } from '../lib/api';
import { inTime, NOTHING, overview, rangeOf, type Group, type Overview as Numbers, type Range, type Sums } from '../lib/analytics';
import { count, duration, money, percent } from '../lib/format';
import { readGateways } from '../lib/gateways';
import { useLoad } from '../lib/load';
import { go, query } from '../lib/router';
import type { Gateway } from '../lib/types';
import { Button, Empty, Head, Ready } from '../ui/basics';
import { entrance } from '../ui/places';
import { Spark } from '../ui/spark';
import { Cards, Delta, RangePicker } from '../ui/numbers';

const NO_NUMBERS: Numbers = { now: [], before: null, all: [], allBefore: null, series: [] };
const of = (groups: Group[] | null, id: string): Sums => groups?.find((g) => g.dimensions.gateway === id) ?? NOTHING;

function Row({ gateway, numbers, range }: { gateway: Gateway; numbers: Numbers; range: Range }) {
    const now = of(numbers.now, gateway.id), before = numbers.before && of(numbers.before, gateway.id);
    const series = useMemo(() => inTime(numbers.series.filter((g) => g.dimensions.gateway === gateway.id), range), [numbers]);
    const q = now.quantiles;
    return (
        <tr onClick={(e) => { if (!(e.target as Element).closest('a')) go(entrance(gateway.id)); }}>
            <th scope="row"><a href={entrance(gateway.id)}>{gateway.id}</a></th>
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

function Table({ gateways, numbers, range }: { gateways: Gateway[]; numbers: Numbers; range: Range }) {
    const busy = [...gateways].sort((a, b) => of(numbers.now, b.id).count - of(numbers.now, a.id).count);
    return (
        <div class="card scroll" tabIndex={0} role="region" aria-label="Gateways">
            <table class="stack">
                <thead><tr><th scope="col">Gateway</th><th scope="col">Requests over time</th><th scope="col" class="number">Requests</th><th scope="col" class="number">Errors</th><th scope="col" class="number">Cost</th>
                    <th scope="col" class="number">Tokens</th><th scope="col" class="number">Cached</th><th scope="col" class="number">Latency p50 / p95</th><th scope="col" class="number">First byte p50 / p95</th></tr></thead>
                <tbody>{busy.map((g) => <Row key={g.id} gateway={g} numbers={numbers} range={range} />)}</tbody>
            </table>
        </div>
    );
}

export function Overview() {
    const range = rangeOf(query.value.get('range'));
    const compare = query.value.get('compare') !== 'no';
    const numbers = useLoad((abort) => (may('analytics_read') ? overview(range, abort) : Promise.resolve(NO_NUMBERS)), [range.key], { every: 30000 });
    const list = useLoad(readGateways, []);
    return (
        <>
            <Head title="Overview">
                <RangePicker range={range} compare={compare} />
                {mayAll('write') && <Button icon="plus" kind="primary" onClick={() => go('/new')}>New gateway</Button>}
            </Head>
            {!may('analytics_read') && <p class="note">This token may not ask for numbers: sign in with one that has analytics_read to see them.</p>}
            <Ready of={numbers} rows={2}>{(n) => {
                const shown = compare ? n : { ...n, before: null, allBefore: null };
                return (
                    <>
                        {may('analytics_read') && <Cards now={n.all[0] ?? NOTHING} before={shown.allBefore && (shown.allBefore[0] ?? NOTHING)} />}
                        <Ready of={list}>{(gateways) => (gateways.length ? <Table gateways={gateways} numbers={shown} range={range} /> : (
                            <Empty title="No gateway yet"><p>A gateway is what programs call in place of a provider; it has its own settings, keys and log.</p>
                                {mayAll('write') && <Button icon="plus" kind="primary" onClick={() => go('/new')}>Create the first one</Button>}</Empty>))}
                        </Ready>
                    </>
                );
            }}</Ready>
        </>
    );
}
