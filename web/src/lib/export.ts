// SPDX-License-Identifier: Apache-2.0
// An export that is counted while it comes. Blobs are the browser's to keep on disk; the page's memory holds one piece at a time.
import { ApiError } from './api';

const PIECE = 8 << 20, NEWLINE = 10;

const lines = (bytes: Uint8Array) => { let n = 0; for (const b of bytes) if (b === NEWLINE) n++; return n; };

/** Downloads `address` as `file`; `done` hears of the lines that have come. */
export async function download(address: string, file: string, done: (lines: number) => void, abort: AbortSignal): Promise<number> {
    const answer = await fetch(address, { signal: abort, headers: { 'x-weir-ui': '1' } });
    if (!answer.ok || !answer.body) throw new ApiError(answer.status, [], 'The export');
    const blobs: Blob[] = [], reader = answer.body.getReader();
    let parts: Uint8Array<ArrayBuffer>[] = [], held = 0, n = 0;
    const settle = () => { blobs.push(new Blob(parts)); parts = []; held = 0; };
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
        parts.push(next.value as Uint8Array<ArrayBuffer>);
        held += next.value.length;
        n += lines(next.value);
        done(n);
        if (held > PIECE) settle();
    }
    settle();
    const a = Object.assign(document.createElement('a'), { href: URL.createObjectURL(new Blob(blobs, { type: answer.headers.get('content-type') ?? '' })), download: file });
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 60_000); // the browser has begun to copy it long before
    return n;
}
