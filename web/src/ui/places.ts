// SPDX-License-Identifier: Apache-2.0
// Where one can go, and which of it a token may see.
import { may, mayAll } from '../lib/api';
import { link, segments } from '../lib/router';
import type { IconName } from './basics';

export interface Place { to: string; label: string; icon: IconName; when?: () => boolean }

export const accountPlaces: Place[] = [
    { to: '/', label: 'Overview', icon: 'overview' },
    { to: '/playground', label: 'Playground', icon: 'play' },
    { to: '/providers', label: 'Custom providers', icon: 'provider', when: () => may('read', 'write') },
    { to: '/tokens', label: 'Tokens', icon: 'token', when: () => may('tokens_write') },
    { to: '/billing', label: 'Billing', icon: 'coin', when: () => may('read', 'write') },
    { to: '/audit', label: 'Audit log', icon: 'audit', when: () => mayAll('read', 'write') },
];
export const gatewayPlaces = (id: string): Place[] => [
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
export const shown = (list: Place[]) => list.filter((p) => p.when?.() ?? true);
/** The first page of a gateway that the token may see. */
export const entrance = (id: string) => shown(gatewayPlaces(id))[0]!.to;
/** The gateway in sight. */
export const here = () => (segments.value[0] === 'gateways' ? segments.value[1] : undefined);
