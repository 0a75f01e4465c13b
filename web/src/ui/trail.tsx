// SPDX-License-Identifier: Apache-2.0
// Where the time of a request went: its attempts under each other on one line of time, each with its steps. What the picture shows is
// in a table behind it, too.
import { duration, NONE } from '../lib/format';
import type { LogRow } from '../lib/types';
import { Tag } from './basics';
import './trail.css';

export interface Step { name: string; start_us: number; duration_us: number }
interface Line { row: LogRow; steps: Step[]; begin: number; end: number }

const WORDS: Record<string, string> = {
    auth: 'who asks', body: 'body from the client', plan: 'what is asked of whom', cache: 'looking in the cache', shared: 'the same answer for another request', limits: 'limits', pause: 'pause before a try',
    credential: 'access token', connect: 'new connection', reuse: 'open connection used again', send: 'sending', wait: 'waiting for the first byte', answer: 'answer',
};

export const micro = (us: number) => (us < 1000 ? `${Math.round(us)} µs` : us < 10_000 ? `${(us / 1000).toFixed(2)} ms` : duration(us / 1000));

/* What is known of rows that were written before steps were. */
function guessed(row: LogRow, first: LogRow): Step[] {
    const start = 1000 * Math.max(0, Date.parse(row.created_at) - Date.parse(first.created_at));
    const total = Math.round(1000 * (row.timings.total ?? row.duration)), wait = Math.round(1000 * Math.min(row.timings.latency ?? row.duration, row.timings.total ?? row.duration));
    return [{ name: 'wait', start_us: start, duration_us: wait }, { name: 'answer', start_us: start + wait, duration_us: total - wait }];
}

export function linesOf(rows: LogRow[]): Line[] {
    const sorted = [...rows].sort((a, b) => (a.weir.started_us ?? 0) - (b.weir.started_us ?? 0) || a.created_at.localeCompare(b.created_at) || a.step - b.step || a.weir.attempt - b.weir.attempt);
    return sorted.map((row) => {
        const steps = row.weir.steps ?? guessed(row, sorted[0] ?? row), last = steps.at(-1);
        return { row, steps, begin: row.weir.started_us ?? steps[0]?.start_us ?? 0, end: last ? last.start_us + last.duration_us : row.weir.started_us ?? 0 };
    });
}

const nameOf = (r: LogRow) => [r.provider, r.model].filter(Boolean).join('/');
const outcome = (r: LogRow) => (r.cached ? 'from the cache' : r.status_code ? String(r.status_code) : 'no answer');
const tone = (r: LogRow) => (r.success ? 'good' : 'bad');

function Lane({ line, whole }: { line: Line; whole: number }) {
    const share = (us: number) => `${(100 * us) / Math.max(whole, 1)}%`;
    return (
        <div class="lane" aria-hidden="true">
            {line.steps.map((s) => <span key={`${s.name}${s.start_us}`} class={`trail-bar step-${s.name}`} title={`${WORDS[s.name] ?? s.name}: ${micro(s.duration_us)}`} style={{ left: `min(${share(s.start_us)}, calc(100% - 3px))`, width: share(s.duration_us) }} />)}
        </div>
    );
}

function Legend({ line }: { line: Line }) {
    return (
        <ul class="trail-legend" aria-label="Steps of this attempt">
            {line.steps.map((s) => <li key={`${s.name}${s.start_us}`}><i class={`trail-bar step-${s.name}`} aria-hidden="true" />{WORDS[s.name] ?? s.name} <b>{s.name === 'reuse' && s.duration_us < 1 ? 'at once' : micro(s.duration_us)}</b></li>)}
        </ul>
    );
}

function Table({ lines }: { lines: Line[] }) {
    return (
        <details class="more"><summary>As a table</summary>
            <div class="scroll" tabIndex={0} role="region" aria-label="Steps">
                <table class="steps-table">
                    <thead><tr>{lines.length > 1 && <th scope="col">Attempt</th>}<th scope="col">Step</th><th scope="col" class="number">Begins</th><th scope="col" class="number">Takes</th></tr></thead>
                    <tbody>{lines.flatMap((l, i) => l.steps.map((s) => (
                        <tr key={`${i} ${s.name} ${s.start_us}`}>{lines.length > 1 && <td>{i + 1}. {nameOf(l.row)}</td>}<th scope="row">{WORDS[s.name] ?? s.name}</th><td class="number">{micro(s.start_us)}</td><td class="number">{micro(s.duration_us)}</td></tr>
                    )))}</tbody>
                </table>
            </div>
        </details>
    );
}

/** `rows`: all attempts of a request, `current` among them. */
export function Trail({ rows, current, onOpen }: { rows: LogRow[]; current: LogRow; onOpen: (id: string) => void }) {
    const lines = linesOf(rows), whole = Math.max(...lines.map((l) => l.end), 1), mine = lines.find((l) => l.row.id === current.id);
    return (
        <div class="trail">
            <ol aria-label="Attempts">
                {lines.map((l, i) => {
                    const here = l.row.id === current.id, words = `${nameOf(l.row)}, ${outcome(l.row)}, begins after ${micro(l.begin)}, takes ${micro(l.end - l.begin)}`;
                    return (
                        <li key={l.row.id} class={here ? 'here' : ''} aria-current={here ? 'true' : undefined}>
                            {lines.length > 1 && (
                                <p>{i + 1}. {here ? <b>{nameOf(l.row)}</b> : <button type="button" class="plain" aria-label={`Open attempt ${i + 1}: ${words}`} onClick={() => onOpen(l.row.id)}>{nameOf(l.row)}</button>}
                                    {' '}<Tag tone={tone(l.row)}>{outcome(l.row)}</Tag><span class="muted">{micro(l.end - l.begin)}{l.begin > 0 && ` after ${micro(l.begin)}`}</span>
                                    {l.row.weir.error && <span class="trail-error">{l.row.weir.error.slice(0, 200)}</span>}</p>
                            )}
                            <Lane line={l} whole={whole} />
                        </li>
                    );
                })}
            </ol>
            <div class="trail-axis" aria-hidden="true"><span>0</span><span>{lines.length ? micro(whole / 2) : NONE}</span><span>{micro(whole)}</span></div>
            {mine && <Legend line={mine} />}
            <Table lines={lines} />
        </div>
    );
}
