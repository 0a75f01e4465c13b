// SPDX-License-Identifier: Apache-2.0
// Who the requests of an account came from: a user is a value of the label that says so, in all gateways together.
import { iso, LABEL_SUMS, LABELS, span, TOKEN, type LabelGroup, type Range } from './analytics';
import { mayAll } from './api';
import { graphql, listAll } from './client';

const MOST = 10000; // groups of an answer

export interface User { name: string; count: number; cost: number; saved: number; tokens: number; cached: number; errors: number; unpriced: number; last: string; gateways: { id: string; count: number }[] }
export interface Users { users: User[]; other: number; identified: number; requests: number; labels: string[]; label: string; partial: boolean }
type Found = LabelGroup & { dimensions: { gateway: string } };

/** Labels that are likely to mean people come first. */
const LIKELY = ['cf.user_id', 'user', 'user_id', 'userId', 'email'];
const pick = (labels: string[], wanted: string | null) => [wanted, ...LIKELY].find((l) => l && labels.includes(l)) ?? labels[0] ?? '';

function times(range: Range) {
    const [from, to] = span(range);
    return { from: iso(from), to: iso(to) };
}

function together(groups: Found[]): User[] {
    const all = new Map<string, User>();
    for (const { count, sum, max, dimensions: { gateway, value } } of groups) {
        const u = all.get(value) ?? { name: value, count: 0, cost: 0, saved: 0, tokens: 0, cached: 0, errors: 0, unpriced: 0, last: '', gateways: [] };
        all.set(value, { ...u, count: u.count + count, cost: u.cost + sum.cost, saved: u.saved + sum.savedCost, tokens: u.tokens + sum.tokensIn + sum.tokensOut, cached: u.cached + sum.cachedRequests, errors: u.errors + sum.erroredRequests,
            unpriced: u.unpriced + sum.unpricedRequests, last: max.datetime > u.last ? max.datetime : u.last, gateways: [...u.gateways, { id: gateway, count }] });
    }
    return [...all.values()].filter((u) => u.count > 0);
}

export async function users(wanted: string | null, range: Range, abort: AbortSignal): Promise<Users> {
    const now = 'datetime_geq: $from, datetime_lt: $to';
    const { labels = [], all = [] } = await graphql<{ labels?: { dimensions: { label: string } }[]; all?: { count: number }[] }>(`query ($from: Time!, $to: Time!) { viewer { accounts {
        labels: ${LABELS}(limit: 100, orderBy: [count_DESC], filter: {label_neq: "", ${now}}) { count dimensions { label } }
        all: aiGatewayRequestsAdaptiveGroups(limit: 1, filter: {${now}}) { count } } } }`, times(range), abort);
    const names = labels.map((g) => g.dimensions.label), label = pick(names, wanted);
    const { groups = [] } = label ? await graphql<{ groups?: Found[] }>(`query ($label: string!, $from: Time!, $to: Time!) { viewer { accounts {
        groups: ${LABELS}(limit: ${MOST}, orderBy: [count_DESC], filter: {label: $label, ${now}}) { ${LABEL_SUMS} dimensions { gateway value other } } } } }`, { label, ...times(range) }, abort) : {};
    const other = groups.filter((g) => g.dimensions.other).reduce((n, g) => n + g.count, 0);
    return { users: together(groups.filter((g) => !g.dimensions.other)), other, identified: groups.reduce((n, g) => n + g.count, 0), requests: all[0]?.count ?? 0, labels: names, label, partial: groups.length === MOST };
}

export function median(values: number[]): number | null {
    const v = [...values].sort((a, b) => a - b), at = v.length >> 1;
    return v.length === 0 ? null : v.length % 2 ? v[at]! : (v[at - 1]! + v[at]!) / 2;
}

/** Requests of the tenth of users that make most of them, at least of one. */
export const topTenth = (list: User[]) => list.map((u) => u.count).sort((a, b) => b - a).slice(0, Math.ceil(list.length / 10)).reduce((n, c) => n + c, 0);

/** Names of tokens by the number that the log has; empty where this token may not list them. */
export async function tokenNames(abort: AbortSignal): Promise<Map<string, string>> {
    const tokens = mayAll('tokens_write') ? await listAll('/accounts/{A}/tokens', { signal: abort, what: 'Listing tokens' }) : [];
    return new Map(tokens.map((t) => [String(t.weir_id), t.name]));
}
export const labelName = (label: string) => (label === TOKEN ? 'Token' : label === 'cf.user_id' ? 'Signed-in user' : label);
