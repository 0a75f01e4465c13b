// SPDX-License-Identifier: Apache-2.0
// Names and order of a gateway's keys for people. What a key may be and what it means comes from the API; a key that is not
// named here appears under "More", so that none is missing.
import type { Json } from './types';
import type { Hint } from '../ui/form';

export interface Group { title: string; note: string; keys: Record<string, Hint> }

const CHOICE = (...choices: [Json, string][]) => choices;

export const GROUPS: Group[] = [
    { title: 'Access', note: 'Who may call, and with what.', keys: {
        authentication: { label: 'Require a token' }, byok_only: { label: 'Require a provider key' }, store_id: { label: 'Store of the provider keys' }, zdr: { label: 'Zero data retention' } } },
    { title: 'Log', note: 'What is written down, and for how long.', keys: {
        collect_logs: { label: 'Keep a log' }, log_management: { label: 'Rows kept' },
        log_management_strategy: { label: 'When that is reached', choices: CHOICE(['DELETE_OLDEST', 'delete the oldest'], ['STOP_INSERTING', 'stop writing'], [null, 'not set']) },
        log_classification: { label: 'Label by task' }, logpush: { label: 'Push rows to a sink' }, logpush_public_key: { label: 'Public key of pushed rows', lines: 3 } } },
    { title: 'Cache', note: 'Answers given again without asking the provider.', keys: {
        cache_ttl: { label: 'Keep answers for', unit: 'seconds' }, cache_invalidate_on_update: { label: 'Forget them when settings change' } } },
    { title: 'Rate limit', note: 'Calls of the whole gateway.', keys: {
        rate_limiting_limit: { label: 'Calls', unit: 'each window' }, rate_limiting_interval: { label: 'Window', unit: 'seconds' },
        rate_limiting_technique: { label: 'Windows', choices: CHOICE([null, 'not set'], ['fixed', 'fixed: one after the other'], ['sliding', 'sliding']) } } },
    { title: 'Retries and timeouts', note: 'What happens when a provider is slow or fails.', keys: {
        retry_max_attempts: { label: 'Tries' }, retry_delay: { label: 'First delay', unit: 'milliseconds' },
        retry_backoff: { label: 'Delays grow', choices: CHOICE([null, 'not set'], ['constant', 'not at all'], ['linear', 'steadily'], ['exponential', 'twofold each time']) },
        weir_retry_jitter: { label: 'Random delays' }, weir_retry_statuses: { label: 'Answers tried again', example: '[429, "5xx"]', lines: 2 },
        weir_request_timeout: { label: 'Patience with one try', unit: 'milliseconds' }, weir_total_timeout: { label: 'Patience with all of them', unit: 'milliseconds' }, weir_target_health: { label: 'Pass over what keeps failing' } } },
    { title: 'Safety and spending', note: 'As JSON, in the form that the API takes.', keys: {
        spend_limits: { label: 'Spend limits' }, guardrails: { label: 'Guardrails' }, dlp: { label: 'Data loss prevention' } } },
    { title: 'Connections', note: 'Where numbers and bills go.', keys: {
        otel: { label: 'OpenTelemetry' }, stripe: { label: 'Stripe' }, workers_ai_billing_mode: { label: 'Who pays for Workers AI' } } },
];

/** What people call a key. */
export const labelOf = (key: string) => GROUPS.map((g) => g.keys[key]?.label).find(Boolean) ?? key;

/** What a gateway is made with when nobody has a wish. */
export const PLAIN = { cache_invalidate_on_update: true, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0, rate_limiting_technique: 'fixed' } as const;

export const grouped = (keys: string[]): Group[] => {
    const known = new Set(GROUPS.flatMap((g) => Object.keys(g.keys)));
    const rest = keys.filter((k) => !known.has(k));
    const there = GROUPS.map((g) => ({ ...g, keys: Object.fromEntries(Object.entries(g.keys).filter(([k]) => keys.includes(k))) }));
    return [...there, { title: 'More', note: 'Other keys of this version.', keys: Object.fromEntries(rest.map((k): [string, Hint] => [k, { label: k }])) }].filter((g) => Object.keys(g.keys).length);
};
