// SPDX-License-Identifier: Apache-2.0
// What stands around every page: where one is, where one can go, the keys that work everywhere.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { session, signOut } from '../lib/api';
import { gateways } from '../lib/gateways';
import { go, link, path, query, segments } from '../lib/router';
import { Button, Icon, complain } from './basics';
import { typing } from './keys';
import { Help, Palette } from './palette';
import { accountPlaces, atHand, entrance, gatewayPlaces, here, remember, shown, type Place } from './places';
import { switchTheme, theme } from './theme';

/* Pages of numbers and rows keep the span of time that was chosen on one of them. */
const TIMED = ['overview', 'chart', 'logs'];
const carried = (p: Place) => { const range = query.value.get('range'); return range && TIMED.includes(p.icon) ? `?range=${encodeURIComponent(range)}` : ''; };

const Places = ({ list, label }: { list: Place[]; label: string }) => (
    <ul aria-label={label}>
        {shown(list).map((p) => <li key={p.to}><a href={p.to + carried(p)} aria-current={path.value === p.to ? 'page' : p.icon === 'route' && path.value.startsWith(`${p.to}/`) ? 'true' : undefined}><Icon name={p.icon} />{p.label}</a></li>)}
    </ul>
);

function Gateways() {
    const id = atHand(), list = gateways.value ?? [];
    const third = segments.value[2];
    const names = id && !list.some((g) => g.id === id) ? [id, ...list.map((g) => g.id)] : list.map((g) => g.id);
    return (
        <div class="gateway-places">
            <label class="over" for="gateway-picker">Gateway</label>
            <select id="gateway-picker" value={id ?? ''} onChange={(e) => { const to = e.currentTarget.value; if (to) go(here() ? link('gateways', to, ...(third ? [third] : [])) : entrance(to)); }}>
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
                <span title={[session.value?.person?.login, `account ${session.value?.account}`].filter(Boolean).join(', ')}>{session.value?.person?.name || session.value?.name || 'Signed in'}</span>
                <Button icon={theme.value === 'dark' ? 'sun' : 'moon'} kind="ghost" label={theme.value === 'dark' ? 'Light theme' : 'Dark theme'} onClick={switchTheme} />
                <Button icon="out" kind="ghost" label="Sign out" onClick={() => signOut().catch(complain)} />
            </div>
        </>
    );
}

export function Shell({ children }: { children: ComponentChildren }) {
    const [palette, setPalette] = useState(false);
    const [help, setHelp] = useState(false);
    const [menu, setMenu] = useState(false);
    useEffect(() => {
        const keys = (e: KeyboardEvent) => {
            if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); setPalette((on) => !on); }
            if (e.key === '?' && !typing(e) && !document.querySelector('dialog[open]')) { e.preventDefault(); setHelp(true); }
            const search = document.querySelector<HTMLInputElement>('[data-search]');
            if (e.key === '/' && !typing(e) && search && !document.querySelector('dialog[open]')) { e.preventDefault(); search.focus(); search.select(); }
        };
        addEventListener('keydown', keys);
        return () => removeEventListener('keydown', keys);
    }, []);
    useEffect(() => {
        setMenu(false);
        const id = here();
        if (id) remember(id);
    }, [path.value]);
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
            {palette && <Palette onClose={() => setPalette(false)} help={() => setHelp(true)} />}
            {help && <Help onClose={() => setHelp(false)} />}
        </div>
    );
}
