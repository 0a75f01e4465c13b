// SPDX-License-Identifier: Apache-2.0
// From a number to the rows of the log that it was made of.
import { iso, span, TOKEN, type Range } from './analytics';
import { toParam, type Filter } from './filters';
import { link } from './router';

export const is = (key: string, value: string | number | undefined): Filter => ({ key, operator: 'eq', value: [value ?? null] });
/** Requests with this label. */
export const labelled = (label: string, value: string): Filter => (label === TOKEN ? is('weir_token', Number(value)) : is('weir_metadata', `${label}=${value}`));

/** The log of a gateway since the range began. */
export function logsOf(gateway: string, range: Range, filters: Filter[]): string {
    const since: Filter = { key: 'created_at', operator: 'gt', value: [iso(span(range)[0])] };
    const params = new URLSearchParams([...filters, since].map((f) => ['f', toParam(f)]));
    return `${link('gateways', gateway, 'logs')}?${params}`;
}
