// SPDX-License-Identifier: Apache-2.0
// Tokens of the account: made for a task, shown once, taken back.
import { useState } from 'preact/hooks';
import { account, get, listAll, post, put, remove, session } from '../lib/api';
import { ago, moment } from '../lib/format';
import { gateways } from '../lib/gateways';
import { useLoad } from '../lib/load';
import type { Token } from '../lib/types';
import { ask, Button, Dialog, Empty, Head, Problem, Ready, say, Snippet, Tag } from '../ui/basics';

interface PermissionGroup { id: string; name: string }
interface Task { label: string; groups: string[] }

const RUN = 'AI Gateway Run', READ = 'AI Gateway Read', WRITE = 'AI Gateway Write', METADATA = 'AI Gateway Metadata Read', SECRETS = 'Secrets Store Write', ANALYTICS = 'Account Analytics Read';
const TASKS: Task[] = [
    { label: 'A program that calls models', groups: [RUN] },
    { label: 'Numbers and lists, no bodies', groups: [ANALYTICS, METADATA] },
    { label: 'Looking at everything', groups: [READ, ANALYTICS] },
    { label: 'Changing settings', groups: [WRITE, SECRETS, ANALYTICS] },
];
const LIVES: [string, number][] = [['never ends', 0], ['30 days', 30], ['90 days', 90], ['a year', 365]];

const base = () => `${account()}/tokens`;

function NewToken({ groups, onClose, onMade }: { groups: PermissionGroup[]; onClose: () => void; onMade: (t: Token) => void }) {
    const [name, setName] = useState('');
    const [chosen, setChosen] = useState<string[]>([RUN]);
    const [only, setOnly] = useState<string[]>(session.value?.gateways ?? []);
    const [days, setDays] = useState(0);
    const [error, setError] = useState<Error | null>(null);
    const [busy, setBusy] = useState(false);
    const toggle = (list: string[], x: string) => (list.includes(x) ? list.filter((y) => y !== x) : [...list, x]);
    const make = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        const body = { name, ...(only.length && { weir_gateways: only }), ...(days && { expires_on: new Date(Date.now() + days * 864e5).toISOString().replace(/\.\d+Z/, 'Z') }),
            policies: [{ effect: 'allow', permission_groups: groups.filter((g) => chosen.includes(g.name)).map(({ id }) => ({ id })), resources: { [`com.cloudflare.api.account.${session.value?.account}`]: '*' } }] };
        await post<Token>(base(), body, 'Making the token').then(onMade, (e) => { setError(e); setBusy(false); });
    };
    return (
        <Dialog title="New token" onClose={onClose}>
            <form onSubmit={make}>
                <label class="field">Name<input autofocus required maxLength={120} value={name} onInput={(e) => setName(e.currentTarget.value)} placeholder="What it is for" autocomplete="off" /></label>
                <div class="field"><span>For</span><div class="chips">{TASKS.filter((t) => t.groups.every((n) => groups.some((g) => g.name === n))).map((t) => <button key={t.label} type="button" class={JSON.stringify([...t.groups].sort()) === JSON.stringify([...chosen].sort()) ? 'chip on' : 'chip'} onClick={() => setChosen(t.groups)}>{t.label}</button>)}</div></div>
                <fieldset class="plain"><legend>It may</legend>{groups.map((g) => <label class="check" key={g.id}><input type="checkbox" checked={chosen.includes(g.name)} onChange={() => setChosen(toggle(chosen, g.name))} />{g.name}</label>)}</fieldset>
                <fieldset class="plain"><legend>For the gateways (none marked: all)</legend>{(gateways.value ?? []).map((g) => <label class="check" key={g.id}><input type="checkbox" checked={only.includes(g.id)} onChange={() => setOnly(toggle(only, g.id))} />{g.id}</label>)}</fieldset>
                <label class="field">It ends<select value={String(days)} onChange={(e) => setDays(Number(e.currentTarget.value))}>{LIVES.map(([text, n]) => <option key={n} value={String(n)}>{n ? `after ${text}` : text}</option>)}</select></label>
                {error && <Problem error={error} />}
                <footer><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={busy} disabled={!name || !chosen.length}>Make</Button></footer>
            </form>
        </Dialog>
    );
}

const Shown = ({ token, onClose }: { token: { name: string; value: string }; onClose: () => void }) => (
    <Dialog title={`The token ${token.name}`} onClose={onClose} class="small"><p>It is shown this once. Only its hash is kept.</p><Snippet label="Token" code={token.value} /><footer><Button kind="primary" onClick={onClose}>I have it</Button></footer></Dialog>
);

const allowed = (t: Token) => t.policies.flatMap((p) => p.permission_groups.map((g) => (p.effect === 'deny' ? 'not ' : '') + (g.name ?? g.id)));

export function Tokens() {
    const both = useLoad(async (abort) => {
        const [tokens, groups] = await Promise.all([listAll<Token>(base(), { signal: abort, what: 'Listing tokens' }), get<PermissionGroup[]>(`${base()}/permission_groups`, { signal: abort, what: 'Listing permissions' })]);
        return { tokens, groups };
    }, []);
    const [making, setMaking] = useState(false);
    const [shown, setShown] = useState<{ name: string; value: string } | null>(null);
    const roll = (t: Token) => ask({ title: `A new text for ${t.name}?`, act: 'Replace it', text: 'The old one opens nothing any more: whoever uses it has to be given the new one.',
        run: async () => { const { result } = await put<string>(`${base()}/${t.id}/value`, {}, 'Replacing the text'); setShown({ name: t.name, value: result }); both.reload(); } });
    const destroy = (t: Token) => ask({ title: `Delete ${t.name}?`, act: 'Delete', text: 'Whoever uses it is refused from then on.', run: async () => { await remove(`${base()}/${t.id}`, 'Deleting the token'); say('Deleted'); both.reload(); } });
    return (
        <>
            <Head title="Tokens" note="What programs and people sign in with."><Button icon="plus" kind="primary" disabled={!both.data} onClick={() => setMaking(true)}>New token</Button></Head>
            <Ready of={both}>{({ tokens, groups }) => (
                <>
                    {tokens.length === 0 ? <Empty title="No token is listed" /> : <div class="card scroll" tabIndex={0} role="region" aria-label="Tokens">
                        <table class="stack">
                            <thead><tr><th scope="col">Name</th><th scope="col">Status</th><th scope="col">May</th><th scope="col">Gateways</th><th scope="col">Made</th><th scope="col">Ends</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
                            <tbody>{tokens.map((t) => (
                                <tr key={t.id}><th scope="row">{t.name}</th><td data-label="Status"><Tag tone={t.status === 'active' ? 'good' : 'bad'}>{t.status}</Tag></td><td data-label="May" class="small-text">{allowed(t).join(', ')}</td>
                                    <td data-label="Gateways">{t.weir_gateways?.join(', ') ?? 'all'}</td><td data-label="Made">{ago(t.issued_on)}</td><td data-label="Ends">{t.expires_on ? moment(t.expires_on) : 'never'}</td>
                                    <td class="acts"><Button icon="refresh" label={`A new text for ${t.name}`} onClick={() => roll(t)} /><Button icon="trash" label={`Delete ${t.name}`} onClick={() => destroy(t)} /></td></tr>))}
                            </tbody>
                        </table>
                    </div>}
                    {making && <NewToken groups={groups} onClose={() => setMaking(false)} onMade={(t) => { setMaking(false); setShown({ name: t.name, value: t.value ?? '' }); both.reload(); }} />}
                </>
            )}</Ready>
            {shown && <Shown token={shown} onClose={() => setShown(null)} />}
        </>
    );
}
