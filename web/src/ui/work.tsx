// SPDX-License-Identifier: Apache-2.0
// Work that takes longer than a moment: it says how far it is, can be stopped, and goes on while one looks at other pages.
import { signal } from '@preact/signals';
import { exact, percent } from '../lib/format';
import { Button, complain, say } from './basics';

interface Work { id: number; what: string; done: number; total: number; stop: () => void }
const works = signal<Work[]>([]);
let next = 0;

/** `run` tells how many of `total` are done, ends soon after `abort`, and answers with what is to be said at the end. */
export async function work(what: string, total: number, run: (done: (n: number) => void, abort: AbortSignal) => Promise<string>): Promise<void> {
    const id = next++, control = new AbortController();
    works.value = [...works.value, { id, what, total, done: 0, stop: () => control.abort() }];
    const done = (n: number) => { works.value = works.value.map((w) => (w.id === id ? { ...w, done: n, total: Math.max(w.total, n) } : w)); };
    try {
        say(await run(done, control.signal));
    } catch (e) {
        if (control.signal.aborted) say(`${what}: stopped`);
        else complain(e);
    }
    works.value = works.value.filter((w) => w.id !== id);
}

export const Works = () => (
    <>
        {works.value.map((w) => (
            <div key={w.id} class="work card" role="group" aria-label={w.what}>
                <div><b>{w.what}</b><span class="muted">{exact(w.done)} of {exact(w.total)} · {percent(w.done, w.total)}</span></div>
                <progress aria-label={w.what} max={Math.max(1, w.total)} value={w.done} />
                <Button icon="stop" onClick={w.stop}>Stop</Button>
            </div>
        ))}
    </>
);
