// SPDX-License-Identifier: Apache-2.0
// A conversation with one model or two at once, through a gateway: what they answer, how soon, and for how much.
import { useEffect, useRef, useState } from 'preact/hooks';
import { effect, signal } from '@preact/signals';
import { accountId, may, session, tokenEnd } from '../lib/api';
import { get, post } from '../lib/client';
import { ask as send, bodyOf, faults, models, NO_ANSWER, PROGRAMS, rowOf, type Answer, type Question, type Way } from '../lib/chat';
import type { Part } from '../lib/conversation';
import { duration, exact, money, NONE } from '../lib/format';
import { gateways } from '../lib/gateways';
import { useLoad } from '../lib/load';
import { link, query, setQuery } from '../lib/router';
import type { LogRow } from '../lib/types';
import { Button, Choice, complain, Dialog, Empty, Head, say, Snippet, Tag } from '../ui/basics';
import { atHand } from '../ui/places';
import { Said } from './log';
import './playground.css';

// What was typed outlives a look at another page, but neither a reload nor signing out: nothing of it is stored.
const FRESH: Question = { system: '', messages: [{ role: 'user', content: '' }], tools: '', temperature: '', maxTokens: '' };
const question = signal<Question>(FRESH);
const secrets = signal({ token: '', providerKey: '' });
effect(() => {
    if (session.value) return;
    secrets.value = { token: '', providerKey: '' };
    question.value = FRESH;
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

function Messages({ wrong }: { wrong: string | undefined }) {
    const { messages } = question.value;
    const change = (i: number, to: Partial<Question['messages'][number]>) => set({ messages: messages.map((m, k) => (k === i ? { ...m, ...to } : m)) });
    return (
        <fieldset class="messages"><legend>Messages</legend>
            {messages.map((m, i) => (
                <div class="message" key={i}>
                    <div class="beside"><select aria-label={`Who says message ${i + 1}`} value={m.role} onChange={(e) => change(i, { role: e.currentTarget.value as 'user' | 'assistant' })}><option value="user">user</option><option value="assistant">assistant</option></select>
                        {messages.length > 1 && <Button icon="trash" kind="ghost" label={`Take message ${i + 1} away`} onClick={() => set({ messages: messages.filter((_, k) => k !== i) })} />}</div>
                    <textarea rows={m.role === 'user' ? 4 : 3} aria-label={`Message ${i + 1}`} value={m.content} placeholder={i === 0 ? 'What is a weir?' : ''} onInput={(e) => change(i, { content: e.currentTarget.value })} />
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
            <label class="check"><input type="checkbox" checked={skipCache} onChange={(e) => onSkip(e.currentTarget.checked)} />Skip the cache</label>
        </>
    );
}

// ---- what comes back ------------------------------------------------------------------------------------------

interface Run { answer: Answer; row: LogRow | null | undefined } // undefined: not looked for yet, or still looking

const partsOf = (a: Answer): Part[] => [
    ...(a.thinking ? [{ kind: 'thinking' as const, text: a.thinking }] : []), ...(a.text ? [{ kind: 'text' as const, text: a.text }] : []),
    ...a.calls.map((c) => ({ kind: 'call' as const, ...c })),
];

function Figures({ run, gateway }: { run: Run; gateway: string }) {
    const { answer: a, row } = run, done = a.totalMs !== null;
    const cost = row ? (row.cached ? '$0, cached' : money(row.cost)) : done && a.logId && row === undefined ? '…' : NONE;
    const fact = (label: string, value: string) => <div><dt>{label}</dt><dd>{value}</dd></div>;
    return (
        <>
            <dl class="taken">
                {fact('First token', duration(a.firstMs))}{fact('All of it', duration(a.totalMs))}{fact('Tokens in', exact(row?.tokens_in ?? a.tokensIn))}{fact('Tokens out', exact(row?.tokens_out ?? a.tokensOut))}{fact('Cost', cost)}
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

function Answered({ model, run, gateway }: { model: string; run: Run | undefined; gateway: string }) {
    const a = run?.answer, how = a && HOW.find(([is]) => is(a)), parts = a ? partsOf(a) : [];
    return (
        <section class="card answer-card" aria-label={`Answer of ${model || 'no model'}`} aria-busy={a ? a.totalMs === null : undefined}>
            <div class="head"><h2>{model || 'No model'}</h2><span role="status">{how && a && <Tag tone={how[1]}>{how[2](a)}</Tag>}</span></div>
            {!a && <p class="muted">Its answer appears here.</p>}
            {parts.length > 0 && <Said turn={{ role: 'assistant', parts, answer: true }} />}
            {a?.error && <div class="problem" role="alert"><strong>{a.status >= 400 ? `Refused with ${a.status}` : 'No answer'}</strong><span>{a.error}</span></div>}
            {a && a.totalMs === null && parts.length === 0 && <p class="muted">Waiting for the first token…</p>}
            {run && <Figures run={run} gateway={gateway} />}
        </section>
    );
}

function Code({ way, model, onClose }: { way: Way; model: string; onClose: () => void }) {
    const [key, setKey] = useState('curl');
    const program = PROGRAMS.find((p) => p.key === key) ?? PROGRAMS[0]!;
    return (
        <Dialog title="The same as a program" onClose={onClose} class="wide">
            <Choice label="Program" options={PROGRAMS} value={key} onChange={setKey} />
            <Snippet label={program.label} code={program.code(location.origin, way, bodyOf(question.value, model))} />
            <p class="muted">The token comes from <code>WEIR_TOKEN</code>{way.providerKey && <>, the provider’s key from <code>PROVIDER_KEY</code></>}: no secret stands in the code.</p>
        </Dialog>
    );
}

// ---- the page ---------------------------------------------------------------------------------------------------

/** Conversations with the models that are asked at the same time. */
function useRuns(gateway: string) {
    const [runs, setRuns] = useState<Run[]>([]);
    const control = useRef<AbortController | null>(null);
    useEffect(() => () => control.current?.abort(), []);
    const put = (at: number, change: Partial<Run>) => setRuns((old) => old.map((r, i) => (i === at ? { ...r, ...change } : r)));
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
    return { runs, start, stop: () => control.current?.abort(), clear: () => setRuns([]), running: runs.some((r) => r.answer.totalMs === null) };
}

export function Playground() {
    const known = gateways.value, gateway = query.value.get('gateway') ?? (known ? atHand() ?? '' : 'default');
    const ids = known?.map((g) => g.id), offered = ids && !ids.includes(gateway) ? [gateway, ...ids] : ids; // a token that only runs may not list them
    const model = query.value.get('model') ?? FIRST_MODEL, other = query.value.get('with');
    const [tried, setTried] = useState(false);
    const [skipCache, setSkip] = useState(false);
    const [coding, setCoding] = useState(false);
    const answers = useRef<HTMLDivElement>(null);
    const { runs, start, stop, clear, running } = useRuns(gateway);
    const open = known?.find((g) => g.id === gateway)?.authentication === false;
    const way: Way = { account: session.value?.account ?? '', gateway, ...secrets.value, skipCache };
    const names = other === null ? [model] : [model, other];
    const wrong = faults(question.value), missing = !open && !way.token;
    const list = useLoad(async (abort) => {
        await new Promise((later) => setTimeout(later, TYPING_MS));
        return gateway && !missing && !abort.aborted ? models(way, abort) : [];
    }, [gateway, way.token, open]);
    const run = () => {
        setTried(true);
        if (missing) document.getElementById('run-token')?.focus();
        else if (!Object.keys(wrong).length && names.every(Boolean) && !running) {
            start(way, names);
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
            <div class="bench">
                <form class="card asking" aria-label="What is asked" onSubmit={(e) => { e.preventDefault(); run(); }}>
                    <div class="field"><label for="ask-gateway">Gateway</label>{offered ? <select id="ask-gateway" value={gateway} onChange={(e) => setQuery({ gateway: e.currentTarget.value })}>{offered.map((id) => <option key={id} value={id}>{id}</option>)}</select>
                        : <input id="ask-gateway" autocomplete="off" spellcheck={false} value={gateway} onInput={(e) => setQuery({ gateway: e.currentTarget.value }, { replace: true })} />}</div>
                    <Credentials missing={tried && missing} />
                    {modelField('Model', 'model', model)}
                    {other === null ? <div><Button icon="plus" onClick={() => { setQuery({ with: 'anthropic/claude-sonnet-4-5' }); clear(); }}>Compare with another model</Button></div> : modelField('The other model', 'with', other)}
                    <small>{list.error ? <em class="wrong">{list.error.message}</em> : missing ? 'With the token, names are offered while you type.' : `${exact(list.data?.length ?? 0)} names are offered; others may be asked for too.`}</small>
                    <datalist id="models">{(list.data ?? []).map((m) => <option key={m} value={m} />)}</datalist>
                    <div class="field"><label for="ask-system">System prompt</label><textarea id="ask-system" rows={3} value={question.value.system} placeholder="none" onInput={(e) => set({ system: e.currentTarget.value })} /></div>
                    <Messages wrong={tried ? wrong.messages : undefined} />
                    <Options wrong={wrong} skipCache={skipCache} onSkip={setSkip} />
                    <footer class="run-bar">{running ? <Button key="stop" icon="stop" kind="danger" onClick={stop}>Stop</Button> : <Button key="run" icon="play" kind="primary" type="submit">Run</Button>}
                        <span class="muted">{running ? <><kbd>Esc</kbd> stops</> : <><kbd>Ctrl</kbd> <kbd>Enter</kbd> runs</>}</span></footer>
                </form>
                <div class="answers" ref={answers}>
                    {names.map((name, i) => (
                        <div class="answer-place" key={i}>
                            <Answered model={name} run={runs[i]} gateway={gateway} />
                            {runs[i]?.answer.text && !running && <div><Button icon="plus" onClick={() => goOn(runs[i]!.answer)}>Go on from this answer</Button></div>}
                        </div>
                    ))}
                </div>
            </div>
            {coding && <Code way={way} model={model} onClose={() => setCoding(false)} />}
        </div>
    );
}
