// SPDX-License-Identifier: Apache-2.0
// The small parts that every page is made of.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { ApiError } from '../lib/api';
import type { Loaded } from '../lib/load';

const ICONS = {
    overview: 'M3 13h6V3H3zM11 17h6V9h-6zM11 3v4h6V3zM3 17h6v-2H3z',
    gateway: 'M2 7c3 0 3 2.500 5.500 2.500S10 7 12.500 7 15 9.500 18 9.500M2 12c3 0 3 2.500 5.500 2.500S10 12 12.500 12s2.500 2.500 5.500 2.500',
    chart: 'M3 3v14h14M6 13l3-4 3 2 4-6',
    logs: 'M4 5h12M4 10h12M4 15h8',
    settings: 'M4 6h7M15 6h1M4 14h1M9 14h7M11 4v4M7 12v4',
    route: 'M3 10h4c3 0 3-5 6-5h4M7 10c3 0 3 5 6 5h4M14.500 2.500L17 5l-2.500 2.500M14.500 12.500L17 15l-2.500 2.500',
    key: 'M12.500 3a4.500 4.500 0 1 0-4 6.500L4 14v3h3v-2h2v-2h2l1-1.500A4.500 4.500 0 0 0 12.500 3M13.500 6.500h.01',
    token: 'M10 2l7 3v5c0 4-3 7-7 8-4-1-7-4-7-8V5z',
    people: 'M7.500 3.500a3 3 0 1 0 0 6 3 3 0 0 0 0-6M2 16.500c0-3 2.500-4.500 5.500-4.500s5.500 1.500 5.500 4.500M13 4a3 3 0 0 1 0 5.500M15 12.300c2 .6 3 2 3 4.200',
    provider: 'M4 4h12v5H4zM4 11h12v5H4zM7 6.500h.01M7 13.500h.01',
    audit: 'M5 3h10v14H5zM8 7h4M8 10h4M8 13h2',
    play: 'M6 4l9 6-9 6z',
    stop: 'M5 5h10v10H5z',
    coin: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M12.500 7.500c-.5-1-1.500-1.300-2.500-1.300-1.400 0-2.500.7-2.500 1.800 0 2.500 5 1.400 5 4 0 1.100-1.100 1.800-2.500 1.800-1.100 0-2.200-.4-2.600-1.400M10 5v10',
    scale: 'M10 3v14M5 17h10M4 6h12M4 6l-2 6h4zM16 6l-2 6h4z',
    policy: 'M10 3l6 2v5c0 3.500-2.500 6-6 7-3.500-1-6-3.500-6-7V5zM7 10l2 2 4-4',
    globe: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M3 10h14M10 3c-5 5-5 9 0 14M10 3c5 5 5 9 0 14',
    code: 'M7 6l-4 4 4 4M13 6l4 4-4 4',
    plus: 'M10 4v12M4 10h12',
    minus: 'M4 10h12',
    close: 'M5 5l10 10M15 5L5 15',
    up: 'M3 9h3v8H3zM6 9l3-6c1.500 0 2 1 2 2l-.5 3H16c1 0 1.500 1 1.300 1.800l-1.300 6c-.2.700-.8 1.200-1.500 1.200H6',
    down: 'M3 11h3V3H3zM6 11l3 6c1.500 0 2-1 2-2l-.5-3H16c1 0 1.500-1 1.300-1.800l-1.300-6C15.800 3.500 15.200 3 14.500 3H6',
    copy: 'M7 7h9v9H7zM4 13V4h9',
    search: 'M9 3a6 6 0 1 0 0 12A6 6 0 0 0 9 3M13.500 13.500L17 17',
    refresh: 'M16 8A6.500 6.500 0 1 0 16.500 11.500M16.500 4v4h-4',
    download: 'M10 3v9M6 9l4 4 4-4M4 16h12',
    menu: 'M3 6h14M3 10h14M3 14h14',
    sun: 'M10 6a4 4 0 1 0 0 8 4 4 0 0 0 0-8M10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600L16 16M16 4l-1.400 1.400M5.400 14.600L4 16',
    moon: 'M16 12A7 7 0 0 1 8 4a6.500 6.500 0 1 0 8 8',
    out: 'M8 4H4v12h4M11 6l4 4-4 4M15 10H8',
    back: 'M12 4l-6 6 6 6',
    trash: 'M4 6h12M8 6V4h4v2M6 6l.700 10h6.600L14 6',
    check: 'M4 10.500l4 4 8-9',
};
export type IconName = keyof typeof ICONS;

export const Icon = ({ name }: { name: IconName }) => (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d={ICONS[name]} /></svg>
);

export function Button({ icon, kind = '', busy = false, children, label, ...rest }: {
    icon?: IconName; kind?: '' | 'primary' | 'danger' | 'ghost'; busy?: boolean; children?: ComponentChildren; label?: string;
    onClick?: (e: MouseEvent) => void; type?: 'button' | 'submit'; disabled?: boolean; autofocus?: boolean; 'aria-pressed'?: boolean; 'aria-expanded'?: boolean; class?: string;
}) {
    const { type = 'button', class: more = '', ...others } = rest;
    return (
        <button type={type} class={`button ${kind} ${children ? '' : 'square'} ${more}`} aria-label={label} title={label} aria-busy={busy} {...others} disabled={rest.disabled || busy}>
            {icon && <Icon name={icon} />}{children}
        </button>
    );
}

// ---- states of a page --------------------------------------------------------------------------------

export const Skeleton = ({ rows = 4 }: { rows?: number }) => (
    <div class="skeleton" role="status" aria-label="Loading">{Array.from({ length: rows }, (_, i) => <span key={i} />)}</div>
);

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
    <div class="empty"><Icon name="gateway" /><h2>{title}</h2><div>{children}</div></div>
);

export function Problem({ error, retry }: { error: Error; retry?: () => void }) {
    const api = error instanceof ApiError ? error : null;
    return (
        <div class="problem" role="alert">
            <strong>{api ? `${api.what} failed` : 'Something in this page failed'}</strong>
            <span>{error.message}{api && api.status > 0 ? ` (${[api.status, ...api.complaints.map((c) => c.code).filter(Boolean)].join(' / ')})` : ''}</span>
            {retry && <Button icon="refresh" onClick={retry}>Try again</Button>}
        </div>
    );
}

/** What a load has come to: skeleton, trouble, or the page. */
export function Ready<T>({ of, rows, children }: { of: Loaded<T>; rows?: number; children: (data: T) => ComponentChildren }) {
    return (
        <>
            {of.error && <Problem error={of.error} retry={of.reload} />}
            {of.data !== undefined ? children(of.data) : !of.error && <Skeleton {...(rows ? { rows } : {})} />}
        </>
    );
}

// ---- saying that something happened --------------------------------------------------------------------

const toasts = signal<{ id: number; text: string; bad: boolean }[]>([]);
let nextToast = 0;

export function say(text: string, bad = false): void {
    const id = nextToast++;
    toasts.value = [...toasts.value, { id, text, bad }];
    setTimeout(() => { toasts.value = toasts.value.filter((t) => t.id !== id); }, bad ? 8000 : 4000);
}
export const complain = (e: unknown) => say(e instanceof ApiError ? `${e.what} failed: ${e.message}` : String(e), true);

export const Toasts = () => (
    <div class="toasts" aria-live="polite">{toasts.value.map((t) => <div key={t.id} class={t.bad ? 'toast bad' : 'toast'}>{t.text}</div>)}</div>
);

export async function copy(text: string): Promise<void> {
    try {
        await navigator.clipboard.writeText(text);
        say('Copied');
    } catch {
        say('The browser does not let this page copy: select the text instead', true);
    }
}

// ---- dialogs ---------------------------------------------------------------------------------------------

/** `stays`: a click beside it does not close it (something is typed there), or nothing but its own buttons does. */
export function Dialog({ title, onClose, children, class: more = '', stays }: { title: string; onClose: () => void; children: ComponentChildren; class?: string; stays?: 'click' | 'always' }) {
    const ref = useRef<HTMLDialogElement>(null), leave = useRef(onClose);
    leave.current = onClose;
    useEffect(() => {
        const dialog = ref.current!, before = document.activeElement as HTMLElement | null;
        const closed = () => leave.current(); // browsers close a dialog without asking when Esc comes twice in a row
        dialog.showModal();
        dialog.addEventListener('close', closed);
        return () => { dialog.removeEventListener('close', closed); dialog.close(); before?.focus?.(); };
    }, []);
    return (
        <dialog ref={ref} class={more} aria-label={title} onCancel={(e) => { e.preventDefault(); onClose(); }} onKeyDown={(e) => { if (stays === 'always' && e.key === 'Escape') e.preventDefault(); }} onClick={(e) => { if (e.target === ref.current && !stays) onClose(); }}>
            <div class="sheet">
                <header><h2>{title}</h2>{stays !== 'always' && <Button icon="close" kind="ghost" label="Close" onClick={onClose} />}</header>
                {children}
            </div>
        </dialog>
    );
}

interface Question { title: string; text: string; act: string; keep?: string; word?: string; run: () => Promise<void> }
const question = signal<Question | null>(null);
/** Asks before something is destroyed; `word` has to be typed where much would be lost. */
export const ask = (q: Question) => { question.value = q; };

export function Confirm() {
    const [typed, setTyped] = useState('');
    const [busy, setBusy] = useState(false);
    const q = question.value;
    if (!q) return null;
    const close = () => { question.value = null; setTyped(''); };
    const act = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        await q.run().then(close, complain);
        setBusy(false);
    };
    return (
        <Dialog title={q.title} onClose={close} class="small">
            <form onSubmit={act}>
                <p>{q.text}</p>
                {q.word && <label class="field">Type <b>{q.word}</b> to confirm<input autofocus value={typed} onInput={(e) => setTyped(e.currentTarget.value)} autocomplete="off" /></label>}
                <footer><Button autofocus={!q.word} onClick={close}>{q.keep ?? 'Keep it'}</Button><Button kind="danger" type="submit" busy={busy} disabled={!!q.word && typed !== q.word}>{q.act}</Button></footer>
            </form>
        </Dialog>
    );
}

export const Tag = ({ tone = '', children }: { tone?: '' | 'good' | 'bad' | 'warn' | 'accent'; children: ComponentChildren }) => <span class={`tag ${tone}`}>{children}</span>;

/** Something short to be copied: an address, a name. */
export const Copied = ({ text, label }: { text: string; label: string }) => (
    <span class="copied"><code>{text}</code><Button icon="copy" kind="ghost" label={`Copy: ${label}`} onClick={() => copy(text)} /></span>
);

export function Snippet({ code, label }: { code: string; label: string }) {
    return (
        <div class="snippet">
            <pre tabIndex={0} aria-label={label}><code>{code}</code></pre>
            <Button icon="copy" label={`Copy: ${label}`} onClick={() => copy(code)} />
        </div>
    );
}

export function Head({ title, children, note }: { title: ComponentChildren; children?: ComponentChildren; note?: ComponentChildren }) {
    return <div class="head"><div><h1>{title}</h1>{note && <p class="muted">{note}</p>}</div><div class="actions">{children}</div></div>;
}

/** Several choices of which one holds. */
export function Choice({ label, options, value, onChange }: { label: string; options: { key: string; label: string }[]; value: string; onChange: (key: string) => void }) {
    return (
        <div class="choice" role="group" aria-label={label}>
            {options.map((o) => <button key={o.key} type="button" aria-pressed={o.key === value} onClick={() => onChange(o.key)}>{o.label}</button>)}
        </div>
    );
}
