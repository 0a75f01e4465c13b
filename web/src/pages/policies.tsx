// SPDX-License-Identifier: Apache-2.0
// Who may use which models, and for how much: policies that count, drafts of them, and what they would say together.
import { useState } from 'preact/hooks';
import { ApiError, may } from '../lib/api';
import { listAll, post, put, remove, type Body } from '../lib/client';
import { exact, money } from '../lib/format';
import { useLoad } from '../lib/load';
import type { Policy, PolicyAction, PolicyCommit } from '../lib/openapi';
import type { Fields, Json } from '../lib/types';
import { ask, Button, Dialog, Empty, Head, Problem, Ready, say, Tag } from '../ui/basics';
import { Simulator } from './policies-simulate';

interface Row extends Policy { counts: Policy | undefined } // the policy as its draft has it, and as it counts

const PERIODS = ['hourly', 'daily', 'weekly', 'monthly'];
const ACTIONS = { limit: 'may spend', 'no-limit': 'may spend what they like', block: 'are refused' };
const ACTORS = ['everybody', 'user:{cf.user.id}', 'team:{metadata.team}'];
const POLICIES = '/accounts/{A}/ai-gateway/gateways/{G}/policies', POLICY = `${POLICIES}/{P}` as const;

// ---- in words -----------------------------------------------------------------------------------------------

const texts = (v: Json | undefined): string[] => (Array.isArray(v) ? v.map(String) : v == null ? [] : [String(v)]);
const fieldsOf = (v: Json): Fields => (typeof v === 'object' && v !== null && !Array.isArray(v) ? v : {});
export const resourceWords = (r: Json): string => {
    const { provider, model } = fieldsOf(r), models = texts(model).join(', '), providers = texts(provider).join(', ');
    return !models && !providers ? 'everything' : [models || 'all models', providers && `of ${providers}`].filter(Boolean).join(' ');
};
const actionWords = (a: PolicyAction): string => (a.type === 'limit' ? `${money(a.amount)} ${a.period}` : a.type === 'no-limit' ? 'no limit' : a.except ? 'refuses all else' : 'refuses');
const TONES = { limit: 'warn', 'no-limit': 'good', block: 'bad' } as const;

// ---- one policy -------------------------------------------------------------------------------------------------

interface Form { name: string; actor: string; providers: string; models: string; condition: string; type: PolicyAction['type']; amount: string; period: string; except: boolean }

const EMPTY: Form = { name: '', actor: 'everybody', providers: '', models: '', condition: 'true', type: 'limit', amount: '10', period: 'daily', except: false };
const formOf = (p: Policy): Form => {
    const { provider, model } = fieldsOf(p.resource);
    return { name: p.name, actor: p.actor, providers: texts(provider).join(', '), models: texts(model).join(', '), condition: p.condition, type: p.action.type, amount: String(p.action.amount ?? 10), period: p.action.period ?? 'daily', except: p.action.except ?? false };
};
const parts = (s: string) => s.split(',').map((x) => x.trim()).filter(Boolean);

/* What was typed, for the API to judge. */
function bodyOf(f: Form): Body<'post', typeof POLICIES> {
    const providers = parts(f.providers), models = parts(f.models);
    const resource: Json = providers.length || models.length ? { ...(providers.length && { provider: providers }), ...(models.length && { model: models }) } as Fields : '*';
    const amount = f.amount.trim() !== '' && Number.isFinite(Number(f.amount)) ? Number(f.amount) : f.amount;
    const action: Fields = f.type === 'limit' ? { type: 'limit', amount, period: f.period } : f.type === 'block' && f.except ? { type: 'block', except: true } : { type: f.type };
    return { name: f.name, actor: f.actor, resource, condition: f.condition.trim() || 'true', action };
}

function Editor({ id, old, onClose, onDone }: { id: string; old: Policy | null; onClose: () => void; onDone: (text: string) => void }) {
    const [f, setForm] = useState(old ? formOf(old) : EMPTY);
    const [error, setError] = useState<ApiError | null>(null);
    const [busy, setBusy] = useState(false);
    const set = (change: Partial<Form>) => { setForm({ ...f, ...change }); setError(null); };
    const wrong = (key: string) => error?.complaints.find((c) => c.path.includes(key))?.message;
    const save = async (commit: boolean) => {
        setBusy(true);
        const call = { G: id, query: { commit }, body: bodyOf(f) };
        await (old ? put(POLICY, { ...call, P: old.id, what: 'Changing the policy' }) : post(POLICIES, { ...call, what: 'Making the policy' })).then(() => onDone(commit ? 'Committed' : 'Kept as a draft'), (e) => { setError(e); setBusy(false); });
    };
    const line = (key: string, label: string, value: string, change: (v: string) => void, help: string, example = '') => (
        <div class="field"><label for={`policy-${key}`}>{label}</label><input id={`policy-${key}`} autocomplete="off" spellcheck={false} value={value} placeholder={example} aria-invalid={wrong(key) ? true : undefined} aria-describedby={`policy-${key}-help`} onInput={(e) => change(e.currentTarget.value)} />
            <small id={`policy-${key}-help`}>{help}{wrong(key) && <em class="wrong"> {wrong(key)}</em>}</small></div>
    );
    return (
        <Dialog title={old ? old.name : 'New policy'} onClose={onClose} stays="click">
            <form onSubmit={(e) => { e.preventDefault(); void save(false); }}>
                {line('name', 'Name', f.name, (name) => set({ name }), 'Unique in the gateway.', 'engineers')}
                {line('actor', 'Whose spending is counted together', f.actor, (actor) => set({ actor }), 'A text with fields of the request in it.')}
                <div class="chips">{ACTORS.map((a) => <button key={a} type="button" class={a === f.actor ? 'chip on' : 'chip'} onClick={() => set({ actor: a })}>{a}</button>)}</div>
                {line('provider', 'Providers', f.providers, (providers) => set({ providers }), 'With commas between; empty: all.', 'openai, anthropic')}
                {line('model', 'Models', f.models, (models) => set({ models }), 'With commas between; * stands for anything without a slash. Empty: all.', 'gpt-*, claude-*')}
                <div class="field"><label for="policy-condition">When</label><textarea id="policy-condition" rows={2} spellcheck={false} value={f.condition} aria-invalid={wrong('condition') ? true : undefined} aria-describedby="policy-condition-help" onInput={(e) => set({ condition: e.currentTarget.value })} />
                    <small id="policy-condition-help">An expression, such as <code>"eng" in cf.user.groups</code> or <code>metadata.team == "search"</code>.{wrong('condition') && <em class="wrong"> {wrong('condition')}</em>}</small></div>
                <div class="line-of">
                    <div class="field"><label for="policy-action">They</label><select id="policy-action" value={f.type} onChange={(e) => set({ type: e.currentTarget.value as PolicyAction['type'] })}>{Object.entries(ACTIONS).map(([k, v]) => <option key={k} value={k}>{v}</option>)}</select></div>
                    {f.type === 'limit' && <div class="field"><label for="policy-amount">US dollars</label><input id="policy-amount" inputMode="decimal" autocomplete="off" value={f.amount} aria-invalid={wrong('amount') ? true : undefined} onInput={(e) => set({ amount: e.currentTarget.value })} /></div>}
                    {f.type === 'limit' && <div class="field"><label for="policy-period">Each period</label><select id="policy-period" value={f.period} onChange={(e) => set({ period: e.currentTarget.value })}>{PERIODS.map((p) => <option key={p}>{p}</option>)}</select></div>}
                </div>
                {f.type === 'block' && <label class="check"><input type="checkbox" checked={f.except} onChange={(e) => set({ except: e.currentTarget.checked })} />For everything but these models</label>}
                {error && <Problem error={error} />}
                <footer><Button onClick={onClose}>Cancel</Button><Button type="submit" busy={busy} disabled={!f.name}>Keep as a draft</Button><Button kind="primary" busy={busy} disabled={!f.name} onClick={() => void save(true)}>Commit</Button></footer>
            </form>
        </Dialog>
    );
}

// ---- all of them ----------------------------------------------------------------------------------------------------

const State = ({ row }: { row: Row }) => (!row.staging ? <Tag tone="good">committed</Tag> : <Tag tone="accent">{row.counts ? 'changed, not committed' : 'draft'}</Tag>);

function Table({ rows, onEdit, onDelete }: { rows: Row[]; onEdit: (p: Policy) => void; onDelete: (p: Row) => void }) {
    return (
        <div class="card scroll" tabIndex={0} role="region" aria-label="Policies">
            <table class="stack">
                <thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">Counted by</th><th scope="col">Resource</th><th scope="col">When</th><th scope="col">Action</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
                <tbody>{rows.map((p) => (
                    <tr key={p.id}><th scope="row">{p.name}</th><td data-label="State"><State row={p} /></td><td data-label="Counted by"><code>{p.actor}</code></td><td data-label="Resource">{resourceWords(p.resource)}</td>
                        <td class="wide" data-label="When">{p.condition === 'true' ? 'always' : <code>{p.condition}</code>}</td><td data-label="Action"><Tag tone={TONES[p.action.type]}>{actionWords(p.action)}</Tag></td>
                        <td class="acts">{may('write') && <>{p.counts && <Button onClick={() => onEdit(p)}>Change</Button>}<Button icon="trash" label={`Delete ${p.name}`} onClick={() => onDelete(p)} /></>}</td></tr>))}
                </tbody>
            </table>
        </div>
    );
}

export function Policies({ id }: { id: string }) {
    const [editing, setEditing] = useState<Policy | 'new' | null>(null);
    const [failed, setFailed] = useState<PolicyCommit['errors']>([]);
    const rows = useLoad(async (signal): Promise<Row[]> => {
        const every = (includeStaging: boolean) => listAll(POLICIES, { G: id, query: { includeStaging }, signal, what: 'Listing policies' });
        const [all, counting] = await Promise.all([every(true), every(false)]);
        const byId = new Map(counting.map((p) => [p.id, p]));
        return all.map((p) => ({ ...p, counts: byId.get(p.id) }));
    }, [id]);
    const drafts = rows.data?.filter((p) => p.staging).length ?? 0;
    const done = (text: string) => { setEditing(null); say(text); rows.reload(); };
    const destroy = (p: Row) => ask({ title: `Delete ${p.name}?`, act: 'Delete', text: p.staging && p.counts ? 'What counts now goes as well, not only the draft of its change.' : 'It goes for good.',
        run: async () => { await remove(POLICY, { G: id, P: p.id, what: 'Deleting the policy' }); done('Deleted'); } });
    const commit = () => ask({ title: drafts === 1 ? 'Commit the draft?' : `Commit ${drafts} drafts?`, act: 'Commit', text: 'All drafts of this gateway count from then on.', run: async () => {
        const { result: answer } = await post(`${POLICIES}/commit`, { G: id, what: 'Committing' });
        setFailed(answer.errors);
        done(`${exact(answer.committed)} committed${answer.failed ? `, ${exact(answer.failed)} failed` : ''}`);
    } });
    const adder = may('write') && <Button icon="plus" kind="primary" onClick={() => setEditing('new')}>New policy</Button>;
    return (
        <>
            <Head title="Policies" note={id}>{may('write') && drafts > 0 && <Button icon="check" onClick={commit}>Commit {drafts === 1 ? '1 draft' : `${drafts} drafts`}</Button>}{rows.data?.length ? adder : null}</Head>
            <p class="note">Policies are kept, checked and simulated, but requests are not held to them yet. Until then limit use with rate limits and with tokens for some gateways.</p>
            {failed.length > 0 && <div class="problem" role="alert"><strong>These stay drafts</strong><ul>{failed.map((e) => <li key={e.name}>{e.name}: {e.message}</li>)}</ul></div>}
            <Ready of={rows}>{(list) => (list.length ? (
                <><Table rows={list} onEdit={setEditing} onDelete={destroy} /><Simulator id={id} policies={list} drafts={drafts} /></>
            ) : <Empty title="No policy"><p>A policy says who may use which models of this gateway, and for how much money. With the first one, what none of them grants would be refused.</p>{adder}</Empty>)}</Ready>
            {editing && <Editor id={id} old={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onDone={done} />}
        </>
    );
}
