// SPDX-License-Identifier: Apache-2.0
// What the policies of a gateway would say about a request that somebody makes up.
import { useState } from 'preact/hooks';
import { ApiError } from '../lib/api';
import { post, type Body } from '../lib/client';
import { money } from '../lib/format';
import type { Policy, PolicyVerdict as Verdict } from '../lib/openapi';
import type { Fields, Json } from '../lib/types';
import { Button, Problem, Tag } from '../ui/basics';
import { resourceWords } from './policies';

const SIMULATE = '/accounts/{A}/ai-gateway/gateways/{G}/policies/simulate';
interface Form { provider: string; model: string; user: string; groups: string; metadata: string; drafts: boolean; spent: Record<string, string> }

const object = (text: string): Json | undefined => {
    try { return text.trim() ? (JSON.parse(text) as Json) : {}; } catch { return undefined; }
};

function questionOf(f: Form): Body<'post', typeof SIMULATE> {
    const groups = f.groups.split(',').map((g) => g.trim()).filter(Boolean);
    const user: Fields = { ...(f.user && { id: f.user }), ...(groups.length && { groups }) } as Fields;
    const spent = Object.entries(f.spent).filter(([, v]) => v.trim() !== '').map(([name, v]) => [name, { spent: Number(v) }] as const);
    return { provider: f.provider, model: f.model, identity: { ...(Object.keys(user).length && { cf: { user } }), metadata: object(f.metadata) ?? null } as Fields, ...(spent.length && { bucketUsage: Object.fromEntries(spent) }) };
}

function why({ enforcement: e, evaluation, policiesEvaluated: n }: Verdict): string {
    if (e.reason === 'limit_exceeded') return `${e.bucket} has spent ${money(e.spent)} of ${money(e.limit)}, says ${e.policyName}.`;
    if (!e.allowed) return e.policyName ? `${e.policyName} refuses it.` : 'No policy grants it.';
    if (evaluation.decision === 'check_limits') return 'All its limits leave something.';
    return n ? 'Nothing limits it.' : 'No policy counts.';
}

const Said = ({ verdict }: { verdict: Verdict }) => (
    <div class="verdict" role="status">
        <p><Tag tone={verdict.enforcement.allowed ? 'good' : 'bad'}>{verdict.enforcement.allowed ? 'allowed' : 'refused'}</Tag> {why(verdict)} <span class="muted">{verdict.policiesEvaluated === 1 ? '1 policy is' : `${verdict.policiesEvaluated} policies are`} about this request.</span></p>
        {verdict.evaluation.buckets.length > 0 && (
            <table class="stack">
                <thead><tr><th scope="col">Bucket</th><th scope="col">Resource</th><th scope="col">Policy</th><th scope="col">Period</th><th scope="col" class="number">Spent</th><th scope="col" class="number">Limit</th></tr></thead>
                <tbody>{verdict.evaluation.buckets.map((b) => <tr key={`${b.bucket}/${b.policyName}/${b.period}`}><th scope="row">{b.bucket}</th><td data-label="Resource">{resourceWords(b.resource)}</td><td data-label="Policy">{b.policyName}</td><td data-label="Period">{b.period}</td><td class="number" data-label="Spent">{money(b.spent)}</td><td class="number" data-label="Limit">{money(b.limit)}</td></tr>)}</tbody>
            </table>
        )}
    </div>
);

export function Simulator({ id, policies, drafts }: { id: string; policies: Policy[]; drafts: number }) {
    const [f, setForm] = useState<Form>({ provider: 'openai', model: 'gpt-4o', user: '', groups: '', metadata: '', drafts: drafts > 0, spent: {} });
    const [verdict, setVerdict] = useState<Verdict | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [busy, setBusy] = useState(false);
    const set = (change: Partial<Form>) => { setForm({ ...f, ...change }); setVerdict(null); setError(null); };
    const unread = object(f.metadata) === undefined;
    const ask = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        setError(null);
        await post(SIMULATE, { G: id, query: { includeStaging: f.drafts }, body: questionOf(f), what: 'The simulation' }).then(({ result }) => setVerdict(result), setError);
        setBusy(false);
    };
    const line = (key: 'provider' | 'model' | 'user' | 'groups', label: string, example = '') => <label class="field">{label}<input autocomplete="off" spellcheck={false} value={f[key]} placeholder={example} onInput={(e) => set({ [key]: e.currentTarget.value })} /></label>;
    const limits = [...new Set(policies.filter((p) => p.action.type === 'limit').map((p) => p.name))];
    return (
        <section class="card" aria-label="Try them">
            <h2>Try them</h2>
            <form class="trial" onSubmit={ask}>
                {line('provider', 'Provider')}{line('model', 'Model')}{line('user', 'User', 'u-7')}{line('groups', 'Groups of the user', 'eng, search')}
                <div class="field"><label for="trial-metadata">Metadata</label><input id="trial-metadata" autocomplete="off" spellcheck={false} value={f.metadata} placeholder={'{"team": "search"}'} aria-invalid={unread ? true : undefined} aria-describedby={unread ? 'trial-metadata-help' : undefined} onInput={(e) => set({ metadata: e.currentTarget.value })} />{unread && <small id="trial-metadata-help"><em class="wrong">This is not JSON</em></small>}</div>
                {limits.map((name) => <label class="field" key={name}><span>Spent: {name}<span class="unit"> in $</span></span><input inputMode="decimal" autocomplete="off" placeholder="0" value={f.spent[name] ?? ''} onInput={(e) => set({ spent: { ...f.spent, [name]: e.currentTarget.value } })} /></label>)}
                <div class="trial-end"><label class="check"><input type="checkbox" checked={f.drafts} onChange={(e) => set({ drafts: e.currentTarget.checked })} />As if drafts were committed</label><Button kind="primary" type="submit" busy={busy} disabled={unread || !f.model || !f.provider}>What would they say?</Button></div>
            </form>
            {error && <Problem error={error} />}
            {verdict && <Said verdict={verdict} />}
        </section>
    );
}
