// SPDX-License-Identifier: Apache-2.0
// Pages that are fetched when they are first looked at, so that the first load stays small.
import type { ComponentChildren } from 'preact';
import { ApiError } from '../lib/api';
import { useLoad } from '../lib/load';
import { Ready } from './basics';

type Page<P> = (props: P) => ComponentChildren;

/** After an upgrade the parts of the page that is open are gone: only a reload finds the new ones. */
const GONE = 'It cannot be fetched. If the daemon runs, it may have been upgraded: reload the page';

export function lazy<P extends object>(fetchPage: () => Promise<Page<P>>): Page<P> {
    const load = () => fetchPage().catch(() => { throw new ApiError(0, [{ code: 0, message: GONE, path: [] }], 'Loading this page'); });
    return function Late(props: P) {
        const page = useLoad(load, []);
        return <Ready of={page} rows={8}>{(At) => <At {...props} />}</Ready>;
    };
}
