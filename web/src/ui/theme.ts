// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system has it; kept in the browser.
import { effect, signal } from '@preact/signals';

const system = matchMedia('(prefers-color-scheme: dark)');
const stored = (() => { try { return localStorage.getItem('weir-theme'); } catch { return null; } })();

const own = signal<string | null>(stored);
const dark = signal(system.matches);
export const theme = signal<'dark' | 'light'>('light');

system.addEventListener('change', (e) => { dark.value = e.matches; });
effect(() => {
    theme.value = own.value === 'dark' || (own.value === null && dark.value) ? 'dark' : 'light';
    document.documentElement.dataset['theme'] = theme.value;
});

export function switchTheme(): void {
    own.value = theme.value === 'dark' ? 'light' : 'dark';
    try { localStorage.setItem('weir-theme', own.value); } catch { /* a browser that keeps nothing: it holds for this visit */ }
}
