// SPDX-License-Identifier: Apache-2.0
// Data of a page: what came, what went wrong, whether more is on its way. What was there stays until the new is there.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api';

const AGAIN_MS = 3000; // a daemon that cannot be reached is asked again by itself

export interface Loaded<T> {
    data: T | undefined;
    error: Error | undefined;
    loading: boolean;
    reload: () => void;
}

export function useLoad<T>(fetcher: (abort: AbortSignal) => Promise<T>, deps: unknown[], { every = 0 } = {}): Loaded<T> {
    const [state, set] = useState<{ data?: T; error?: Error; loading: boolean }>({ loading: true });
    const [turn, setTurn] = useState(0);
    const key = useRef('');
    useEffect(() => {
        const control = new AbortController();
        const fresh = JSON.stringify(deps) !== key.current;
        key.current = JSON.stringify(deps);
        set((s) => (fresh ? { loading: true } : { ...s, loading: true }));
        fetcher(control.signal).then(
            (data) => { if (!control.signal.aborted) set({ data, loading: false }); },
            (error: Error) => { if (!control.signal.aborted) set((s) => ({ ...s, error, loading: false })); },
        );
        return () => control.abort();
    }, [...deps, turn]);
    useEffect(() => {
        if (!every) return;
        const timer = setInterval(() => { if (!document.hidden) setTurn((n) => n + 1); }, every);
        return () => clearInterval(timer);
    }, [every]);
    const unreachable = state.error instanceof ApiError && state.error.status === 0;
    useEffect(() => {
        if (!unreachable) return;
        const timer = setTimeout(() => setTurn((n) => n + 1), AGAIN_MS);
        return () => clearTimeout(timer);
    }, [state]);
    return { data: state.data, error: state.error, loading: state.loading, reload: () => setTurn((n) => n + 1) };
}
