// SPDX-License-Identifier: Apache-2.0
// Vertex AI: an access token is forwarded, a service account is exchanged for one, once.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { startWeir } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

const TO = 'google-vertex-ai/v1/projects/p/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent';
const ANSWER = { candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 } };
const { privateKey, publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const account = (more = {}) => Buffer.from(JSON.stringify({ type: 'service_account', project_id: 'p', region: 'europe-west4',
    private_key_id: 'k1', private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'robot@p.iam.gserviceaccount.com', token_uri: 'https://oauth2.googleapis.com/token', ...more })).toString('base64');

/** Google's token service and Vertex AI in one scripted server. */
async function startGoogle(t, token) {
    const seen = { tokens: [], calls: [] };
    const up = await startUpstream(t, async (req, res) => {
        await req.whole();
        if (req.target.startsWith('/oauth/')) {
            seen.tokens.push(req);
            return token(res, seen.tokens.length);
        }
        seen.calls.push(req);
        return res.json(200, ANSWER);
    });
    const weir = await startWeir(t, { providers: { 'google-vertex-ai': `${up.origin}/vertex`, 'google-oauth': `${up.origin}/oauth` } });
    const ask = (bearer) => weir.request({ to: TO, body: '{"contents":[]}', headers: { Authorization: `Bearer ${bearer}` } });
    return { weir, ask, seen };
}

test('an access token is forwarded as it is', async (t) => {
    const { ask, seen } = await startGoogle(t, (res) => res.json(500, {}));
    assert.equal((await ask('ya29.client')).status, 200);
    assert.equal(seen.calls[0].header('authorization'), 'Bearer ya29.client');
    assert.equal(seen.tokens.length, 0);
});

test('a service account is exchanged once, also by calls that come together', async (t) => {
    const { weir, ask, seen } = await startGoogle(t, (res, n) => res.json(200, { access_token: `minted-${n}`, expires_in: 3600, token_type: 'Bearer' }));
    const bearer = account();
    const all = await Promise.all(Array.from({ length: 8 }, () => ask(bearer)));
    assert.ok(all.every((a) => a.status === 200), all.map((a) => a.text).join('\n'));
    assert.equal((await ask(bearer)).status, 200);
    assert.ok(seen.tokens.length <= 2, `${seen.tokens.length} exchanges`); // one a worker
    assert.ok(seen.calls.every((c) => /^Bearer minted-[12]$/.test(c.header('authorization'))));
    assert.ok(seen.calls.every((c) => c.target.startsWith('/vertex/v1/projects/p/locations/europe-west4/')));
    const form = new URLSearchParams(seen.tokens[0].text);
    const [head, claims, signature] = form.get('assertion').split('.');
    assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer');
    assert.ok(crypto.verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url')));
    const claim = JSON.parse(Buffer.from(claims, 'base64url'));
    assert.equal(claim.iss, 'robot@p.iam.gserviceaccount.com');
    assert.equal(claim.aud, 'https://oauth2.googleapis.com/token');
    assert.equal(claim.exp - claim.iat, 3600);
    const [row] = await weir.logs({ query: 'per_page=1' });
    assert.deepEqual([row.model, row.tokens_in, row.tokens_out], ['gemini-2.5-flash', 5, 2]);
    assert.ok(row.cost > 0);
    const took = (await weir.logs()).map((r) => r.weir.steps.map((s) => s.name).join());
    assert.equal(took.length, 9);
    assert.ok(took.filter((names) => /credential,(connect|reuse)/.test(names)).length >= 8, took.join('\n')); // one that was known may take no time
});

test('an account that Google refuses: a clear error, no call, the key in no text', async (t) => {
    const { weir, ask, seen } = await startGoogle(t, (res) => res.json(401, { error: 'invalid_grant' }));
    const a = await ask(account());
    assert.equal(a.status, 400);
    assert.equal(a.json.error[0].code, 2005);
    assert.match(a.json.description, /service account/);
    assert.equal(seen.calls.length, 0);
    const [row] = await weir.logs({ query: 'per_page=1' });
    assert.equal(row.success, false);
    assert.equal(row.weir.steps.at(-1).name, 'credential');
    assert.ok(!JSON.stringify(row).includes('PRIVATE KEY') && !a.text.includes('PRIVATE KEY'));
});

test('an account that points its token service elsewhere is not one: it is forwarded, nothing is signed', async (t) => {
    const { ask, seen } = await startGoogle(t, (res) => res.json(200, { access_token: 'x', expires_in: 3600 }));
    const bearer = account({ token_uri: 'https://attacker.example/token' });
    assert.equal((await ask(bearer)).status, 200);
    assert.equal(seen.tokens.length, 0);
    assert.equal(seen.calls[0].header('authorization'), `Bearer ${bearer}`);
});

test('a body that is streamed through waits for the token, whole', async (t) => {
    for (const last of [false, true])
        await t.test(last ? 'its end came first' : 'the token came first', async (t) => {
            let exchange;
            const up = await startUpstream(t, (req, res) => {
                if (!req.target.startsWith('/oauth/')) return res.json(200, ANSWER);
                exchange = () => res.json(200, { access_token: 'minted', expires_in: 3600 });
                return up.changed();
            });
            const weir = await startWeir(t, { providers: { 'google-vertex-ai': `${up.origin}/vertex`, 'google-oauth': `${up.origin}/oauth` } });
            const body = crypto.randomBytes(last ? 1_100_000 : 5_000_000);
            const c = await weir.connect();
            const head = { Authorization: `Bearer ${account()}`, 'Content-Type': 'application/octet-stream', 'Content-Length': body.length };
            await c.request({ method: 'POST', path: weir.path(TO), headers: weir.headers(head), body: last ? body : body.subarray(0, 1_200_000) });
            await up.until('the exchange', () => exchange);
            if (!last) void c.send(body.subarray(1_200_000, 2_000_000));
            await weir.barrier();
            exchange();
            if (!last) void c.send(body.subarray(2_000_000));
            assert.equal((await c.answer()).status, 200);
            const call = up.requests.at(-1);
            await call.whole();
            assert.ok(call.body.equals(body), `${call.body.length} bytes`);
            assert.equal(call.header('authorization'), 'Bearer minted');
            c.close();
        });
});

test('an exchange that failed in the network is tried again with the try it belongs to', async (t) => {
    const { weir, seen } = await startGoogle(t, (res, n) => (n === 1 ? res.reset() : res.json(200, { access_token: 'second', expires_in: 3600 })));
    const a = await weir.request({ to: TO, body: '{"contents":[]}', headers: { Authorization: `Bearer ${account()}`, 'Content-Type': 'application/json',
        'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '1' } });
    assert.equal(a.status, 200, a.text);
    assert.equal(seen.tokens.length, 2);
    assert.equal(seen.calls.length, 1);
    assert.equal(seen.calls[0].header('authorization'), 'Bearer second');
    assert.deepEqual((await weir.logs()).map((r) => [r.weir.attempt, r.status_code]), [[1, 200], [0, 400]]);
});

test('the request timeout holds for the exchange, too', async (t) => {
    const { weir, seen } = await startGoogle(t, () => {});
    const a = await weir.request({ to: TO, body: '{"contents":[]}', headers: { Authorization: `Bearer ${account()}`, 'cf-aig-request-timeout': '200' } });
    assert.equal(a.status, 504);
    assert.equal(a.json.error[0].code, 2004);
    assert.ok(seen.tokens.length <= 1); /* on a busy machine the time is over before the question left */
    assert.equal(seen.calls.length, 0);
});

test('an exchange that fails in one step of a Universal request: the next step answers', async (t) => {
    const { weir, seen } = await startGoogle(t, (res) => res.json(400, { error: 'invalid_grant' }));
    const step = (bearer) => ({ provider: 'google-vertex-ai', endpoint: TO.slice('google-vertex-ai/'.length), headers: { Authorization: `Bearer ${bearer}` }, query: { contents: [] } });
    const a = await weir.request({ path: weir.path('').slice(0, -1), body: JSON.stringify([step(account({ private_key_id: 'k2' })), step('ya29.client')]) });
    assert.deepEqual([a.status, a.header('cf-aig-step')], [200, '1'], a.text);
    assert.deepEqual([seen.tokens.length, seen.calls.map((c) => c.header('authorization'))], [1, ['Bearer ya29.client']]);
    const rows = await weir.logs();
    assert.deepEqual(rows.map((r) => [r.step, r.status_code]), [[1, 200], [0, 400]]);
    assert.match(rows[1].weir.error, /could not be exchanged/);
    assert.ok(!JSON.stringify(rows).includes('PRIVATE'));
});
