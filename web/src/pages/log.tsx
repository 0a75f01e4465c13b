// SPDX-License-Identifier: Apache-2.0
// One row of the log: what was said, what it took, what it cost, and what people think of it.
import { Fragment } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { accountId, may } from '../lib/api';
import { get, patch, text, type Body } from '../lib/client';
import { answered, asked, parse, showable, tools, type Part, type Turn } from '../lib/conversation';
import { bytes, duration, exact, money, moment, NONE } from '../lib/format';
import { toParam } from '../lib/filters';
import { useLoad } from '../lib/load';
import { setQuery } from '../lib/router';
import type { LogDetail } from '../lib/types';
import { Button, Choice, complain, copy, Dialog, Ready, say, Tag } from '../ui/basics';
import { statusTone } from './logs';

const LOG = '/accounts/{A}/ai-gateway/gateways/{G}/logs/{L}';
interface Bodies { request: string | null; response: string | null }

async function read(gateway: string, log: string, abort: AbortSignal): Promise<LogDetail & Bodies> {
    const at = { G: gateway, L: log, signal: abort }, bodies = may('read', 'write');
    const body = (which: 'request' | 'response') => (bodies ? text(`${LOG}/${which}`, { ...at, what: 'Reading a stored body' }) : Promise.resolve(null));
    const [row, request, response] = await Promise.all([get(LOG, { ...at, what: 'Reading the row' }), body('request'), body('response')]);
    return Object.assign(row, { request, response });
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

function why(row: LogDetail): string {
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

function Timeline({ row }: { row: LogDetail }) {
    const total = row.timings?.total ?? row.duration, first = Math.min(row.timings?.latency ?? total, total);
    const part = (ms: number) => 5 + (total ? (1000 * ms) / total : 1);
    return (
        <section aria-label="Timeline">
            <div class="timeline" role="img" aria-label={`First byte after ${duration(first)}, end after ${duration(total)}`}>
                <span class="waiting-part" style={{ flexGrow: String(part(first)) }} /><span class="stream-part" style={{ flexGrow: String(part(total - first)) }} />
            </div>
            <p class="muted"><b>{duration(first)}</b> to the first byte, then <b>{duration(total - first)}</b> {row.weir.stream ? 'of stream' : 'to the end'}
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
        </tbody>
    </table>
);

function Facts({ row }: { row: LogDetail }) {
    const facts: [string, string | null | undefined][] = [['Time', moment(row.created_at)], ['Provider', row.provider], ['Path', `${row.weir.method} ${row.path}`], ['Door', row.request_type], ['User agent', row.user_agent],
        ['Types', `${row.request_content_type ?? NONE} → ${row.response_content_type ?? NONE}`], ['Provider key', row.byok ? 'stored in the gateway' : 'the client’s own, or none'], ['Log id', row.id], ['Event', row.event_id], ['Trace', row.weir.trace_id]];
    return (
        <>
            <dl class="facts">{facts.filter(([, v]) => v).map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>
            {row.metadata && <><h3>Metadata</h3><dl class="facts">{Object.entries(row.metadata).map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{String(v)}</dd></div>)}</dl></>}
        </>
    );
}

// ---- acts -----------------------------------------------------------------------------------------------

const quote = (s: string) => `'${s.replaceAll("'", "'\\''")}'`;

export function asCurl(row: LogDetail & Bodies, gateway: string, acct: string): string {
    const address = `${location.origin}/v1/${acct}/${gateway}/${row.provider}/${row.path}`;
    return [`curl ${quote(address)}`, row.weir.method === 'POST' ? '' : `-X ${row.weir.method}`, `-H "cf-aig-authorization: Bearer $WEIR_TOKEN"`, row.request_content_type && `-H ${quote(`Content-Type: ${row.request_content_type}`)}`,
        row.request && `--data-raw ${quote(row.request)}`].filter(Boolean).join(' \\\n  ');
}

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

type Tab = 'said' | 'raw' | 'facts';
const TABS: { key: Tab; label: string }[] = [{ key: 'said', label: 'Conversation' }, { key: 'raw', label: 'Raw' }, { key: 'facts', label: 'Details' }];

export function Drawer({ gateway, log, onClose, onChange }: { gateway: string; log: string; onClose: () => void; onChange: () => void }) {
    const asked = useLoad((abort) => read(gateway, log, abort), [gateway, log]);
    const before = useRef<(LogDetail & Bodies) | undefined>(undefined); // stays until the next row is there
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
                    <Timeline row={r} />
                    <div class="summary">
                        <Choice label="View" options={TABS} value={tab} onChange={(t) => setTab(t as Tab)} />
                        <Button icon="copy" onClick={() => copy(asCurl(r, gateway, accountId()))}>curl</Button>
                        <Button icon="copy" onClick={() => copy(location.href)}>Link</Button>
                        {r.event_id && <Button onClick={() => setQuery({ f: [toParam({ key: 'event_id', operator: 'eq', value: [r.event_id] })], log: null })}>All attempts</Button>}
                    </div>
                    {tab === 'said' && <div class="conversation"><Conversation row={r} /></div>}
                    {tab === 'raw' && <div class="raws"><Raw title="Request" body={r.request} size={r.request_size} missing={why(r)} /><Raw title="Answer" body={r.response} size={r.response_size} missing={r.weir.response_missing ? 'The answer was too long to be kept, or left out under pressure.' : why(r)} /></div>}
                    {tab === 'facts' && <><Usage row={r} /><Facts row={r} /></>}
                </Fragment>
            )}</Ready>
        </Dialog>
    );
}
