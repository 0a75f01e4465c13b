// SPDX-License-Identifier: Apache-2.0
// The account's gateways, for the picker and the palette: loaded once for a session, and again when one comes or goes.
import { effect, signal } from '@preact/signals';
import { may, session } from './api';
import { listAll } from './client';
import type { Gateway } from './types';

/** Of those that a token may not list only the ids are known. */
export type Known = Pick<Gateway, 'id'> & Partial<Gateway>;
export const gateways = signal<Known[] | undefined>(undefined);

/* The menu and a page may ask at the same time: that is one question. */
let coming: Promise<Gateway[]> | undefined;

/** Asks again, unless the answer is on its way. */
export function readGateways(): Promise<Gateway[]> {
    coming ??= listAll('/accounts/{A}/ai-gateway/gateways', { what: 'Listing gateways' }).then((all) => (gateways.value = all)).finally(() => { coming = undefined; });
    return coming;
}

/** After a change: an answer that is on its way does not know of it. */
export async function rereadGateways(): Promise<Gateway[]> {
    await coming?.catch(() => { /* it was not asked here */ });
    return readGateways();
}

effect(() => {
    if (session.value && may('read', 'write')) readGateways().catch(() => { /* the page that needs them says what is wrong */ });
    else gateways.value = session.value?.gateways?.map((id) => ({ id }));
});
