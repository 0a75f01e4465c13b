// SPDX-License-Identifier: Apache-2.0
// Credits of the account: what is left, what was charged and for what, and what was paid in.
import { useMemo, useState } from 'preact/hooks';
import { may } from '../lib/api';
import { get, post } from '../lib/client';
import { exact, moment, money } from '../lib/format';
import { useLoad } from '../lib/load';
import type { InvoicePreview, UsageWindow } from '../lib/openapi';
import { query, setQuery } from '../lib/router';
import { Button, Choice, Dialog, Empty, Head, Problem, Ready, say, Tag } from '../ui/basics';
import { Chart } from '../ui/chart';

// Amounts are US cents, with a fraction; times of history are ms, those of invoices seconds since 1970.
const BILLING = '/accounts/{A}/ai-gateway/billing';
const WINDOWS = [{ key: 'day', label: 'Days' }, { key: 'hour', label: 'Hours' }];
const SPANS = { day: { step: 86400, back: 31 }, hour: { step: 3600, back: 168 } };
const TYPES: { key: 'all' | 'manual' | 'auto'; label: string }[] = [{ key: 'all', label: 'All' }, { key: 'manual', label: 'Paid in' }, { key: 'auto', label: 'Months' }];

const dollars = (usd: number) => (usd < 1000 ? money(usd) : '$' + usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
const amount = (cents: number) => (cents < 0 ? '−' : '') + dollars(Math.abs(cents) / 100);
const days = (seconds: number) => new Date(seconds * 1000).toLocaleDateString(undefined, { dateStyle: 'medium', timeZone: 'UTC' });

function TopUp({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
    const [usd, setUsd] = useState('25');
    const [note, setNote] = useState('');
    const [error, setError] = useState<Error | null>(null);
    const [busy, setBusy] = useState(false);
    const limits = useLoad((abort) => get(`${BILLING}/topup/limits`, { signal: abort, what: 'Reading the limits of a top-up' }), []);
    const cents = Math.round(Number(usd) * 100), { min_cents = 0, max_cents = Infinity } = limits.data ?? {};
    const wrong = !usd.trim() || !Number.isFinite(cents) ? 'An amount is needed' : cents < min_cents ? `${amount(min_cents)} at least` : cents > max_cents ? `${amount(max_cents)} at most` : '';
    const book = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        setError(null);
        await post(`${BILLING}/topup`, { body: { amount: cents, ...(note && { weir_note: note }) }, what: 'Booking the top-up' }).then(onDone, (e) => { setError(e); setBusy(false); });
    };
    return (
        <Dialog title="Book a top-up" onClose={onClose} class="small" stays="click">
            <form onSubmit={book}>
                <p>Nothing is charged anywhere: this says that the account has paid. Entries stay for good; a mistake is mended by a correction.</p>
                <label class="field"><span>Amount<span class="unit"> in US dollars</span></span><input autofocus inputMode="decimal" autocomplete="off" value={usd} aria-invalid={wrong ? true : undefined} aria-describedby="topup-help" onInput={(e) => setUsd(e.currentTarget.value)} /></label>
                <small id="topup-help">{wrong ? <em class="wrong">{wrong}</em> : `Credits of ${amount(cents)}.`}</small>
                <label class="field">Note<input maxLength={500} autocomplete="off" value={note} placeholder="invoice 17" onInput={(e) => setNote(e.currentTarget.value)} /></label>
                {error && <Problem error={error} />}
                <footer><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={busy} disabled={!!wrong}>Book {wrong ? '' : amount(cents)}</Button></footer>
            </form>
        </Dialog>
    );
}

/* Spans without a charge are not in the answer; here they are nothing. */
function filled(history: UsageWindow[], { step, back }: { step: number; back: number }) {
    const end = Math.floor(Date.now() / 1000 / step) * step;
    const at = new Map(history.map((h) => [h.start_time / 1000, h.aggregated_value / 100]));
    const times = Array.from({ length: back }, (_, i) => end - (back - 1 - i) * step);
    return { times, values: times.map((t) => at.get(t) ?? 0) };
}

function Usage({ turn }: { turn: number }) {
    const by = query.value.get('by') === 'hour' ? 'hour' : 'day';
    const usage = useLoad((abort) => get(`${BILLING}/usage-history`, { query: { value_grouping_window: by }, signal: abort, what: 'Reading what was charged' }), [by, turn]);
    const line = useMemo(() => {
        const { times, values } = filled(usage.data?.history ?? [], SPANS[by]);
        return { times, lines: [{ label: 'Charged', values, colour: 'accent' as const, bars: true }] };
    }, [usage.data]);
    const total = (usage.data?.history ?? []).reduce((sum, h) => sum + h.aggregated_value, 0);
    return (
        <section aria-label="Usage" class="plain-section">
            <div class="head"><div><h2>Usage</h2><p class="muted">{by === 'day' ? 'The last 31 days' : 'The last 7 days'} (UTC): {usage.data ? amount(total) : '…'}</p></div>
                <div class="actions"><Choice label="Usage by" options={WINDOWS} value={by} onChange={(key) => setQuery({ by: key === 'day' ? null : key }, { replace: true })} /></div></div>
            <Ready of={usage}>{() => <Chart title={by === 'day' ? 'Charged by day' : 'Charged by hour'} times={line.times} lines={line.lines} format={money} />}</Ready>
        </section>
    );
}

const Month = ({ preview }: { preview: InvoicePreview }) => (
    <section class="card" aria-label="This month">
        <h2>This month, {days(preview.period_start)} to {days(preview.period_end - 1)}</h2>
        {preview.invoice_lines.length === 0 ? <p class="muted">Nothing was charged yet.</p> : (
            <table class="stack">
                <thead><tr><th scope="col">Model</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Charged</th></tr></thead>
                <tbody>{preview.invoice_lines.map((l) => <tr key={l.description}><th scope="row">{l.description}</th><td class="number" data-label="Calls">{exact(l.quantity)}</td><td class="number" data-label="Charged">{amount(l.amount)}</td></tr>)}</tbody>
            </table>
        )}
    </section>
);

function InvoiceList({ turn }: { turn: number }) {
    const type = TYPES.find((t) => t.key === query.value.get('type'))?.key ?? 'all', page = Math.max(1, Number(query.value.get('page')) || 1);
    const list = useLoad((abort) => get(`${BILLING}/invoice-history`, { query: { type, page, per_page: 20 }, signal: abort, what: 'Listing invoices' }), [type, page, turn]);
    return (
        <section class="card" aria-label="Invoices">
            <div class="head"><div><h2>Invoices</h2><p class="muted">Months that are over, top-ups and corrections.</p></div><div class="actions"><Choice label="Which invoices" options={TYPES} value={type} onChange={(key) => setQuery({ type: key === 'all' ? null : key, page: null })} /></div></div>
            <Ready of={list}>{({ invoices, pagination }) => (
                <>
                    {invoices.length === 0 ? <p class="muted">{type === 'auto' ? 'No month with charges is over yet.' : 'There is none yet.'}</p> : (
                        <table class="stack">
                            <thead><tr><th scope="col">For</th><th scope="col">Kind</th><th scope="col">When</th><th scope="col">By</th><th scope="col" class="number">Amount</th></tr></thead>
                            <tbody>{invoices.map((i) => (
                                <tr key={i.id}><th scope="row">{i.description}</th><td data-label="Kind"><Tag tone={i.invoice_origin === 'manual' ? 'good' : ''}>{i.invoice_origin === 'manual' ? 'paid in' : 'usage'}</Tag></td>
                                    <td data-label="When">{moment(new Date(i.created * 1000).toISOString())}</td><td data-label="By">{i.created_by}</td><td class="number" data-label="Amount">{amount(i.amount_paid)}</td></tr>))}</tbody>
                        </table>
                    )}
                    {(page > 1 || pagination.has_more) && <div class="pager"><Button disabled={page === 1} onClick={() => setQuery({ page: String(page - 1) })}>Newer</Button><span>Page {page} of {Math.ceil(pagination.total_count / 20)}</span><Button disabled={!pagination.has_more} onClick={() => setQuery({ page: String(page + 1) })}>Older</Button></div>}
                </>
            )}</Ready>
        </section>
    );
}

export function Billing() {
    const [turn, setTurn] = useState(0);
    const [paying, setPaying] = useState(false);
    const both = useLoad(async (abort) => {
        const [balance, preview] = await Promise.all([get(`${BILLING}/credit-balance`, { signal: abort, what: 'Reading the balance' }), get(`${BILLING}/invoice-preview`, { signal: abort, what: 'Reading this month’s charges' })]);
        return { balance, preview };
    }, [turn]);
    const operator = may('operator');
    const payer = operator && <Button icon="plus" kind="primary" onClick={() => setPaying(true)}>Book a top-up</Button>;
    const unused = both.data && !both.data.balance.first_topup_success && both.data.balance.balance === 0 && both.data.preview.invoice_lines.length === 0;
    return (
        <>
            <Head title="Billing" note="Credits for calls that are made with the operator’s provider keys. Calls with your own keys are paid at the provider.">{!unused && payer}</Head>
            <Ready of={both}>{({ balance, preview }) => (unused ? (
                <Empty title="No credits yet">
                    <p>{operator ? 'Store a provider key for the instance, then book what this account has paid. Calls without a key of their own are then made with yours, and charged to the credits.' : 'The operator of this server books what you pay. Until then calls need a provider key of their own.'}</p>
                    {operator && <code>weir keys unified set openai &lt; secret.txt</code>}{payer}
                </Empty>
            ) : (
                <>
                    <dl class="figures">
                        <div class="card figure"><dt>Balance</dt><dd class={balance.balance <= 0 ? 'bad' : ''}>{amount(balance.balance)}</dd><dd class="muted">{balance.balance > 0 ? 'left for calls' : 'calls with the operator’s keys are refused'}</dd></div>
                        <div class="card figure"><dt>This month</dt><dd>{amount(preview.amount_due)}</dd><dd class="muted">charged so far</dd></div>
                        <div class="card figure"><dt>Calls this month</dt><dd>{exact(preview.invoice_lines.reduce((n, l) => n + l.quantity, 0))}</dd><dd class="muted">with the operator’s keys</dd></div>
                    </dl>
                    <Usage turn={turn} />
                    <Month preview={preview} />
                    <InvoiceList turn={turn} />
                </>
            ))}</Ready>
            {paying && <TopUp onClose={() => setPaying(false)} onDone={() => { setPaying(false); setTurn(turn + 1); say('Booked'); }} />}
        </>
    );
}
