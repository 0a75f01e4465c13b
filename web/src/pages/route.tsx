// SPDX-License-Identifier: Apache-2.0
// One dynamic route: its graph is drawn, saved as a version, compared, deployed and taken back.
import { useState } from 'preact/hooks';
import { accountId, ApiError, may } from '../lib/api';
import { call, get, patch, post, remove as destroy, type Body } from '../lib/client';
import { moment } from '../lib/format';
import * as graph from '../lib/graph';
import { difference, type Difference, type Elements, type GraphElement, type Places, type Point } from '../lib/graph';
import { useLoad } from '../lib/load';
import { useProviders } from '../lib/providers';
import type { RouteElement } from '../lib/openapi';
import { go, link } from '../lib/router';
import { routeSnippets } from '../lib/snippets';
import type { Route, RouteDeployment, RouteVersion } from '../lib/types';
import { ask, Button, Choice, Dialog, Head, Problem, Ready, say, Snippet, Tag } from '../ui/basics';
import { Editor as Form } from '../ui/editor';
import { ElementPanel } from '../ui/element';
import { useGuard } from '../ui/guard';
import { Graph, Outline, Palette, type GraphActs } from '../ui/graph';
import { Idle } from './routes';

const PAGE = 100;
const ROUTES = '/accounts/{A}/ai-gateway/gateways/{G}/routes', ROUTE = `${ROUTES}/{R}` as const;
const elementsOf = (v: RouteVersion): Elements => {
    const read = graph.read(v.data);
    return typeof read === 'string' ? [] : read;
};
/* What was drawn or typed, for the API to judge. */
const asBody = (elements: Elements) => elements as RouteElement[];
const brief = (id: string) => id.slice(-8); // ids begin with the time

// ---- where elements were put: in this browser, by route ---------------------------------------------------

const shelf = (id: string) => `weir.graph.${id}`;
function kept(id: string): Places {
    try { return JSON.parse(localStorage.getItem(shelf(id)) ?? '{}') as Places; } catch { return {}; }
}
function keep(id: string, moved: Places): void {
    try {
        if (Object.keys(moved).length) localStorage.setItem(shelf(id), JSON.stringify(moved));
        else localStorage.removeItem(shelf(id));
    } catch { /* a browser that keeps nothing lays out anew */ }
}

// ---- differences -------------------------------------------------------------------------------------------

const TONES = { added: 'good', removed: 'bad', changed: 'warn' } as const;

export const Differences = ({ list, all = false }: { list: Difference[]; all?: boolean }) => (
    <ul class="differences">{list.map((d) => (
        <li key={d.id}><Tag tone={TONES[d.what]}>{d.what}</Tag> <b>{d.id}</b>
            {(all || d.what === 'changed') && <ul>{d.parts.map((p) => <li key={p.key}><span class="muted">{p.key}</span> {p.from && <del>{p.from}</del>} {p.to && <ins>{p.to}</ins>}</li>)}</ul>}
        </li>))}
    </ul>
);

function Compare({ versions, first, onClose }: { versions: RouteVersion[]; first: [string, string]; onClose: () => void }) {
    const [[from, to], set] = useState(first);
    const find = (id: string) => elementsOf(versions.find((v) => v.version_id === id)!);
    const list = difference(find(from), find(to));
    const pick = (label: string, value: string, change: (v: string) => void) => (
        <label class="field">{label}<select value={value} onChange={(e) => change(e.currentTarget.value)}>{versions.map((v) => <option key={v.version_id} value={v.version_id}>{moment(v.created_at)} · {brief(v.version_id)}{v.active === 'true' ? ' · deployed' : ''}</option>)}</select></label>
    );
    return (
        <Dialog title="Compare versions" onClose={onClose}>
            <div class="pair">{pick('From', from, (v) => set([v, to]))}{pick('To', to, (v) => set([from, v]))}</div>
            {list.length ? <Differences list={list} all /> : <p>They are the same.</p>}
        </Dialog>
    );
}

// ---- versions ----------------------------------------------------------------------------------------------

interface VersionActs { open: (v: RouteVersion) => void; deploy: (v: RouteVersion) => void; compare: (v: RouteVersion) => void }

function Versions({ versions, shown, more, acts }: { versions: RouteVersion[]; shown: string; more: (() => void) | null; acts: VersionActs }) {
    const live = versions.findIndex((v) => v.active === 'true');
    return (
        <section class="card" aria-label="Versions">
            <h2>Versions</h2>
            <table class="stack">
                <thead><tr><th scope="col">Version</th><th scope="col">Saved</th><th scope="col">State</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
                <tbody>{versions.map((v, i) => (
                    <tr key={v.version_id}>
                        <th scope="row"><code>{brief(v.version_id)}</code></th><td data-label="Saved">{moment(v.created_at)}</td>
                        <td data-label="State">{v.active === 'true' && <Tag tone="good">deployed</Tag>}{v.is_valid === false && <Tag tone="warn">draft</Tag>}{v.version_id === shown && <Tag tone="accent">shown</Tag>}</td>
                        <td class="acts">
                            {v.version_id !== shown && <Button label={`Show ${brief(v.version_id)}`} onClick={() => acts.open(v)}>Show</Button>}
                            {versions.length > 1 && <Button label={`Compare ${brief(v.version_id)}`} onClick={() => acts.compare(v)}>Compare</Button>}
                            {may('write') && v.active !== 'true' && <Button label={`${live >= 0 && i > live ? 'Roll back to' : 'Deploy'} ${brief(v.version_id)}`} onClick={() => acts.deploy(v)}>{live >= 0 && i > live ? 'Roll back' : 'Deploy'}</Button>}
                        </td>
                    </tr>))}
                </tbody>
            </table>
            {more && <div class="actions"><Button onClick={more}>Older versions</Button></div>}
        </section>
    );
}

const History = ({ deployments }: { deployments: RouteDeployment[] }) => (
    <section class="card" aria-label="Deployments">
        <h2>Deployments</h2>
        <ul class="history">{deployments.map((d, i) => <li key={d.deployment_id}>{moment(d.created_at)} <code>{brief(d.version_id)}</code> {i === 0 && <Tag tone="good">counts</Tag>}</li>)}</ul>
    </section>
);

function Sample({ id, name }: { id: string; name: string }) {
    const [key, setKey] = useState('curl');
    const list = routeSnippets(name), chosen = list.find((s) => s.key === key)!;
    return (
        <section class="card" aria-label="Call it">
            <h2>Call it</h2>
            <Choice label="Program" options={list} value={key} onChange={setKey} />
            <Snippet label={chosen.label} code={chosen.code({ origin: location.origin, account: accountId(), gateway: id })} />
        </section>
    );
}

// ---- the editor --------------------------------------------------------------------------------------------

type View = 'graph' | 'outline' | 'json';
const VIEWS: { key: View; label: string }[] = [{ key: 'graph', label: 'Graph' }, { key: 'outline', label: 'Outline' }, { key: 'json', label: 'JSON' }];

function JsonView({ elements, editable, change }: { elements: Elements; editable: boolean; change: (e: Elements) => void }) {
    const [text, setText] = useState(graph.write(graph.settled(elements)));
    const read = graph.read(text), wrong = typeof read === 'string' ? read : null;
    const type = (t: string) => {
        setText(t);
        const r = graph.read(t);
        if (typeof r !== 'string') change(graph.opened(r));
    };
    return (
        <div class="field json-view"><label for="graph-json">Elements, as the API has them</label>
            <textarea id="graph-json" rows={24} spellcheck={false} readOnly={!editable} value={text} aria-invalid={wrong ? true : undefined} aria-describedby="graph-json-help" onInput={(e) => type(e.currentTarget.value)} />
            <small id="graph-json-help">{wrong ? <em class="wrong">{wrong}. The graph stays as it was until then.</em> : 'What is changed here changes the graph at once.'}</small>
        </div>
    );
}

interface Work { elements: Elements; moved: Places; selected: number | null; remarks: graph.Remarks; others: graph.Remark[]; turn: number }

/** The graph in hand: what it is, where things stand, what the API has said about it. */
function useGraph(start: Elements, shelfId: string) {
    const [work, setWork] = useState<Work>(() => ({ elements: graph.opened(start), moved: kept(shelfId), selected: null, remarks: new Map(), others: [], turn: 0 }));
    const put = (elements: Elements, more: Partial<Work> = {}) => setWork((w) => ({ ...w, others: [], ...more, elements }));
    const place = (moved: Places) => { keep(shelfId, moved); setWork((w) => ({ ...w, moved })); };
    const { elements } = work;
    const acts: GraphActs = {
        select: (selected) => setWork((w) => (w.selected === selected ? w : { ...w, selected })),
        move: (id, to) => place({ ...work.moved, [id]: to }),
        connect: (i, output, to) => put(graph.replace(elements, i, graph.connect(elements[i]!, output, to))),
        remove: (i) => put(graph.remove(elements, i), { selected: null }),
        add: (type, at?: Point) => {
            const e = graph.fresh(elements, type);
            if (at) place({ ...work.moved, [e.id]: at });
            put([...elements, e], { selected: elements.length });
        },
    };
    const change = (i: number) => (e: GraphElement) => put(graph.replace(elements, i, e));
    const rename = (i: number) => (id: string) => {
        const { [elements[i]!.id]: at, ...others } = work.moved;
        if (at) place({ ...others, [id]: at });
        put(graph.rename(elements, i, id));
    };
    const reset = (to: Elements) => put(graph.opened(to), { selected: null, remarks: new Map(), turn: work.turn + 1 });
    const blamed = (complaints: ApiError['complaints']) => {
        const { of, others } = graph.blame(complaints, elements);
        const first = elements.findIndex((e) => of.has(e));
        setWork((w) => ({ ...w, remarks: of, others, selected: first < 0 ? w.selected : first }));
    };
    return { ...work, acts, change, rename, reset, blamed, put, arrange: () => place({}) };
}

type InHand = ReturnType<typeof useGraph>;

const HELP = 'Choose an element to see its properties. Drag elements to move them; drag from a dot to where an output leads. With the keyboard: Tab chooses, arrows move, Enter goes to the properties, Delete deletes.';

/* As large as the whole graph can be seen, within what can be read. */
const BESIDE = 620, SMALLEST = 0.7; // the menu, the panel and the gaps between
const fitting = (width: number) => Math.min(1, Math.max(SMALLEST, Math.floor((10 * (innerWidth > 900 ? innerWidth - BESIDE : innerWidth)) / width) / 10));

function Canvas({ work, editable }: { work: InHand; editable: boolean }) {
    const [view, setView] = useState<View>(matchMedia('(max-width: 900px)').matches ? 'outline' : 'graph');
    const { elements, selected, remarks, acts } = work;
    const known = useProviders();
    const places = { ...graph.layout(elements), ...work.moved };
    const [zoom, setZoom] = useState(() => fitting(Math.max(...Object.values(places).map((p) => p.x)) + graph.WIDTH + graph.EDGE));
    const nearer = (by: number) => () => setZoom(Math.min(1.4, Math.max(0.4, Number((zoom + by).toFixed(1)))));
    const panel = selected !== null && elements[selected]
        ? <ElementPanel elements={elements} at={selected} known={known} remarks={remarks.get(elements[selected]) ?? []} editable={editable} change={work.change(selected)} rename={work.rename(selected)} remove={() => acts.remove(selected)} /> : null;
    return (
        <>
            <div class="toolbar graph-bar">
                <Choice label="View" options={VIEWS} value={view} onChange={(v) => setView(v as View)} />
                {editable && view !== 'json' && <Palette add={acts.add} />}
                {view === 'graph' && <div class="actions"><Button icon="minus" label="Smaller" onClick={nearer(-0.2)} /><Button icon="plus" label="Larger" onClick={nearer(0.2)} /><Button icon="overview" onClick={work.arrange}>Arrange</Button></div>}
            </div>
            {view === 'json' ? <JsonView key={work.turn} elements={elements} editable={editable} change={(e) => work.put(e, { selected: null })} /> : (
                <div class={view === 'graph' ? 'workbench' : undefined}>
                    {view === 'graph' ? <><Graph elements={elements} places={places} selected={selected} remarks={remarks} editable={editable} zoom={zoom} acts={acts} />{panel ?? <section class="card panel" aria-label="Help"><p class="muted">{HELP}</p></section>}</>
                        : <Outline elements={elements} selected={selected} remarks={remarks} select={acts.select}>{panel}</Outline>}
                </div>
            )}
        </>
    );
}

const Others = ({ work, what }: { work: InHand; what: ApiError | null }) => (
    <>
        {what && <Problem error={what} />}
        {!what && work.others.map((r) => <p class="problem" role="alert" key={r.message}>{r.message}</p>)}
    </>
);

/** Runs a call of the API; a refusal is shown at the elements it is about. */
function useCall(work: InHand) {
    const [failure, setError] = useState<{ error: ApiError; of: Elements } | null>(null);
    const [busy, setBusy] = useState(false);
    const error = failure?.of === work.elements ? failure.error : null; // of what has been changed since, nothing is known
    const run = async (act: () => Promise<void>, ofThese = true) => {
        setBusy(true);
        setError(null);
        try {
            await act();
        } catch (e) {
            if (!(e instanceof ApiError)) throw e;
            if (ofThese) work.blamed(e.complaints);
            setError({ error: e, of: work.elements });
        }
        setBusy(false);
    };
    return { error, busy, run };
}

function NewRoute({ id }: { id: string }) {
    const work = useGraph(graph.FIRST, 'new');
    const [name, setName] = useState('');
    useGuard(name !== '' || difference(graph.settled(graph.opened(graph.FIRST)), graph.settled(work.elements)).length > 0, 'The route is not made yet.');
    const { error, busy, run } = useCall(work);
    const save = () => run(async () => {
        const { result: r } = await post(ROUTES, { G: id, body: { name, elements: asBody(graph.settled(work.elements)) }, what: 'Making the route' });
        keep(r.id, work.moved);
        keep('new', {});
        say('Made, and deployed');
        go(link('gateways', id, 'routes', r.id), { replace: true, saved: true });
    });
    const wrong = error?.complaints.find((c) => c.path.includes('name'))?.message;
    return (
        <>
            <Head title="New route" note={id}><Button onClick={() => go(link('gateways', id, 'routes'))}>Cancel</Button><Button kind="primary" busy={busy} disabled={!name.trim()} onClick={save}>Make and deploy</Button></Head>
            <Idle />
            <div class="field route-name"><label for="route-name">Name</label><input id="route-name" value={name} placeholder="support" autocomplete="off" maxLength={128} aria-invalid={wrong ? true : undefined} aria-describedby="route-name-help" onInput={(e) => setName(e.currentTarget.value)} />
                <small id="route-name-help">Programs call it as <code>dynamic/{name || 'support'}</code>. {wrong && <em class="wrong">{wrong}</em>}</small></div>
            <Others work={work} what={error} />
            <Canvas work={work} editable={may('write')} />
        </>
    );
}

interface Whole { route: Route; versions: RouteVersion[]; deployments: RouteDeployment[]; more: boolean }

function Existing({ id, whole, reload, older }: { id: string; whole: Whole; reload: () => void; older: () => void }) {
    const { route, versions, deployments } = whole, at = { G: id, R: route.id }, editable = may('write');
    const [shown, setShown] = useState<RouteVersion | null>(route.version ?? versions[0] ?? null);
    const work = useGraph(shown ? elementsOf(shown) : [], route.id);
    const [comparing, setComparing] = useState<[string, string] | null>(null);
    const [renaming, setRenaming] = useState(false);
    const { error, busy, run } = useCall(work);
    const before = shown ? elementsOf(shown) : [], now = graph.settled(work.elements);
    const changed = difference(graph.settled(graph.opened(before)), now);
    useGuard(changed.length > 0, 'What has been changed in the graph is not saved.');
    const show = (v: RouteVersion) => { setShown(v); work.reset(elementsOf(v)); };
    const open = (v: RouteVersion) => {
        if (changed.length) ask({ title: 'Leave the changes?', act: 'Leave them', text: 'What has been changed in the graph is not saved.', run: async () => show(v) });
        else show(v);
    };
    const save = () => run(async () => {
        const { result, remarks } = await post(`${ROUTE}/versions`, { ...at, body: { elements: asBody(now) }, what: 'Saving a version' });
        setShown(result);
        work.blamed(remarks.map((message) => ({ code: 0, message, path: [] })));
        say(result.is_valid === false ? 'Saved as a draft' : 'Saved: it counts once it is deployed');
        reload();
    });
    const deploy = (v: RouteVersion) => run(async () => {
        await post(`${ROUTE}/deployments`, { ...at, body: { version_id: v.version_id }, what: 'Deploying' });
        say(`${brief(v.version_id)} is deployed`);
        if (!changed.length && v.version_id !== shown?.version_id) show(v);
        reload();
    }, v.version_id === shown?.version_id && !changed.length);
    const remove = () => ask({ title: `Delete ${route.name}?`, word: route.name, act: 'Delete the route', text: `Its versions go with it. Programs that call dynamic/${route.name} are refused from then on.`,
        run: async () => { await destroy(ROUTE, { ...at, what: 'Deleting the route' }); keep(route.id, {}); say('Deleted'); go(link('gateways', id, 'routes'), { saved: true }); } });
    const compare = (v: RouteVersion) => {
        const live = versions.find((x) => x.active === 'true' && x !== v) ?? versions.find((x) => x !== v)!;
        setComparing(live.created_at <= v.created_at ? [live.version_id, v.version_id] : [v.version_id, live.version_id]);
    };
    const current = versions.find((v) => v.version_id === shown?.version_id);
    return (
        <>
            <Head title={route.name} note={<><a href={link('gateways', id, 'routes')}>Dynamic routes</a> of {id}</>}>
                {current && current.active !== 'true' && !changed.length && editable && <Button kind="primary" busy={busy} onClick={() => deploy(current)}>Deploy this version</Button>}
                {editable && <><Button onClick={() => setRenaming(true)}>Rename</Button><Button icon="trash" kind="danger" onClick={remove}>Delete</Button></>}
            </Head>
            <Idle />
            {!editable && <p class="note">This token may look, not change: that needs the permission write.</p>}
            <p class="muted state">{current?.active === 'true' ? <Tag tone="good">deployed</Tag> : <Tag>not deployed</Tag>} {current?.is_valid === false && <Tag tone="warn">draft: it cannot be deployed</Tag>} Version <code>{brief(shown?.version_id ?? '')}</code> of {moment(shown?.created_at)}</p>
            <Others work={work} what={error} />
            <Canvas work={work} editable={editable} />
            {editable && changed.length > 0 && (
                <div class="savebar" role="region" aria-label="What will change">
                    <Differences list={changed} />
                    <div class="actions"><Button onClick={() => work.reset(before)}>Undo</Button><Button kind="primary" busy={busy} onClick={save}>Save as a new version</Button></div>
                </div>
            )}
            <Versions versions={versions} shown={shown?.version_id ?? ''} more={whole.more ? older : null} acts={{ open, deploy, compare }} />
            <div class="charts"><History deployments={deployments} /><Sample id={id} name={route.name} /></div>
            {comparing && <Compare versions={versions} first={comparing} onClose={() => setComparing(null)} />}
            {renaming && <Form title={`Rename ${route.name}`} kind={{ schema: 'DynamicRouteName', keys: { name: { label: 'Name' } } }} start={{ name: route.name }} act="Rename" onClose={() => setRenaming(false)}
                save={async (body: Body<'patch', typeof ROUTE>) => { await patch(ROUTE, { ...at, body, what: 'Renaming the route' }); say('Renamed: it holds for the next request'); reload(); }} />}
        </>
    );
}

export function RoutePage({ id, route }: { id: string; route: string | null }) {
    const [pages, setPages] = useState(1);
    const whole = useLoad(async (abort): Promise<Whole | null> => {
        if (!route) return null;
        const at = { G: id, R: route, signal: abort, what: 'Reading the route' };
        const page = async (n: number) => (await call('get', `${ROUTE}/versions`, { ...at, query: { per_page: PAGE, page: n } })).data;
        const [found, list, { data: { deployments } }] = await Promise.all([get(ROUTE, at), Promise.all(Array.from({ length: pages }, (_, i) => page(i + 1))), call('get', `${ROUTE}/deployments`, { ...at, query: { per_page: 10 } })]);
        return { route: found, versions: list.flatMap((l) => l.versions), deployments, more: list.at(-1)!.versions.length === PAGE };
    }, [id, route]);
    const older = () => { setPages(pages + 1); setTimeout(whole.reload); };
    if (!route) return <NewRoute id={id} />;
    return <Ready of={whole} rows={8}>{(w) => w && <Existing id={id} whole={w} reload={whole.reload} older={older} />}</Ready>;
}
