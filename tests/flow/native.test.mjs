// SPDX-License-Identifier: Apache-2.0
// Native paths: what reaches each provider is what the client sent, at the place the provider expects it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ACCOUNT, startWeir } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

// slug -> [path after the slug, path at the provider]
const ROUTES = {
    openai: [['chat/completions', '/v1/chat/completions'], ['v1/chat/completions', '/v1/chat/completions'],
        ['responses', '/v1/responses'], ['v1/models/gpt-4o', '/v1/models/gpt-4o'], ['files?purpose=a%2Fb', '/v1/files?purpose=a%2Fb']],
    anthropic: [['v1/messages', '/v1/messages'], ['v1/messages?beta=true', '/v1/messages?beta=true']],
    'google-ai-studio': [
        ['v1beta/models/gemini-2.5-flash:generateContent', '/v1beta/models/gemini-2.5-flash:generateContent'],
        ['v1/models/m:streamGenerateContent?alt=sse', '/v1/models/m:streamGenerateContent?alt=sse'],
        ['v1beta/openai/chat/completions', '/v1beta/openai/chat/completions']],
    'google-vertex-ai': [
        ['v1/projects/p/locations/europe-west4/publishers/google/models/m:generateContent',
            '/v1/projects/p/locations/europe-west4/publishers/google/models/m:generateContent'],
        ['v1/projects/p/locations/global/publishers/anthropic/models/m:rawPredict',
            '/v1/projects/p/locations/global/publishers/anthropic/models/m:rawPredict']],
    'workers-ai': [
        ['@cf/meta/llama-3.1-8b-instruct', `/client/v4/accounts/${ACCOUNT}/ai/run/@cf/meta/llama-3.1-8b-instruct`],
        ['run/@cf/meta/llama-3.1-8b-instruct', `/client/v4/accounts/${ACCOUNT}/ai/run/@cf/meta/llama-3.1-8b-instruct`],
        ['v1/chat/completions', `/client/v4/accounts/${ACCOUNT}/ai/v1/chat/completions`]],
    'aws-bedrock': [
        ['bedrock-runtime/us-east-1/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke',
            '/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke'],
        ['bedrock-runtime/eu-west-1/model/arn%3Aaws%3Abedrock%3Aeu%2Fx/converse',
            '/model/arn%3Aaws%3Abedrock%3Aeu%2Fx/converse'],
        ['bedrock-mantle/us-east-1/anthropic/v1/messages', '/anthropic/v1/messages']],
    'azure-openai': [
        ['res/dep/chat/completions?api-version=2024-10-21', '/openai/deployments/dep/chat/completions?api-version=2024-10-21'],
        ['res/openai/v1/responses', '/openai/v1/responses']],
    groq: [['chat/completions', '/openai/v1/chat/completions'], ['v1/chat/completions', '/openai/v1/chat/completions'],
        ['openai/v1/chat/completions', '/openai/v1/chat/completions']],
    mistral: [['v1/chat/completions', '/v1/chat/completions'], ['chat/completions', '/v1/chat/completions'],
        ['v1/fim/completions', '/v1/fim/completions']],
    cohere: [['v1/chat', '/v1/chat'], ['v2/chat', '/v2/chat'], ['chat', '/v1/chat'],
        ['compatibility/v1/chat/completions', '/compatibility/v1/chat/completions']],
    'perplexity-ai': [['chat/completions', '/chat/completions']],
    deepseek: [['chat/completions', '/chat/completions'], ['v1/chat/completions', '/v1/chat/completions']],
    grok: [['v1/chat/completions', '/v1/chat/completions'], ['chat/completions', '/v1/chat/completions'],
        ['v1/messages', '/v1/messages']],
    cerebras: [['chat/completions', '/v1/chat/completions'], ['v1/chat/completions', '/v1/chat/completions']],
    baseten: [['v1/chat/completions', '/v1/chat/completions'], ['model/abc123', '/production/predict']],
    parallel: [['v1/tasks/runs', '/v1/tasks/runs'], ['v1beta/search', '/v1beta/search'], ['chat/completions', '/chat/completions']],
    openrouter: [['chat/completions', '/api/v1/chat/completions'], ['v1/chat/completions', '/api/v1/chat/completions']],
    huggingface: [['owner/model', '/models/owner/model']],
    replicate: [['predictions', '/v1/predictions'], ['v1/predictions', '/v1/predictions'],
        ['models/o/m/predictions', '/v1/models/o/m/predictions']],
    elevenlabs: [['v1/text-to-speech/v1?output_format=mp3_44100_128', '/v1/text-to-speech/v1?output_format=mp3_44100_128']],
    deepgram: [['v1/listen?model=nova-3', '/v1/listen?model=nova-3']],
    cartesia: [['tts/bytes', '/tts/bytes']],
    fal: [['fal-ai/fast-sdxl', '/fal-ai/fast-sdxl']],
    ideogram: [['v1/ideogram-v3/generate', '/v1/ideogram-v3/generate']],
    fireworks: [['chat/completions', '/inference/v1/chat/completions'], ['v1/chat/completions', '/inference/v1/chat/completions']],
};

const providersAt = (origin) => Object.fromEntries(Object.keys(ROUTES).map((slug) => [slug, `${origin}/at-${slug}`]));

test('every provider: path, query, method, headers and body arrive as sent', async (t) => {
    const up = await startUpstream(t, (req, res) => res.json(200, { echo: true }));
    const weir = await startWeir(t, { providers: providersAt(up.origin) });
    // white space, key order, a 20-digit integer, escapes: a body that any re-writing would change
    const body = Buffer.from('{ "b" : 12345678901234567890,\t"a":"\\u00e9\\/é",\r\n "model":"m", "n": 1.0e+2 }', 'utf8');
    for (const [slug, routes] of Object.entries(ROUTES))
        for (const [rest, want] of routes)
            await t.test(`${slug}/${rest}`, async () => {
                const n = up.requests.length;
                const a = await weir.request({
                    to: `${slug}/${rest}`, body,
                    headers: { 'Content-Type': 'application/json', 'X-Probe': `${slug} probe`, 'User-Agent': 'flow/1.0' },
                });
                assert.equal(a.status, 200, a.text);
                assert.equal(a.text, '{"echo":true}');
                const got = up.requests[n];
                assert.equal(got.method, 'POST');
                assert.equal(got.target, `/at-${slug}${want}`);
                assert.equal(got.version, 'HTTP/1.1');
                assert.ok(got.body.equals(body), `body: ${got.body}`);
                assert.equal(got.header('host'), `127.0.0.1:${up.port}`);
                assert.equal(got.header('content-length'), String(body.length));
                assert.equal(got.header('x-probe'), `${slug} probe`);
                assert.equal(got.header('user-agent'), 'flow/1.0');
                assert.equal(got.header('content-type'), 'application/json');
                assert.ok(!got.names.some((h) => h.startsWith('cf-aig-')), got.names.join());
                const row = await weir.log(a.header('cf-aig-log-id'));
                assert.equal(row.provider, slug);
                assert.equal(row.status_code, 200);
            });
});

test('the rest of a path and the query are forwarded byte for byte', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { anthropic: up.origin, huggingface: up.origin } });
    const paths = ['a%2Fb', 'a//b', 'a/', 'a%2fb%2F', '%C3%A9', 'a+b', "a!$&'()*+,;=:@b", 'a~b', 'a%00b', 'x?', 'x?a=1&a=2&b', 'x?q=%20+%2B',
        'x?url=https://h/p?a=b', 'x?a[]=1', 'a.b/...c', 'a%252e'];
    for (const p of paths)
        await t.test(p, async () => {
            const n = up.requests.length;
            const a = await weir.request({ to: `anthropic/${p}` });
            assert.equal(a.status, 200, a.text);
            assert.equal(up.requests[n].target, `/${p}`);
        });
});

test('dot segments are refused', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    for (const p of ['..', 'a/../b', 'a/./b', 'a/..', '%2e%2e/b', 'a/%2E/b', '.%2e/x', 'a/%2e%2E'])
        await t.test(p, async () => {
            const a = await weir.request({ to: `anthropic/${p}` });
            assert.equal(a.status, 400);
            assert.equal(a.json.error[0].code, 2008);
        });
    assert.equal(up.requests.length, 0);
});

test('every method passes, with or without a body', async (t) => {
    const up = await startUpstream(t, (req, res) => res.reply(200, { 'X-Method': req.method }, req.method === 'HEAD' ? '' : req.body));
    const weir = await startWeir(t, { providers: { replicate: up.origin } });
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
        for (const body of [undefined, '', 'some bytes'])
            await t.test(`${method} ${body === undefined ? 'no body' : `${body.length} bytes`}`, async () => {
                const a = await weir.request({ method, to: 'replicate/predictions/p1', body });
                assert.equal(a.status, 200);
                assert.equal(up.last.method, method);
                assert.equal(a.header('x-method'), method);
                assert.equal(a.text, body ?? '');
                if (body === undefined && method === 'GET') assert.ok(!up.last.names.includes('content-length'));
            });
});

test('HEAD has the headers of the answer and no body', async (t) => {
    const up = await startUpstream(t, (req, res) => res.write('HTTP/1.1 404 Not Found\r\nContent-Length: 77\r\nX-A: b\r\n\r\n'));
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    const c = await weir.connect();
    for (const i of [0, 1]) { // the second shows that the connection's framing survived
        await c.request({ method: 'HEAD', path: weir.path('anthropic/api/hello'), headers: weir.headers() });
        const a = await c.answer(i);
        assert.equal(a.status, 404);
        assert.equal(a.header('x-a'), 'b');
        assert.equal(a.body.length, 0);
        assert.equal(up.requests[i].method, 'HEAD');
    }
    c.close();
});

test('binary bodies both ways, multipart untouched', async (t) => {
    const all = Buffer.from(Array.from({ length: 256 * 64 }, (_, i) => (i * 7 + (i >> 8)) & 255));
    const up = await startUpstream(t, (req, res) => res.reply(200, { 'Content-Type': 'audio/mpeg' }, req.body));
    const weir = await startWeir(t, { providers: { openai: up.origin, elevenlabs: up.origin } });
    const type = 'multipart/form-data; boundary="xx yy"';
    const a = await weir.request({ to: 'openai/audio/transcriptions', headers: { 'Content-Type': type }, body: all });
    assert.equal(a.status, 200);
    assert.ok(a.body.equals(all));
    assert.ok(up.last.body.equals(all));
    assert.equal(up.last.header('content-type'), type);
    assert.equal(a.header('content-type'), 'audio/mpeg');
});

test('a chunked request body arrives whole', async (t) => {
    const up = await startUpstream(t, (req, res) => res.reply(200, {}, req.body));
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    for (const big of [false, true]) {
        const pieces = big ? Array.from({ length: 300 }, (_, i) => Buffer.alloc(10000, i & 255)) : [Buffer.from('{"a":'), Buffer.from('1}')];
        const c = await weir.connect();
        await c.request({
            method: 'POST', path: weir.path('anthropic/v1/messages'),
            headers: weir.headers({ 'Transfer-Encoding': 'chunked', 'Content-Type': big ? 'application/octet-stream' : 'application/json' }),
        });
        for (const p of pieces) await c.send(Buffer.concat([Buffer.from(`${p.length.toString(16)};x=y\r\n`), p, Buffer.from('\r\n')]));
        await c.send('0\r\nX-Trailer: dropped\r\n\r\n');
        const a = await c.answer();
        assert.equal(a.status, 200);
        assert.ok(a.body.equals(Buffer.concat(pieces)));
        assert.ok(!up.last.names.includes('x-trailer'));
        assert.equal(up.last.reader.trailers.length, 0);
        c.close();
    }
});

test('answers framed in every way arrive whole', async (t) => {
    const big = Buffer.alloc(3_000_000, 'weir');
    const up = await startUpstream(t, async (req, res) => {
        if (req.target.endsWith('/chunked')) {
            await res.head(200, { 'Transfer-Encoding': 'chunked', 'X-Kind': 'chunked' });
            for (let i = 0; i < big.length; i += 99_991) await res.chunk(big.subarray(i, i + 99_991));
            await res.write('0\r\nX-Trailer: dropped\r\n\r\n');
        } else if (req.target.endsWith('/close')) {
            await res.head(200, { 'X-Kind': 'close', Connection: 'close' });
            await res.write(big);
            res.close();
        } else if (req.target.endsWith('/http10')) {
            await res.write('HTTP/1.0 200 OK\r\nX-Kind: http10\r\n\r\n');
            await res.write(big);
            res.close();
        } else if (req.target.endsWith('/interim')) {
            await res.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n');
            await res.reply(200, { 'X-Kind': 'interim' }, big);
        } else if (req.target.endsWith('/204')) await res.write('HTTP/1.1 204 No Content\r\nX-Kind: 204\r\n\r\n');
        else await res.reply(200, { 'X-Kind': 'length' }, big);
    });
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    for (const kind of ['length', 'chunked', 'close', 'http10', 'interim', '204'])
        await t.test(kind, async () => {
            const a = await weir.request({ to: `anthropic/${kind}` });
            assert.equal(a.header('x-kind'), kind);
            assert.equal(a.status, kind === '204' ? 204 : 200);
            assert.ok(a.body.equals(kind === '204' ? Buffer.alloc(0) : big), `${a.body.length} bytes`);
            assert.equal(a.reader.trailers.length, 0);
        });
});

test('fal: the target URL rule', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { fal: up.origin } });
    const call = (url) => weir.request({ to: 'fal', body: '{}', headers: { 'x-fal-target-url': url, Authorization: 'Key fk' } });
    for (const url of ['https://queue.fal.run/fal-ai/fast-sdxl?a=1', 'https://fal.run/fal-ai/fast-sdxl?a=1', 'https://rest.alpha.fal.ai/fal-ai/fast-sdxl?a=1']) {
        const a = await call(url);
        assert.equal(a.status, 200, `${url}: ${a.text}`);
        assert.equal(up.last.target, '/fal-ai/fast-sdxl?a=1');
        assert.equal(up.last.header('authorization'), 'Key fk');
    }
    const n = up.requests.length;
    for (const url of ['http://fal.run/x', 'https://evil.example/x', 'https://fal.run.evil.example/x', 'https://evilfal.run/x',
        'https://fal.run@evil.example/x', 'https://fal.run:8443@evil.example/', 'file:///etc/passwd', 'https://127.0.0.1/', 'nonsense']) {
        const a = await call(url);
        assert.equal(a.status, 400, url);
        assert.equal(a.json.error[0].code, 2008);
    }
    assert.equal(up.requests.length, n);
});

test('pieces of an upstream host must be labels', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { 'azure-openai': up.origin, 'aws-bedrock': up.origin, baseten: up.origin, 'google-vertex-ai': up.origin } });
    for (const to of ['azure-openai/evil.example%2F/dep/x', 'azure-openai/a.b/dep/x', 'azure-openai/a%40b/dep/chat', 'aws-bedrock/bedrock-runtime/us.east/model/m/invoke',
        'aws-bedrock/s3/us-east-1/x', 'aws-bedrock/bedrock-runtime/evil%23/x', 'baseten/model/a.b', `azure-openai/${'a'.repeat(64)}/dep/x`,
        'google-vertex-ai/v1/projects/p/locations/a.evil/publishers/google/models/m:generateContent'])
        await t.test(to, async () => {
            const a = await weir.request({ to, body: '{}' });
            assert.equal(a.status, 400);
            assert.equal(a.json.error[0].code, 2008);
        });
    assert.equal(up.requests.length, 0);
});

test('connections to the provider are kept and reused', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    for (let i = 0; i < 5; i++) await weir.request({ to: 'openai/chat/completions', body: '{}' });
    assert.equal(up.requests.length, 5);
    assert.equal(up.connections.length, 1);
});

test('an idle connection that the provider closed costs one free retry', async (t) => {
    const up = await startUpstream(t, async (req, res) => {
        if (req.conn.id === 0 && up.requests.length === 2) res.reset(); // closed between sending and the first byte
        else await res.json(200, { conn: req.conn.id });
    });
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    assert.equal((await weir.request({ to: 'openai/chat/completions', body: '{"n":1}' })).json.conn, 0);
    const a = await weir.request({ to: 'openai/chat/completions', body: '{"n":2}' });
    assert.equal(a.status, 200, a.text);
    assert.equal(a.json.conn, 1);
    assert.deepEqual(up.requests.map((r) => r.text), ['{"n":1}', '{"n":2}', '{"n":2}']);
    assert.equal((await weir.logs()).length, 2);
});

test('a fresh connection that dies is not retried', async (t) => {
    const up = await startUpstream(t, (req, res) => res.reset());
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const a = await weir.request({ to: 'openai/chat/completions', body: '{}' });
    assert.equal(a.status, 400);
    assert.equal(a.json.error[0].code, 2005);
    assert.equal(up.requests.length, 1);
});
