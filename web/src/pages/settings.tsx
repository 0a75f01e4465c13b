// SPDX-License-Identifier: Apache-2.0
// Every key of a gateway: explained, checked while it is typed, and shown as it will change before it is saved.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, may } from '../lib/api';
import { get, put, remove, type Body } from '../lib/client';
import { grouped, labelOf, type Group } from '../lib/gateway-keys';
import { rereadGateways } from '../lib/gateways';
import { useLoad } from '../lib/load';
import { go, link, query, setQuery } from '../lib/router';
import type { Fields, Gateway, Json, ObjectSchema } from '../lib/types';
import { Addresses } from '../ui/addresses';
import { ask, Button, Empty, Head, Icon, Problem, Ready, say } from '../ui/basics';
import { finds } from '../ui/find';
import { changes, fault, Field, schemaOf, show } from '../ui/form';
import { useGuard } from '../ui/guard';
import { NewToken } from '../ui/token';

const GATEWAY = '/accounts/{A}/ai-gateway/gateways/{G}';
const brief = (v: Json) => (v === null ? 'not set' : v === true ? 'on' : v === false ? 'off' : show(v));

/* Only keys that the document describes are sent: what the daemon adds to an answer is its own. An absent key stays absent. */
const settable = (g: Fields, schema: ObjectSchema): Fields => Object.fromEntries(Object.keys(schema.properties).filter((k) => g[k] !== undefined).map((k) => [k, g[k]!]));

const Found = ({ wanted, set }: { wanted: string; set: (s: string) => void }) => (
    <div class="search" role="search"><Icon name="search" /><input data-search type="search" aria-label="Find a setting" placeholder="Find a setting" value={wanted} onInput={(e) => set(e.currentTarget.value)} /><kbd>/</kbd></div>
);

function TokenFor({ id }: { id: string }) {
    const [making, setMaking] = useState(false);
    return (
        <div class="actions">
            <Button icon="token" onClick={() => setMaking(true)}>Make a token for it</Button>
            {making && <NewToken name={`${id} program`} only={[id]} onClose={() => setMaking(false)} />}
        </div>
    );
}

function matching(groups: Group[], schema: ObjectSchema, wanted: string): Group[] {
    const has = (title: string, key: string, label: string) => finds(wanted, title, key, label, schema.properties[key]?.description ?? '');
    return groups.map((g) => ({ ...g, keys: Object.fromEntries(Object.entries(g.keys).filter(([key, hint]) => has(g.title, key, hint.label))) })).filter((g) => Object.keys(g.keys).length);
}

function Editor({ id, gateway, schema, reload }: { id: string; gateway: Gateway; schema: ObjectSchema; reload: () => void }) {
    const before = settable(gateway, schema), form = useRef<HTMLFormElement>(null);
    const [now, setNow] = useState<Fields>(before);
    const wanted = query.value.get('find') ?? '', setWanted = (find: string) => setQuery({ find }, { replace: true });
    const [error, setError] = useState<ApiError | null>(null);
    const [remarks, setRemarks] = useState<string[]>([]);
    const [busy, setBusy] = useState(false);
    useEffect(() => setNow(before), [gateway.modified_at]);
    useEffect(() => { if (error) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus(); }, [error]);
    const changed = changes(before, now), editable = may('write');
    useGuard(changed.length > 0, 'What you changed in the settings is not saved.');
    const wrong = changed.some(({ key, to }) => fault(schema.properties[key]!, to));
    const complaintOf = (key: string) => error?.complaints.find((c) => c.path.includes(key))?.message ?? null;
    const save = async () => {
        setBusy(true);
        setError(null);
        try {
            const { remarks } = await put(GATEWAY, { G: id, body: now as Body<'put', typeof GATEWAY>, what: 'Saving the settings' });
            setRemarks(remarks);
            say('Saved: it holds for the next request');
            reload();
        } catch (e) {
            setError(e as ApiError);
        }
        setBusy(false);
    };
    const groups = matching(grouped(Object.keys(schema.properties)), schema, wanted);
    return (
        <form ref={form} class="settings" onSubmit={(e) => { e.preventDefault(); if (changed.length && !wrong) void save(); }}>
            <Found wanted={wanted} set={setWanted} />
            {!groups.length && <Empty title="No setting is called so"><Button onClick={() => setWanted('')}>Show all</Button></Empty>}
            <div class="groups">{groups.map((group) => (
                <fieldset class="card" key={group.title} disabled={!editable}>
                    <legend>{group.title}</legend><p class="muted">{group.note}</p>
                    {Object.entries(group.keys).map(([key, hint]) => (
                        <Field key={key} name={key} schema={schema.properties[key]!} hint={hint} value={now[key]} complaint={complaintOf(key)} onChange={(v) => { setNow({ ...now, [key]: v }); setError(null); }} />
                    ))}
                    {'authentication' in group.keys && may('tokens_write') && <TokenFor id={id} />}
                </fieldset>
            ))}</div>
            {remarks.length > 0 && <div class="note" role="status">{remarks.map((r) => <p key={r}>{r}</p>)}</div>}
            {error && <Problem error={error} />}
            {changed.length > 0 && (
                <div class="savebar" role="region" aria-label="What will change">
                    <ul>{changed.map(({ key, from, to }) => <li key={key} title={key}><b>{labelOf(key)}</b> <del>{brief(from)}</del> <ins>{brief(to)}</ins></li>)}</ul>
                    <div class="actions"><Button onClick={() => { setNow(before); setError(null); }}>Undo</Button><Button kind="primary" type="submit" busy={busy} disabled={wrong}>Save {changed.length === 1 ? '1 change' : `${changed.length} changes`}</Button></div>
                </div>
            )}
        </form>
    );
}

export function Settings({ id }: { id: string }) {
    const both = useLoad(async (abort) => {
        const [gateway, schema] = await Promise.all([get(GATEWAY, { G: id, signal: abort, what: 'Reading the gateway' }), schemaOf('GatewayBody')]);
        return { gateway, schema };
    }, [id]);
    const destroy = () => ask({ title: `Delete ${id}?`, word: id, act: 'Delete the gateway', text: 'Programs that call it are refused from then on. Its log and its stored provider keys go with it, for good.',
        run: async () => { await remove(GATEWAY, { G: id, what: 'Deleting the gateway' }); await rereadGateways(); say(`${id} is deleted`); go('/', { saved: true }); } });
    return (
        <>
            <Head title="Settings" note={id}>{may('write') && both.data && <Button icon="trash" kind="danger" onClick={destroy}>Delete gateway</Button>}</Head>
            {!may('write') && <p class="note">This token may look, not change: that needs the permission write.</p>}
            <Ready of={both} rows={10}>{({ gateway, schema }) => (
                <>
                    <section class="card" aria-label="Addresses"><Head title={<span class="h2">Addresses</span>} note={<>What programs call. <a href={link('gateways', id, 'start')}>As lines of code</a>, or <a href={link('gateways', id, 'domains')}>a host of its own</a>.</>} /><Addresses id={id} /></section>
                    <Editor id={id} gateway={gateway} schema={schema} reload={both.reload} />
                </>)}
            </Ready>
        </>
    );
}
