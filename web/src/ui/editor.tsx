// SPDX-License-Identifier: Apache-2.0
// A dialog that makes or changes one object of the API, from its schema.
import { useState } from 'preact/hooks';
import { ApiError } from '../lib/api';
import { useLoad } from '../lib/load';
import type { Fields, Json, ObjectSchema, Schemas } from '../lib/types';
import { Button, Dialog, Problem, Ready } from './basics';
import { fault, Field, schemaOf, type Hint } from './form';

/** A schema of the API, and which of its keys a form asks for. */
export interface Kind<N extends keyof Schemas> { schema: N; keys: { [K in keyof Schemas[N] & string]?: Hint } }
export type Start<N extends keyof Schemas> = { [K in keyof Schemas[N] & string]?: Schemas[N][K] | Json };

interface Form<N extends keyof Schemas, B> { kind: Kind<N>; start: Start<N>; act: string; save: (v: B) => Promise<unknown>; onClose: () => void }

function Inner({ hints, schema, start, act, save, onClose }: { hints: Record<string, Hint>; schema: ObjectSchema; start: Fields; act: string; save: (v: Fields) => Promise<unknown>; onClose: () => void }) {
    const [value, setValue] = useState(start);
    const [error, setError] = useState<ApiError | null>(null);
    const [busy, setBusy] = useState(false);
    const keys = Object.entries(hints).filter(([k]) => schema.properties[k]);
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

/** `save` is given what was typed, in the form of a body: what is wrong with it the API says. */
export function Editor<N extends keyof Schemas, B extends Schemas[N]>({ title, kind, start, act, save, onClose }: Form<N, B> & { title: string }) {
    const schema = useLoad(() => schemaOf(kind.schema), [kind.schema]);
    return <Dialog title={title} onClose={onClose} stays="click"><Ready of={schema}>{(s) => <Inner hints={kind.keys as Record<string, Hint>} schema={s} start={start as Fields} act={act} save={(v) => save(v as B)} onClose={onClose} />}</Ready></Dialog>;
}
