// SPDX-License-Identifier: Apache-2.0
// Keys of providers that a gateway keeps: added, rotated, deleted; never shown.
import { useState } from 'preact/hooks';
import { may } from '../lib/api';
import { listAll, post, put, remove, type Body } from '../lib/client';
import { ago, exact, NONE } from '../lib/format';
import { useLoad } from '../lib/load';
import { slugs, useProviders } from '../lib/providers';
import type { ProviderConfig } from '../lib/types';
import { ask, Button, Empty, Head, Ready, say, Tag } from '../ui/basics';
import { Editor, type Kind } from '../ui/editor';

const LIMITS = { rate_limit: { label: 'Rate limit', unit: 'requests each period' }, rate_limit_period: { label: 'Period', unit: 'seconds' } };
const newKey = (offers: string[]): Kind<'ProviderConfigBody'> => ({ schema: 'ProviderConfigBody', keys: { provider_slug: { label: 'Provider', example: 'openai', offers }, alias: { label: 'Name' }, secret: { label: 'Key', secret: true }, default_config: { label: 'Use it when none is asked for' }, ...LIMITS } });
const CHANGE: Kind<'ProviderConfigBody'> = { schema: 'ProviderConfigBody', keys: { secret: { label: 'New key', secret: true, example: 'empty: stays as it is' }, alias: { label: 'Name' }, default_config: { label: 'Use it when none is asked for' }, ...LIMITS } };

const KEYS = '/accounts/{A}/ai-gateway/gateways/{G}/provider_configs', KEY = `${KEYS}/{K}` as const;

const given = <T extends object>(v: T): T => Object.fromEntries(Object.entries(v).filter(([, x]) => x !== null && x !== '')) as T;

export function Keys({ id }: { id: string }) {
    const editable = may('write') && may('secrets_write');
    const keys = useLoad((abort) => listAll(KEYS, { G: id, signal: abort, what: 'Listing provider keys' }), [id]);
    const known = useProviders();
    const [editing, setEditing] = useState<ProviderConfig | 'new' | null>(null);
    const destroy = (k: ProviderConfig) => ask({ title: `Delete the key ${k.alias} of ${k.provider_slug}?`, act: 'Delete', text: 'Requests without a key of their own go out without one, or are refused.',
        run: async () => { await remove(KEY, { G: id, K: k.id, what: 'Deleting the key' }); say('Deleted'); keys.reload(); } });
    const add = async (v: Body<'post', typeof KEYS>) => { await post(KEYS, { G: id, body: given(v), what: 'Storing the key' }); say('Stored: it holds for the next request'); keys.reload(); };
    const change = (k: ProviderConfig) => async (v: Body<'put', typeof KEY>) => { await put(KEY, { G: id, K: k.id, body: given(v), what: 'Changing the key' }); say('Changed: it holds for the next request'); keys.reload(); };
    const adder = editable && <Button icon="plus" kind="primary" onClick={() => setEditing('new')}>Add a key</Button>;
    return (
        <>
            <Head title="Provider keys" note={id}>{keys.data?.length ? adder : null}</Head>
            <Ready of={keys}>{(rows) => (rows.length === 0 ? <Empty title="No key is stored"><p>With one, programs need the gateway’s token and nothing else. It is sealed on disk and never shown again.</p>{adder}</Empty> : (
                <div class="card scroll" tabIndex={0} role="region" aria-label="Provider keys">
                    <table class="stack">
                        <thead><tr><th scope="col">Provider</th><th scope="col">Name</th><th scope="col">Key</th><th scope="col">Status</th><th scope="col">Limit</th><th scope="col">Last used</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
                        <tbody>{rows.map((k) => (
                            <tr key={k.id}>
                                <th scope="row">{k.provider_slug}</th><td data-label="Name">{k.alias} {k.default_config && <Tag>default</Tag>}</td><td data-label="Key" class="fixed"><code>{k.secret_preview}</code></td>
                                <td data-label="Status"><Tag tone={k.status === 'active' ? 'good' : k.status === 'failing' ? 'warn' : 'bad'}>{k.status ?? 'active'}</Tag></td>
                                <td data-label="Limit" class="fixed">{k.rate_limit ? `${exact(k.rate_limit)} in ${k.rate_limit_period ?? 60} s` : NONE}</td><td data-label="Last used" class="fixed">{ago(k.last_used_at)}</td>
                                <td class="acts">{editable && <><Button onClick={() => setEditing(k)}>Rotate or change</Button><Button icon="trash" label={`Delete the key ${k.alias} of ${k.provider_slug}`} onClick={() => destroy(k)} /></>}</td>
                            </tr>))}
                        </tbody>
                    </table>
                </div>
            ))}</Ready>
            {editing === 'new' && <Editor title="Add a provider key" kind={newKey(slugs(known))} start={{ provider_slug: '', alias: 'default', default_config: !keys.data?.length, secret: '', rate_limit: null, rate_limit_period: null }} act="Store" save={add} onClose={() => setEditing(null)} />}
            {editing && editing !== 'new' && <Editor title={`${editing.provider_slug} · ${editing.alias}`} kind={CHANGE} start={{ alias: editing.alias, default_config: editing.default_config, secret: null, rate_limit: editing.rate_limit ?? null, rate_limit_period: editing.rate_limit_period ?? null }} act="Save" save={change(editing)} onClose={() => setEditing(null)} />}
        </>
    );
}
