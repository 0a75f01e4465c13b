// SPDX-License-Identifier: Apache-2.0
// Sparklines in SVG: they are on the first page, where the chart library is not.

/** How something went, in the space of a word. */
export function Spark({ values, bad }: { values: number[]; bad?: number[] }) {
    const top = Math.max(1, ...values), w = 120, h = 32, step = w / Math.max(1, values.length);
    const bars = (list: number[]) => list.map((v, i) => (v ? `M${(i * step).toFixed(1)} ${h}v-${Math.max(1.5, (v / top) * (h - 2)).toFixed(1)}h${Math.max(0.8, step * 0.75).toFixed(1)}V${h}z` : '')).join('');
    return (
        <svg class="spark" viewBox={`0 0 ${w} ${h}`} preserveAspectRatio="none" aria-hidden="true">
            <path class="base" d={`M0 ${h - 0.5}H${w}`} /><path d={bars(values)} />{bad && <path class="bad" d={bars(bad)} />}
        </svg>
    );
}
