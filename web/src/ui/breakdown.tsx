// SPDX-License-Identifier: Apache-2.0
// Requests in parts, a bar each; a bar leads to the requests it stands for.
import type { ComponentChildren } from 'preact';
import { count } from '../lib/format';

/** `href`: none where no filter says which requests these are. */
export interface Bar { name: string; count: number; note: string; title: string; href?: string }

function Row({ bar, most, tone }: { bar: Bar; most: number; tone: string }) {
    const content = (
        <>
            <span class="name">{bar.name}</span><span class="number">{count(bar.count)}</span><span class="number muted">{bar.note}</span>
            <meter class={`bar-meter ${tone}`} min={0} max={most} value={bar.count} aria-label={`${bar.name}: ${bar.count} requests`} />
        </>
    );
    return bar.href ? <a href={bar.href} title={bar.title}>{content}</a> : <div class="bar" title={bar.title}>{content}</div>;
}

/** `children` stand in the place of bars where there are none; `choice` beside the title. */
export function Breakdown({ title, bars, tone = '', choice, children }: { title: string; bars: Bar[]; tone?: 'bad' | ''; choice?: ComponentChildren; children?: ComponentChildren }) {
    const most = Math.max(1, ...bars.map((b) => b.count));
    return (
        <section class="card breakdown" aria-label={title}>
            <div class="breakdown-head"><h2>{title}</h2>{choice}</div>
            {bars.length ? <ul>{bars.map((b) => <li key={b.href ?? b.name}><Row bar={b} most={most} tone={tone} /></li>)}</ul> : <div class="muted small-text">{children}</div>}
        </section>
    );
}
