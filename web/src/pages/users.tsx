// SPDX-License-Identifier: Apache-2.0
// Who asks, and what they cost: users of the account by whatever names them, an entry of the metadata or the token.
import { useState } from 'preact/hooks';
import { RANGES, rangeOf, TOKEN, type Range } from '../lib/analytics';
import { labelled, logsOf } from '../lib/behind';
import { ago, count, exact, moment, money, NONE, percent } from '../lib/format';
import { useLoad } from '../lib/load';
import { query, setQuery } from '../lib/router';
import { labelName, median, tokenNames, topTenth, users, type User, type Users as All } from '../lib/users';
import { Button, Choice, Empty, Head, Ready, Tag } from '../ui/basics';
import { Find, finds } from '../ui/find';

const SHOWN = 100; // rows before the rest is asked for
const ORDERS: Record<string, { label: string; of: (u: User) => number }> = {
    cost: { label: 'Spend', of: (u) => u.cost }, count: { label: 'Requests', of: (u) => u.count }, errors: { label: 'Errors', of: (u) => u.errors }, last: { label: 'Last seen', of: (u) => Date.parse(u.last) },
};

function Figures({ all }: { all: All }) {
    const { users: list, other, identified, requests } = all, middle = median(list.map((u) => u.cost));
    const partial = other > 0 || all.partial, least = partial ? 'at least ' : '';
    const card = (label: string, value: string, note: string) => <div class="card figure"><dt>{label}</dt><dd>{value}</dd><dd class="muted">{note}</dd></div>;
    return (
        <dl class="figures four">
            {card('Active users', `${least}${exact(list.length)}`, partial ? `${exact(other)} requests of more than can be told apart` : 'with a request in this time')}
            {card('Identity coverage', percent(identified, requests), `${count(identified)} of ${count(requests)} requests say who`)}
            {card('Median spend', partial ? NONE : money(middle), partial ? 'not known: some users are not told apart' : 'half of the users cost no more')}
            {card('Top 10 %', partial ? NONE : percent(topTenth(list), identified), partial ? 'not known: some users are not told apart' : 'of the requests are theirs')}
        </dl>
    );
}

function Row({ user: u, name, label, range, review }: { user: User; name: string; label: string; range: Range; review: boolean }) {
    return (
        <tr>
            <th scope="row">{name} {review && <Tag tone="warn">2 × median</Tag>}</th>
            <td class="number" data-label="Spend" title={u.unpriced ? `${exact(u.unpriced)} requests without a price` : ''}>{money(u.cost)}{u.unpriced > 0 && ' +'}</td><td class="number" data-label="Requests">{count(u.count)}</td>
            <td class="number" data-label="Tokens">{count(u.tokens)}</td><td class="number" data-label="Cached">{percent(u.cached, u.count)}</td><td class="number" data-label="Saved">{money(u.saved)}</td><td class="number" data-label="Errors">{percent(u.errors, u.count)}</td>
            <td class="number" data-label="Last seen" title={moment(u.last)}>{ago(u.last)}</td>
            <td class="wide" data-label="Requests in">{u.gateways.map((g, i) => <span key={g.id}>{i > 0 && ', '}<a href={logsOf(g.id, range, [labelled(label, u.name)])}>{g.id}</a></span>)}</td>
        </tr>
    );
}

function Table({ all, range, names }: { all: All; range: Range; names: Map<string, string> }) {
    const [wanted, setWanted] = useState(''), [shown, setShown] = useState(SHOWN);
    const order = ORDERS[query.value.get('order') ?? ''] ?? ORDERS.cost!, middle = all.other || all.partial ? null : median(all.users.map((u) => u.cost));
    const name = (u: User) => (all.label === TOKEN ? names.get(u.name) ?? `token ${u.name}` : u.name || '(empty)');
    const found = all.users.filter((u) => finds(wanted, name(u))).sort((a, b) => order.of(b) - order.of(a) || b.count - a.count);
    return (
        <>
            <Find what="users" of={all.users.length} found={found.length} value={wanted} onChange={setWanted} />
            <div class="card scroll" tabIndex={0} role="region" aria-label="Users">
                <table class="stack">
                    <thead><tr><th scope="col">User</th>{['Spend', 'Requests', 'Tokens', 'Cached', 'Saved', 'Errors', 'Last seen'].map((h) => <th key={h} scope="col" class="number">{h}</th>)}<th scope="col">Requests in</th></tr></thead>
                    <tbody>{found.slice(0, shown).map((u) => <Row key={u.name} user={u} name={name(u)} label={all.label} range={range} review={!!middle && u.cost >= 2 * middle} />)}</tbody>
                </table>
            </div>
            {found.length > shown && <Button onClick={() => setShown(shown + 10 * SHOWN)}>Show more: {exact(found.length - shown)} are left</Button>}
        </>
    );
}

const Nobody = ({ range }: { range: Range }) => (
    <Empty title={`Nobody said who they are in the last ${range.label}`}>
        <p>Send <code>{'cf-aig-metadata: {"user": "ana"}'}</code> with requests, give each program a token of its own, or let people sign in with OpenID Connect: then this page shows what each of them costs.</p>
    </Empty>
);

export function Users() {
    const range = rangeOf(query.value.get('range')), wanted = query.value.get('label');
    const all = useLoad((abort) => users(wanted, range, abort), [wanted, range.key], { every: 30000 });
    const names = useLoad(tokenNames, []);
    return (
        <>
            <Head title="Users" note="Who asks, in all gateways, and what they cost.">
                <Choice label="Time range" options={RANGES.map((r) => ({ key: r.key, label: r.key }))} value={range.key} onChange={(key) => setQuery({ range: key })} />
            </Head>
            <Ready of={all} rows={4}>{(a) => (a.label ? (
                <>
                    <div class="toolbar">
                        <label>A user is <select value={a.label} onChange={(e) => setQuery({ label: e.currentTarget.value }, { replace: true })}>{a.labels.map((l) => <option key={l} value={l}>{labelName(l)}</option>)}</select></label>
                        <label>Order <select value={query.value.get('order') ?? 'cost'} onChange={(e) => setQuery({ order: e.currentTarget.value }, { replace: true })}>{Object.entries(ORDERS).map(([key, o]) => <option key={key} value={key}>{o.label}</option>)}</select></label>
                    </div>
                    <Figures all={a} />
                    <Table key={a.label} all={a} range={range} names={names.data ?? new Map()} />
                </>
            ) : <Nobody range={range} />)}</Ready>
        </>
    );
}
