// SPDX-License-Identifier: Apache-2.0
// Keys that a page listens to while nobody types.
import { useEffect } from 'preact/hooks';

export const typing = (e: KeyboardEvent) => !!(e.target as Element).matches?.('input, textarea, select, [contenteditable]');

/** Calls what stands for the key; not while somebody types, and not for combinations that are the browser's. */
export function useKeys(acts: Record<string, (e: KeyboardEvent) => void>): void {
    useEffect(() => {
        const press = (e: KeyboardEvent) => {
            const act = acts[e.key];
            if (!act || e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
            e.preventDefault();
            act(e);
        };
        addEventListener('keydown', press);
        return () => removeEventListener('keydown', press);
    });
}
