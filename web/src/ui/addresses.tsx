// SPDX-License-Identifier: Apache-2.0
// Where programs reach a gateway, to be copied.
import { useState } from 'preact/hooks';
import { accountId, may } from '../lib/api';
import { get } from '../lib/client';
import { useLoad } from '../lib/load';
import { slugs, useProviders } from '../lib/providers';
import { Copied } from './basics';

const ADAPTERS = ['compat']; // stands in the place of a provider

/** The address of a gateway; until it is known, and for those who may not ask, as this page is reached. */
export function useAddress(id: string): string {
    const here = `${location.origin}/v1/${accountId()}/${id}`;
    const told = useLoad((signal) => (may('read', 'write') ? get('/accounts/{A}/ai-gateway/gateways/{G}/url/{provider}', { G: id, provider: 'universal', signal, what: 'Reading the address' }) : Promise.resolve('')), [id]);
    return (told.data || here).replace(/\/$/, '');
}

export function Addresses({ id }: { id: string }) {
    const base = useAddress(id), known = slugs(useProviders());
    const [provider, setProvider] = useState('openai');
    const choices = (known.length ? known : [provider]).filter((p) => !ADAPTERS.includes(p));
    return (
        <dl class="facts">
            <div><dt><label for="address-provider" class="hidden">Provider</label><select id="address-provider" value={provider} onChange={(e) => setProvider(e.currentTarget.value)}>{choices.map((p) => <option key={p} value={p}>{p}</option>)}</select></dt>
                <dd><Copied label="Base URL of a provider" text={`${base}/${provider}`} /><small>What the provider’s own SDK calls its base URL.</small></dd></div>
            <div><dt>Any provider</dt><dd><Copied label="Base URL for any provider" text={`${base}/compat`} /><small>For OpenAI’s and five other SDKs; the model is called provider/model.</small></dd></div>
            <div><dt>Universal</dt><dd><Copied label="Universal address" text={base} /><small>A list of steps, tried one after the other.</small></dd></div>
        </dl>
    );
}
