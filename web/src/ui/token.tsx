// SPDX-License-Identifier: Apache-2.0
// Making a token: what it is for, what it may, where, how long; then its text, this once.
import { useState } from 'preact/hooks';
import { session, tokenEnd } from '../lib/api';
import { get, post, type Body } from '../lib/client';
import { moment } from '../lib/format';
import { gateways } from '../lib/gateways';
import { useLoad } from '../lib/load';
import type { PermissionGroup, Token } from '../lib/openapi';
import { Button, Dialog, Problem, Ready, Snippet } from './basics';

interface Task { label: string; groups: string[] }

const RUN = 'AI Gateway Run', READ = 'AI Gateway Read', WRITE = 'AI Gateway Write', METADATA = 'AI Gateway Metadata Read', SECRETS = 'Secrets Store Write', ANALYTICS = 'Account Analytics Read';
const TASKS: Task[] = [
    { label: 'A program that calls models', groups: [RUN] },
    { label: 'Numbers and lists, no bodies', groups: [ANALYTICS, METADATA] },
    { label: 'Looking at everything', groups: [READ, ANALYTICS] },
    { label: 'Changing settings', groups: [WRITE, SECRETS, ANALYTICS] },
];
const LIVES: [string, number][] = [['never ends', 0], ['30 days', 30], ['90 days', 90], ['a year', 365]];
const MANY = 12; // of more gateways than this one is looked for by name

/* Those that the session allows; where it has an end, tokens end with it at the latest. */
function lives(): [string, number][] {
    const latest = session.value?.tokens_end_by;
    if (!latest) return LIVES;
    const days = (Date.parse(latest) - Date.now()) / 864e5;
    return [[`${moment(latest)}, as your session may`, days], ...LIVES.filter(([, n]) => n && n < days)];
}

const toggle = (list: string[], x: string) => (list.includes(x) ? list.filter((y) => y !== x) : [...list, x]);

function Gateways({ only, set }: { only: string[]; set: (only: string[]) => void }) {
    const [wanted, setWanted] = useState('');
    const all = (gateways.value ?? []).map((g) => g.id), shown = all.filter((id) => id.includes(wanted.toLowerCase()) || only.includes(id));
    return (
        <fieldset class="plain"><legend>For the gateways (none marked: all)</legend>
            {all.length > MANY && <input type="search" aria-label="Find a gateway" placeholder="Find a gateway" value={wanted} onInput={(e) => setWanted(e.currentTarget.value)} />}
            <div class="marks" tabIndex={all.length > MANY ? 0 : undefined} role="group" aria-label="Gateways">{shown.map((id) => <label class="check" key={id}><input type="checkbox" checked={only.includes(id)} onChange={() => set(toggle(only, id))} />{id}</label>)}</div>
        </fieldset>
    );
}

function Form({ groups, start, onClose, onMade }: { groups: PermissionGroup[]; start: { name: string; only: string[] }; onClose: () => void; onMade: (t: Token) => void }) {
    const [name, setName] = useState(start.name);
    const [chosen, setChosen] = useState<string[]>([RUN]);
    const [only, setOnly] = useState<string[]>(start.only);
    const [ends] = useState(lives);
    const [days, setDays] = useState(ends[0]?.[1] ?? 0);
    const [error, setError] = useState<Error | null>(null);
    const [busy, setBusy] = useState(false);
    const make = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        const body: Body<'post', '/accounts/{A}/tokens'> = { name, ...(only.length && { weir_gateways: only }), ...(days && { expires_on: tokenEnd(days * 864e5) }),
            policies: [{ effect: 'allow', permission_groups: groups.filter((g) => chosen.includes(g.name)).map(({ id }) => ({ id })), resources: { [`com.cloudflare.api.account.${session.value?.account}`]: '*' } }] };
        await post('/accounts/{A}/tokens', { body, what: 'Making the token' }).then(({ result }) => onMade(result), (e) => { setError(e); setBusy(false); });
    };
    const is = (t: Task) => JSON.stringify([...t.groups].sort()) === JSON.stringify([...chosen].sort());
    return (
        <form onSubmit={make}>
            <label class="field">Name<input autofocus required maxLength={120} value={name} onInput={(e) => setName(e.currentTarget.value)} placeholder="What it is for" autocomplete="off" /></label>
            <div class="field"><span>For</span><div class="chips">{TASKS.filter((t) => t.groups.every((n) => groups.some((g) => g.name === n))).map((t) => <button key={t.label} type="button" aria-pressed={is(t)} class={is(t) ? 'chip on' : 'chip'} onClick={() => setChosen(t.groups)}>{t.label}</button>)}</div></div>
            <fieldset class="plain"><legend>It may</legend>{groups.map((g) => <label class="check" key={g.id}><input type="checkbox" checked={chosen.includes(g.name)} onChange={() => setChosen(toggle(chosen, g.name))} />{g.name}</label>)}</fieldset>
            <Gateways only={only} set={setOnly} />
            <label class="field">It ends<select value={String(days)} onChange={(e) => setDays(Number(e.currentTarget.value))}>{ends.map(([text, n]) => <option key={n} value={String(n)}>{Number.isInteger(n) && n ? `after ${text}` : text}</option>)}</select></label>
            {error && <Problem error={error} />}
            <footer><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={busy} disabled={!name || !chosen.length}>Make</Button></footer>
        </form>
    );
}

export const TokenShown = ({ token, onClose }: { token: { name: string; value: string }; onClose: () => void }) => (
    <Dialog title={`The token ${token.name}`} onClose={onClose} class="small" stays="always"><p>It is shown this once. Only its hash is kept.</p><Snippet label="Token" code={token.value} /><footer><Button kind="primary" onClick={onClose}>I have it</Button></footer></Dialog>
);

/** The whole way: the form, then the text of the token. `onMade` hears of it when the text has been seen. */
export function NewToken({ name = '', only = session.value?.gateways ?? [], onClose, onMade }: { name?: string; only?: string[]; onClose: () => void; onMade?: (value: string) => void }) {
    const groups = useLoad((abort) => get('/accounts/{A}/tokens/permission_groups', { signal: abort, what: 'Listing permissions' }), []);
    const [made, setMade] = useState<Token | null>(null);
    if (made) return <TokenShown token={{ name: made.name, value: made.value ?? '' }} onClose={() => { onClose(); onMade?.(made.value ?? ''); }} />;
    return <Dialog title="New token" onClose={onClose} stays="click"><Ready of={groups}>{(all) => <Form groups={all} start={{ name, only }} onClose={onClose} onMade={setMade} />}</Ready></Dialog>;
}
