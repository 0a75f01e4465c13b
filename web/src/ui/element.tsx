// SPDX-License-Identifier: Apache-2.0
// The panel of one element of a route: its properties, and where its outputs lead (docs/routes.md).
import { useState } from 'preact/hooks';
import { connect, dropOutput, labelOf, outputsOf, renameOutput, targetOf, typeOf, type Elements, type GraphElement, type Remark } from '../lib/graph';
import { modelsOf, slugs, type Known } from '../lib/providers';
import type { Fields, Json, Schema } from '../lib/types';
import { Button } from './basics';
import { Conditions } from './conditions';
import { Field, type Hint } from './form';

type Row = [key: string, hint: Hint, schema: Schema];
const PROPERTIES: Record<string, Row[]> = {
    model: [
        ['provider', { label: 'Provider', example: 'openai' }, { type: 'string', description: 'A provider’s slug, or custom- and the slug of one of yours.' }],
        ['model', { label: 'Model', example: 'gpt-4o-mini' }, { type: 'string', description: 'As the provider calls it.' }],
        ['timeout', { label: 'Time for an answer', unit: 'milliseconds' }, { type: ['integer', 'null'], minimum: 0 }],
        ['retries', { label: 'Further tries' }, { type: ['integer', 'null'], minimum: 0, maximum: 5, description: 'After the first.' }],
    ],
    rate: [
        ['key', { label: 'Counted by', example: 'metadata.user_id' }, { type: 'string', description: 'Each value of it has a limit of its own.' }],
        ['limitType', { label: 'What is counted', choices: [['count', 'requests'], ['cost', 'US dollars']] }, { type: 'string' }],
        ['limit', { label: 'Limit' }, { type: 'number' }],
        ['window', { label: 'Window', unit: 'seconds' }, { type: 'integer', minimum: 1 }],
        ['technique', { label: 'The window is', choices: [[null, 'fixed (not said)'], ['fixed', 'fixed'], ['sliding', 'sliding']] }, { type: ['string', 'null'] }],
    ],
};
const OLD_NAMES: Record<string, string> = { window: 'interval' };

function withProperty(e: GraphElement, key: string, value: Json): GraphElement {
    const { [key]: _, ...others } = e.properties ?? {};
    const properties: Fields = value === null ? others : { ...e.properties, [key]: value };
    return { ...e, properties };
}

function Ways({ elements, element: e, at, editable, change }: { elements: Elements; element: GraphElement; at: number; editable: boolean; change: (e: GraphElement) => void }) {
    const shares = typeOf(e) === 'percentage', outputs = outputsOf(e);
    const others = elements.filter((x, i) => i !== at && x.type !== 'start');
    const free = () => { let n = 10; while (`${n}%` in e.outputs) n += 5; return `${n}%`; };
    const add = (name: string) => change({ ...e, outputs: { ...(name === 'else' ? e.outputs : dropOutput(e, 'else').outputs), [name]: { elementId: '' }, ...(name !== 'else' && e.outputs.else && { else: e.outputs.else }) } });
    if (!outputs.length && !shares) return null;
    return (
        <fieldset class="ways" disabled={!editable}>
            <legend>Where it leads</legend>
            {outputs.map((o, k) => (
                <div class="way-row" key={k}>
                    {shares && o !== 'else' ? <input class="share" aria-label={`Share ${k + 1}`} value={o} onChange={(ev) => { const to = ev.currentTarget.value.trim(); if (to && !(to in e.outputs)) change(renameOutput(e, o, to)); else ev.currentTarget.value = o; }} /> : <span>{o}</span>}
                    <select aria-label={`${o} leads to`} value={targetOf(e, o)} onChange={(ev) => change(connect(e, o, ev.currentTarget.value))}>
                        <option value="">{o === 'fallback' ? 'nowhere: the error goes out' : 'nowhere yet'}</option>
                        {others.map((x) => <option key={x.id} value={x.id}>{x.id}</option>)}
                        {targetOf(e, o) && !others.some((x) => x.id === targetOf(e, o)) && <option value={targetOf(e, o)}>{targetOf(e, o)} (cannot be)</option>}
                    </select>
                    {shares && <Button icon="close" kind="ghost" label={`Remove ${o}`} onClick={() => change(dropOutput(e, o))} />}
                </div>
            ))}
            {shares && <div class="actions">{outputs.filter((o) => o !== 'else').length < 5 && <Button icon="plus" onClick={() => add(free())}>Share</Button>}{!e.outputs.else && <Button icon="plus" onClick={() => add('else')}>The rest</Button>}</div>}
        </fieldset>
    );
}

/* Taken over when it is complete: what is typed on the way may be another element's. */
function IdField({ elements, at, editable, wrong, rename }: { elements: Elements; at: number; editable: boolean; wrong: string | undefined; rename: (id: string) => void }) {
    const id = elements[at]!.id, [typed, setTyped] = useState(id);
    const taken = elements.some((x, i) => i !== at && x.id === typed), bad = !typed ? 'An id is needed' : taken ? 'Another element has this id' : wrong;
    return (
        <div class="field"><label for="element-id">Id</label>
            <input id="element-id" name="id" value={typed} disabled={!editable} autocomplete="off" aria-describedby="element-id-help" aria-invalid={bad ? true : undefined} onInput={(e) => setTyped(e.currentTarget.value)} onChange={() => { if (typed && !taken && typed !== id) rename(typed); }} />
            <small id="element-id-help">{bad && <em class="wrong">{bad}</em>}</small>
        </div>
    );
}

export function ElementPanel({ elements, at, known, remarks, editable, change, rename, remove }: {
    elements: Elements; at: number; known: Known[]; remarks: Remark[]; editable: boolean; change: (e: GraphElement) => void; rename: (id: string) => void; remove: () => void;
}) {
    const e = elements[at]!, type = typeOf(e), rows = PROPERTIES[type] ?? [];
    const keyOf = (key: string) => (OLD_NAMES[key] && e.properties?.[OLD_NAMES[key]!] !== undefined && e.properties[key] === undefined ? OLD_NAMES[key]! : key);
    const offers = (key: string) => (type !== 'model' ? undefined : key === 'provider' ? slugs(known) : key === 'model' ? modelsOf(known, e.properties?.['provider']) : undefined);
    const about = (key: string) => remarks.filter((r) => r.at[0] === 'properties' && r.at[1] === key).map((r) => r.message).join('; ') || null;
    const shown = (r: Remark) => r.at[0] === 'id' || r.at[0] === 'properties' && rows.some(([key]) => keyOf(key) === r.at[1]);
    return (
        <section class="card panel" aria-label={`Element ${e.id}`}>
            <header class="head"><h2>{labelOf(e)}</h2>{editable && <Button icon="trash" kind="ghost" label={`Delete ${e.id}`} onClick={remove} />}</header>
            {remarks.filter((r) => !shown(r)).map((r) => <p class="problem" role="alert" key={r.at.join('.') + r.message}>{r.at.length ? <b>{r.at.join('.')}</b> : null}{r.message}</p>)}
            <IdField key={`${e.id}/id`} elements={elements} at={at} editable={editable} wrong={remarks.find((r) => r.at[0] === 'id')?.message} rename={rename} />
            {type === 'conditional' && <Conditions key={`${at}/condition`} element={e} editable={editable} change={change} />}
            {rows.map(([key, hint, schema]) => <Field key={`${at}/${key}`} name={key} schema={schema} hint={{ ...hint, offers: offers(key) }} value={e.properties?.[keyOf(key)]} disabled={!editable} complaint={about(keyOf(key))} onChange={(v) => change(withProperty(e, keyOf(key), v))} />)}
            <Ways elements={elements} element={e} at={at} editable={editable} change={change} />
        </section>
    );
}
