// SPDX-License-Identifier: Apache-2.0
// A daemon in front of the mock, and windows that are signed in to it.
import { startMock, startWeir } from '../../flow/lib/weir.mjs';
import { openWindow, signIn, startBrowser } from './browser.mjs';

/** For one file of tests: `begin` and `end` go around them all. */
export function world(providers, options = {}) {
    const ends = [], w = {};
    return Object.assign(w, {
        async begin() {
            const t = { after: (f) => ends.push(f) };
            const mock = (w.mock = await startMock(t));
            w.weir = await startWeir(t, { providers: Object.fromEntries(providers.map((p) => [p, `${mock.origin}/${p}`])), ...options });
            w.base = `http://127.0.0.1:${w.weir.port}`;
            w.browser = await startBrowser();
        },
        async end() {
            await w.browser?.close();
            for (const end of ends) await end();
        },
        /** A page at an address, signed in with the root token; 403 is the answer to who is there before that. */
        async page(t, at, { expected = [], token = w.weir.token, ...more } = {}) {
            const window = await openWindow(w.browser, w.base, { ...more, expected: [403, ...expected] });
            t.after(() => window.close());
            await signIn(window.page, token, at);
            return window.page;
        },
        async api(method, path, body) {
            const a = await w.weir.api(method, path, body);
            if (a.status !== 200) throw new Error(`${method} ${path}: ${a.status} ${a.text}`);
            return a.json.result;
        },
        chat: (model, content = 'Hello') => w.weir.request({ to: 'compat/chat/completions', headers: { 'Content-Type': 'application/json', Authorization: 'Bearer sk-test' },
            body: JSON.stringify({ model, messages: [{ role: 'user', content }] }) }),
    });
}
