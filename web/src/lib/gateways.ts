// SPDX-License-Identifier: Apache-2.0
// The account's gateways, for the picker and the palette: loaded once for a session, and again when one comes or goes.
import { effect, signal } from '@preact/signals';
import { may, session } from './api';
import { listAll } from './client';
import type { Gateway } from './types';

export const gateways = signal<Gateway[] | undefined>(undefined);

export async function readGateways(abort?: AbortSignal): Promise<Gateway[]> {
    const all = await listAll('/accounts/{A}/ai-gateway/gateways', { what: 'Listing gateways', ...(abort && { signal: abort }) });
    gateways.value = all;
    return all;
}

effect(() => {
    if (session.value && may('read', 'write')) readGateways().catch(() => { /* the page that needs them says what is wrong */ });
    else gateways.value = session.value?.gateways?.map((id) => ({ id }) as Gateway);
});
