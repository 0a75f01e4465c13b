// SPDX-License-Identifier: Apache-2.0
// Series over time on uPlot. Colours come from the style sheet, so that both themes have theirs.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { theme } from './theme';

export interface Line { label: string; values: (number | null)[]; colour: 'accent' | 'bad' | 'good' | 'warn' | 'violet'; fill?: boolean; bars?: boolean }

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const HOUR = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/* Hours between days, days where there is nothing between them, and at midnight. */
function tick(t: number, step: number): string {
    const at = new Date(t * 1000);
    return step >= 86400 || (at.getHours() === 0 && at.getMinutes() === 0) ? DAY.format(at) : HOUR.format(at);
}

/* A value between two gaps is no line: it gets a point. */
function alone(plot: uPlot, series: number): number[] {
    const values = plot.data[series] ?? [];
    return Array.from(values.keys()).filter((i) => values[i] != null && values[i - 1] == null && values[i + 1] == null);
}

function options(lines: Line[], width: number, format: (n: number) => string): uPlot.Options {
    const grid = { stroke: colour('line'), width: 1 };
    const axis = { stroke: colour('muted'), grid, ticks: { show: false }, font: '11px system-ui, sans-serif' };
    const bars = uPlot.paths.bars?.({ size: [0.7, 40] });
    return {
        width, height: 200, padding: [12, 20, 0, 0], cursor: { y: false, points: { size: 6 } }, legend: { live: true },
        scales: { y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
        axes: [{ ...axis, space: 70, size: 30, values: (_u, ticks, _i, _space, step) => ticks.map((t) => tick(t, step)) }, { ...axis, size: 72, values: (_u, ticks) => ticks.map((t) => format(t)) }],
        series: [{ value: (_u, t) => (t == null ? '' : new Date(t * 1000).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })) },
            ...lines.map((l) => ({
                label: l.label, stroke: colour(l.colour), width: l.bars ? 0 : 2, points: { show: true, size: 5, filter: alone }, spanGaps: false,
                value: (_u: uPlot, n: number | null, _series: number, at: number | null) => (at == null ? '' : n == null ? '–' : format(n)),
                ...(l.bars && bars ? { paths: bars, fill: colour(l.colour) } : l.fill ? { fill: colour(l.colour) + '22' } : {}),
            }))],
    };
}

export function Chart({ title, times, lines, format }: { title: string; times: number[]; lines: Line[]; format: (n: number) => string }) {
    const box = useRef<HTMLDivElement>(null);
    const mode = theme.value;
    useEffect(() => {
        const el = box.current;
        if (!el) return;
        const plot = new uPlot(options(lines, el.clientWidth, format), [times, ...lines.map((l) => l.values)] as uPlot.AlignedData, el);
        const observer = new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height: 200 }));
        observer.observe(el);
        return () => { observer.disconnect(); plot.destroy(); };
    }, [times, lines, mode]);
    const summary = lines.map((l) => `${l.label}: at most ${format(Math.max(0, ...l.values.map((v) => v ?? 0)))}`).join(', ');
    return <figure class="card chart"><figcaption>{title}</figcaption><div ref={box} role="img" aria-label={`${title}. ${summary}`} /></figure>;
}
