// SPDX-License-Identifier: Apache-2.0
// What a test started ends with it: scripted providers first (so that nobody waits for them), then daemons,
// then directories. All of it happens, even when something on the way fails.

export const PROVIDERS = 0;
export const DAEMONS = 1;
export const FILES = 2;

const pending = new WeakMap();

export function cleanup(t, turn, fn) {
    if (!pending.has(t)) {
        const turns = [[], [], []];
        pending.set(t, turns);
        t.after(async () => {
            const errors = [];
            for (const f of turns.flat()) {
                try {
                    await f();
                } catch (e) {
                    errors.push(e);
                }
            }
            if (errors.length) throw errors[0];
        });
    }
    pending.get(t)[turn].push(fn);
}
