// SPDX-License-Identifier: Apache-2.0
// Every key of a gateway: explained, checked while it is typed, and shown as it will change before it is saved.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, gatewayPath, get, may, put, remove } from '../lib/api';
import { grouped } from '../lib/gateway-keys';
import { readGateways } from '../lib/gateways';
import { useLoad } from '../lib/load';
import { go } from '../lib/router';
import type { Fields, Gateway, Json, ObjectSchema } from '../lib/types';
import { ask, Button, Head, Problem, Ready, say } from '../ui/basics';
import { changes, fault, Field, schemaOf, show } from '../ui/form';

const brief = (v: Json) => (v === null ? 'not set' : v === true ? 'on' : v === false ? 'off' : show(v));

/* Only keys that the document describes are sent: what the daemon adds to an answer is its own. An absent key stays absent. */
const settable = (g: Fields, schema: ObjectSchema): Fields => Object.fromEntries(Object.keys(schema.properties).filter((k) => g[k] !== undefined).map((k) => [k, g[k]!]));

function Editor({ id, gateway, schema, reload }: { id: string; gateway: Gateway; schema: ObjectSchema; reload: () => void }) {
    const before = settable(gateway, schema);
    const [now, setNow] = useState<Fields>(before);
    const [error, setError] = useState<ApiError | null>(null);
    const [remarks, setRemarks] = useState<string[]>([]);
    const [busy, setBusy] = useState(false);
    useEffect(() => setNow(before), [gateway.modified_at]);
    const changed = changes(before, now), editable = may('write');
    const wrong = changed.some(({ key, to }) => fault(schema.properties[key]!, to));
    const complaintOf = (key: string) => error?.complaints.find((c) => c.path.includes(key))?.message ?? null;
    const save = async () => {
        setBusy(true);
        setError(null);
        try {
            const { remarks } = await put<Gateway>(gatewayPath(id), now, 'Saving the settings');
            setRemarks(remarks);
            say('Saved: it holds for the next request');
            reload();
        } catch (e) {
            setError(e as ApiError);
        }
        setBusy(false);
    };
    return (
        <form class="settings" onSubmit={(e) => { e.preventDefault(); if (changed.length && !wrong) void save(); }}>
            <div class="groups">{grouped(Object.keys(schema.properties)).map((group) => (
                <fieldset class="card" key={group.title} disabled={!editable}>
                    <legend>{group.title}</legend><p class="muted">{group.note}</p>
                    {Object.entries(group.keys).map(([key, hint]) => (
                        <Field key={key} name={key} schema={schema.properties[key]!} hint={hint} value={now[key]} complaint={complaintOf(key)} onChange={(v) => { setNow({ ...now, [key]: v }); setError(null); }} />
                    ))}
                </fieldset>
            ))}</div>
            {remarks.length > 0 && <div class="note" role="status">{remarks.map((r) => <p key={r}>{r}</p>)}</div>}
            {error && <Problem error={error} />}
            {changed.length > 0 && (
                <div class="savebar" role="region" aria-label="What will change">
                    <ul>{changed.map(({ key, from, to }) => <li key={key}><b>{key}</b> <del>{brief(from)}</del> <ins>{brief(to)}</ins></li>)}</ul>
                    <div class="actions"><Button onClick={() => { setNow(before); setError(null); }}>Undo</Button><Button kind="primary" type="submit" busy={busy} disabled={wrong}>Save {changed.length === 1 ? '1 change' : `${changed.length} changes`}</Button></div>
                </div>
            )}
        </form>
    );
}

export function Settings({ id }: { id: string }) {
    const both = useLoad(async (abort) => {
        const [gateway, schema] = await Promise.all([get<Gateway>(gatewayPath(id), { signal: abort, what: 'Reading the gateway' }), schemaOf('Gateway')]);
        return { gateway, schema };
    }, [id]);
    const destroy = () => ask({ title: `Delete ${id}?`, word: id, act: 'Delete the gateway', text: 'Programs that call it are refused from then on. Its log and its stored provider keys go with it, for good.',
        run: async () => { await remove(gatewayPath(id), 'Deleting the gateway'); await readGateways(); say(`${id} is deleted`); go('/'); } });
    return (
        <>
            <Head title="Settings" note={id}>{may('write') && <Button icon="trash" kind="danger" onClick={destroy}>Delete gateway</Button>}</Head>
            {!may('write') && <p class="note">This token may look, not change: that needs the permission write.</p>}
            <Ready of={both} rows={10}>{({ gateway, schema }) => <Editor id={id} gateway={gateway} schema={schema} reload={both.reload} />}</Ready>
        </>
    );
}
