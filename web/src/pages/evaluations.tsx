// SPDX-License-Identifier: Apache-2.0
// Datasets are saved questions to the log; evaluations say what their rows cost, how long they took and how people rated them.
import { useEffect, useState } from 'preact/hooks';
import { may } from '../lib/api';
import { list, post, put, remove } from '../lib/client';
import { DATASET_KEYS, fromParams, inDataset, toParam, words } from '../lib/filters';
import { ago, duration, exact, moment, money, NONE } from '../lib/format';
import { useLoad } from '../lib/load';
import type { Dataset, Evaluation, EvaluationType as Type, LogFilter } from '../lib/openapi';
import { link, query, setQuery } from '../lib/router';
import { ask, Button, Dialog, Empty, Head, Icon, Problem, Ready, say, Tag } from '../ui/basics';
import { AddFilter } from '../ui/filters';

const DATASETS = '/accounts/{A}/ai-gateway/gateways/{G}/datasets', EVALUATIONS = '/accounts/{A}/ai-gateway/gateways/{G}/evaluations';
const DATASETS_MOST = 10, IN_ONE_MOST = 5, WATCH_MS = 1000;

const rowsOf = (id: string, d: Dataset) => `${link('gateways', id, 'logs')}${d.filters.length ? '?' : ''}${d.filters.map((f) => `f=${encodeURIComponent(toParam(f))}`).join('&')}`;
const meaning = (d: Dataset) => (d.filters.length ? d.filters.map(words).join(', ') : 'every row');

// ---- dialogs ------------------------------------------------------------------------------------------------

function DatasetForm({ id, old, filters: first, onClose, onDone }: { id: string; old: Dataset | null; filters: LogFilter[]; onClose: () => void; onDone: () => void }) {
    const [name, setName] = useState(old?.name ?? '');
    const [enable, setEnable] = useState(old?.enable ?? true);
    const [filters, setFilters] = useState(old?.filters ?? first);
    const [adding, setAdding] = useState(false);
    const [error, setError] = useState<Error | null>(null);
    const [busy, setBusy] = useState(false);
    const save = async () => {
        if (!name || busy) return;
        setBusy(true);
        setError(null);
        const call = { G: id, body: { name, enable, filters } };
        await (old ? put(`${DATASETS}/{id}`, { ...call, id: old.id, what: 'Changing the dataset' }) : post(DATASETS, { ...call, what: 'Saving the dataset' })).then(onDone, (e) => { setError(e); setBusy(false); });
    };
    return (
        <Dialog title={old ? old.name : 'New dataset'} onClose={onClose} stays="click">
            <form onSubmit={(e) => { e.preventDefault(); void save(); }}>
                <label class="field">Name<input autofocus required maxLength={255} autocomplete="off" value={name} placeholder="slow-openai" onInput={(e) => setName(e.currentTarget.value)} /></label>
                <label class="check"><input type="checkbox" checked={enable} onChange={(e) => setEnable(e.currentTarget.checked)} />New evaluations may take it</label>
            </form>
            <div class="field"><span>Rows that meet all of</span>
                <div class="chips">
                    {filters.map((f, i) => <button key={toParam(f)} type="button" class="chip on" aria-label={`Remove the filter: ${words(f)}`} onClick={() => setFilters(filters.filter((_, k) => k !== i))}>{words(f)}<Icon name="close" /></button>)}
                    {!filters.length && <span class="muted">nothing: every row of the log</span>}
                    <button type="button" class="chip" aria-expanded={adding} onClick={() => setAdding(!adding)}><Icon name="plus" />Filter</button>
                </div>
            </div>
            {adding && <AddFilter keys={DATASET_KEYS} without={['neq']} onAdd={(f) => { if (inDataset(f)) setFilters([...filters, f]); }} onClose={() => setAdding(false)} />}
            {error && <Problem error={error} />}
            <footer><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={busy} disabled={!name} onClick={save}>Save</Button></footer>
        </Dialog>
    );
}

function EvaluationForm({ id, datasets, types, onClose, onDone }: { id: string; datasets: Dataset[]; types: Type[]; onClose: () => void; onDone: () => void }) {
    const [name, setName] = useState(new Date().toLocaleDateString(undefined, { dateStyle: 'medium' }));
    const [chosen, setChosen] = useState<string[]>(datasets.length === 1 ? [datasets[0]!.id] : []);
    const [wanted, setWanted] = useState(types.map((t) => t.id));
    const [error, setError] = useState<Error | null>(null);
    const [busy, setBusy] = useState(false);
    const toggle = (all: string[], x: string) => (all.includes(x) ? all.filter((y) => y !== x) : [...all, x]);
    const make = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        setError(null);
        await post(EVALUATIONS, { G: id, body: { name, dataset_ids: chosen, evaluation_type_ids: wanted }, what: 'Starting the evaluation' }).then(onDone, (e) => { setError(e); setBusy(false); });
    };
    return (
        <Dialog title="New evaluation" onClose={onClose} stays="click">
            <form onSubmit={make}>
                <p>About the rows that are there now: later ones do not change it.</p>
                <label class="field">Name<input autofocus required maxLength={255} autocomplete="off" value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
                <fieldset class="plain"><legend>Datasets, five at most</legend>{datasets.map((d) => <label class="check" key={d.id}><input type="checkbox" checked={chosen.includes(d.id)} disabled={!chosen.includes(d.id) && chosen.length >= IN_ONE_MOST} onChange={() => setChosen(toggle(chosen, d.id))} />{d.name} <small>{meaning(d)}</small></label>)}</fieldset>
                <fieldset class="plain"><legend>To find out</legend>{types.map((t) => <label class="check" key={t.id} title={t.description}><input type="checkbox" checked={wanted.includes(t.id)} onChange={() => setWanted(toggle(wanted, t.id))} />{t.name}</label>)}</fieldset>
                {error && <Problem error={error} />}
                <footer><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" busy={busy} disabled={!name || !chosen.length || !wanted.length}>Evaluate</Button></footer>
            </form>
        </Dialog>
    );
}

// ---- lists ----------------------------------------------------------------------------------------------------

/* Results are decimal text; empty when no row counts. */
function shown(type: string | undefined, text: string): string {
    if (text === '') return NONE;
    const n = Number(text);
    return type === 'cost' ? money(n) : type === 'speed' ? duration(n) : type === 'human_feedback' ? `${Number((100 * n).toFixed(1))} % good` : text;
}

const stateOf = (e: Evaluation) => (e.results.some((r) => r.status_description === 'failed') ? 'failed' : e.processed ? 'done' : e.results.some((r) => r.status_description === 'running') ? 'running' : 'pending');
const TONES = { failed: 'bad', done: 'good', running: 'accent', pending: '' } as const;

function Value({ e, type }: { e: Evaluation; type: Type }) {
    const r = e.results.find((x) => x.evaluation_type_id === type.id);
    if (!r) return <>{NONE}</>;
    return <>{e.processed ? shown(type.type, r.result) : '…'}<small class="of"> {e.processed && r.result !== '' && `of ${exact(r.total_logs)}`}</small></>;
}

function List({ rows, types, onDelete }: { rows: Evaluation[]; types: Type[]; onDelete: (e: Evaluation) => void }) {
    return (
        <div class="card scroll" tabIndex={0} role="region" aria-label="Evaluations">
            <table class="stack">
                <thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col" class="number">Rows</th>{types.map((t) => <th key={t.id} scope="col" class="number" title={t.description}>{t.name}</th>)}<th scope="col">Made</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
                <tbody>{rows.map((e) => {
                    const state = stateOf(e);
                    return (
                        <tr key={e.id}>
                            <th scope="row">{e.name}<small class="below">{e.datasets.map((d) => d.name).join(', ')}</small></th>
                            <td data-label="State"><Tag tone={TONES[state]}>{state}</Tag>{!e.processed && <progress aria-label={`${e.name} is being worked off`} />}</td>
                            <td class="number" data-label="Rows">{exact(e.total_logs)}</td>{types.map((t) => <td key={t.id} class="number" data-label={t.name}><Value e={e} type={t} /></td>)}
                            <td data-label="Made" title={moment(e.created_at)}>{ago(e.created_at)}</td><td class="acts">{may('write') && <Button icon="trash" label={`Delete ${e.name}`} onClick={() => onDelete(e)} />}</td>
                        </tr>
                    );
                })}</tbody>
            </table>
        </div>
    );
}

function Datasets({ id, rows, onEdit, onDelete }: { id: string; rows: Dataset[]; onEdit: (d: Dataset) => void; onDelete: (d: Dataset) => void }) {
    return (
        <div class="card scroll" tabIndex={0} role="region" aria-label="Datasets">
            <table class="stack">
                <thead><tr><th scope="col">Dataset</th><th scope="col">Rows that meet</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
                <tbody>{rows.map((d) => (
                    <tr key={d.id}><th scope="row">{d.name} {!d.enable && <Tag>off</Tag>}</th><td class="wide" data-label="Rows that meet">{meaning(d)}</td>
                        <td class="acts"><a class="button" href={rowsOf(id, d)}>See its rows</a>{may('write') && <><Button onClick={() => onEdit(d)}>Change</Button><Button icon="trash" label={`Delete ${d.name}`} onClick={() => onDelete(d)} /></>}</td></tr>))}
                </tbody>
            </table>
        </div>
    );
}

type Open = { dataset: Dataset | null; filters: LogFilter[] } | 'evaluation' | null;

export function Evaluations({ id }: { id: string }) {
    const asked = fromParams(query.value.getAll('f')).filter(inDataset); // filters that the log's page wants to be kept
    const [open, setOpen] = useState<Open>(asked.length && may('write') ? { dataset: null, filters: asked } : null);
    const [waiting, setWaiting] = useState(false);
    const all = useLoad(async (signal) => {
        const [evaluations, datasets, types] = await Promise.all([list(EVALUATIONS, { G: id, query: { per_page: 100 }, signal, what: 'Listing evaluations' }), list(DATASETS, { G: id, query: { per_page: 100 }, signal, what: 'Listing datasets' }),
            list('/accounts/{A}/ai-gateway/evaluation-types', { query: { per_page: 50 }, signal, what: 'Listing what can be found out' })]);
        return { evaluations: evaluations.rows, datasets: datasets.rows, types: types.rows };
    }, [id], { every: waiting ? WATCH_MS : 0 });
    useEffect(() => setWaiting(all.data?.evaluations.some((e) => !e.processed) ?? false), [all.data]);
    const close = () => { setOpen(null); if (asked.length) setQuery({ f: null }, { replace: true }); };
    const done = (text: string) => { close(); say(text); all.reload(); };
    const destroy = (path: typeof DATASETS | typeof EVALUATIONS, { id: one, name }: { id: string; name: string }, text: string) => ask({ title: `Delete ${name}?`, act: 'Delete', text, run: async () => { await remove(`${path}/{id}`, { G: id, id: one, what: 'Deleting' }); say('Deleted'); all.reload(); } });
    const writable = may('write'), adder = writable && <Button icon="plus" onClick={() => setOpen({ dataset: null, filters: [] })}>New dataset</Button>;
    return (
        <>
            <Head title="Evaluations" note={id}>
                {all.data?.datasets.length ? all.data.datasets.length < DATASETS_MOST && adder : null}
                {writable && all.data?.datasets.some((d) => d.enable) && <Button icon="plus" kind="primary" onClick={() => setOpen('evaluation')}>New evaluation</Button>}
            </Head>
            <Ready of={all}>{({ evaluations, datasets, types }) => (
                <>
                    {!datasets.length && !evaluations.length ? <Empty title="No dataset yet"><p>A dataset is a question to the log that is kept, such as all slow calls of one model. An evaluation says what its rows cost, how long they took and how people rated them.</p>{adder}</Empty> : (
                        <>
                            {evaluations.length ? <List rows={evaluations} types={types} onDelete={(e) => destroy(EVALUATIONS, e, 'Its results go for good.')} /> : <p class="card muted">No evaluation yet.{datasets.some((d) => d.enable) ? ' A new one takes the rows that are there now.' : ' Only datasets that are on can be evaluated.'}</p>}
                            {datasets.length > 0 && <Datasets id={id} rows={datasets} onEdit={(d) => setOpen({ dataset: d, filters: [] })} onDelete={(d) => destroy(DATASETS, d, 'Its rows stay in the log, and its evaluations stay as they are.')} />}
                        </>
                    )}
                    {open === 'evaluation' && <EvaluationForm id={id} datasets={datasets.filter((d) => d.enable)} types={types} onClose={close} onDone={() => done('It is being worked off')} />}
                </>
            )}</Ready>
            {open && open !== 'evaluation' && <DatasetForm id={id} old={open.dataset} filters={open.filters} onClose={close} onDone={() => done('Saved')} />}
        </>
    );
}
