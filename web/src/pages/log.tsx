// SPDX-License-Identifier: Apache-2.0
// One row of the log: what was said, what it took, what it cost, and what people think of it.
import { Fragment, type ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { accountId, may } from '../lib/api';
import { get, list, patch, text, type Body } from '../lib/client';
import { answered, asked, parse, showable, tools, type Part, type Turn } from '../lib/conversation';
import { bytes, duration, exact, money, moment, NONE } from '../lib/format';
import { toParam } from '../lib/filters';
import { useLoad } from '../lib/load';
import { asCurl } from '../lib/replay';
import { go, link, setQuery } from '../lib/router';
import type { LogDetail, LogRow } from '../lib/types';
import { Button, Choice, complain, copy, Dialog, Ready, say, Tag } from '../ui/basics';
import { micro, Trail } from '../ui/trail';
import { statusTone } from './logs';

const LOG = '/accounts/{A}/ai-gateway/gateways/{G}/logs/{L}';
export interface Bodies { request: string | null; response: string | null }
/** The attempts of a row's request, itself among them; those before the fiftieth. */
interface Siblings { attempts: LogRow[] }

export async function readRow(gateway: string, log: string, abort: AbortSignal): Promise<LogDetail & Bodies & Siblings> {
    const at = { G: gateway, L: log, signal: abort }, bodies = may('read', 'write');
    const body = (which: 'request' | 'response') => (bodies ? text(`${LOG}/${which}`, { ...at, what: 'Reading a stored body' }) : Promise.resolve(null));
    const [row, request, response] = await Promise.all([get(LOG, { ...at, what: 'Reading the row' }), body('request'), body('response')]);
    return Object.assign(row, { request, response, attempts: await attemptsOf(gateway, row, abort) });
}

/* An event may have several requests. Without the list the row has to do. */
async function attemptsOf(gateway: string, row: LogRow, abort: AbortSignal): Promise<LogRow[]> {
    const filters = JSON.stringify([{ key: 'event_id', operator: 'eq', value: [row.event_id] }]);
    const { rows } = await list('/accounts/{A}/ai-gateway/gateways/{G}/logs', { G: gateway, query: { per_page: 50, filters }, signal: abort, what: 'Listing attempts' }).catch(() => ({ rows: [] as LogRow[] }));
    const ours = rows.filter((r) => r.weir.request_id === row.weir.request_id);
    return ours.some((r) => r.id === row.id) ? ours : [row, ...ours];
}

// ---- what was said --------------------------------------------------------------------------------------

function Shown({ part }: { part: Part }) {
    switch (part.kind) {
    case 'text': return <div class="said">{part.text}</div>;
    case 'thinking': return <details class="thinking"><summary>Thinking</summary><div class="said">{part.text}</div></details>;
    case 'image': return showable(part.url) ? <img class="picture" src={part.url} alt="In the message" /> : <div class="said muted">Picture, not fetched: <code>{part.url.slice(0, 300)}</code></div>;
    case 'call': return <div class="tool"><b>Calls {part.name}</b><pre>{part.args}</pre></div>;
    case 'result': return <div class="tool"><b>Result{part.id && ` of ${part.id}`}</b><pre>{part.text}</pre></div>;
    case 'other': return <pre class="tool">{JSON.stringify(part.json, null, 2)}</pre>;
    }
}

export const Said = ({ turn }: { turn: Turn }) => (
    <article class={`turn ${['user', 'system', 'developer', 'tool'].includes(turn.role) ? turn.role : 'assistant'}${turn.answer ? ' answer' : ''}`} aria-label={turn.answer ? 'Answer' : turn.role}>
        <h3>{turn.answer ? 'Answer' : turn.role}</h3>{turn.parts.map((p, i) => <Shown key={i} part={p} />)}
    </article>
);

function Conversation({ row }: { row: LogDetail & Bodies }) {
    const request = parse(row.request), response = parse(row.response);
    const turns = [...asked(request), ...answered(response)], offered = tools(request);
    if (!turns.length) return <p class="muted">{row.request === null ? why(row) : 'No conversation is known in these bodies: the raw ones are all there is to show.'}</p>;
    return (
        <>
            {offered.length > 0 && <p class="muted">Tools offered: {offered.join(', ')}</p>}
            {turns.map((t, i) => <Said key={i} turn={t} />)}
            {row.weir.error && <article class="turn failed" aria-label="Error"><h3>Error</h3><div class="said">{row.weir.error}</div></article>}
        </>
    );
}

export function why(row: LogDetail): string {
    if (!may('read', 'write')) return 'This token may not read bodies: it needs the permission read.';
    if (row.weir.no_payload) return 'The request asked that bodies be left out.';
    return row.weir.request_missing ? 'The body was too long to be kept, or left out under pressure.' : 'No body is stored.';
}

const pretty = (body: string) => { const json = parse(body); return json === undefined ? body : JSON.stringify(json, null, 2); };

const Raw = ({ title, body, size, missing }: { title: string; body: string | null; size: number; missing: string }) => (
    <section class="raw">
        <header><h3>{title}</h3><span class="muted">{bytes(size)}</span>{body !== null && <Button icon="copy" label={`Copy the ${title.toLowerCase()}`} onClick={() => copy(body)} />}</header>
        {body === null ? <p class="muted">{missing}</p> : <pre tabIndex={0} aria-label={title}>{pretty(body)}</pre>}
    </section>
);

// ---- facts ----------------------------------------------------------------------------------------------

function Timeline({ row, rows }: { row: LogDetail; rows: LogRow[] }) {
    const total = row.timings.total ?? row.duration, first = Math.min(row.timings.latency ?? total, total), age = row.weir.cache_age_ms;
    return (
        <section aria-label="Timeline">
            <Trail rows={rows} current={row} onOpen={(id) => setQuery({ log: id })} />
            <p class="muted">{age !== null ? <>The answer had been in the cache for <b>{duration(age)}</b>. </> : row.cached && 'The answer was on its way to another request. '}
                <b>{micro(1000 * first)}</b> to the first byte, then <b>{micro(1000 * (total - first))}</b> {row.weir.stream ? 'of stream' : 'to the end'}
                {row.weir.stream && row.tokens_out && total - first >= 50 ? `, ${exact(Math.round(row.tokens_out / ((total - first) / 1000)))} tokens/s` : ''}. Step {row.step + 1}, try {row.weir.attempt + 1}.{row.weir.client_gone && ' The client left before the end.'}</p>
        </section>
    );
}

const BUCKETS: [keyof LogDetail['usage_metadata'], string][] = [['input_tokens', 'In'], ['input_cached_tokens', '… read from the provider’s cache'], ['input_cache_write_tokens', '… written to it'], ['input_audio_tokens', '… audio'],
    ['output_tokens', 'Out'], ['output_reasoning_tokens', '… reasoning'], ['output_audio_tokens', '… audio']];

const Usage = ({ row }: { row: LogDetail }) => (
    <table class="facts" aria-label="Tokens and cost">
        <tbody>
            {BUCKETS.map(([key, label]) => ({ key, label, n: row.usage_metadata[key] })).filter(({ label, n }) => n || !label.startsWith('…'))
                .map(({ key, label, n }) => <tr key={key}><th scope="row">{label}</th><td class="number">{exact(n)}</td></tr>)}
            <tr><th scope="row">Cost{row.custom_cost && ', by the request’s own rates'}</th><td class="number"><b>{row.cost == null ? 'not known' : money(row.cost)}</b></td></tr>
            {row.cached && <tr><th scope="row">Saved: what this answer had cost</th><td class="number">{row.weir.saved_cost == null ? 'not known' : money(row.weir.saved_cost)}</td></tr>}
        </tbody>
    </table>
);

function Facts({ row, gateway }: { row: LogDetail; gateway: string }) {
    const alias = row.weir.key_alias;
    const key = alias ? <>{alias}, <a href={link('gateways', gateway, 'keys')}>stored in the gateway</a></> : row.byok ? 'stored in the gateway' : 'the client’s own, or none';
    const facts: [string, ComponentChildren][] = [['Time', moment(row.created_at)], ['Provider', row.provider], ['Path', `${row.weir.method} ${row.path}`], ['Door', row.request_type], ['User agent', row.user_agent],
        ['Types', `${row.request_content_type ?? NONE} → ${row.response_content_type ?? NONE}`], ['Provider key', key], ['Log id', row.id], ['Event', row.event_id], ['Trace', row.weir.trace_id]];
    return (
        <>
            <dl class="facts">{facts.filter(([, v]) => v).map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>
            {row.metadata && <><h3>Metadata</h3><dl class="facts">{Object.entries(row.metadata).map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{String(v)}</dd></div>)}</dl></>}
        </>
    );
}

// ---- acts -----------------------------------------------------------------------------------------------

function Opinion({ gateway, row, onChange }: { gateway: string; row: LogDetail; onChange: () => void }) {
    const [feedback, setFeedback] = useState(row.feedback ?? 0);
    const [score, setScore] = useState(row.score == null ? '' : String(row.score));
    const save = async (body: Body<'patch', typeof LOG>) => {
        await patch(LOG, { G: gateway, L: row.id, body, what: 'Saving your opinion' });
        say('Saved');
        onChange();
    };
    const rate = (value: number) => {
        const next = feedback === value ? 0 : value;
        save({ feedback: next }).then(() => setFeedback(next), complain);
    };
    const number = Number(score), bad = score !== '' && !(number >= 0 && number <= 100);
    return (
        <div class="opinion" role="group" aria-label="Feedback">
            <Button icon="up" label="Good answer" aria-pressed={feedback === 1} onClick={() => rate(1)} />
            <Button icon="down" label="Bad answer" aria-pressed={feedback === -1} onClick={() => rate(-1)} />
            <form onSubmit={(e) => { e.preventDefault(); if (!bad) save({ score: score === '' ? null : number }).catch(complain); }}>
                <input aria-label="Score, 0 to 100" placeholder="Score 0–100" inputMode="decimal" aria-invalid={bad || undefined} value={score} onInput={(e) => setScore(e.currentTarget.value)} /><Button type="submit" disabled={bad || score === (row.score == null ? '' : String(row.score))}>Set</Button>
            </form>
        </div>
    );
}

/** Why a request cannot be made again; empty: it can. */
export const lost = (row: LogDetail & Bodies) => (row.request === null && (row.request_size > 0 || row.weir.method === 'POST') ? why(row) : '');

const NOTE_BYTES = 10_000;

function Note({ gateway, row, onChange }: { gateway: string; row: LogDetail; onChange: () => void }) {
    const [kept, setKept] = useState(row.weir.note ?? '');
    const [note, setNote] = useState(kept);
    const [open, setOpen] = useState(kept !== '');
    const [busy, setBusy] = useState(false);
    if (!may('write')) return kept ? <section class="row-note" aria-label="Note"><h3>Note</h3><div class="said">{kept}</div></section> : null;
    if (!open) return <div class="row-note"><div class="beside"><Button icon="plus" onClick={() => setOpen(true)}>Add a note</Button></div></div>;
    const size = new TextEncoder().encode(note).length, long = size > NOTE_BYTES;
    const save = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        try {
            await patch(LOG, { G: gateway, L: row.id, body: { weir_note: note.trim() === '' ? null : note }, what: 'Saving the note' });
            setKept(note);
            say(note.trim() === '' ? 'The note is gone' : 'Saved');
            onChange();
        } catch (trouble) {
            complain(trouble);
        } finally {
            setBusy(false);
        }
    };
    return (
        <form class="row-note" onSubmit={save}>
            <label for="row-note">Note</label>
            <textarea id="row-note" rows={2} value={note} aria-invalid={long || undefined} aria-describedby={long ? 'row-note-long' : undefined} onInput={(e) => setNote(e.currentTarget.value)} />
            <div class="beside">{long && <small id="row-note-long"><em class="wrong">{exact(size)} bytes, {exact(NOTE_BYTES)} are kept</em></small>}
                <Button type="submit" busy={busy} disabled={long || note === kept}>Save the note</Button></div>
        </form>
    );
}

type Tab = 'said' | 'raw' | 'facts';
const TABS: { key: Tab; label: string }[] = [{ key: 'said', label: 'Conversation' }, { key: 'raw', label: 'Raw' }, { key: 'facts', label: 'Details' }];

export function Drawer({ gateway, log, onClose, onChange }: { gateway: string; log: string; onClose: () => void; onChange: () => void }) {
    const asked = useLoad((abort) => readRow(gateway, log, abort), [gateway, log]);
    const before = useRef<(LogDetail & Bodies & Siblings) | undefined>(undefined); // stays until the next row is there
    if (asked.data || asked.error) before.current = asked.data;
    const row = { ...asked, data: asked.data ?? before.current };
    const [tab, setTab] = useState<Tab>('said');
    return (
        <Dialog title={row.data?.model || 'Log row'} onClose={onClose} class="drawer">
            <Ready of={row} rows={8}>{(r) => (
                <Fragment key={r.id}>
                    <div class="summary">
                        <Tag tone={statusTone(r)}>{r.status_code ?? 'no answer'}</Tag>{r.cached && <Tag tone="accent">cached</Tag>}{r.weir.stream && <Tag>stream</Tag>}
                        <span>{r.provider}</span><span>{money(r.cost)}</span><span>{duration(r.duration)}</span>
                        {may('write') && <Opinion gateway={gateway} row={r} onChange={onChange} />}
                    </div>
                    <Timeline row={r} rows={r.attempts} />
                    <Note gateway={gateway} row={r} onChange={onChange} />
                    <div class="summary">
                        <Choice label="View" options={TABS} value={tab} onChange={(t) => setTab(t as Tab)} />
                        <Button icon="play" disabled={!!lost(r)} onClick={() => go(`/playground?${new URLSearchParams({ gateway, log: r.id })}`)}>Replay</Button>
                        <Button icon="copy" disabled={!!lost(r)} onClick={() => copy(asCurl(r, r.request, { origin: location.origin, account: accountId(), gateway }))}>curl</Button>
                        <Button icon="copy" onClick={() => copy(location.href)}>Link</Button>
                        {r.event_id && <Button onClick={() => setQuery({ f: [toParam({ key: 'event_id', operator: 'eq', value: [r.event_id] })], log: null })}>All attempts</Button>}
                    </div>
                    {lost(r) && <p class="muted">It cannot be asked again: {lost(r)}</p>}
                    {tab === 'said' && <div class="conversation"><Conversation row={r} /></div>}
                    {tab === 'raw' && <div class="raws"><Raw title="Request" body={r.request} size={r.request_size} missing={why(r)} /><Raw title="Answer" body={r.response} size={r.response_size} missing={r.weir.response_missing ? 'The answer was too long to be kept, or left out under pressure.' : why(r)} /></div>}
                    {tab === 'facts' && <><Usage row={r} /><Facts row={r} gateway={gateway} /></>}
                </Fragment>
            )}</Ready>
        </Dialog>
    );
}
