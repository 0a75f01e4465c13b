// SPDX-License-Identifier: Apache-2.0
// The address bar is where a page keeps what it shows: place and parameters. Everything can be linked to.
import { computed, signal } from '@preact/signals';

const here = signal(location.pathname + location.search);
const parsed = computed(() => new URL(here.value, location.origin));

export const path = computed(() => parsed.value.pathname);
export const query = computed(() => parsed.value.searchParams);
export const segments = computed(() => path.value.split('/').filter(Boolean).map(decode));

function decode(s: string): string {
    try {
        return decodeURIComponent(s);
    } catch {
        return s;
    }
}

/** Asked before the page is left; `leave` does it all the same. */
type Guard = (leave: () => void) => void;
let guard: Guard | null = null;
export const setGuard = (g: Guard | null) => { guard = g; };

function held(to: string, leave: () => void): boolean {
    if (!guard || new URL(to, location.origin).pathname === path.value) return false;
    guard(() => { guard = null; leave(); });
    return true;
}

/** `saved`: what the page was guarded for has been seen to. */
export function go(to: string, { replace = false, saved = false } = {}): void {
    if (saved) guard = null;
    if (to === here.value || held(to, () => go(to, { replace }))) return;
    const samePage = new URL(to, location.origin).pathname === path.value;
    history[replace ? 'replaceState' : 'pushState'](null, '', to);
    here.value = location.pathname + location.search;
    if (!samePage) window.scrollTo(0, 0);
}

/** Sets parameters of this page; null and '' take one away. */
export function setQuery(change: Record<string, string | string[] | null>, options?: { replace?: boolean }): void {
    const params = new URLSearchParams(query.value);
    for (const [key, value] of Object.entries(change)) {
        params.delete(key);
        for (const one of Array.isArray(value) ? value : [value]) if (one) params.append(key, one);
    }
    go(path.value + (params.size ? `?${params}` : ''), options);
}

export const link = (...parts: string[]) => '/' + parts.map(encodeURIComponent).join('/');

/* Plain clicks on links of this page stay in it; those with a modifier are the browser's, and the API is no page. */
function follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const a = (event.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
    if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin || a.pathname.startsWith('/client/') || a.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    go(a.pathname + a.search);
}

/* Back and forward have happened when they are heard of: a page that is not to be left is put on top again. */
function moved(): void {
    const to = location.pathname + location.search;
    if (held(to, () => go(to))) history.pushState(null, '', here.value);
    else here.value = to;
}

export function startRouter(): void {
    addEventListener('popstate', moved);
    document.addEventListener('click', follow);
}
