// SPDX-License-Identifier: Apache-2.0
// Which page an address means.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { recheck, session } from './lib/api';
import { path, segments } from './lib/router';
import { Confirm, Head, Problem, Skeleton, Toasts } from './ui/basics';
import { lazy } from './ui/lazy';
import { Shell } from './ui/shell';
import { Works } from './ui/work';
import { useLoad } from './lib/load';
import { SignIn } from './pages/signin';
import { Overview } from './pages/overview';
import { Analytics } from './pages/analytics';
import { Logs } from './pages/logs';
import { Settings } from './pages/settings';
import { NewGateway } from './pages/new';
import { Start } from './pages/start';
import { Keys } from './pages/keys';
import { Providers } from './pages/providers';
import { Tokens } from './pages/tokens';
import { Audit } from './pages/audit';

type GatewayPage = (props: { id: string; part: string }) => ComponentChildren;
const GATEWAY: Record<string, GatewayPage> = { '': Analytics, logs: Logs, settings: Settings, keys: Keys, start: Start,
    evaluations: lazy(async () => (await import('./pages/evaluations')).Evaluations), policies: lazy(async () => (await import('./pages/policies')).Policies),
    domains: lazy(async () => (await import('./pages/domains')).Domains),
    routes: lazy(async () => (await import('./pages/routes')).Routes) };
const WITH_PARTS = ['routes']; // pages that have pages of their own
const ACCOUNT: Record<string, (props: object) => ComponentChildren> = { '': Overview, new: NewGateway, providers: Providers, tokens: Tokens, audit: Audit,
    playground: lazy(async () => (await import('./pages/playground')).Playground), billing: lazy(async () => (await import('./pages/billing')).Billing) };

const Nowhere = () => <><Head title="There is no such page" /><p>The address may be old or mistyped. <a href="/">All gateways</a></p></>;

function Page() {
    const [first = '', second, third = '', part = '', ...more] = segments.value;
    if (first === 'gateways' && second && !more.length) {
        const At = !part || WITH_PARTS.includes(third) ? GATEWAY[third] : undefined;
        return At ? <At key={`${second}/${third}`} id={second} part={part} /> : <Nowhere />;
    }
    const At = second === undefined ? ACCOUNT[first] : undefined;
    return At ? <At key={first} /> : <Nowhere />;
}

export function App() {
    const asked = useLoad(recheck, []);
    const title = segments.value.filter((s) => s !== 'gateways').join(' · ');
    useEffect(() => { document.title = title ? `${title} · weir` : 'weir'; }, [path.value]);
    if (session.value === undefined) return <main class="lonely">{asked.error ? <Problem error={asked.error} retry={asked.reload} /> : <Skeleton />}</main>;
    return (
        <>
            {session.value ? <Shell><Page /></Shell> : <SignIn />}
            <Confirm />
            <div class="corner"><Works /><Toasts /></div>
        </>
    );
}
