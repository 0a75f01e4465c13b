// SPDX-License-Identifier: Apache-2.0
// Waiting for conditions instead of sleeping: whoever changes something calls changed().

export const WAIT_MS = Number(process.env.FLOW_WAIT_MS ?? 15000);

export class Watched {
    #waiters = new Set();

    changed() {
        for (const w of [...this.#waiters]) w();
    }

    /** Resolves with the first truthy value of cond(); rejects after ms, saying what was awaited. */
    until(what, cond, ms = WAIT_MS) {
        return new Promise((resolve, reject) => {
            const check = () => {
                let value;
                try {
                    value = cond();
                } catch (e) {
                    finish(() => reject(e));
                    return;
                }
                if (value) finish(() => resolve(value));
            };
            const timer = setTimeout(() => finish(() => reject(new Error(`waited ${ms} ms for ${what}`))), ms);
            const finish = (then) => {
                clearTimeout(timer);
                this.#waiters.delete(check);
                then();
            };
            this.#waiters.add(check);
            check();
        });
    }
}

/** Polls an asynchronous condition: for what happens in another process and announces itself nowhere. */
export async function poll(what, cond, ms = WAIT_MS) {
    const end = Date.now() + ms;
    for (;;) {
        const value = await cond();
        if (value) return value;
        if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
        await new Promise((r) => setTimeout(r, 10));
    }
}
