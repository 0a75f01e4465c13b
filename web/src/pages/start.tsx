// SPDX-License-Identifier: Apache-2.0
// How programs reach a gateway, and a light that turns green when the first one has.
import { useState } from 'preact/hooks';
import { accountId, may } from '../lib/api';
import { list } from '../lib/client';
import { useLoad } from '../lib/load';
import { duration, money, time } from '../lib/format';
import { link } from '../lib/router';
import { SNIPPETS } from '../lib/snippets';
import { Addresses, useAddress } from '../ui/addresses';
import { Button, Choice, Head, Icon, Snippet } from '../ui/basics';
import { NewToken } from '../ui/token';

const UNIVERSAL = /^(https?:\/\/[^/]+)\/v1\//;

function Light({ id }: { id: string }) {
    const rows = useLoad((abort) => list('/accounts/{A}/ai-gateway/gateways/{G}/logs', { G: id, query: { per_page: 1 }, signal: abort, what: 'Looking for the first request' }), [id], { every: 1500 });
    const row = rows.data?.rows[0];
    if (!row) return <div class="light" role="status"><span class="dot waiting" />Waiting for the first request…</div>;
    return (
        <div class="light there" role="status"><Icon name="check" />
            <div><b>Requests arrive.</b> The last: {row.model || row.path} of {row.provider}, {row.status_code ?? 'no answer'}, {duration(row.duration)}, {money(row.cost)}, at {time(row.created_at)}.</div>
            <a class="button" href={`${link('gateways', id, 'logs')}?log=${encodeURIComponent(row.id)}`}>Look at it</a>
        </div>
    );
}

export function Start({ id }: { id: string }) {
    const [sdk, setSdk] = useState('curl');
    const [making, setMaking] = useState(false);
    const [token, setToken] = useState('');
    const origin = UNIVERSAL.exec(useAddress(id))?.[1] ?? location.origin;
    const place = { origin, account: accountId(), gateway: id };
    const chosen = SNIPPETS.find((s) => s.key === sdk) ?? SNIPPETS[0]!;
    return (
        <>
            <Head title="Connect" note={id} />
            {may('metadata_read', 'read', 'write') && <Light id={id} />}
            <section class="card">
                <h2>1. Say who you are</h2>
                <p>A token for programs{may('tokens_write') ? '' : ', made by whoever runs this server'}, and your key of the provider{may('write') && may('secrets_write') && <>, unless <a href={link('gateways', id, 'keys')}>the gateway keeps one</a></>}:</p>
                <Snippet label="Environment" code={`export WEIR_TOKEN="${token || '...'}"\nexport OPENAI_API_KEY="..."`} />
                {token ? <p class="muted">The token stands here until you leave this page.</p> : may('tokens_write') && <div class="actions"><Button icon="token" onClick={() => setMaking(true)}>Make a token</Button></div>}
                {making && <NewToken name={`${id} program`} only={[id]} onClose={() => setMaking(false)} onMade={setToken} />}
            </section>
            <section class="card">
                <h2>2. Change the base URL</h2>
                <Choice label="Program" options={SNIPPETS.map(({ key, label }) => ({ key, label }))} value={sdk} onChange={setSdk} />
                <Snippet label={chosen.label} code={chosen.code(place)} />
            </section>
            <section class="card"><h2>Other providers</h2><Addresses id={id} /></section>
        </>
    );
}
