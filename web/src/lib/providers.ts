// SPDX-License-Identifier: Apache-2.0
// Names that forms offer: the providers that are built in and the account's own, with the models that have a price.
import { mayAll } from './api';
import { get, listAll } from './client';
import { useLoad } from './load';

export interface Known { slug: string; models: string[] }

async function own(signal: AbortSignal): Promise<Known[]> {
    if (!mayAll('read', 'write')) return [];
    const call = { signal, what: 'Listing providers' };
    const [providers, costs] = await Promise.all([listAll('/accounts/{A}/ai-gateway/custom-providers', call), listAll('/accounts/{A}/ai-gateway/custom-providers/costs', call)]);
    return providers.map((p) => ({ slug: `custom-${p.slug}`, models: costs.filter((c) => c.account_provider_id === p.id && c.model_rule === 'equals').map((c) => c.model) }));
}

/** Empty until they are there, and when they cannot be had: names can be typed without them. */
export function useProviders(): Known[] {
    const all = useLoad(async (signal) => (await Promise.all([own(signal), get('/weir/providers', { signal, what: 'Listing providers' })])).flat(), []);
    return all.data ?? [];
}

export const slugs = (known: Known[]) => known.map((k) => k.slug);
export const modelsOf = (known: Known[], slug: unknown) => known.find((k) => k.slug === slug)?.models ?? [];
