// SPDX-License-Identifier: Apache-2.0
// A gateway in two clicks: a name, and that it should be.
import { useState } from 'preact/hooks';
import { ApiError } from '../lib/api';
import { post } from '../lib/client';
import { PLAIN } from '../lib/gateway-keys';
import { gateways, rereadGateways } from '../lib/gateways';
import { go, link } from '../lib/router';
import { Button, Head, Problem } from '../ui/basics';

const ID = /^[a-z0-9_]+(-[a-z0-9_]+)*$/;

function freeName(): string {
    const taken = new Set((gateways.value ?? []).map((g) => g.id));
    return Array.from({ length: 1000 }, (_, i) => (i ? `gateway-${i + 1}` : 'my-gateway')).find((n) => !taken.has(n)) ?? '';
}

export function NewGateway() {
    const [id, setId] = useState(freeName);
    const [authentication, setAuthentication] = useState(true);
    const [error, setError] = useState<ApiError | null>(null);
    const [busy, setBusy] = useState(false);
    const wrong = !ID.test(id) || id.length > 64 ? '1 to 64 lower-case letters, digits, underscores and single hyphens inside' : gateways.value?.some((g) => g.id === id) ? 'There is one of this name' : '';
    const create = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        try {
            await post('/accounts/{A}/ai-gateway/gateways', { body: { id, ...PLAIN, authentication }, what: 'Creating the gateway' });
            await rereadGateways();
            go(link('gateways', id, 'start'));
        } catch (e) {
            setError(e as ApiError);
            setBusy(false);
        }
    };
    return (
        <>
            <Head title="New gateway" note="It works at once. Everything else can be set later." />
            <form class="card narrow" onSubmit={create}>
                <div class="field"><label for="new-id">Name</label><input id="new-id" autofocus value={id} autocomplete="off" spellcheck={false} aria-invalid={wrong ? true : undefined} aria-describedby="new-help" onInput={(e) => { setId(e.currentTarget.value); setError(null); }} />
                    <small id="new-help">{wrong ? <em class="wrong">{wrong}</em> : 'It stands in the URL that programs call and never changes.'}</small></div>
                <div class="field toggle"><input id="new-auth" type="checkbox" role="switch" checked={authentication} onChange={(e) => setAuthentication(e.currentTarget.checked)} /><div><label for="new-auth">Require a token</label><small>Without, whoever can reach this server may call through the gateway.</small></div></div>
                {error && <Problem error={error} />}
                <Button kind="primary" type="submit" busy={busy} disabled={!!wrong}>Create</Button>
            </form>
        </>
    );
}
