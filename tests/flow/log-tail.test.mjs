// SPDX-License-Identifier: Apache-2.0
// The log as it grows, in server-sent events: filters, going on after a lost connection, clients that leave, drain.
import test from 'node:test';
import assert from 'node:assert/strict';
import { answers, chat } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const TAIL = `/client/v4/accounts/${ACCOUNT}/ai-gateway/gateways/default/logs/tail`;

async function world(t) {
    const up = await startUpstream(t, answers(200, chat()));
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const ask = async (model) => (await weir.request({ to: 'openai/chat/completions', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model, messages: [] }) })).header('cf-aig-log-id');
    /** Reads events until `stop`; rows grow in .rows. */
    const tail = async (query = '', headers = {}) => {
        const control = new AbortController();
        const res = await fetch(`http://127.0.0.1:${weir.port}${TAIL}${query}`, { headers: { Authorization: `Bearer ${TOKEN}`, ...headers }, signal: control.signal });
        const self = { res, rows: [], ended: false, stop: () => control.abort() };
        t.after(self.stop);
        (async () => {
            let text = '';
            for await (const piece of res.body.pipeThrough(new TextDecoderStream())) {
                text += piece;
                for (let at; (at = text.indexOf('\n\n')) >= 0; text = text.slice(at + 2)) {
                    const event = Object.fromEntries(text.slice(0, at).split('\n').filter((l) => !l.startsWith(':')).map((l) => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 2)]));
                    if (event.data) self.rows.push({ event: event.id, ...JSON.parse(event.data) });
                }
            }
            self.ended = true;
        })().catch(() => {});
        return self;
    };
    return { weir, ask, tail };
}

test('rows come as they are written, once, with their ids', async (t) => {
    const { ask, tail } = await world(t);
    await ask('before');
    const all = await tail(), some = await tail('?filters=' + encodeURIComponent('[{"key":"model","operator":"contains","value":["x"]}]'));
    assert.match(all.res.headers.get('content-type'), /^text\/event-stream/);
    const ids = [await ask('a'), await ask('bx'), await ask('c')];
    await poll('three rows', () => all.rows.length >= 3);
    assert.deepEqual(all.rows.map((r) => [r.id, r.event, r.model]), ids.map((id, i) => [id, id, ['a', 'bx', 'c'][i]]));
    await poll('one row', () => some.rows.length >= 1);
    assert.deepEqual(some.rows.map((r) => r.model), ['bx']);
    all.stop();
    const later = await ask('d');
    const again = await tail('', { 'Last-Event-ID': ids[1] }); // as a browser does by itself
    await poll('what was missed', () => again.rows.length >= 2);
    assert.deepEqual(again.rows.map((r) => r.id), [ids[2], later]);
});

test('wrong filters are refused; a stranger sees nothing', async (t) => {
    const { weir } = await world(t);
    const got = await weir.request({ path: `${TAIL}?filters=x`, auth: false, headers: { Authorization: `Bearer ${TOKEN}` } });
    assert.equal(got.status, 400);
    assert.equal((await weir.request({ path: TAIL, auth: false })).status, 403);
});

test('a daemon that ends lets its tails go at once', async (t) => {
    const { weir, tail } = await world(t);
    const one = await tail();
    const before = Date.now();
    await weir.stop();
    assert.ok(one.ended && Date.now() - before < 4000);
});
