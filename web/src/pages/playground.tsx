// SPDX-License-Identifier: Apache-2.0
// A conversation with one model or two at once, through a gateway: what they answer, how soon, and for how much.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { effect, signal } from '@preact/signals';
import { accountId, may, session, tokenEnd } from '../lib/api';
import { get, post, text } from '../lib/client';
import { ask as send, askRaw as sendRaw, bodyOf, faults, models, NO_ANSWER, PROGRAMS, rowOf, type Answer, type Question, type Way } from '../lib/chat';
import { answered, parse, showable, type Part, type Turn } from '../lib/conversation';
import { duration, exact, moment, money, NONE } from '../lib/format';
import { gateways } from '../lib/gateways';
import { useLoad } from '../lib/load';
import { keyLine, linesOf, pathOf, questionOf, RAW_PROGRAMS } from '../lib/replay';
import { link, query, setQuery } from '../lib/router';
import type { LogDetail, LogRow } from '../lib/types';
import { Button, Choice, complain, Dialog, Empty, Head, Problem, say, Snippet, Tag } from '../ui/basics';
import { atHand } from '../ui/places';
import { lost, readRow, Said, type Bodies } from './log';
import './playground.css';

// What was typed outlives a look at another page, but neither a reload nor signing out: nothing of it is stored.
const FRESH: Question = { system: '', messages: [{ role: 'user', content: '' }], tools: '', temperature: '', maxTokens: '', extra: '' };
/** A replay's bytes, as they are edited; which row they and the question were taken from. */
const raw = signal('');
const taken = signal('');
const question = signal<Question>(FRESH);
const secrets = signal({ token: '', providerKey: '' });
effect(() => {
    if (session.value) return;
    secrets.value = { token: '', providerKey: '' };
    question.value = FRESH;
    raw.value = taken.value = '';
});

const TOOL = JSON.stringify([{ type: 'function', function: { name: 'get_weather', description: 'The weather in a city.', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }], null, 2);
const FIRST_MODEL = 'openai/gpt-4o-mini', RUN = 'AI Gateway Run', HOUR_MS = 3600e3, TYPING_MS = 300;

// ---- who asks ---------------------------------------------------------------------------------------------

/** A token that may run for an hour, made with the session and kept nowhere. */
async function makeToken(): Promise<void> {
    const groups = await get('/accounts/{A}/tokens/permission_groups', { what: 'Listing permissions' });
    const only = session.value?.gateways;
    const { result: token } = await post('/accounts/{A}/tokens', { what: 'Making a token', body: { name: 'playground', ...(only && { weir_gateways: only }), expires_on: tokenEnd(HOUR_MS),
        policies: [{ effect: 'allow', permission_groups: groups.filter((g) => g.name === RUN).map(({ id }) => ({ id })), resources: { [`com.cloudflare.api.account.${accountId()}`]: '*' } }] } });
    secrets.value = { ...secrets.value, token: token.value ?? '' };
    say('Made: it ends in an hour');
}

function Credentials({ missing }: { missing: boolean }) {
    const [busy, setBusy] = useState(false);
    const { token, providerKey } = secrets.value;
    const make = () => { setBusy(true); makeToken().catch(complain).finally(() => setBusy(false)); };
    return (
        <>
            <div class="field">
                <label for="run-token">Run token</label>
                <div class="beside"><input id="run-token" type="password" autocomplete="off" value={token} aria-invalid={missing ? true : undefined} aria-describedby="run-token-help" onInput={(e) => { secrets.value = { ...secrets.value, token: e.currentTarget.value.trim() }; }} />
                    {may('tokens_write') && may('run') && <Button icon="token" busy={busy} onClick={make}>Make one for an hour</Button>}</div>
                <small id="run-token-help">{missing ? <em class="wrong">This gateway wants a token that may run.</em> : 'Gateways do not take the session of this page. Kept in memory until it is reloaded or you sign out.'}</small>
            </div>
            <details class="more"><summary>Key of the provider</summary>
                <div class="field"><label for="provider-key">Provider key</label><input id="provider-key" type="password" autocomplete="off" value={providerKey} aria-describedby="provider-key-help" onInput={(e) => { secrets.value = { ...secrets.value, providerKey: e.currentTarget.value.trim() }; }} />
                    <small id="provider-key-help">Empty: the one that the gateway stores, or the operator’s. Kept like the token.</small></div>
            </details>
        </>
    );
}

// ---- what is asked ------------------------------------------------------------------------------------------

const set = (change: Partial<Question>) => { question.value = { ...question.value, ...change }; };

/* What a message has beside its text. */
const Attached = ({ message: { pictures = [], calls = [] } }: { message: Question['messages'][number] }) => (
    <>
        {pictures.map((url, i) => (showable(url) ? <img key={i} class="picture" src={url} alt={`Picture ${i + 1}`} /> : <small key={i} class="muted">Picture, not fetched: <code>{url.slice(0, 100)}</code></small>))}
        {calls.map((c, i) => <small key={i}>Calls <b>{c.name}</b> <code>{c.args.slice(0, 300)}</code></small>)}
    </>
);

function Messages({ wrong }: { wrong: string | undefined }) {
    const { messages } = question.value;
    const change = (i: number, to: Partial<Question['messages'][number]>) => set({ messages: messages.map((m, k) => (k === i ? { ...m, ...to } : m)) });
    return (
        <fieldset class="messages"><legend>Messages</legend>
            {messages.map((m, i) => (
                <div class="message" key={i}>
                    <div class="beside">{m.role === 'tool' ? <b>result{m.callId && ` of ${m.callId}`}</b> : <select aria-label={`Who says message ${i + 1}`} value={m.role} onChange={(e) => change(i, { role: e.currentTarget.value as 'user' | 'assistant' })}><option value="user">user</option><option value="assistant">assistant</option></select>}
                        {messages.length > 1 && <Button icon="trash" kind="ghost" label={`Take message ${i + 1} away`} onClick={() => set({ messages: messages.filter((_, k) => k !== i) })} />}</div>
                    <textarea rows={m.role === 'user' ? 4 : 3} aria-label={`Message ${i + 1}`} value={m.content} placeholder={i === 0 ? 'What is a weir?' : ''} onInput={(e) => change(i, { content: e.currentTarget.value })} />
                    <Attached message={m} />
                </div>
            ))}
            {wrong && <small role="alert"><em class="wrong">{wrong}</em></small>}
            <div><Button icon="plus" onClick={() => set({ messages: [...messages, { role: messages.at(-1)?.role === 'user' ? 'assistant' : 'user', content: '' }] })}>Add a message</Button></div>
        </fieldset>
    );
}

function Options({ wrong, skipCache, onSkip }: { wrong: Partial<Record<keyof Question, string>>; skipCache: boolean; onSkip: (on: boolean) => void }) {
    const q = question.value;
    const input = (key: 'temperature' | 'maxTokens', label: string) => (
        <div class="field"><label for={`ask-${key}`}>{label}</label><input id={`ask-${key}`} inputMode="decimal" autocomplete="off" placeholder="as the model has it" value={q[key]} aria-invalid={wrong[key] ? true : undefined} aria-describedby={wrong[key] ? `ask-${key}-help` : undefined} onInput={(e) => set({ [key]: e.currentTarget.value })} />
            {wrong[key] && <small id={`ask-${key}-help`}><em class="wrong">{wrong[key]}</em></small>}</div>
    );
    return (
        <>
            <div class="pair">{input('temperature', 'Temperature')}{input('maxTokens', 'Most tokens')}</div>
            <details class="more" open={!!q.tools}><summary>Tools</summary>
                <div class="field"><label for="ask-tools">Tools, as JSON</label><textarea id="ask-tools" rows={8} spellcheck={false} value={q.tools} aria-invalid={wrong.tools ? true : undefined} aria-describedby="ask-tools-help" onInput={(e) => set({ tools: e.currentTarget.value })} />
                    <small id="ask-tools-help">{wrong.tools ? <em class="wrong">{wrong.tools}</em> : 'An array as in OpenAI’s chat, whatever the provider.'}</small></div>
                {!q.tools && <Button onClick={() => set({ tools: TOOL })}>Fill in an example</Button>}
            </details>
            {(q.extra || wrong.extra) && (
                <div class="field"><label for="ask-extra">Other parameters, as JSON</label><textarea id="ask-extra" rows={4} spellcheck={false} value={q.extra} aria-invalid={wrong.extra ? true : undefined} aria-describedby={wrong.extra ? 'ask-extra-help' : undefined} onInput={(e) => set({ extra: e.currentTarget.value })} />
                    {wrong.extra && <small id="ask-extra-help"><em class="wrong">{wrong.extra}</em></small>}</div>
            )}
            <label class="check"><input type="checkbox" checked={skipCache} onChange={(e) => onSkip(e.currentTarget.checked)} />Skip the cache</label>
        </>
    );
}

// ---- what comes back ------------------------------------------------------------------------------------------

interface Run { answer: Answer; row: LogRow | null | undefined; turns?: Turn[] } // undefined: not looked for yet, or still looking

const partsOf = (a: Answer): Part[] => [
    ...(a.thinking ? [{ kind: 'thinking' as const, text: a.thinking }] : []), ...(a.text ? [{ kind: 'text' as const, text: a.text }] : []),
    ...a.calls.map((c) => ({ kind: 'call' as const, ...c })),
];

/* Beside a stored answer the times are the gateway's, as of that one. */
function Figures({ run, gateway, beside }: { run: Run; gateway: string; beside: boolean }) {
    const { answer: a, row } = run, its = beside && row ? row.timings : null, done = a.totalMs !== null;
    const cost = row ? (row.cached ? '$0, cached' : money(row.cost)) : done && a.logId && row === undefined ? '…' : NONE;
    const fact = (label: string, value: string) => <div><dt>{label}</dt><dd>{value}</dd></div>;
    return (
        <>
            <dl class="taken">
                {fact(its ? 'First byte' : 'First token', duration(its ? its.latency : a.firstMs))}{fact('All of it', duration(its ? its.total : a.totalMs))}{fact('Tokens in', exact(row?.tokens_in ?? a.tokensIn))}{fact('Tokens out', exact(row?.tokens_out ?? a.tokensOut))}{fact('Cost', cost)}
            </dl>
            {row && <p><a href={`${link('gateways', gateway, 'logs')}?log=${encodeURIComponent(row.id)}`}>Its row in the log</a></p>}
            {row === null && <p class="muted">The log has no row of it: see whether the gateway keeps one.</p>}
        </>
    );
}

const HOW: [(a: Answer) => boolean, 'good' | 'bad' | 'warn' | 'accent', (a: Answer) => string][] = [
    [(a) => !!a.error, 'bad', (a) => (a.status >= 400 ? String(a.status) : 'failed')],
    [(a) => a.stopped, 'warn', () => 'stopped'],
    [(a) => a.totalMs === null, 'accent', (a) => (a.firstMs === null ? 'waiting' : 'answering')],
    [(a) => a.finish !== '' && a.finish !== 'stop', 'warn', (a) => a.finish],
    [() => true, 'good', () => 'done'],
];

function Answered({ model, run, gateway, beside }: { model: string; run: Run | undefined; gateway: string; beside: boolean }) {
    const a = run?.answer, how = a && HOW.find(([is]) => is(a)), parts = a ? partsOf(a) : [], turns = run?.turns ?? [];
    return (
        <section class="card answer-card" aria-label={`Answer of ${model || 'no model'}`} aria-busy={a ? a.totalMs === null : undefined}>
            <div class="head"><h2>{model || 'No model'}</h2><span role="status">{how && a && <Tag tone={how[1]}>{how[2](a)}</Tag>}</span></div>
            {!a && <p class="muted">Its answer appears here.</p>}
            {turns.map((t, i) => <Said key={i} turn={t} />)}
            {a?.raw && !turns.length && <pre class="raw-answer" tabIndex={0} aria-label="The answer as it came">{a.raw}</pre>}
            {parts.length > 0 && <Said turn={{ role: 'assistant', parts, answer: true }} />}
            {a?.error && <div class="problem" role="alert"><strong>{a.status >= 400 ? `Refused with ${a.status}` : 'No answer'}</strong><span>{a.error}</span></div>}
            {a && a.totalMs === null && parts.length === 0 && !a.raw && <p class="muted">Waiting for the first token…</p>}
            {run && <Figures run={run} gateway={gateway} beside={beside} />}
        </section>
    );
}

function Code({ way, model, bytesOf, onClose }: { way: Way; model: string; bytesOf: LogRow | null; onClose: () => void }) {
    const [key, setKey] = useState('curl');
    const program = PROGRAMS.find((p) => p.key === key) ?? PROGRAMS[0]!, same = RAW_PROGRAMS.find((p) => p.key === key) ?? RAW_PROGRAMS[0]!;
    const code = bytesOf ? same.code(bytesOf, raw.value, { origin: location.origin, account: way.account, gateway: way.gateway }, way.skipCache) : program.code(location.origin, way, bodyOf(question.value, model));
    return (
        <Dialog title="The same as a program" onClose={onClose} class="wide">
            <Choice label="Program" options={PROGRAMS} value={key} onChange={setKey} />
            <Snippet label={program.label} code={code} />
            <p class="muted">The token comes from <code>WEIR_TOKEN</code>{(bytesOf ? code.includes('PROVIDER_KEY') : way.providerKey) && <>, the provider’s key from <code>PROVIDER_KEY</code></>}: no secret stands in the code.</p>
        </Dialog>
    );
}

// ---- a row of the log, once more --------------------------------------------------------------------------------

type Kept = LogDetail & Bodies;
type How = 'chat' | 'raw';
const HOWS: { key: How; label: string }[] = [{ key: 'chat', label: 'As a chat' }, { key: 'raw', label: 'The same bytes' }];

/* What it was then, beside what it is now. */
function Then({ row, gateway }: { row: Kept; gateway: string }) {
    const turns = answered(parse(row.response)), fact = (label: string, value: string) => <div><dt>{label}</dt><dd>{value}</dd></div>;
    return (
        <section class="card answer-card" aria-label="The stored answer">
            <div class="head"><h2>Then: {row.provider}/{row.model}</h2><Tag tone={row.success ? 'good' : 'bad'}>{row.status_code ?? 'no answer'}</Tag></div>
            {turns.map((t, i) => <Said key={i} turn={t} />)}
            {!turns.length && (row.response === null ? <p class="muted">The answer is not stored.</p> : <pre class="raw-answer" tabIndex={0} aria-label="The stored answer as it is">{row.response.slice(0, 20_000)}</pre>)}
            {row.weir.error && <div class="problem"><span>{row.weir.error}</span></div>}
            <dl class="taken">{fact('First byte', duration(row.timings.latency))}{fact('All of it', duration(row.timings.total ?? row.duration))}{fact('Tokens in', exact(row.tokens_in))}{fact('Tokens out', exact(row.tokens_out))}{fact('Cost', row.cached ? '$0, cached' : money(row.cost))}</dl>
            <p><a href={`${link('gateways', gateway, 'logs')}?log=${encodeURIComponent(row.id)}`}>Its row in the log</a></p>
        </section>
    );
}

function Replay({ row, how, onHow, said }: { row: Kept; how: How; onHow: (how: How) => void; said: ReturnType<typeof questionOf> }) {
    const left = said?.left ?? [];
    return (
        <section class="card replay" aria-label="Replay">
            <div class="head"><h2>Replay of a request to {row.provider}/{row.model || row.path}</h2><Button icon="close" kind="ghost" label="Leave the replay" onClick={() => setQuery({ log: null })} /></div>
            {lost(row) ? <p>It cannot be asked again: {lost(row)}</p> : (
                <>
                    <p class="muted">From {moment(row.created_at)}. {said ? 'As a chat it can be changed, and asked of other models; the same bytes go to the same path.' : 'The playground does not know this kind of request as a chat: its bytes can be edited, and go to the same path.'}</p>
                    {said && <Choice label="How it is asked" options={HOWS} value={how} onChange={(h) => onHow(h as How)} />}
                    {said && how === 'chat' && left.length > 0 && <p role="note"><b>Not part of the chat:</b> {left.join(', ')}. The same bytes have it all.</p>}
                </>
            )}
        </section>
    );
}

const RawEditor = ({ row, wrong }: { row: Kept; wrong: string }) => (
    <div class="field"><label for="ask-raw">Body</label><textarea id="ask-raw" rows={18} spellcheck={false} value={raw.value} aria-invalid={wrong ? true : undefined} aria-describedby="ask-raw-help" onInput={(e) => { raw.value = e.currentTarget.value; }} />
        <small id="ask-raw-help">{wrong ? <em class="wrong">{wrong}</em> : <>{row.weir.method ?? 'POST'} <code>{row.provider}/{row.path}</code></>}</small></div>
);

const pretty = (body: string) => { const json = parse(body); return json === undefined ? body : JSON.stringify(json, null, 2); };

/** The row that `?log=` names; the first time its request fills the page. */
function useReplay(gateway: string, onTaken: () => void) {
    const log = query.value.get('log');
    const kept = useLoad(async (abort) => (log ? readRow(gateway, log, abort) : null), [gateway, log]);
    const row = kept.data?.id === log ? kept.data ?? null : null, said = useMemo(() => (row ? questionOf(row, row.request) : null), [row]);
    const [wish, setHow] = useState<How>('chat');
    useEffect(() => {
        if (!log) taken.value = '';
        if (!row || taken.value === row.id) return;
        taken.value = row.id;
        raw.value = pretty(row.request ?? '');
        if (said) question.value = said.question;
        if (said) setQuery({ model: `${row.provider}/${row.model}`, with: null }, { replace: true });
        onTaken();
    }, [row, log]);
    return { log, kept, row, said, how: said ? wish : 'raw' as How, setHow };
}

// ---- the page ---------------------------------------------------------------------------------------------------

/** Conversations with the models that are asked at the same time. */
function useRuns(gateway: string) {
    const [runs, setRuns] = useState<Run[]>([]);
    const control = useRef<AbortController | null>(null);
    useEffect(() => () => control.current?.abort(), []);
    const put = (at: number, change: Partial<Run>) => setRuns((old) => old.map((r, i) => (i === at ? { ...r, ...change } : r)));
    /* A replay of bytes: what came is read as the log has it, in whatever dialect. */
    const startRaw = async (way: Way, row: LogRow) => {
        control.current?.abort();
        const { signal: abort } = (control.current = new AbortController());
        setRuns([{ answer: NO_ANSWER, row: undefined }]);
        const mine = (change: Partial<Run>) => { if (control.current?.signal === abort) put(0, change); };
        const [name, scheme] = keyLine(row.provider);
        const lines = { ...linesOf(row), ...(way.providerKey && { [name]: scheme + way.providerKey }) };
        const { logId } = await sendRaw(way, pathOf(row, way.account, way.gateway), row.weir.method ?? 'POST', lines, raw.value, abort, (answer) => mine({ answer }));
        const made = logId && may('metadata_read', 'read', 'write') ? await rowOf(gateway, logId).catch(() => null) : undefined;
        const body = made && may('read', 'write') ? await text('/accounts/{A}/ai-gateway/gateways/{G}/logs/{L}/response', { G: gateway, L: made.id, what: 'Reading the answer' }).catch(() => null) : null;
        mine({ row: made, turns: answered(parse(body)) });
    };
    const start = (way: Way, names: string[]) => {
        control.current?.abort();
        const { signal: abort } = (control.current = new AbortController());
        setRuns(names.map(() => ({ answer: NO_ANSWER, row: undefined })));
        names.forEach(async (name, i) => {
            const mine = (change: Partial<Run>) => { if (control.current?.signal === abort) put(i, change); };
            const { logId } = await send(way, bodyOf(question.value, name), abort, (answer) => mine({ answer }));
            mine({ row: logId && may('metadata_read', 'read', 'write') ? await rowOf(gateway, logId).catch(() => null) : undefined });
        });
    };
    return { runs, start, startRaw, stop: () => control.current?.abort(), clear: () => setRuns([]), running: runs.some((r) => r.answer.totalMs === null) };
}

export function Playground() {
    const known = gateways.value, gateway = query.value.get('gateway') ?? (known ? atHand() ?? '' : 'default');
    const ids = known?.map((g) => g.id), offered = ids && !ids.includes(gateway) ? [gateway, ...ids] : ids; // a token that only runs may not list them
    const model = query.value.get('model') ?? FIRST_MODEL, other = query.value.get('with');
    const [tried, setTried] = useState(false);
    const [skipCache, setSkip] = useState(false);
    const [coding, setCoding] = useState(false);
    const answers = useRef<HTMLDivElement>(null);
    const { runs, start, startRaw, stop, clear, running } = useRuns(gateway);
    const replay = useReplay(gateway, () => { clear(); setTried(false); setSkip(true); });
    const bytesOf = replay.row && replay.how === 'raw' && !lost(replay.row) ? replay.row : null, wrongBytes = bytesOf && raw.value.trim() && parse(raw.value) === undefined ? 'This is not JSON' : '';
    const open = known?.find((g) => g.id === gateway)?.authentication === false;
    const way: Way = { account: session.value?.account ?? '', gateway, ...secrets.value, skipCache, alias: replay.row?.weir.key_alias ?? '' };
    const names = bytesOf ? [`${bytesOf.provider}/${bytesOf.model}`] : other === null ? [model] : [model, other];
    const wrong = faults(question.value), missing = !open && !way.token;
    const list = useLoad(async (abort) => {
        await new Promise((later) => setTimeout(later, TYPING_MS));
        return gateway && !missing && !abort.aborted ? models(way, abort) : [];
    }, [gateway, way.token, open]);
    const run = () => {
        setTried(true);
        if (missing) document.getElementById('run-token')?.focus();
        else if (bytesOf ? !wrongBytes && !running : !Object.keys(wrong).length && names.every(Boolean) && !running) {
            if (bytesOf) startRaw(way, bytesOf);
            else start(way, names);
            if (answers.current && answers.current.getBoundingClientRect().top > innerHeight - 100) answers.current.scrollIntoView();
        }
    };
    const keys = (e: KeyboardEvent) => {
        if (document.querySelector('dialog[open]')) return;
        if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); run(); }
        if (e.key === 'Escape' && running) { e.preventDefault(); stop(); }
    };
    useEffect(() => { // on the window: the button that was pressed last may be gone, and the focus with it
        addEventListener('keydown', keys);
        return () => removeEventListener('keydown', keys);
    });
    const goOn = (a: Answer) => { set({ messages: [...question.value.messages, { role: 'assistant', content: a.text }, { role: 'user', content: '' }] }); clear(); setTried(false); };
    const modelField = (label: string, name: 'model' | 'with', value: string) => (
        <div class="field"><label for={`ask-${name}`}>{label}</label>
            <div class="beside"><input id={`ask-${name}`} list="models" autocomplete="off" spellcheck={false} value={value} placeholder="provider/model" aria-invalid={value ? undefined : true} onInput={(e) => setQuery({ [name]: e.currentTarget.value }, { replace: true })} />
                {name === 'with' && <Button icon="close" label="Without the second model" onClick={() => { setQuery({ with: null }); clear(); }} />}</div></div>
    );
    if (known && !known.length) return <><Head title="Playground" /><Empty title="No gateway yet"><p>Calls go through a gateway.</p><a class="button" href="/new">Create the first one</a></Empty></>;
    return (
        <div class="playground">
            <Head title="Playground" note="Real calls: they are logged, limited and paid like those of programs.">
                <Button icon="code" onClick={() => setCoding(true)}>Show code</Button>
            </Head>
            {replay.log && replay.kept.error && <Problem error={replay.kept.error} retry={replay.kept.reload} />}
            {replay.row && <Replay row={replay.row} said={replay.said} how={replay.how} onHow={(how) => { replay.setHow(how); clear(); }} />}
            <div class="bench">
                <form class="card asking" aria-label="What is asked" onSubmit={(e) => { e.preventDefault(); run(); }}>
                    <div class="field"><label for="ask-gateway">Gateway</label>{offered ? <select id="ask-gateway" value={gateway} onChange={(e) => setQuery({ gateway: e.currentTarget.value })}>{offered.map((id) => <option key={id} value={id}>{id}</option>)}</select>
                        : <input id="ask-gateway" autocomplete="off" spellcheck={false} value={gateway} onInput={(e) => setQuery({ gateway: e.currentTarget.value }, { replace: true })} />}</div>
                    <Credentials missing={tried && missing} />
                    {bytesOf ? <><RawEditor row={bytesOf} wrong={wrongBytes} /><label class="check"><input type="checkbox" checked={skipCache} onChange={(e) => setSkip(e.currentTarget.checked)} />Skip the cache</label></> : <>
                    {modelField('Model', 'model', model)}
                    {other === null ? <div><Button icon="plus" onClick={() => { setQuery({ with: 'anthropic/claude-sonnet-4-5' }); clear(); }}>Compare with another model</Button></div> : modelField('The other model', 'with', other)}
                    <small>{list.error ? <em class="wrong">{list.error.message}</em> : missing ? 'With the token, names are offered while you type.' : `${exact(list.data?.length ?? 0)} names are offered; others may be asked for too.`}</small>
                    <datalist id="models">{(list.data ?? []).map((m) => <option key={m} value={m} />)}</datalist>
                    <div class="field"><label for="ask-system">System prompt</label><textarea id="ask-system" rows={3} value={question.value.system} placeholder="none" onInput={(e) => set({ system: e.currentTarget.value })} /></div>
                    <Messages wrong={tried ? wrong.messages : undefined} />
                    <Options wrong={wrong} skipCache={skipCache} onSkip={setSkip} /></>}
                    <footer class="run-bar">{running ? <Button key="stop" icon="stop" kind="danger" onClick={stop}>Stop</Button> : <Button key="run" icon="play" kind="primary" type="submit">Run</Button>}
                        <span class="muted">{running ? <><kbd>Esc</kbd> stops</> : <><kbd>Ctrl</kbd> <kbd>Enter</kbd> runs</>}</span></footer>
                </form>
                <div class="answers" ref={answers}>
                    {replay.row && <div class="answer-place"><Then row={replay.row} gateway={gateway} /></div>}
                    {names.map((name, i) => (
                        <div class="answer-place" key={i}>
                            <Answered model={name} run={runs[i]} gateway={gateway} beside={!!replay.row} />
                            {runs[i]?.answer.text && !running && <div><Button icon="plus" onClick={() => goOn(runs[i]!.answer)}>Go on from this answer</Button></div>}
                        </div>
                    ))}
                </div>
            </div>
            {coding && <Code way={way} model={model} bytesOf={bytesOf} onClose={() => setCoding(false)} />}
        </div>
    );
}
