// SPDX-License-Identifier: Apache-2.0
// Questions about requests, in GraphQL: sums, percentiles, series and breakdowns of a span of time.
import { graphql } from './client';

export interface Range { key: string; label: string; minutes: number; bucket: Bucket; step: number }
type Bucket = 'datetimeMinute' | 'datetimeFiveMinutes' | 'datetimeFifteenMinutes' | 'datetimeHour' | 'date';

export const RANGES: Range[] = [
    { key: '1h', label: '1 hour', minutes: 60, bucket: 'datetimeMinute', step: 60 },
    { key: '6h', label: '6 hours', minutes: 360, bucket: 'datetimeFiveMinutes', step: 300 },
    { key: '24h', label: '24 hours', minutes: 1440, bucket: 'datetimeFifteenMinutes', step: 900 },
    { key: '7d', label: '7 days', minutes: 10080, bucket: 'datetimeHour', step: 3600 },
    { key: '30d', label: '30 days', minutes: 43200, bucket: 'date', step: 86400 },
];
export const rangeOf = (key: string | null): Range => RANGES.find((r) => r.key === key) ?? RANGES[2]!;

/** From and to of the range that ends now, or of the one before it; whole buckets, seconds since 1970. */
export function span(range: Range, before = 0): [number, number] {
    const end = Math.ceil((Date.now() + 1) / 1000 / range.step) * range.step - before * range.minutes * 60;
    return [end - range.minutes * 60, end];
}
export const iso = (seconds: number) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

export interface Sums {
    count: number;
    sum: { cost: number; tokensIn: number; tokensOut: number; cachedRequests: number; erroredRequests: number; cacheReadTokens: number; unpricedRequests: number; savedCost: number };
    quantiles: { durationMsP50: number | null; durationMsP95: number | null; ttftMsP50: number | null; ttftMsP95: number | null };
}
export interface Dimensions { gateway?: string; provider?: string; model?: string; statusCode?: number; [time: string]: string | number | undefined }
export type Group = Sums & { dimensions: Dimensions };

export const NOTHING: Sums = {
    count: 0,
    sum: { cost: 0, tokensIn: 0, tokensOut: 0, cachedRequests: 0, erroredRequests: 0, cacheReadTokens: 0, unpricedRequests: 0, savedCost: 0 },
    quantiles: { durationMsP50: null, durationMsP95: null, ttftMsP50: null, ttftMsP95: null },
};

const NODE = 'aiGatewayRequestsAdaptiveGroups';
const SUMS = 'count sum { cost tokensIn tokensOut cachedRequests erroredRequests cacheReadTokens unpricedRequests savedCost }';
export const LABELS = 'weirLabelsGroups';
export const LABEL_SUMS = 'count sum { cost savedCost tokensIn tokensOut cachedRequests erroredRequests unpricedRequests } max { datetime }';
const QUANTILES = 'quantiles { durationMsP50 durationMsP95 ttftMsP50 ttftMsP95 }';
const BARS = 20; // of a breakdown
const NOW = 'datetime_geq: $from, datetime_lt: $to';
const BEFORE = 'datetime_geq: $before, datetime_lt: $from';

function times(range: Range) {
    const [from, to] = span(range);
    return { from: iso(from), to: iso(to), before: iso(span(range, 1)[0]) };
}

export interface Overview { now: Group[]; before: Group[] | null; all: Sums[]; allBefore: Sums[] | null; series: Group[] }

/** All gateways: sums by gateway in this range and in the one before, and how requests went over time. */
export async function overview(range: Range, abort: AbortSignal): Promise<Overview> {
    const vars = times(range);
    const query = `query ($from: Time!, $to: Time!, $before: Time!) { viewer { accounts {
        now: ${NODE}(limit: 1000, orderBy: [count_DESC], filter: {${NOW}}) { ${SUMS} ${QUANTILES} dimensions { gateway } }
        all: ${NODE}(limit: 1, filter: {${NOW}}) { ${SUMS} ${QUANTILES} }
        series: ${NODE}(limit: 10000, orderBy: [${range.bucket}_ASC], filter: {${NOW}}) { ${SUMS} dimensions { gateway ${range.bucket} } }
        before: ${NODE}(limit: 1000, filter: {${BEFORE}}) { ${SUMS} dimensions { gateway } }
        allBefore: ${NODE}(limit: 1, filter: {${BEFORE}}) { ${SUMS} ${QUANTILES} } } } }`;
    const answer = await graphql<Partial<Overview>>(query, vars, abort);
    return { now: answer.now ?? [], all: answer.all ?? [], series: answer.series ?? [], before: answer.before ?? null, allBefore: answer.allBefore ?? null };
}

/** Label of the token that requests came with; others are keys of the metadata. */
export const TOKEN = 'cf.token';

export interface ErrorGroup { count: number; dimensions: { errorKind: string } }
/** Requests with a label of this value; `other`: those of values that are not told apart. */
export interface LabelGroup {
    count: number;
    sum: { cost: number; savedCost: number; tokensIn: number; tokensOut: number; cachedRequests: number; erroredRequests: number; unpricedRequests: number };
    max: { datetime: string };
    dimensions: { value: string; other: number };
}
export interface Analytics {
    all: Sums[]; allBefore: Sums[] | null; series: Group[]; providers: Group[]; models: Group[]; statuses: Group[]; errors: ErrorGroup[]; tokens: LabelGroup[];
    labels: { count: number; dimensions: { label: string } }[];
}

/** One gateway: sums, series, the breakdowns, and which labels there are. */
export async function analytics(gateway: string, range: Range, abort: AbortSignal): Promise<Analytics> {
    const vars = { gw: gateway, ...times(range) };
    const by = (name: string, dimensions: string, limit: number) =>
        `${name}: ${NODE}(limit: ${limit}, orderBy: [count_DESC], filter: {gateway: $gw, ${NOW}}) { ${SUMS} ${QUANTILES} dimensions { ${dimensions} } }`;
    const query = `query ($gw: string!, $from: Time!, $to: Time!, $before: Time!) { viewer { accounts {
        all: ${NODE}(limit: 1, filter: {gateway: $gw, ${NOW}}) { ${SUMS} ${QUANTILES} }
        series: ${NODE}(limit: 1000, orderBy: [${range.bucket}_ASC], filter: {gateway: $gw, ${NOW}}) { ${SUMS} ${QUANTILES} dimensions { ${range.bucket} } }
        allBefore: ${NODE}(limit: 1, filter: {gateway: $gw, ${BEFORE}}) { ${SUMS} ${QUANTILES} }
        ${by('providers', 'provider', 20)} ${by('models', 'provider model', 20)} ${by('statuses', 'statusCode', 20)}
        errors: aiGatewayErrorsAdaptiveGroups(limit: 20, orderBy: [count_DESC], filter: {gateway: $gw, ${NOW}}) { count dimensions { errorKind } }
        tokens: ${LABELS}(limit: ${BARS}, orderBy: [count_DESC], filter: {gateway: $gw, label: "${TOKEN}", ${NOW}}) { ${LABEL_SUMS} dimensions { value other } }
        labels: ${LABELS}(limit: 100, orderBy: [count_DESC], filter: {gateway: $gw, label_notin: ["${TOKEN}", ""], ${NOW}}) { count dimensions { label } } } } }`;
    const answer = await graphql<Partial<Analytics>>(query, vars, abort);
    return { all: answer.all ?? [], allBefore: answer.allBefore ?? null, series: answer.series ?? [], providers: answer.providers ?? [],
        models: answer.models ?? [], statuses: answer.statuses ?? [], errors: answer.errors ?? [], tokens: answer.tokens ?? [], labels: answer.labels ?? [] };
}

/** One gateway's requests by the values of a label, the most frequent first. */
export async function byLabel(gateway: string, label: string, range: Range, abort: AbortSignal): Promise<LabelGroup[]> {
    const { from, to } = times(range);
    const query = `query ($gw: string!, $label: string!, $from: Time!, $to: Time!) { viewer { accounts {
        values: ${LABELS}(limit: ${BARS}, orderBy: [count_DESC], filter: {gateway: $gw, label: $label, ${NOW}}) { ${LABEL_SUMS} dimensions { value other } } } } }`;
    const { values = [] } = await graphql<{ values?: LabelGroup[] }>(query, { gw: gateway, label, from, to }, abort);
    return values;
}

/** Providers and models of a gateway in the last month, the most used first. */
export async function seen(gateway: string, abort: AbortSignal): Promise<{ provider: string; model: string }[]> {
    const query = `query ($gw: string!, $from: Time!) { viewer { accounts { models: ${NODE}(limit: 200, orderBy: [count_DESC], filter: {gateway: $gw, datetime_geq: $from}) { count dimensions { provider model } } } } }`;
    const { models = [] } = await graphql<{ models?: Group[] }>(query, { gw: gateway, from: iso(Math.floor(Date.now() / 1000) - 30 * 86400) }, abort);
    return models.map(({ dimensions: { provider = '', model = '' } }) => ({ provider, model }));
}

export interface Series { times: number[]; of: (value: (g: Sums) => number | null, gap?: number | null) => (number | null)[] }

/** Groups in the order of time as one value for each bucket; buckets without requests have `gap`. */
export function inTime(groups: Group[], range: Range): Series {
    const [from, to] = span(range);
    const at = new Map(groups.map((g) => [Date.parse(String(g.dimensions[range.bucket])) / 1000, g]));
    const first = Math.floor(from / range.step) * range.step;
    const times = Array.from({ length: Math.ceil((to - first) / range.step) }, (_, i) => first + i * range.step);
    return { times, of: (value, gap = 0) => times.map((t) => { const g = at.get(t); return g ? value(g) : gap; }) };
}
