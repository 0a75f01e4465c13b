// SPDX-License-Identifier: Apache-2.0
// The account's gateways, for the picker and the palette: loaded once for a session, and again when one comes or goes.
import { effect, signal } from '@preact/signals';
import { account, list, may, session } from './api';
import type { Gateway } from './types';

export const gateways = signal<Gateway[] | undefined>(undefined);

const PAGE = 100, MOST = 1000;

export async function readGateways(abort?: AbortSignal): Promise<Gateway[]> {
    const all: Gateway[] = [];
    for (let page = 1; all.length < MOST; page++) {
        const { rows, info } = await list<Gateway>(`${account()}/ai-gateway/gateways?per_page=${PAGE}&page=${page}`, { what: 'Listing gateways', ...(abort && { signal: abort }) });
        all.push(...rows);
        if (rows.length < PAGE || all.length >= info.total_count) break;
    }
    gateways.value = all;
    return all;
}

effect(() => {
    if (session.value && may('read', 'write')) readGateways().catch(() => { /* the page that needs them says what is wrong */ });
    else gateways.value = session.value?.gateways?.map((id) => ({ id }) as Gateway);
});
