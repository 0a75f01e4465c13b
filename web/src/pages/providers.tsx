// SPDX-License-Identifier: Apache-2.0
// Servers of the account's own, and what their models cost.
import { useState } from 'preact/hooks';
import { mayAll } from '../lib/api';
import { listAll, patch, post, remove, type Body } from '../lib/client';
import { useLoad } from '../lib/load';
import type { CustomCost, CustomProvider } from '../lib/types';
import { ask, Button, Empty, Head, Ready, say, Tag } from '../ui/basics';
import { Editor, type Kind, type Start } from '../ui/editor';

const PROVIDERS = '/accounts/{A}/ai-gateway/custom-providers', ONE = `${PROVIDERS}/{id}` as const, COSTS = `${PROVIDERS}/costs` as const, ONE_COST = `${COSTS}/{id}` as const;
const PROVIDER: Kind<'CustomProviderBody'> = { schema: 'CustomProviderBody', keys: { name: { label: 'Name' }, slug: { label: 'Slug', example: 'vllm' }, base_url: { label: 'Base URL', example: 'https://llm.example.com/v1' }, enable: { label: 'Send requests there' },
    description: { label: 'Description' }, link: { label: 'Documentation' }, headers: { label: 'Static headers', lines: 3, example: '{"x-team": "search"}' }, weir_chat_path: { label: 'Path of chat' }, weir_usage_injection: { label: 'Ask streams for their usage' } } };
const COST: Kind<'CustomProviderCostBody'> = { schema: 'CustomProviderCostBody', keys: { model: { label: 'Model' }, model_rule: { label: 'Which models' }, cost_in: { label: 'In', unit: 'USD per token' }, cost_out: { label: 'Out', unit: 'USD per token' }, enable: { label: 'It counts' },
    token_pricing: { label: 'By kind of token', example: '{"input_cached_tokens": 0.00000005}' } } };

const keysOf = <N extends 'CustomProviderBody' | 'CustomProviderCostBody'>(kind: Kind<N>, o: Start<N>): Start<N> => Object.fromEntries(Object.keys(kind.keys).map((k) => [k, o[k as keyof Start<N>] ?? null])) as Start<N>;
const given = <T extends object>(v: T): T => Object.fromEntries(Object.entries(v).filter(([, x]) => x !== null)) as T;
const perMillion = (usd?: number | null) => (usd == null ? '–' : `$${Number((usd * 1e6).toPrecision(6))}`);

type Editing = { provider: CustomProvider | null } | { cost: CustomCost | null; of: CustomProvider } | null;

function Costs({ rows, onEdit, onDelete, editable }: { rows: CustomCost[]; onEdit: (c: CustomCost) => void; onDelete: (c: CustomCost) => void; editable: boolean }) {
    if (!rows.length) return <p class="muted">No price: its requests have no cost.</p>;
    return (
        <table class="stack">
            <thead><tr><th scope="col">Model</th><th scope="col" class="number">In, 1 M tokens</th><th scope="col" class="number">Out, 1 M tokens</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
            <tbody>{rows.map((c) => (
                <tr key={c.id}><th scope="row">{c.model_rule === 'equals' ? '' : `${c.model_rule} `}{c.model} {!c.enable && <Tag>off</Tag>}</th><td class="number" data-label="In">{perMillion(c.cost_in)}</td><td class="number" data-label="Out">{perMillion(c.cost_out)}</td>
                    <td class="acts">{editable && <><Button onClick={() => onEdit(c)}>Change</Button><Button icon="trash" label={`Delete the price of ${c.model}`} onClick={() => onDelete(c)} /></>}</td></tr>))}</tbody>
        </table>
    );
}

export function Providers() {
    const editable = mayAll('write');
    const both = useLoad(async (abort) => {
        const [providers, costs] = await Promise.all([listAll(PROVIDERS, { signal: abort, what: 'Listing providers' }), listAll(COSTS, { signal: abort, what: 'Listing prices' })]);
        return { providers, costs };
    }, []);
    const [editing, setEditing] = useState<Editing>(null);
    const close = () => setEditing(null);
    const done = (text: string) => { say(text); both.reload(); };
    const destroy = (title: string, path: typeof ONE | typeof ONE_COST, id: string, text: string) => ask({ title, text, act: 'Delete', run: async () => { await remove(path, { id, what: 'Deleting' }); done('Deleted'); } });
    const saveProvider = (p: CustomProvider | null) => async (body: Body<'post', typeof PROVIDERS>) => { await (p ? patch(ONE, { id: p.id, body, what: 'Changing the provider' }) : post(PROVIDERS, { body: given(body), what: 'Adding the provider' })); done('Saved'); };
    const saveCost = (c: CustomCost | null, of: CustomProvider) => async (body: Body<'post', typeof COSTS>) => { await (c ? patch(ONE_COST, { id: c.id, body, what: 'Changing the price' }) : post(COSTS, { body: { ...given(body), account_provider_id: of.id }, what: 'Setting the price' })); done('Saved'); };
    const adder = editable && <Button icon="plus" kind="primary" onClick={() => setEditing({ provider: null })}>Add a provider</Button>;
    return (
        <>
            <Head title="Custom providers" note="Servers of your own, for all gateways of the account.">{both.data?.providers.length ? adder : null}</Head>
            <Ready of={both}>{({ providers, costs }) => (providers.length ? providers.map((p) => (
                <section class="card" key={p.id} aria-label={p.name}>
                    <Head title={<span class="h2">{p.name} {p.enable ? <Tag tone="good">on</Tag> : <Tag>off</Tag>}</span>} note={<><code>custom-{p.slug}</code> at {p.base_url}</>}>
                        {editable && <><Button icon="plus" onClick={() => setEditing({ cost: null, of: p })}>Price</Button><Button onClick={() => setEditing({ provider: p })}>Change</Button>
                            <Button icon="trash" label={`Delete ${p.name}`} onClick={() => destroy(`Delete ${p.name}?`, ONE, p.id, 'Requests that name it are refused from then on. Its prices go with it.')} /></>}
                    </Head>
                    <Costs rows={costs.filter((c) => c.account_provider_id === p.id)} editable={editable} onEdit={(c) => setEditing({ cost: c, of: p })} onDelete={(c) => destroy(`Delete the price of ${c.model}?`, ONE_COST, c.id, 'Requests from then on have no cost; those of the past keep theirs.')} />
                </section>
            )) : <Empty title="No provider of your own"><p>Register a server that speaks OpenAI’s API, such as vLLM or Ollama, and call it like the others.</p>{adder}</Empty>)}</Ready>
            {editing && 'provider' in editing && <Editor title={editing.provider ? editing.provider.name : 'Add a provider'} kind={PROVIDER} act="Save" onClose={close} save={saveProvider(editing.provider)}
                start={editing.provider ? keysOf(PROVIDER, editing.provider) : { name: '', slug: '', base_url: '', enable: true }} />}
            {editing && 'cost' in editing && <Editor title={editing.cost ? `Price of ${editing.cost.model}` : `A price of ${editing.of.name}`} kind={COST} act="Save" onClose={close} save={saveCost(editing.cost, editing.of)}
                start={editing.cost ? keysOf(COST, { ...editing.cost, token_pricing: JSON.parse(editing.cost.token_pricing || 'null') }) : { model: '', model_rule: 'equals', cost_in: null, cost_out: null, enable: true, token_pricing: null }} />}
        </>
    );
}
