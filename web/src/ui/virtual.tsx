// SPDX-License-Identifier: Apache-2.0
// A list of any length of which only what is seen is in the page. Browsers end at 17 to 33 million pixels, so beyond TALLEST the
// place of the scroll bar counts in proportion: with two million rows a turn of the wheel still skips none.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const TALLEST = 16_000_000, MORE = 6;

/** `reveal` scrolls a row into sight; with `focus` its first button gets the focus. */
export interface ListActs { reveal: (i: number, focus: boolean) => void }
interface Item { key: string; open: () => void; selected: boolean; cells: ComponentChildren }

/** `more`: columns beside the usual ones. */
export function VirtualList({ label, head, total, render, acts, more = 0 }: { label: string; more?: number; head: ComponentChildren; total: number; render: (i: number) => Item | undefined; acts?: { current: ListActs | null } }) {
    const box = useRef<HTMLDivElement>(null), wanted = useRef(-1);
    const [top, setTop] = useState(0);
    const [size, setSize] = useState({ view: 600, row: 45 });
    useLayoutEffect(() => {
        const el = box.current;
        if (!el) return;
        const measure = () => setSize({ view: el.clientHeight, row: parseFloat(getComputedStyle(el).getPropertyValue('--row')) || 45 });
        measure();
        const observer = new ResizeObserver(measure);
        observer.observe(el);
        return () => observer.disconnect();
    }, []);
    useEffect(() => { if (box.current && box.current.scrollTop > total * size.row) box.current.scrollTop = 0; }, [total]);
    const height = Math.min(total * size.row, TALLEST), seen = Math.ceil(size.view / size.row);
    const scaled = height < total * size.row;
    const at = scaled ? Math.round((top / Math.max(1, height - size.view)) * (total - seen)) : Math.floor(top / size.row);
    const from = Math.max(0, at - MORE), to = Math.min(total, at + seen + MORE);
    const place = (i: number) => (scaled ? top + (i - at) * size.row : i * size.row);
    const reveal = (i: number, focus: boolean) => {
        const el = box.current!, first = scaled ? Math.floor((el.scrollTop / Math.max(1, height - size.view)) * (total - seen)) : el.scrollTop / size.row;
        if (i < first || i + 1 > first + size.view / size.row) {
            const to = i < first ? i : i + 1 - size.view / size.row;
            el.scrollTop = scaled ? (to / Math.max(1, total - seen)) * (height - size.view) : to * size.row;
        }
        if (focus) { wanted.current = i; settle(); }
    };
    /* A row that is far away is there after the next drawing only. */
    const settle = () => {
        const button = wanted.current < 0 ? null : box.current?.querySelector<HTMLElement>(`[aria-rowindex="${wanted.current + 2}"] button`);
        if (button) { wanted.current = -1; button.focus({ preventScroll: true }); }
    };
    useEffect(() => {
        if (acts) acts.current = { reveal };
        settle();
    });
    return (
        <div class={more ? 'card rows more' : 'card rows'} style={{ '--more': String(more) }} role="table" aria-label={label} aria-rowcount={total + 1}>
            <div class="row heads" role="row">{head}</div>
            <div class="row-view" role="rowgroup" ref={box} tabIndex={0} aria-label={`${label}, rows`} onScroll={(e) => setTop(e.currentTarget.scrollTop)}>
                <div class="row-space" role="presentation" style={{ height: `${height}px` }}>
                    {Array.from({ length: Math.max(0, to - from) }, (_, k) => {
                        const i = from + k, item = render(i);
                        return (
                            <div key={i} class={item?.selected ? 'row selected' : 'row'} role="row" aria-rowindex={i + 2} style={{ transform: `translateY(${place(i)}px)` }} onClick={(e) => { if (!(e.target as Element).closest('button, a')) item?.open(); }}>
                                {item ? item.cells : <span role="cell" class="waiting">Loading…</span>}
                            </div>
                        );
                    })}
                </div>
            </div>
        </div>
    );
}
