// SPDX-License-Identifier: Apache-2.0
// What carries calls of the management API (client.ts): the session's cookie, and refusals as ApiErrors that can be shown as they are.
import { effect, signal } from '@preact/signals';
import type { Session, SignedOut } from './types';

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
        throw new ApiError(0, [{ code: 0, message: 'The daemon cannot be reached. It is asked again every few seconds', path: [] }], what);
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

export const accountId = () => session.value?.account ?? '';

// ---- the session -----------------------------------------------------------------------------------

const SESSION = '/weir/session';
const sessionOf = async (response: Response): Promise<Session> => (await response.json()).result;

export async function recheck(): Promise<void> {
    const response = await send(SESSION, { what: 'Looking for a session' });
    const now = response.ok ? await sessionOf(response) : null;
    if (JSON.stringify(now) !== JSON.stringify(session.value)) session.value = now; // pages read anew what hangs on it
}

export async function signIn(token: string): Promise<void> {
    session.value = await sessionOf(await checked(SESSION, { method: 'POST', body: { token }, what: 'Signing in' }));
}

/** The browser may have to leave the page for that, too: where people signed in with a provider. */
export async function signOut(): Promise<void> {
    const response = await send(SESSION, { method: 'DELETE', what: 'Signing out' });
    const { url } = response.ok ? (await response.json()).result as SignedOut : { url: null };
    session.value = null;
    if (url) location.assign(url);
}

/** `ms` from now, or when the session has no token live longer, as the API wants to read it. */
export function tokenEnd(ms: number): string {
    const latest = session.value?.tokens_end_by;
    const end = new Date(Date.now() + ms);
    return (latest && new Date(latest) < end ? new Date(latest) : end).toISOString().replace(/\.\d+Z/, 'Z');
}
