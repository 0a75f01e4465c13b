// SPDX-License-Identifier: Apache-2.0
// Calls of the management API by the paths of its OpenAPI document: the names in a path, what is asked for, bodies and answers are
// checked by tsc. The account, {A}, is always the session's.
import { accountId, ApiError, checked, refusal, ROOT, send } from './api';
import type { Operations, ResultInfo } from './openapi';
import type { Fields } from './types';

type Method = keyof Operations;
type Path<M extends Method> = keyof Operations[M] & string;
type Part<M extends Method, P extends Path<M>, K extends string> = Operations[M][P] extends { [k in K]: infer X } ? X : never;
export type Query<M extends Method, P extends Path<M>> = Part<M, P, 'query'>;
type Answer<M extends Method, P extends Path<M>> = Part<M, P, 'answer'>;
type Result<M extends Method, P extends Path<M>> = Answer<M, P> extends { result: infer R } ? R : undefined;

export type Body<M extends Method, P extends Path<M>> = Part<M, P, 'body'>;
/** Where a call goes: the names in its path, and what it is asked for. What is empty or undefined is not asked for. */
type Place<M extends Method, P extends Path<M>> = Omit<Part<M, P, 'params'>, 'A'> & (object extends Query<M, P> ? { query?: Query<M, P> } : { query: Query<M, P> });
type Given<M extends Method, P extends Path<M>> = Place<M, P> & (Body<M, P> extends undefined ? object : { body: Body<M, P> }) & { what: string; signal?: AbortSignal };

interface Loose { query?: object; body?: unknown; what?: string; signal?: AbortSignal; [name: string]: unknown }

function placeOf(path: string, given: Loose): string {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(name === 'A' ? accountId() : String(given[name])));
    const query = new URLSearchParams(Object.entries(given.query ?? {}).filter(([, v]) => v !== undefined && v !== '').map(([k, v]) => [k, String(v)]));
    return query.size ? `${filled}?${query}` : filled;
}

/** The whole answer, for those that are more than a result. */
export async function call<M extends Method, P extends Path<M>>(method: M, path: P, given: Given<M, P>): Promise<Answer<M, P>> {
    const { body, signal, what } = given as Loose;
    return (await checked(placeOf(path, given as Loose), { method: method.toUpperCase(), body, ...(signal && { signal }), ...(what && { what }) })).json();
}

export const get = async <P extends Path<'get'>>(path: P, given: Given<'get', P>): Promise<Result<'get', P>> => ((await call('get', path, given)) as { result: Result<'get', P> }).result;

/** `remarks`: what the daemon says about what it was sent. */
const changing = <M extends Exclude<Method, 'get'>>(method: M) => async <P extends Path<M>>(path: P, given: Given<M, P>): Promise<{ result: Result<M, P>; remarks: string[] }> => {
    const answer = (await call(method, path, given)) as { result: Result<M, P>; messages?: { message: string }[] };
    return { result: answer.result, remarks: (answer.messages ?? []).map((m) => m.message) };
};
export const post = changing('post'), put = changing('put'), patch = changing('patch'), remove = changing('delete');

// ---- lists ---------------------------------------------------------------------------------------------

type Paged = { result: unknown[]; result_info: ResultInfo };
type ListPath = { [P in Path<'get'>]: Answer<'get', P> extends Paged ? P : never }[Path<'get'>];
type Row<P extends ListPath> = Answer<'get', P> extends { result: Array<infer T> } ? T : never;
type Info<P extends ListPath> = Answer<'get', P> extends { result_info: infer T } ? T : never;

export async function list<P extends ListPath>(path: P, given: Given<'get', P>): Promise<{ rows: Row<P>[]; info: Info<P> }> {
    const { result, result_info } = (await call('get', path, given)) as { result: Row<P>[]; result_info: Info<P> };
    return { rows: result, info: result_info };
}

const PAGE = 100, MOST = 5000;

/** All pages of a list that people make by hand. */
export async function listAll<P extends ListPath>(path: P, given: Given<'get', P>): Promise<Row<P>[]> {
    const all: Row<P>[] = [];
    for (let page = 1; all.length < MOST; page++) {
        const { rows, info } = await list(path, { ...given, query: { ...(given as Loose).query, per_page: PAGE, page } } as Given<'get', P>);
        all.push(...rows);
        if (rows.length < PAGE || all.length >= (info as ResultInfo).total_count) break;
    }
    return all;
}

// ---- GraphQL -------------------------------------------------------------------------------------------

/** A query about requests of the account; `T` is what it selects. Refusals stand in the body of a 200. */
export async function graphql<T>(query: string, variables: Fields, signal: AbortSignal): Promise<T> {
    const what = 'Asking for numbers', { data, errors } = await call('post', '/graphql', { body: { query, variables }, what, signal });
    if (errors?.length) throw new ApiError(200, errors.map(({ message }) => ({ code: 0, message, path: [] })), what);
    return (data as unknown as { viewer: { accounts: [T] } }).viewer.accounts[0];
}

// ---- what is not JSON ----------------------------------------------------------------------------------

/** For links and streams. */
export const address = <P extends Path<'get'>>(path: P, place: Place<'get', P>): string => ROOT + placeOf(path, place as Loose);

/** A stored body, or null when none was kept. */
export async function text<P extends Path<'get'>>(path: P, given: Given<'get', P>): Promise<string | null> {
    const { signal, what = '' } = given as Loose;
    const response = await send(placeOf(path, given as Loose), { ...(signal && { signal }), what });
    if (response.status === 404) return null;
    if (!response.ok) throw await refusal(response, what);
    return response.text();
}
