// SPDX-License-Identifier: Apache-2.0
// Cards of a span's sums, each beside what it was before, and the choice of the span.
import { RANGES, type Range, type Sums } from '../lib/analytics';
import { change, count, duration, exact, money, NONE, percent } from '../lib/format';
import { setQuery } from '../lib/router';
import { Choice } from './basics';

/** A change in per cent; `bad` where more is worse. */
export function Delta({ now, before, bad = false }: { now: number; before: number; bad?: boolean }) {
    const by = change(now, before);
    if (by === null || Math.abs(by) < 0.0005) return null;
    const tone = bad === by > 0 ? 'worse' : 'better';
    return <span class={`delta ${tone}`} title={`${exact(Number(before.toPrecision(6)))} in the period before`}>{by > 0 ? '+' : '−'}{Math.abs(by) >= 10 ? '999' : Math.round(Math.abs(by) * 100)} %</span>;
}

const share = (part: number, whole: number) => (whole ? part / whole : 0);

export function Cards({ now, before }: { now: Sums; before: Sums | null }) {
    const n = now.sum, b = before?.sum, q = now.quantiles, p = before?.quantiles;
    const card = (label: string, value: string, note: string, delta: [number, number, boolean] | null) => (
        <div class="card figure"><dt>{label}</dt><dd>{value}{delta && <Delta now={delta[0]} before={delta[1]} bad={delta[2]} />}</dd><dd class="muted">{note}</dd></div>
    );
    return (
        <dl class="figures four">
            {card('Requests', count(now.count), now.count ? `${exact(now.count - n.erroredRequests)} went well` : NONE, b ? [now.count, before.count, false] : null)}
            {card('Errors', percent(n.erroredRequests, now.count), `${exact(n.erroredRequests)} failed`, b ? [share(n.erroredRequests, now.count), share(b.erroredRequests, before.count), true] : null)}
            {card('Cost', money(n.cost), n.unpricedRequests ? `${exact(n.unpricedRequests)} without a price` : now.count ? 'every request priced' : NONE, b ? [n.cost, b.cost, true] : null)}
            {card('Saved', money(n.savedCost), n.cachedRequests ? 'what cached answers had cost' : NONE, b ? [n.savedCost, b.savedCost, false] : null)}
            {card('Tokens', count(n.tokensIn + n.tokensOut), `${count(n.tokensIn)} in, ${count(n.tokensOut)} out`, b ? [n.tokensIn + n.tokensOut, b.tokensIn + b.tokensOut, false] : null)}
            {card('Cached', percent(n.cachedRequests, now.count), n.cachedRequests === 1 ? '1 answer' : `${exact(n.cachedRequests)} answers`, b ? [share(n.cachedRequests, now.count), share(b.cachedRequests, before.count), false] : null)}
            {card('Latency', duration(q.durationMsP50), q.durationMsP95 == null ? NONE : `median; 95 % within ${duration(q.durationMsP95)}`, p?.durationMsP50 && q.durationMsP50 ? [q.durationMsP50, p.durationMsP50, true] : null)}
            {card('First byte', duration(q.ttftMsP50), q.ttftMsP95 == null ? NONE : `median; 95 % within ${duration(q.ttftMsP95)}`, p?.ttftMsP50 && q.ttftMsP50 ? [q.ttftMsP50, p.ttftMsP50, true] : null)}
        </dl>
    );
}

export function RangePicker({ range, compare }: { range: Range; compare: boolean }) {
    return (
        <>
            <label class="check"><input type="checkbox" checked={compare} onChange={(e) => setQuery({ compare: e.currentTarget.checked ? null : 'no' }, { replace: true })} />Compare</label>
            <Choice label="Time range" options={RANGES.map((r) => ({ key: r.key, label: r.key }))} value={range.key} onChange={(key) => setQuery({ range: key })} />
        </>
    );
}
