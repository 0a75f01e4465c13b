// SPDX-License-Identifier: Apache-2.0
// The dynamic routes of a gateway, and the way into one of them.
import { may } from '../lib/api';
import { call } from '../lib/client';
import { ago, NONE } from '../lib/format';
import { labelOf } from '../lib/graph';
import { useLoad } from '../lib/load';
import { go, link } from '../lib/router';
import type { Route } from '../lib/types';
import { Button, Empty, Head, Ready, Tag } from '../ui/basics';
import { RoutePage } from './route';
import '../ui/graph.css';

const PAGE = 100, MOST = 1000;

async function readRoutes(id: string, abort: AbortSignal): Promise<Route[]> {
    const all: Route[] = [];
    for (let page = 1; all.length < MOST; page++) {
        const { routes } = (await call('get', '/accounts/{A}/ai-gateway/gateways/{G}/routes', { G: id, query: { per_page: PAGE, page }, signal: abort, what: 'Listing routes' })).data;
        all.push(...routes);
        if (routes.length < PAGE) break;
    }
    return all;
}

const NOT_YET = 'Not there yet: weir keeps, checks and deploys routes, but does not run them. A request for one is answered with status 501.';
export const Idle = () => <p class="note">{NOT_YET}</p>;

const parts = (r: Route) => {
    const labels = r.elements.filter((e) => e.type !== 'start' && e.type !== 'end').map(labelOf);
    return [...new Set(labels)].map((l) => { const n = labels.filter((x) => x === l).length; return n > 1 ? `${n} × ${l}` : l; }).join(', ');
};

function List({ id }: { id: string }) {
    const routes = useLoad((abort) => readRoutes(id, abort), [id]);
    const adder = may('write') && <Button icon="plus" kind="primary" onClick={() => go(link('gateways', id, 'routes', 'new'))}>New route</Button>;
    return (
        <>
            <Head title="Dynamic routes" note={id}>{routes.data?.length ? adder : null}</Head>
            <Idle />
            <Ready of={routes}>{(all) => (all.length === 0 ? <Empty title="No route"><p>A route chooses a model for each request, by metadata, by chance, by limits, with fallbacks. Programs call it as a model, <code>dynamic/its-name</code>.</p>{adder}</Empty> : (
                <div class="card scroll" tabIndex={0} role="region" aria-label="Dynamic routes">
                    <table class="stack">
                        <thead><tr><th scope="col">Name</th><th scope="col">Called as</th><th scope="col">Elements</th><th scope="col">Deployed</th><th scope="col">Changed</th></tr></thead>
                        <tbody>{all.map((r) => (
                            <tr key={r.id} onClick={() => go(link('gateways', id, 'routes', r.id))}>
                                <th scope="row"><a href={link('gateways', id, 'routes', r.id)}>{r.name}</a></th><td data-label="Called as"><code>dynamic/{r.name}</code></td>
                                <td data-label="Elements">{parts(r) || NONE}</td>
                                <td data-label="Deployed" class="fixed">{ago(r.deployment?.created_at)} {r.version?.is_valid === false && <Tag tone="bad">not valid any more</Tag>}</td><td data-label="Changed" class="fixed">{ago(r.modified_at)}</td>
                            </tr>))}
                        </tbody>
                    </table>
                </div>
            ))}</Ready>
        </>
    );
}

export const Routes = ({ id, part }: { id: string; part: string }) => (part ? <RoutePage key={part} id={id} route={part === 'new' ? null : part} /> : <List id={id} />);
