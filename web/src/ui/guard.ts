// SPDX-License-Identifier: Apache-2.0
// What has been typed is not thrown away unasked: neither by going elsewhere in this page nor by closing it.
import { useLayoutEffect } from 'preact/hooks';
import { setGuard } from '../lib/router';
import { ask } from './basics';

export function useGuard(dirty: boolean, what: string): void {
    useLayoutEffect(() => {
        if (!dirty) return;
        const stay = (e: BeforeUnloadEvent) => e.preventDefault();
        addEventListener('beforeunload', stay);
        setGuard((leave) => ask({ title: 'Leave without saving?', act: 'Leave', keep: 'Stay', text: what, run: async () => leave() }));
        return () => { removeEventListener('beforeunload', stay); setGuard(null); };
    }, [dirty]);
}
