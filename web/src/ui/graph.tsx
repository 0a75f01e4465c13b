// SPDX-License-Identifier: Apache-2.0
// The picture of a route's graph: elements are dragged, outputs are drawn to where they lead, new elements come from the palette.
// All of it works with a finger, and but for drawing lines (which the panel does in a list) with the keyboard.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { EDGE, HEAD, heightOf, labelOf, outputsOf, PORT, summary, targetOf, TYPES, typeOf, WIDTH, type Elements, type GraphElement, type Places, type Point, type Remarks } from '../lib/graph';
import { Icon } from './basics';

const STEP = 16, ROOM = 20; // px: an arrow key; around an element, for ends of lines

const short = (text: string, n: number) => (text.length > n ? `${text.slice(0, n - 1)}…` : text);
/* What is seen, in the order in which it is seen, and then what only the eye follows. */
const spoken = (e: GraphElement) => [`${short(e.id, 15)} ${labelOf(e)} ${short(summary(e), 26)} ${outputsOf(e).map((o) => short(o, 20)).join(' ')}`.trim(), ...(e.id.length > 15 ? [e.id] : []), ...(summary(e).length > 26 ? [summary(e)] : []),
    ...outputsOf(e).map((o) => `${o} leads ${targetOf(e, o) ? `to ${targetOf(e, o)}` : 'nowhere'}`)].join('; ');

const outAt = (place: Point, k: number): Point => ({ x: place.x + WIDTH, y: place.y + HEAD + PORT * k + PORT / 2 - 6 });
const inAt = (place: Point): Point => ({ x: place.x, y: place.y + HEAD / 2 });

function curve(from: Point, to: Point): string {
    const reach = Math.max(40, Math.min(140, Math.abs(to.x - from.x) / 2));
    return `M${from.x} ${from.y}C${from.x + reach} ${from.y} ${to.x - reach} ${to.y} ${to.x} ${to.y}`;
}

const LESS = ['fallback', 'false', 'else'];

function Lines({ elements, places, selected }: { elements: Elements; places: Places; selected: number | null }) {
    return (
        <g class="lines-of" aria-hidden="true">
            {elements.flatMap((e, i) => outputsOf(e).map((o, k) => {
                const from = places[e.id], to = places[targetOf(e, o)];
                const tone = `${LESS.includes(o) ? ' less' : ''}${i === selected || (selected !== null && targetOf(e, o) === elements[selected]?.id) ? ' near' : ''}`;
                return from && to ? <path key={`${i}/${o}`} class={`wire${tone}`} d={curve(outAt(from, k), inAt(to))} marker-end="url(#arrow)" /> : null;
            }))}
        </g>
    );
}

function Node({ element: e, at, selected, wrong, on }: {
    element: GraphElement; at: Point; selected: boolean; wrong: boolean;
    on: { focus: () => void; touch: (e: TouchEvent) => void; key: (e: KeyboardEvent) => void; grab: (e: PointerEvent) => void; pull: (e: PointerEvent, output: string, k: number) => void };
}) {
    return (
        <g class={`node ${e.type === 'start' || TYPES[typeOf(e)] ? typeOf(e) : 'unknown'}${selected ? ' selected' : ''}${wrong ? ' wrong-node' : ''}`} data-node={e.id} transform={`translate(${at.x} ${at.y})`}
            role="button" tabindex={0} aria-pressed={selected} aria-label={`${spoken(e)}${wrong ? '; something is wrong with it' : ''}`} onFocus={on.focus} onKeyDown={on.key} onPointerDown={on.grab} onTouchStart={on.touch}>
            <rect class="box" width={WIDTH} height={heightOf(e)} rx="10" />
            <path class="stripe" d={`M0 10a10 10 0 0 1 10 -10h${WIDTH - 20}a10 10 0 0 1 10 10z`} />
            <text class="name" x="14" y="28">{short(e.id, 15)}</text>{' '}<text class="kind" x={WIDTH - 14} y="28">{labelOf(e)}</text>{' '}
            <text class="sum" x="14" y="46">{short(summary(e), 26)}</text>{' '}
            {wrong && <g class="flag" transform={`translate(${WIDTH - 4} 2)`}><circle r="10" /><path d="M0 -5V1.500M0 4.500v.5" /></g>}
            {e.type !== 'start' && <circle class="socket" cx="0" cy={HEAD / 2} r="5" />}
            {outputsOf(e).map((o, k) => (
                <g key={o} class={targetOf(e, o) ? 'port' : 'port open-port'} data-output={o} transform={`translate(${WIDTH} ${HEAD + PORT * k + PORT / 2 - 6})`} onPointerDown={(ev) => on.pull(ev, o, k)}>
                    <text x="-14" y="4">{short(o, 20)}</text>{' '}<circle class="reach" r="15" /><circle r="6" />
                </g>
            ))}
        </g>
    );
}

interface Drag { pointer: number; at: Point; node?: { i: number; dx: number; dy: number }; wire?: { i: number; output: string; from: Point } }

export interface GraphActs {
    select: (i: number | null) => void;
    move: (id: string, to: Point) => void;
    connect: (i: number, output: string, to: string) => void;
    remove: (i: number) => void;
    add: (type: string, at?: Point) => void;
}

export function Graph({ elements, places, selected, remarks, editable, zoom, acts }: { elements: Elements; places: Places; zoom: number; selected: number | null; remarks: Remarks; editable: boolean; acts: GraphActs }) {
    const svg = useRef<SVGSVGElement>(null);
    const [drag, setDrag] = useState<Drag | null>(null);
    const here = (e: { clientX: number; clientY: number }): Point => {
        const box = svg.current!.getBoundingClientRect();
        return { x: (e.clientX - box.left) / zoom, y: (e.clientY - box.top) / zoom };
    };
    useEffect(() => { if (!drag) svg.current?.querySelector('.node.selected')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }); }, [selected]);
    const under = (p: Point) => elements.find((e) => {
        const at = places[e.id];
        return at && p.x >= at.x - ROOM && p.x <= at.x + WIDTH + ROOM && p.y >= at.y - ROOM && p.y <= at.y + heightOf(e) + ROOM;
    });
    const begin = (e: PointerEvent, d: Omit<Drag, 'pointer' | 'at'>) => {
        e.stopPropagation();
        if (!editable || e.button !== 0) return;
        svg.current!.setPointerCapture(e.pointerId);
        setDrag({ pointer: e.pointerId, at: here(e), ...d });
    };
    const moved = (e: PointerEvent) => {
        if (drag?.pointer !== e.pointerId) return;
        const p = here(e);
        setDrag({ ...drag, at: p });
        if (drag.node) acts.move(elements[drag.node.i]!.id, { x: Math.max(EDGE / 2, Math.round(p.x - drag.node.dx)), y: Math.max(EDGE / 2, Math.round(p.y - drag.node.dy)) });
    };
    const dropped = (e: PointerEvent) => {
        if (drag?.pointer !== e.pointerId) return;
        const target = drag.wire && under(here(e));
        if (drag.wire && target !== elements[drag.wire.i] && target?.type !== 'start') acts.connect(drag.wire.i, drag.wire.output, target?.id ?? '');
        setDrag(null);
    };
    const key = (i: number) => (e: KeyboardEvent) => {
        const el = elements[i]!, at = places[el.id]!;
        const step = ({ ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] } as Record<string, [number, number]>)[e.key];
        if (step && editable) acts.move(el.id, { x: Math.max(EDGE / 2, at.x + step[0]), y: Math.max(EDGE / 2, at.y + step[1]) });
        else if (editable && (e.key === 'Delete' || e.key === 'Backspace')) acts.remove(i);
        else if (e.key === 'Escape') acts.select(null);
        else if (e.key === 'Enter' || e.key === ' ') document.querySelector<HTMLElement>('.panel input, .panel select, .panel textarea')?.focus();
        else return;
        e.preventDefault();
    };
    const all = elements.map((e) => ({ e, at: places[e.id] ?? { x: EDGE, y: EDGE } }));
    const width = Math.max(...all.map(({ at }) => at.x + WIDTH), 0) + 2 * EDGE, height = Math.max(...all.map(({ e, at }) => at.y + heightOf(e)), 0) + 2 * EDGE;
    const target = drag?.wire && under(drag.at);
    return (
        <div class="canvas" tabIndex={0} role="region" aria-label="Canvas" data-dragging={drag ? true : undefined}>
            <svg ref={svg} width={width * zoom} height={height * zoom} data-zoom={zoom} role="group" aria-label="Graph" onPointerDown={() => acts.select(null)} onPointerMove={moved} onPointerUp={dropped} onPointerCancel={() => setDrag(null)}>
                <defs><marker id="arrow" viewBox="0 0 8 8" refX="13" refY="4" markerWidth="8" markerHeight="8" orient="auto" markerUnits="userSpaceOnUse"><path d="M0 0L8 4L0 8z" /></marker></defs>
                <g transform={`scale(${zoom})`}>
                <Lines elements={elements} places={places} selected={selected} />
                {all.map(({ e, at }, i) => (
                    <Node key={i} element={e} at={at} selected={i === selected} wrong={remarks.has(e)} on={{
                        focus: () => acts.select(i), key: key(i), touch: (ev) => { if (editable && ev.touches.length === 1) ev.preventDefault(); }, // else the page is moved
                        grab: (ev) => { acts.select(i); begin(ev, { node: { i, dx: here(ev).x - at.x, dy: here(ev).y - at.y } }); },
                        pull: (ev, output, k) => begin(ev, { wire: { i, output, from: outAt(at, k) } }),
                    }} />
                ))}
                {drag?.wire && <path class="wire near" d={curve(drag.wire.from, target && target.type !== 'start' ? inAt(places[target.id]!) : drag.at)} />}
                </g>
            </svg>
        </div>
    );
}

/** What can be added: by a click, by Enter, or dragged to its place. */
export function Palette({ add }: { add: (type: string, at?: Point) => void }) {
    const held = useRef<{ type: string; from: Point; moved: boolean } | null>(null);
    const [ghost, setGhost] = useState<{ label: string; at: Point } | null>(null);
    const down = (type: string) => (e: PointerEvent) => {
        if (e.button !== 0) return;
        (e.currentTarget as Element).setPointerCapture(e.pointerId);
        held.current = { type, from: { x: e.clientX, y: e.clientY }, moved: false };
    };
    const move = (e: PointerEvent) => {
        const h = held.current;
        if (!h) return;
        h.moved ||= Math.hypot(e.clientX - h.from.x, e.clientY - h.from.y) > 6;
        if (h.moved) setGhost({ label: TYPES[h.type]!.label, at: { x: e.clientX, y: e.clientY } });
    };
    const up = (e: PointerEvent) => {
        const h = held.current, svg = document.querySelector<SVGSVGElement>('.canvas svg');
        const box = document.querySelector('.canvas')?.getBoundingClientRect(), origin = svg?.getBoundingClientRect(), zoom = Number(svg?.dataset.zoom ?? 1);
        setGhost(null);
        if (h?.moved && box && origin && e.clientX >= box.left && e.clientX <= box.right && e.clientY >= box.top && e.clientY <= box.bottom)
            add(h.type, { x: Math.max(EDGE / 2, Math.round((e.clientX - origin.left) / zoom - WIDTH / 2)), y: Math.max(EDGE / 2, Math.round((e.clientY - origin.top) / zoom - HEAD / 2)) });
    };
    const click = (type: string) => { if (!held.current?.moved) add(type); held.current = null; };
    return (
        <div class="palette-of-graph" role="group" aria-label="Add an element">
            {Object.entries(TYPES).map(([type, t]) => (
                <button key={type} type="button" class={`piece ${type}`} onPointerDown={down(type)} onPointerMove={move} onPointerUp={up} onPointerCancel={() => { held.current = null; setGhost(null); }} onClick={() => click(type)} title={`Add: ${t.note}`}>
                    <Icon name="plus" />{t.label}
                </button>
            ))}
            {ghost && <div class="floating" style={{ left: `${ghost.at.x}px`, top: `${ghost.at.y}px` }}>{ghost.label}</div>}
        </div>
    );
}

/** The same as a list, with what is chosen below its line: for narrow windows and for whoever prefers it. */
export function Outline({ elements, selected, remarks, select, children }: { elements: Elements; selected: number | null; remarks: Remarks; select: (i: number | null) => void; children: ComponentChildren }) {
    return (
        <ol class="outline" aria-label="Elements">
            {elements.map((e, i) => (
                <li key={i}>
                    <button type="button" class={`leaf ${typeOf(e)}`} aria-expanded={i === selected} onClick={() => select(i === selected ? null : i)}>
                        <b>{e.id}</b> <span class="muted">{labelOf(e)}</span>{remarks.has(e) && <em class="wrong"> is wrong</em>}
                        <span class="sum">{summary(e)}</span>
                        {outputsOf(e).map((o) => <span key={o} class="way"><span class="muted">{o} →</span> {targetOf(e, o) || <em class="muted">nowhere</em>}</span>)}
                    </button>
                    {i === selected && children}
                </li>
            ))}
        </ol>
    );
}
