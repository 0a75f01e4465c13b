// SPDX-License-Identifier: Apache-2.0
// Numbers, money and times as people read them.

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const plain = new Intl.NumberFormat('en');

export const NONE = '–';
export const count = (n: number | null | undefined) => (n == null ? NONE : n < 10000 ? plain.format(n) : compact.format(n));
export const exact = (n: number | null | undefined) => (n == null ? NONE : plain.format(n));

/** US dollars: two digits after the point, more for what would read as nothing. */
export function money(usd: number | null | undefined): string {
    if (usd == null) return NONE;
    if (usd === 0) return '$0';
    if (Math.abs(usd) >= 1000) return '$' + compact.format(usd);
    if (Math.abs(usd) >= 0.1) return '$' + usd.toFixed(2);
    return '$' + Number(usd.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 12 });
}

export function duration(ms: number | null | undefined): string {
    if (ms == null) return NONE;
    if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
    return `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}

export const percent = (part: number, whole: number) => (whole ? `${Number(((100 * part) / whole).toFixed(part * 10 < whole ? 1 : 0))} %` : NONE);

export function bytes(n: number): string {
    if (n < 1024) return `${n} B`;
    const unit = n < 1024 ** 2 ? 1 : 2;
    return `${(n / 1024 ** unit).toFixed(1)} ${['B', 'KiB', 'MiB'][unit]}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });

export function time(iso: string | null | undefined): string {
    if (!iso) return NONE;
    const t = new Date(iso);
    return t.toDateString() === new Date().toDateString() ? clock.format(t) : `${day.format(t)}, ${clock.format(t)}`;
}
const dayOfYear = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
export const date = (iso: string | null | undefined) => (iso ? dayOfYear.format(new Date(iso)) : NONE);
export const moment = (iso: string | null | undefined) => (iso ? whole.format(new Date(iso)) : NONE);

export function ago(iso: string | null | undefined): string {
    if (!iso) return 'never';
    const s = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
    const [n, unit] = s < 60 ? [s, 's'] : s < 3600 ? [s / 60, 'min'] : s < 86400 ? [s / 3600, 'h'] : [s / 86400, 'd'];
    return `${Math.floor(n)} ${unit} ago`;
}

/** The change from one period to the next; null where there is nothing to compare. */
export const change = (now: number, before: number) => (before ? (now - before) / before : null);
