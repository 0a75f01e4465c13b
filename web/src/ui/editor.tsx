// SPDX-License-Identifier: Apache-2.0
// A dialog that makes or changes one object of the API, from its schema.
import { useState } from 'preact/hooks';
import { ApiError } from '../lib/api';
import { useLoad } from '../lib/load';
import type { Fields, ObjectSchema } from '../lib/types';
import { Button, Dialog, Problem, Ready } from './basics';
import { fault, Field, schemaOf, type Hint } from './form';

export interface Kind { schema: string; keys: Record<string, Hint> }

function Inner({ kind, schema, start, act, save, onClose }: { kind: Kind; schema: ObjectSchema; start: Fields; act: string; save: (v: Fields) => Promise<unknown>; onClose: () => void }) {
    const [value, setValue] = useState(start);
    const [error, setError] = useState<ApiError | null>(null);
    const [busy, setBusy] = useState(false);
    const keys = Object.entries(kind.keys).filter(([k]) => schema.properties[k]);
    const wrong = keys.some(([k]) => fault(schema.properties[k]!, value[k]));
    const submit = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        setError(null);
        await save(value).then(onClose, setError);
        setBusy(false);
    };
    return (
        <form onSubmit={submit}>
            {keys.map(([key, hint]) => <Field key={key} name={key} schema={schema.properties[key]!} hint={hint} value={value[key]} onChange={(v) => { setValue({ ...value, [key]: v }); setError(null); }}
                complaint={error?.complaints.find((c) => c.path.includes(key))?.message ?? null} />)}
            {error && <Problem error={error} />}
            <footer><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={busy} disabled={wrong}>{act}</Button></footer>
        </form>
    );
}

export function Editor({ title, kind, start, act, save, onClose }: { title: string; kind: Kind; start: Fields; act: string; save: (v: Fields) => Promise<unknown>; onClose: () => void }) {
    const schema = useLoad(() => schemaOf(kind.schema), [kind.schema]);
    return <Dialog title={title} onClose={onClose} stays="click"><Ready of={schema}>{(s) => <Inner kind={kind} schema={s} start={start} act={act} save={save} onClose={onClose} />}</Ready></Dialog>;
}
