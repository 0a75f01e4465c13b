// SPDX-License-Identifier: Apache-2.0
// Where one can go, and which of it a token may see.
import { signal } from '@preact/signals';
import { may, mayAll } from '../lib/api';
import { gateways } from '../lib/gateways';
import { link, segments } from '../lib/router';
import type { IconName } from './basics';

/** `needs`: one of these permissions; `whole`: for the account, not for some gateways of it. */
export interface Place { to: string; label: string; icon: IconName; needs?: string[]; whole?: boolean }

const READ = ['read', 'write'];

export const accountPlaces: Place[] = [
    { to: '/', label: 'Overview', icon: 'overview' },
    { to: '/playground', label: 'Playground', icon: 'play' },
    { to: '/providers', label: 'Custom providers', icon: 'provider', needs: READ },
    { to: '/users', label: 'Users', icon: 'people', needs: ['analytics_read'] },
    { to: '/tokens', label: 'Tokens', icon: 'token', needs: ['tokens_write'] },
    { to: '/billing', label: 'Billing', icon: 'coin', needs: READ },
    { to: '/audit', label: 'Audit log', icon: 'audit', needs: READ, whole: true },
];
export const gatewayPlaces = (id: string): Place[] => [
    { to: link('gateways', id), label: 'Analytics', icon: 'chart', needs: ['analytics_read'] },
    { to: link('gateways', id, 'logs'), label: 'Logs', icon: 'logs', needs: ['metadata_read', ...READ] },
    { to: link('gateways', id, 'evaluations'), label: 'Evaluations', icon: 'scale', needs: READ },
    { to: link('gateways', id, 'policies'), label: 'Policies', icon: 'policy', needs: READ },
    { to: link('gateways', id, 'routes'), label: 'Dynamic routes', icon: 'route', needs: READ },
    { to: link('gateways', id, 'keys'), label: 'Provider keys', icon: 'key', needs: READ },
    { to: link('gateways', id, 'domains'), label: 'Custom domains', icon: 'globe', needs: READ },
    { to: link('gateways', id, 'settings'), label: 'Settings', icon: 'settings', needs: READ },
    { to: link('gateways', id, 'start'), label: 'Connect', icon: 'code' },
];
export const open = (p: Place) => !p.needs || (p.whole ? mayAll(...p.needs) : may(...p.needs));
export const shown = (list: Place[]) => list.filter(open);
/** The first page of a gateway that the token may see. */
export const entrance = (id: string) => shown(gatewayPlaces(id))[0]!.to;

/** The gateway in sight. */
export const here = () => (segments.value[0] === 'gateways' ? segments.value[1] : undefined);

/* The one that was in sight last, so that the menu stays as it is on the pages of the account. */
const SHELF = 'weir-gateway';
const last = signal((() => { try { return localStorage.getItem(SHELF); } catch { return null; } })());

export function remember(id: string): void {
    last.value = id;
    try { localStorage.setItem(SHELF, id); } catch { /* a browser that keeps nothing: until the next visit */ }
}

/** The gateway whose pages the menu has. */
export function atHand(): string | undefined {
    const there = here(), all = gateways.value;
    if (there || !all) return there;
    return [last.value, 'default'].find((id) => all.some((g) => g.id === id)) ?? all.at(-1)?.id; // the oldest
}

/** The page of an address that the token may not see. */
export function closed(address: string): Place | undefined {
    const id = here(), all = [...accountPlaces, ...(id ? gatewayPlaces(id) : [])];
    return all.find((p) => p.to !== '/' && !open(p) && (address === p.to || (p.icon === 'route' && address.startsWith(`${p.to}/`))));
}
