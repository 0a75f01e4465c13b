// SPDX-License-Identifier: Apache-2.0
// Pages that are fetched when they are first looked at, so that the first load stays small; or before, while nothing else is to do.
import type { ComponentChildren } from 'preact';
import { ApiError } from '../lib/api';
import { useLoad } from '../lib/load';
import { Ready } from './basics';

type Page<P> = (props: P) => ComponentChildren;
/** `fetch` begins to load it; there is no harm in asking twice. */
export type Lazy<P> = Page<P> & { fetch: () => Promise<Page<P>> };

/** After an upgrade the parts of the page that is open are gone: only a reload finds the new ones. */
const GONE = 'It cannot be fetched. If the daemon runs, it may have been upgraded: reload the page';

export function lazy<P extends object>(fetchPage: () => Promise<Page<P>>): Lazy<P> {
    let there: Page<P> | undefined, coming: Promise<Page<P>> | undefined;
    const fetch = () => (coming ??= fetchPage().then((page) => (there = page), () => {
        coming = undefined;
        throw new ApiError(0, [{ code: 0, message: GONE, path: [] }], 'Loading this page');
    }));
    function Late(props: P) {
        const page = useLoad(fetch, []);
        return <Ready of={page} rows={8}>{(At) => <At {...props} />}</Ready>;
    }
    return Object.assign((props: P) => { const At = there; return At ? <At {...props} /> : <Late {...props} />; }, { fetch });
}
