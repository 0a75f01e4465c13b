// SPDX-License-Identifier: Apache-2.0
// Calls of the management API, with the session's cookie. Every refusal becomes an ApiError that can be shown as it is.
import { effect, signal } from '@preact/signals';
import type { Listed, ResultInfo, Session } from './types';

export const ROOT = '/client/v4';

export interface Complaint { code: number; message: string; path: string[] }

export class ApiError extends Error {
    constructor(readonly status: number, readonly complaints: Complaint[], readonly what: string) {
        super(complaints.map((c) => c.message).join('; ') || `The daemon answered ${status}`);
    }
}

/* Who was signed in here last, without anything secret: pages begin with it while the daemon is asked whether it still holds. */
const SHELF = 'weir-session';
function kept(): Session | undefined {
    try { return (JSON.parse(localStorage.getItem(SHELF) ?? 'null') as Session | null) ?? undefined; } catch { return undefined; }
}

/** null: signed out; undefined: not known yet. */
export const session = signal<Session | null | undefined>(kept());

effect(() => {
    try {
        if (session.value) localStorage.setItem(SHELF, JSON.stringify(session.value));
        else if (session.value === null) localStorage.removeItem(SHELF);
    } catch { /* a browser that keeps nothing waits for the daemon's word */ }
});

export const may = (...wanted: string[]) => wanted.some((p) => session.value?.permissions.includes(p));

/** `write` of the account as a whole: for what concerns more than single gateways. */
export const mayAll = (...wanted: string[]) => !session.value?.gateways && may(...wanted);

interface Call { method?: string; body?: unknown; signal?: AbortSignal; what?: string }

export async function send(path: string, { method = 'GET', body, signal: abort, what = 'The call' }: Call): Promise<Response> {
    const headers: Record<string, string> = { 'x-weir-ui': '1' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (abort) init.signal = abort;
    try {
        return await fetch(ROOT + path, init);
    } catch (e) {
        if (abort?.aborted) throw e;
        throw new ApiError(0, [{ code: 0, message: 'The daemon cannot be reached', path: [] }], what);
    }
}

function complaints(answer: unknown): Complaint[] {
    const { errors } = (answer ?? {}) as { errors?: Partial<Complaint>[] | null };
    if (!Array.isArray(errors)) return [];
    return errors.map((e) => ({ code: e.code ?? 0, message: String(e.message ?? ''), path: Array.isArray(e.path) ? e.path.map(String) : [] }));
}

export async function refusal(response: Response, what: string): Promise<ApiError> {
    const answer = await response.json().catch(() => null);
    return new ApiError(response.status, complaints(answer), what);
}

/* A session that has ended shows as the first call that is refused for want of one. */
export async function checked(path: string, call: Call): Promise<Response> {
    const response = await send(path, call);
    if (response.ok) return response;
    const error = await refusal(response, call.what ?? 'The call');
    if (session.value && (response.status === 401 || response.status === 403)) await recheck();
    throw error;
}

async function envelope(path: string, call: Call): Promise<{ result: unknown; data?: unknown; result_info?: ResultInfo; messages?: { message: string }[] }> {
    const response = await checked(path, call);
    return response.json();
}

export const get = async <T>(path: string, call: Call = {}): Promise<T> => (await envelope(path, call)).result as T;
export const post = async <T>(path: string, body: unknown, what: string): Promise<T> => (await envelope(path, { method: 'POST', body, what })).result as T;
export const patch = async <T>(path: string, body: unknown, what: string): Promise<T> => (await envelope(path, { method: 'PATCH', body, what })).result as T;
export const remove = async (path: string, what: string): Promise<void> => { await envelope(path, { method: 'DELETE', what }); };

/** PUT with what the daemon remarks about what it was sent. */
export async function put<T>(path: string, body: unknown, what: string): Promise<{ result: T; remarks: string[] }> {
    const answer = await envelope(path, { method: 'PUT', body, what });
    return { result: answer.result as T, remarks: (answer.messages ?? []).map((m) => m.message) };
}

/** POST with what the daemon remarks. */
export async function add<T>(path: string, body: unknown, what: string): Promise<{ result: T; remarks: string[] }> {
    const answer = await envelope(path, { method: 'POST', body, what });
    return { result: answer.result as T, remarks: (answer.messages ?? []).map((m) => m.message) };
}

/** What stands below `data`: lists of dynamic routes and what belongs to them. */
export const data = async <T>(path: string, call: Call = {}): Promise<T> => (await envelope(path, call)).data as T;

export async function list<T>(path: string, call: Call = {}): Promise<Listed<T>> {
    const { result, result_info } = await envelope(path, call);
    const rows = result as T[];
    return { rows, info: result_info ?? { page: 1, per_page: rows.length, count: rows.length, total_count: rows.length, total_pages: 1 } };
}

const PAGE = 100, MOST = 5000;

/** All pages of a list that people make by hand; `path` has no query. */
export async function listAll<T>(path: string, call: Call = {}): Promise<T[]> {
    const all: T[] = [];
    for (let page = 1; all.length < MOST; page++) {
        const { rows, info } = await list<T>(`${path}?per_page=${PAGE}&page=${page}`, call);
        all.push(...rows);
        if (rows.length < PAGE || all.length >= info.total_count) break;
    }
    return all;
}

/** A stored body, or null when none was kept. */
export async function text(path: string, abort?: AbortSignal): Promise<string | null> {
    const response = await send(path, { ...(abort && { signal: abort }), what: 'Reading a stored body' });
    if (response.status === 404) return null;
    if (!response.ok) throw await refusal(response, 'Reading a stored body');
    return response.text();
}

export async function document<T>(path: string): Promise<T> {
    return (await checked(path, { what: 'Reading the description of the API' })).json();
}

/** A GraphQL query about requests; refusals stand in the body of a 200. */
export async function graphql<T>(query: string, variables: object, abort?: AbortSignal): Promise<T> {
    const what = 'Asking for numbers';
    const response = await checked('/graphql', { method: 'POST', body: { query, variables }, what, ...(abort && { signal: abort }) });
    const answer = await response.json();
    const errors = complaints(answer);
    if (errors.length) throw new ApiError(200, errors, what);
    return answer.data.viewer.accounts[0] as T;
}

export const accountId = () => session.value?.account ?? '';
export const account = () => `/accounts/${session.value?.account ?? ''}`;
export const gatewayPath = (id: string) => `${account()}/ai-gateway/gateways/${encodeURIComponent(id)}`;
export const url = (path: string) => ROOT + path;

// ---- the session -----------------------------------------------------------------------------------

const SESSION = '/weir/session';

export async function recheck(): Promise<void> {
    const response = await send(SESSION, { what: 'Looking for a session' });
    const now = response.ok ? ((await response.json()).result as Session) : null;
    if (JSON.stringify(now) !== JSON.stringify(session.value)) session.value = now; // pages read anew what hangs on it
}

export async function signIn(token: string): Promise<void> {
    session.value = await post<Session>(SESSION, { token }, 'Signing in');
}

export async function signOut(): Promise<void> {
    await send(SESSION, { method: 'DELETE', what: 'Signing out' });
    session.value = null;
}
