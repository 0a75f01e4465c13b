// SPDX-License-Identifier: Apache-2.0
// TLS on both legs: verified upstream, resumed sessions, certificates that are reloaded.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { startWeir, tempDir } from './lib/weir.mjs';
import { answerJson, startUpstream } from './lib/upstream.mjs';
import { makeAuthority } from './lib/certs.mjs';
import { Client } from './lib/http.mjs';
import { poll } from './lib/wait.mjs';

test('upstream: a certificate of the configured authority is accepted, bodies of any size pass', async (t) => {
    const authority = makeAuthority(t);
    const leaf = authority.issue('provider', 'DNS:localhost,IP:127.0.0.1');
    const big = Buffer.alloc(2_000_000, 'weir');
    const up = await startUpstream(t, (req, res) => res.reply(200, {}, req.method === 'POST' ? req.body : big), { tls: leaf });
    const weir = await startWeir(t, { providers: { anthropic: up.origin, openai: `https://localhost:${up.port}` }, config: { upstream: { ca_file: authority.file } } });
    for (const slug of ['anthropic', 'openai']) {
        assert.ok((await weir.request({ to: `${slug}/x` })).body.equals(big));
        assert.ok((await weir.request({ to: `${slug}/x`, body: big })).body.equals(big));
    }
    assert.ok(up.connections[0].socket.encrypted);
});

test('upstream: wrong name, unknown authority, expired, plain text: 400 / 2005, no request is sent', async (t) => {
    const good = makeAuthority(t);
    const other = makeAuthority(t);
    const cases = {
        'wrong name': good.issue('wrong', 'DNS:elsewhere.example'),
        'unknown authority': other.issue('unknown', 'IP:127.0.0.1'),
    };
    const origins = {};
    const ups = {};
    for (const [name, leaf] of Object.entries(cases)) {
        ups[name] = await startUpstream(t, answerJson, { tls: leaf });
        origins[name] = ups[name].origin;
    }
    ups['not TLS'] = await startUpstream(t, answerJson);
    origins['not TLS'] = ups['not TLS'].origin.replace('http:', 'https:');
    for (const [name, origin] of Object.entries(origins))
        await t.test(name, async (t) => {
            const weir = await startWeir(t, { providers: { openai: origin }, config: { upstream: { ca_file: good.file } }, limits: { connect_timeout_ms: 500 } });
            const a = await weir.request({ to: 'openai/x', body: '{}' });
            assert.ok([400, 504].includes(a.status), String(a.status));
            assert.ok([2004, 2005].includes(a.json.error[0].code));
            assert.equal(ups[name].requests.length, 0);
        });
});

test('upstream: a second connection resumes the session', async (t) => {
    const authority = makeAuthority(t);
    const leaf = authority.issue('provider', 'IP:127.0.0.1');
    const up = await startUpstream(t, async (req, res) => {
        await res.reply(200, { Connection: 'close' }, JSON.stringify({ resumed: req.conn.socket.isSessionReused() }));
        res.close();
    }, { tls: leaf });
    const weir = await startWeir(t, { providers: { openai: up.origin }, config: { upstream: { ca_file: authority.file } } });
    const first = await weir.request({ to: 'openai/x', body: '{}' });
    assert.equal(first.json.resumed, false);
    const second = await weir.request({ to: 'openai/x', body: '{}' });
    assert.equal(second.json.resumed, true);
});

test('listener: TLS with ALPN http/1.1, and a certificate reloaded by SIGHUP', async (t) => {
    const authority = makeAuthority(t);
    const one = authority.issue('one', 'DNS:localhost,IP:127.0.0.1');
    const two = authority.issue('two', 'DNS:localhost,IP:127.0.0.1');
    const dir = tempDir(t);
    const cert = path.join(dir, 'cert.pem');
    const key = path.join(dir, 'key.pem');
    const install = (leaf) => {
        fs.writeFileSync(cert, leaf.cert);
        fs.writeFileSync(key, leaf.key);
    };
    install(one);
    const up = await startUpstream(t, (req, res) => res.reply(200, {}, req.body));
    const clientTls = { ca: authority.ca, servername: 'localhost', ALPNProtocols: ['http/1.1'] };
    const weir = await startWeir(t, { providers: { openai: up.origin }, config: { tls: { cert, key } }, clientTls });
    assert.ok(weir.secure);
    const big = Buffer.alloc(1_000_000, 'x');
    assert.ok((await weir.request({ to: 'openai/x', body: big })).body.equals(big));
    const c = await weir.connect();
    assert.equal(c.socket.alpnProtocol, 'http/1.1');
    assert.equal(c.socket.getPeerCertificate().subject.CN, 'one');
    install(two);
    weir.child.signal('SIGHUP');
    await poll('the new certificate', async () => {
        const d = await weir.connect();
        const name = d.socket.getPeerCertificate().subject.CN;
        d.close();
        return name === 'two';
    });
    await c.request({ path: '/healthz' });
    assert.equal((await c.answer()).status, 200, 'the old connection lives on');
    c.close();
    const plain = await Client.connect(weir.port);
    await plain.send('GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n');
    await plain.closed();
    assert.equal(plain.answers.length, 0);
    plain.close();
});
