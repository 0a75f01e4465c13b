// SPDX-License-Identifier: Apache-2.0
// What stands around every page: where one is, where one can go, the keys that work everywhere.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { may, mayAll, session, signOut } from '../lib/api';
import { gateways } from '../lib/gateways';
import { go, link, path, segments } from '../lib/router';
import { Button, Dialog, Icon, complain, type IconName } from './basics';
import { switchTheme, theme } from './theme';

interface Place { to: string; label: string; icon: IconName; when?: () => boolean }

const accountPlaces: Place[] = [
    { to: '/', label: 'Overview', icon: 'overview' },
    { to: '/playground', label: 'Playground', icon: 'play' },
    { to: '/providers', label: 'Custom providers', icon: 'provider', when: () => may('read', 'write') },
    { to: '/tokens', label: 'Tokens', icon: 'token', when: () => may('tokens_write') },
    { to: '/billing', label: 'Billing', icon: 'coin', when: () => may('read', 'write') },
    { to: '/audit', label: 'Audit log', icon: 'audit', when: () => mayAll('read', 'write') },
];
const gatewayPlaces = (id: string): Place[] => [
    { to: link('gateways', id), label: 'Analytics', icon: 'chart', when: () => may('analytics_read') },
    { to: link('gateways', id, 'logs'), label: 'Logs', icon: 'logs', when: () => may('metadata_read', 'read', 'write') },
    { to: link('gateways', id, 'evaluations'), label: 'Evaluations', icon: 'scale', when: () => may('read', 'write') },
    { to: link('gateways', id, 'policies'), label: 'Policies', icon: 'policy', when: () => may('read', 'write') },
    { to: link('gateways', id, 'routes'), label: 'Dynamic routes', icon: 'route', when: () => may('read', 'write') },
    { to: link('gateways', id, 'keys'), label: 'Provider keys', icon: 'key', when: () => may('read', 'write') },
    { to: link('gateways', id, 'domains'), label: 'Custom domains', icon: 'globe', when: () => may('read', 'write') },
    { to: link('gateways', id, 'settings'), label: 'Settings', icon: 'settings', when: () => may('read', 'write') },
    { to: link('gateways', id, 'start'), label: 'Connect', icon: 'code' },
];
const shown = (list: Place[]) => list.filter((p) => p.when?.() ?? true);
const here = () => (segments.value[0] === 'gateways' ? segments.value[1] : undefined);

const Places = ({ list, label }: { list: Place[]; label: string }) => (
    <ul aria-label={label}>
        {shown(list).map((p) => <li key={p.to}><a href={p.to} aria-current={path.value === p.to ? 'page' : p.icon === 'route' && path.value.startsWith(`${p.to}/`) ? 'true' : undefined}><Icon name={p.icon} />{p.label}</a></li>)}
    </ul>
);

function Gateways() {
    const id = here(), list = gateways.value ?? [];
    const third = segments.value[2];
    const names = id && !list.some((g) => g.id === id) ? [id, ...list.map((g) => g.id)] : list.map((g) => g.id);
    return (
        <div class="gateway-places">
            <label class="over" for="gateway-picker">Gateway</label>
            <select id="gateway-picker" value={id ?? ''} onChange={(e) => { const to = e.currentTarget.value; if (to) go(link('gateways', to, ...(third ? [third] : []))); }}>
                {!id && <option value="">choose…</option>}
                {names.map((n) => <option key={n} value={n}>{n}</option>)}
            </select>
            {id && <Places list={gatewayPlaces(id)} label={`Pages of ${id}`} />}
        </div>
    );
}

function Menu() {
    return (
        <>
            <a class="brand" href="/"><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" /><path d="M5 11c4 0 4 3 7.300 3s3.400-3 7.300-3 4 3 7.400 3M5 19c4 0 4 3 7.300 3s3.400-3 7.300-3 4 3 7.400 3" /></svg>weir</a>
            <Places list={accountPlaces} label="Pages of the account" />
            <Gateways />
            <div class="who">
                <span title={`Account ${session.value?.account}`}>{session.value?.name || 'Signed in'}</span>
                <Button icon={theme.value === 'dark' ? 'sun' : 'moon'} kind="ghost" label={theme.value === 'dark' ? 'Light theme' : 'Dark theme'} onClick={switchTheme} />
                <Button icon="out" kind="ghost" label="Sign out" onClick={() => signOut().catch(complain)} />
            </div>
        </>
    );
}

// ---- the palette: every place by its name ------------------------------------------------------------------

interface Act { label: string; note: string; run: () => void }

function acts(): Act[] {
    const to = (p: Place, note: string): Act => ({ label: p.label, note, run: () => go(p.to) });
    const id = here(), names = (gateways.value ?? []).map((g) => g.id);
    return [
        ...(id ? shown(gatewayPlaces(id)).map((p) => to(p, id)) : []),
        ...shown(accountPlaces).map((p) => to(p, 'account')),
        ...names.filter((n) => n !== id).flatMap((n) => shown(gatewayPlaces(n)).map((p) => to(p, n))),
        ...(mayAll('write') ? [{ label: 'Create a gateway', note: 'account', run: () => go('/new') }] : []),
        { label: theme.value === 'dark' ? 'Light theme' : 'Dark theme', note: 'this browser', run: switchTheme },
        { label: 'Sign out', note: 'this browser', run: () => signOut().catch(complain) },
    ];
}

function Palette({ onClose }: { onClose: () => void }) {
    const [wanted, setWanted] = useState('');
    const [at, setAt] = useState(0);
    const needles = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    const found = acts().filter((a) => needles.every((n) => `${a.label} ${a.note}`.toLowerCase().includes(n))).slice(0, 12);
    const run = (a: Act | undefined) => { if (a) { onClose(); a.run(); } };
    const keys = (e: KeyboardEvent) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
        if (step) { e.preventDefault(); setAt((at + step + found.length) % Math.max(1, found.length)); }
        if (e.key === 'Enter') { e.preventDefault(); run(found[at]); }
    };
    return (
        <Dialog title="Go to" onClose={onClose} class="palette">
            <input autofocus role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={found.length ? `palette-${at}` : undefined} aria-label="Page or gateway" placeholder="Page or gateway"
                value={wanted} onInput={(e) => { setWanted(e.currentTarget.value); setAt(0); }} onKeyDown={keys} />
            <ul id="palette-list" role="listbox" aria-label="Found">
                {found.map((a, i) => <li key={`${a.note}/${a.label}`} id={`palette-${i}`} role="option" aria-selected={i === at} onMouseMove={() => setAt(i)} onClick={() => run(a)}>{a.label}<span>{a.note}</span></li>)}
            </ul>
        </Dialog>
    );
}

const typing = (e: KeyboardEvent) => (e.target as Element).matches?.('input, textarea, select, [contenteditable]');

export function Shell({ children }: { children: ComponentChildren }) {
    const [palette, setPalette] = useState(false);
    const [menu, setMenu] = useState(false);
    useEffect(() => {
        const keys = (e: KeyboardEvent) => {
            if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); setPalette((on) => !on); }
            const search = document.querySelector<HTMLInputElement>('[data-search]');
            if (e.key === '/' && !typing(e) && search && !document.querySelector('dialog[open]')) { e.preventDefault(); search.focus(); search.select(); }
        };
        addEventListener('keydown', keys);
        return () => removeEventListener('keydown', keys);
    }, []);
    useEffect(() => setMenu(false), [path.value]);
    return (
        <div class="shell">
            <a class="skip" href="#main">To the content</a>
            <header class="bar">
                <Button icon="menu" kind="ghost" label="Menu" aria-expanded={menu} onClick={() => setMenu(!menu)} />
                <a class="brand" href="/">weir</a><span>{here() ?? ''}</span>
                <Button icon="search" kind="ghost" label="Go to… (Ctrl K)" onClick={() => setPalette(true)} />
            </header>
            <nav class={menu ? 'side open' : 'side'} aria-label="Main"><Menu /><button type="button" class="hint" onClick={() => setPalette(true)}>Go to… <kbd>Ctrl K</kbd></button></nav>
            <main id="main" tabIndex={-1}>{children}</main>
            {palette && <Palette onClose={() => setPalette(false)} />}
        </div>
    );
}
