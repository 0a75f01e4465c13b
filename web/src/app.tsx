// SPDX-License-Identifier: Apache-2.0
// Which page an address means.
import { useEffect } from 'preact/hooks';
import { recheck, session, signOut } from './lib/api';
import { path, segments } from './lib/router';
import { Button, complain, Confirm, Empty, Head, Problem, Skeleton, Toasts } from './ui/basics';
import { lazy, type Lazy } from './ui/lazy';
import { closed, type Place } from './ui/places';
import { Shell } from './ui/shell';
import { Works } from './ui/work';
import { useLoad } from './lib/load';
import { SignIn } from './pages/signin';
import { Overview } from './pages/overview';

type GatewayPage = Lazy<{ id: string; part: string }>;
const GATEWAY: Record<string, GatewayPage> = {
    '': lazy(async () => (await import('./pages/analytics')).Analytics),
    logs: lazy(async () => (await import('./pages/logs')).Logs),
    settings: lazy(async () => (await import('./pages/settings')).Settings),
    keys: lazy(async () => (await import('./pages/keys')).Keys),
    start: lazy(async () => (await import('./pages/start')).Start),
    evaluations: lazy(async () => (await import('./pages/evaluations')).Evaluations),
    policies: lazy(async () => (await import('./pages/policies')).Policies),
    domains: lazy(async () => (await import('./pages/domains')).Domains),
    routes: lazy(async () => (await import('./pages/routes')).Routes),
};
const WITH_PARTS = ['routes']; // pages that have pages of their own
const ACCOUNT: Record<string, Lazy<object>> = {
    new: lazy(async () => (await import('./pages/new')).NewGateway),
    providers: lazy(async () => (await import('./pages/providers')).Providers),
    users: lazy(async () => (await import('./pages/users')).Users),
    tokens: lazy(async () => (await import('./pages/tokens')).Tokens),
    audit: lazy(async () => (await import('./pages/audit')).Audit),
    playground: lazy(async () => (await import('./pages/playground')).Playground),
    billing: lazy(async () => (await import('./pages/billing')).Billing),
};

const gatewayPage = ([first, second, third = '', part, more]: string[]) => (first === 'gateways' && second && !more && (!part || WITH_PARTS.includes(third)) ? GATEWAY[third] : undefined);

/** Begins to fetch the page of the address before it is known who asks; the others when all is quiet. */
export function fetchAhead(): void {
    const quietly = (list: Lazy<never>[]) => list.forEach((p) => { p.fetch().catch(() => { /* whoever goes there is told */ }); });
    quietly([gatewayPage(segments.value), ACCOUNT[segments.value[0] ?? '']].filter((p) => p !== undefined));
    const rest = () => quietly([...Object.values(GATEWAY), ...Object.values(ACCOUNT)]);
    setTimeout(() => ('requestIdleCallback' in window ? requestIdleCallback(rest) : rest()), 1500);
}

const Nowhere = () => <><Head title="There is no such page" /><p>The address may be old or mistyped. <a href="/">All gateways</a></p></>;

const Closed = ({ place }: { place: Place }) => (
    <><Head title={place.label} /><Empty title="This token may not see this"><p>It needs the permission {place.needs!.join(' or ')}{place.whole && ', for all gateways of the account'}. Sign in with a token that has it.</p>
        <Button icon="out" onClick={() => signOut().catch(complain)}>Sign out</Button></Empty></>
);

function Page() {
    const place = closed(path.value);
    if (place) return <Closed place={place} />;
    const [first = '', second, third = '', part = ''] = segments.value, Of = gatewayPage(segments.value);
    if (Of) return <Of key={`${second}/${third}`} id={second!} part={part} />;
    const At = second === undefined ? ACCOUNT[first] : undefined;
    if (!first) return <Overview />;
    return At ? <At key={first} /> : <Nowhere />;
}

function Unknown() {
    const asked = useLoad(recheck, []);
    return <main class="lonely">{asked.error ? <Problem error={asked.error} retry={asked.reload} /> : <Skeleton />}</main>;
}

export function App() {
    useEffect(() => { if (session.value) recheck().catch(() => { /* what the page asks fails, too, and says so */ }); }, []);
    const title = segments.value.filter((s) => s !== 'gateways').join(' · ');
    useEffect(() => { document.title = title ? `${title} · weir` : 'weir'; }, [path.value]);
    if (session.value === undefined) return <Unknown />;
    return (
        <>
            {session.value ? <Shell><Page /></Shell> : <SignIn />}
            <Confirm />
            <div class="corner"><Works /><Toasts /></div>
        </>
    );
}
