// SPDX-License-Identifier: Apache-2.0
// Tokens of the account: found by name, given a new text, taken back.
import { useState } from 'preact/hooks';
import { listAll, put, remove } from '../lib/client';
import { ago, date } from '../lib/format';
import { useLoad } from '../lib/load';
import type { Token } from '../lib/types';
import { ask, Button, Empty, Head, Ready, say, Tag } from '../ui/basics';
import { Find, finds } from '../ui/find';
import { NewToken, TokenShown } from '../ui/token';

const SHOWN = 3; // gateways of a token beside its name

const allowed = (t: Token) => t.policies.flatMap((p) => p.permission_groups.map((g) => (p.effect === 'deny' ? 'not ' : '') + (g.name ?? g.id)));
const short = (names: string[]) => names.map((n) => n.replace('AI Gateway ', '').replace('Account ', '')).join(', ');

const Where = ({ of }: { of: string[] | null | undefined }) => (of
    ? <span title={of.join(', ')}>{of.slice(0, SHOWN).join(', ')}{of.length > SHOWN && <span class="muted"> and {of.length - SHOWN} more</span>}</span>
    : <span class="muted">all</span>);

function Table({ tokens, onRoll, onDelete }: { tokens: Token[]; onRoll: (t: Token) => void; onDelete: (t: Token) => void }) {
    return (
        <div class="card scroll" tabIndex={0} role="region" aria-label="Tokens">
            <table class="stack">
                <thead><tr><th scope="col">Name</th><th scope="col">Status</th><th scope="col">May</th><th scope="col">Gateways</th><th scope="col">Made</th><th scope="col">Ends</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
                <tbody>{tokens.map((t) => (
                    <tr key={t.id}><th scope="row">{t.name}</th><td data-label="Status"><Tag tone={t.status === 'active' ? 'good' : 'bad'}>{t.status}</Tag></td><td data-label="May" class="small-text" title={allowed(t).join(', ')}>{short(allowed(t))}</td>
                        <td data-label="Gateways"><Where of={t.weir_gateways} /></td><td data-label="Made" class="fixed">{ago(t.issued_on)}</td><td data-label="Ends" class="fixed">{t.expires_on ? date(t.expires_on) : <span class="muted">never</span>}</td>
                        <td class="acts"><Button icon="refresh" label={`A new text for ${t.name}`} onClick={() => onRoll(t)} /><Button icon="trash" label={`Delete ${t.name}`} onClick={() => onDelete(t)} /></td></tr>))}
                </tbody>
            </table>
        </div>
    );
}

export function Tokens() {
    const all = useLoad((abort) => listAll('/accounts/{A}/tokens', { signal: abort, what: 'Listing tokens' }), []);
    const [making, setMaking] = useState(false);
    const [wanted, setWanted] = useState('');
    const [shown, setShown] = useState<{ name: string; value: string } | null>(null);
    const roll = (t: Token) => ask({ title: `A new text for ${t.name}?`, act: 'Replace it', text: 'The old one opens nothing any more: whoever uses it has to be given the new one.',
        run: async () => { const { result } = await put('/accounts/{A}/tokens/{T}/value', { T: t.id, what: 'Replacing the text' }); setShown({ name: t.name, value: result }); all.reload(); } });
    const destroy = (t: Token) => ask({ title: `Delete ${t.name}?`, act: 'Delete', text: 'Whoever uses it is refused from then on.', run: async () => { await remove('/accounts/{A}/tokens/{T}', { T: t.id, what: 'Deleting the token' }); say('Deleted'); all.reload(); } });
    return (
        <>
            <Head title="Tokens" note="What programs and people sign in with."><Button icon="plus" kind="primary" onClick={() => setMaking(true)}>New token</Button></Head>
            <Ready of={all}>{(tokens) => {
                const found = tokens.filter((t) => finds(wanted, t.name, t.status, ...allowed(t), ...(t.weir_gateways ?? [])));
                return (
                    <>
                        <Find what="tokens" of={tokens.length} found={found.length} value={wanted} onChange={setWanted} />
                        {found.length ? <Table tokens={found} onRoll={roll} onDelete={destroy} /> : tokens.length ? <Empty title="No token is called so"><Button onClick={() => setWanted('')}>Show all</Button></Empty> : <Empty title="No token is listed" />}
                    </>
                );
            }}</Ready>
            {making && <NewToken onClose={() => setMaking(false)} onMade={all.reload} />}
            {shown && <TokenShown token={shown} onClose={() => setShown(null)} />}
        </>
    );
}
