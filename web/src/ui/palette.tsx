// SPDX-License-Identifier: Apache-2.0
// Ctrl K: every page, gateway, setting and act by its name; a log id that is pasted leads to its row.
import { useEffect, useState } from 'preact/hooks';
import { may, mayAll, signOut } from '../lib/api';
import { get } from '../lib/client';
import { GROUPS } from '../lib/gateway-keys';
import { gateways } from '../lib/gateways';
import { go, link } from '../lib/router';
import { complain, Dialog, say } from './basics';
import { accountPlaces, atHand, entrance, gatewayPlaces, shown, type Place } from './places';
import { switchTheme, theme } from './theme';

interface Act { label: string; note: string; more?: string; run: () => void }

const MOST = 50, AT_ONCE = 6;
const LOG_ID = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-HJKMNP-TV-Z]{26})$/i;

/* The gateway in sight first, then the others, a few at a time. */
async function openRow(id: string): Promise<void> {
    const at = atHand(), all = [...(at ? [at] : []), ...(gateways.value ?? []).map((g) => g.id).filter((g) => g !== at)];
    const has = (g: string) => get('/accounts/{A}/ai-gateway/gateways/{G}/logs/{L}', { G: g, L: id, what: 'Looking for the row' }).then(() => g, () => null);
    for (let i = 0; i < all.length; i += AT_ONCE) {
        const found = (await Promise.all(all.slice(i, i + AT_ONCE).map(has))).find(Boolean);
        if (found) return go(`${link('gateways', found, 'logs')}?log=${id}`);
    }
    say(`No gateway here has a row ${id}`, true);
}

const settings = (id: string): Act[] => GROUPS.flatMap((g) => Object.entries(g.keys).map(([key, hint]) => (
    { label: hint.label, note: `setting of ${id}`, more: `${key} ${g.title}`, run: () => go(`${link('gateways', id, 'settings')}?find=${encodeURIComponent(key)}`) })));

function acts(help: () => void): Act[] {
    const to = (p: Place, note: string): Act => ({ label: p.label, note, run: () => go(p.to) });
    const id = atHand(), names = (gateways.value ?? []).map((g) => g.id);
    return [
        ...(id ? shown(gatewayPlaces(id)).map((p) => to(p, id)) : []),
        ...shown(accountPlaces).map((p) => to(p, 'account')),
        ...(mayAll('write') ? [{ label: 'Create a gateway', note: 'account', run: () => go('/new') }] : []),
        ...(id && may('write') ? [{ label: 'New dynamic route', note: id, run: () => go(link('gateways', id, 'routes', 'new')) }] : []),
        ...names.filter((n) => n !== id).map((n) => ({ label: n, note: 'gateway', run: () => go(entrance(n)) })),
        { label: theme.value === 'dark' ? 'Light theme' : 'Dark theme', note: 'this browser', run: switchTheme },
        { label: 'Keys', note: 'help', more: 'shortcuts keyboard', run: help },
        { label: 'Sign out', note: 'this browser', more: 'log out', run: () => signOut().catch(complain) },
        ...(id && may('read', 'write') ? settings(id) : []),
        ...names.filter((n) => n !== id).flatMap((n) => shown(gatewayPlaces(n)).map((p) => to(p, n))),
    ];
}

/* What is called so comes before what begins so, then what has it in its name; for the rest the order stays. */
function rank(a: Act, wanted: string): number {
    const label = a.label.toLowerCase();
    return label === wanted ? 0 : label.startsWith(wanted) ? 1 : label.includes(wanted) ? 2 : 3;
}

function find(all: Act[], text: string): Act[] {
    const wanted = text.trim().toLowerCase(), words = wanted.split(/\s+/).filter(Boolean);
    const found = all.filter((a) => words.every((w) => `${a.label} ${a.note} ${a.more ?? ''}`.toLowerCase().includes(w)));
    const first: Act[] = LOG_ID.test(text.trim()) && may('metadata_read', 'read', 'write') ? [{ label: 'Open this row of the log', note: text.trim(), run: () => { openRow(text.trim()).catch(complain); } }] : [];
    return [...first, ...found.sort((a, b) => rank(a, wanted) - rank(b, wanted))].slice(0, MOST);
}

export function Palette({ onClose, help }: { onClose: () => void; help: () => void }) {
    const [wanted, setWanted] = useState('');
    const [at, setAt] = useState(0);
    const found = find(acts(help), wanted);
    useEffect(() => { document.getElementById(`palette-${at}`)?.scrollIntoView({ block: 'nearest' }); }, [at]);
    const run = (a: Act | undefined) => { if (a) { onClose(); a.run(); } };
    const keys = (e: KeyboardEvent) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
        if (step) { e.preventDefault(); setAt((at + step + found.length) % Math.max(1, found.length)); }
        if (e.key === 'Enter') { e.preventDefault(); run(found[at]); }
    };
    return (
        <Dialog title="Go to" onClose={onClose} class="palette">
            <input autofocus role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={found.length ? `palette-${at}` : undefined} aria-label="Page or gateway" placeholder="Page, gateway, setting, act, or the id of a log row" autocomplete="off" spellcheck={false}
                value={wanted} onInput={(e) => { setWanted(e.currentTarget.value); setAt(0); }} onKeyDown={keys} />
            <ul id="palette-list" role="listbox" aria-label="Found">
                {found.map((a, i) => <li key={`${a.note}/${a.label}`} id={`palette-${i}`} role="option" aria-selected={i === at} onMouseMove={() => setAt(i)} onClick={() => run(a)}>{a.label}<span>{a.note}</span></li>)}
            </ul>
            {!found.length && <p class="muted">Nothing is called so.</p>}
        </Dialog>
    );
}

const KEYS: [string[], string][] = [
    [['Ctrl', 'K'], 'go to a page, a gateway, a setting, a row of the log'], [['/'], 'search on this page'], [['j'], 'next row of the log, with a row open or not'], [['k'], 'the one before'], [['Enter'], 'open the row'], [['Esc'], 'close'],
    [['Ctrl', 'Enter'], 'run, in the playground'], [['?'], 'this list'],
];

export const Help = ({ onClose }: { onClose: () => void }) => (
    <Dialog title="Keys" onClose={onClose} class="small">
        <dl class="facts keys">{KEYS.map(([keys, what]) => <div key={what}><dt>{keys.map((k) => <kbd key={k}>{k}</kbd>)}</dt><dd>{what}</dd></div>)}</dl>
    </Dialog>
);
