// SPDX-License-Identifier: Apache-2.0
// Stored credentials that are more than a key: AWS keys sign every try of a call, checked with AWS's own code; Google's service
// accounts are exchanged; Azure's and Workers AI's go where they belong.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256Node } from '@smithy/core/checksum';
import { startWeir } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { frame } from './lib/aws.mjs';

const KEYS = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 's3cr3t/Example+Key' };
const SESSION = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'an0ther/S3cr3t', sessionToken: 'Fwo//se+ssion==' };
const SONNET = 'anthropic.claude-3-5-sonnet-20241022-v2:0';
const PROFILE = 'arn:aws:bedrock:ap-south-1:123456789012:inference-profile/apac.anthropic.claude-sonnet-4-5-20250929-v1:0';
const CONVERSE = { output: { message: { role: 'assistant', content: [{ text: 'hi' }] } }, stopReason: 'end_turn', usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 } };
const CHAT = { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } };
const STREAM = Buffer.concat([['messageStart', '{"role":"assistant"}'], ['contentBlockDelta', '{"contentBlockIndex":0,"delta":{"text":"hi"}}'],
    ['contentBlockStop', '{"contentBlockIndex":0}'], ['messageStop', '{"stopReason":"end_turn"}'],
    ['metadata', '{"usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5},"metrics":{"latencyMs":1}}']]
    .map(([type, payload]) => frame({ ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' }, payload)));
const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const account = (more = {}) => JSON.stringify({ type: 'service_account', project_id: 'example-project', private_key_id: 'k1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }), client_email: 'robot@example-project.iam.gserviceaccount.com', ...more });
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Signs what arrived again, with AWS's code: the request as it came, at the time it names. */
async function isSignedBy(req, keys, region, service = 'bedrock') {
    const stamp = req.header('x-amz-date');
    const signingDate = new Date(stamp.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
    assert.ok(Math.abs(signingDate - Date.now()) < 60_000, stamp);
    assert.equal(req.header('x-amz-content-sha256'), crypto.createHash('sha256').update(req.body).digest('hex'));
    assert.equal(req.header('x-amz-security-token'), keys.sessionToken);
    const got = req.header('authorization');
    const covered = new Set(/SignedHeaders=([^,]+),/.exec(got)[1].split(';'));
    for (const name of ['host', 'x-amz-date', 'x-amz-content-sha256', ...(keys.sessionToken ? ['x-amz-security-token'] : [])]) assert.ok(covered.has(name), name);
    const lines = req.headers.filter(([n]) => covered.has(n.toLowerCase()) && n.toLowerCase() !== 'authorization');
    const [path, query = ''] = req.target.split('?');
    const signer = new SignatureV4({ service, region, credentials: keys, sha256: Sha256Node });
    const again = await signer.sign({ method: req.method, path, query: Object.fromEntries(new URLSearchParams(query)), headers: Object.fromEntries(lines), body: req.body,
        protocol: 'https:', hostname: req.header('host') }, { signingDate });
    assert.equal(got, again.headers.authorization);
    for (const name of ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'])
        assert.ok(req.names.filter((n) => n === name).length <= 1, name);
}

const rig = { answer: null };
test('stored credentials that sign or are exchanged', async (t) => {
    const up = await startUpstream(t, async (req, res) => {
        await req.whole();
        if (rig.answer?.(req, res)) return undefined;
        if (req.target.startsWith('/oauth/')) return res.json(200, { access_token: 'ya29.minted', expires_in: 3600 });
        if (/converse-stream$/.test(req.target)) return res.reply(200, { 'Content-Type': 'application/vnd.amazon.eventstream' }, STREAM);
        return res.json(200, /converse$/.test(req.target) ? CONVERSE : CHAT);
    });
    const names = ['aws-bedrock', 'google-vertex-ai', 'azure-openai', 'workers-ai', 'openai'];
    const weir = await startWeir(t, { providers: { ...Object.fromEntries(names.map((n) => [n, up.origin])), 'google-oauth': `${up.origin}/oauth` } });
    const gateway = async (id, configs) => {
        await weir.createGateway({ id });
        for (const [provider_slug, secret, alias = 'default'] of configs) {
            const a = await weir.api('POST', `/gateways/${id}/provider_configs`, { provider_slug, alias, default_config: alias === 'default',
                secret: typeof secret === 'string' ? secret : JSON.stringify(secret) });
            assert.equal(a.status, 200, a.text);
        }
    };
    const ask = async (gw, to, body, headers = JSON_TYPE) => {
        const first = up.requests.length;
        const a = await weir.request({ to, gateway: gw, headers, body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });
        return { a, calls: up.requests.slice(first) };
    };
    const chat = (model, more = {}) => ({ model, messages: [{ role: 'user', content: 'Grüße' }], ...more });
    const converse = '{"messages":[ {"role":"user","content":[{"text":"Grüße"}]}]}';
    await gateway('aws', [['aws-bedrock', { ...KEYS, region: 'eu-west-1' }], ['aws-bedrock', { ...SESSION, region: 'us-gov-west-1' }, 'session'],
        ['aws-bedrock', 'ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl', 'key']]);
    await gateway('google', [['google-vertex-ai', account({ region: 'us-east5' })], ['google-vertex-ai', Buffer.from(account({ region: 'eu' })).toString('base64'), 'eu']]);
    await gateway('others', [['azure-openai', 'azure-key'], ['workers-ai', { accountId: 'cf0123', apiToken: 'cf-token' }], ['openai', 'sk-stored']]);

    for (const id of [SONNET, encodeURIComponent(SONNET), encodeURIComponent(PROFILE), PROFILE])
        await t.test(`a native path, byte for byte: ${id}`, async () => {
            const { a, calls: [req] } = await ask('aws', `aws-bedrock/bedrock-runtime/us-east-1/model/${id}/converse`, converse);
            assert.equal(a.status, 200, a.text);
            assert.equal(req.target, `/model/${id}/converse`);
            assert.equal(req.text, converse);
            await isSignedBy(req, KEYS, 'us-east-1'); // where the path leads, not where the key says
        });

    await t.test('a native stream, and a session', async () => {
        const { a, calls: [req] } = await ask('aws', `aws-bedrock/bedrock-runtime/us-gov-west-1/model/${SONNET}/converse-stream`, converse, { ...JSON_TYPE, 'cf-aig-byok-alias': 'session' });
        assert.equal(a.status, 200, a.text);
        assert.ok(a.body.equals(STREAM));
        await isSignedBy(req, SESSION, 'us-gov-west-1');
    });

    await t.test('a path without a region gets the credential\'s; what the client left of a signature goes', async () => {
        const { a, calls: [req] } = await ask('aws', `aws-bedrock/bedrock-runtime/model/${SONNET}/converse?b=%2f&a=x%20y`, converse,
            { ...JSON_TYPE, Authorization: 'Bearer', 'X-Amz-Date': '20200101T000000Z', 'x-amz-security-token': 'old', 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' });
        assert.equal(a.status, 200, a.text);
        assert.equal(req.target, `/model/${SONNET}/converse?b=%2f&a=x%20y`);
        await isSignedBy(req, KEYS, 'eu-west-1');
    });

    await t.test('the other service has a name of its own', async () => {
        const { a, calls: [req] } = await ask('aws', 'aws-bedrock/bedrock-mantle/us-west-2/anthropic/v1/messages', '{"model":"m","max_tokens":1,"messages":[]}');
        assert.equal(a.status, 200, a.text);
        assert.equal(req.header('x-api-key'), undefined);
        await isSignedBy(req, KEYS, 'us-west-2', 'bedrock-mantle');
    });

    for (const stream of [false, true])
        for (const [model, region] of [[SONNET, 'eu-west-1'], [PROFILE, 'ap-south-1']])
            await t.test(`compat, translated, ${stream ? 'a stream' : 'whole'}: ${model}`, async () => {
                const { a, calls: [req] } = await ask('aws', 'compat/chat/completions', chat(`aws-bedrock/${model}`, { stream }), { ...JSON_TYPE, Authorization: 'Bearer ' });
                assert.equal(a.status, 200, a.text);
                assert.match(a.text, /hi/);
                assert.equal(req.target, `/model/${encodeURIComponent(model)}/converse${stream ? '-stream' : ''}`);
                assert.equal(req.json.messages[0].content[0].text, 'Grüße');
                await isSignedBy(req, KEYS, region);
            });

    await t.test('each try is signed anew, and is the same otherwise', async () => {
        let failed = 0;
        rig.answer = (req, res) => failed++ === 0 && res.json(503, { message: 'later' });
        const { a, calls } = await ask('aws', 'aws-bedrock/bedrock-mantle/us-west-2/v1/chat/completions', chat('m', { stream: true }),
            { ...JSON_TYPE, 'cf-aig-max-attempts': '2', 'cf-aig-retry-delay': '1100' });
        rig.answer = null;
        assert.equal(a.status, 200, a.text);
        assert.equal(calls.length, 2);
        for (const req of calls) await isSignedBy(req, KEYS, 'us-west-2', 'bedrock-mantle');
        assert.notEqual(calls[0].header('x-amz-date'), calls[1].header('x-amz-date'));
        assert.ok(calls[0].body.equals(calls[1].body), `${calls[0].text}\n${calls[1].text}`);
        assert.equal(calls[0].json.stream_options?.include_usage, true);
        const signature = /^(authorization|x-amz-date): .*$/gim;
        assert.equal(calls[0].rawHead.replace(signature, '$1'), calls[1].rawHead.replace(signature, '$1'));
    });

    await t.test('an API key goes out as it is, also where keys move', async () => {
        const headers = { ...JSON_TYPE, 'cf-aig-byok-alias': 'key' };
        const native = await ask('aws', `aws-bedrock/bedrock-runtime/eu-west-1/model/${SONNET}/converse`, converse, headers);
        assert.equal(native.calls[0].header('authorization'), 'Bearer ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl');
        const mantle = await ask('aws', 'aws-bedrock/bedrock-mantle/eu-west-1/anthropic/v1/messages', '{}', headers);
        assert.equal(mantle.calls[0].header('x-api-key'), 'ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl');
        const compat = await ask('aws', 'compat/chat/completions', chat(`aws-bedrock/${SONNET}`), headers);
        assert.equal(compat.a.status, 200, compat.a.text);
        assert.equal(compat.calls[0].header('authorization'), 'Bearer ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl');
        for (const { calls: [req] } of [native, mantle, compat]) assert.equal(req.header('x-amz-date'), undefined);
    });

    await t.test('a credential of the request wins', async () => {
        const { calls: [req] } = await ask('aws', `aws-bedrock/bedrock-runtime/eu-west-1/model/${SONNET}/converse`, converse, { ...JSON_TYPE, Authorization: 'Bearer mine' });
        assert.equal(req.header('authorization'), 'Bearer mine');
        assert.equal(req.header('x-amz-date'), undefined);
    });

    await t.test('a body that would be streamed through cannot be signed', async () => {
        const { a, calls } = await ask('aws', `aws-bedrock/bedrock-runtime/eu-west-1/model/${SONNET}/invoke`, Buffer.alloc(1_200_000), { 'Content-Type': 'application/octet-stream' });
        assert.equal(a.status, 413, a.text);
        assert.match(a.text, /application\/json/);
        assert.equal(calls.length, 0);
    });

    await t.test('Vertex AI, native: the account is exchanged, the path is completed', async () => {
        const { a, calls } = await ask('google', 'google-vertex-ai/v1/publishers/google/models/gemini-2.5-flash:generateContent?key=', '{"contents":[]}');
        assert.equal(a.status, 200, a.text);
        const req = calls.at(-1);
        assert.equal(req.header('authorization'), 'Bearer ya29.minted');
        assert.equal(req.target, '/v1/projects/example-project/locations/us-east5/publishers/google/models/gemini-2.5-flash:generateContent');
    });

    for (const [alias, location] of [['default', 'us-east5'], ['eu', 'eu']])
        await t.test(`Vertex AI, compat: ${location}`, async () => {
            const { a, calls } = await ask('google', 'compat/chat/completions', chat('google-vertex-ai/google/gemini-2.5-flash'), { ...JSON_TYPE, 'cf-aig-byok-alias': alias });
            assert.equal(a.status, 200, a.text);
            assert.equal(calls.at(-1).target, `/v1/projects/example-project/locations/${location}/endpoints/openapi/chat/completions`);
            assert.equal(calls.at(-1).header('authorization'), 'Bearer ya29.minted');
            assert.equal(calls.at(-1).json.model, 'google/gemini-2.5-flash');
        });

    await t.test('Azure and Workers AI, native and compat', async () => {
        const azure = [await ask('others', 'azure-openai/res/dep/chat/completions?api-version=2024-10-21', chat('m')), await ask('others', 'compat/chat/completions', chat('azure-openai/res/dep'))];
        for (const { a, calls: [req] } of azure) {
            assert.equal(a.status, 200, a.text);
            assert.equal(req.target, '/openai/deployments/dep/chat/completions?api-version=2024-10-21');
            assert.equal(req.header('api-key'), 'azure-key');
            assert.equal(req.header('authorization'), undefined);
        }
        const cf = [await ask('others', 'workers-ai/v1/chat/completions', chat('m')), await ask('others', 'compat/chat/completions', chat('workers-ai/@cf/meta/llama-3.1-8b-instruct'))];
        for (const { a, calls: [req] } of cf) {
            assert.equal(a.status, 200, a.text);
            assert.equal(req.target, '/client/v4/accounts/cf0123/ai/v1/chat/completions');
            assert.equal(req.header('authorization'), 'Bearer cf-token');
        }
    });

    await t.test('steps of a Universal request: the signed one fails, the next has a key of its own', async () => {
        rig.answer = (req, res) => req.target.includes('/model/') && res.json(400, { message: 'no' });
        await gateway('both', [['aws-bedrock', { ...KEYS, region: 'eu-west-1' }], ['openai', 'sk-stored']]);
        const { a, calls } = await ask('both', '', [{ provider: 'aws-bedrock', endpoint: `bedrock-runtime/eu-west-1/model/${SONNET}/converse`, headers: {}, query: { messages: [] } },
            { provider: 'openai', endpoint: 'chat/completions', headers: {}, query: chat('gpt-4o') }]);
        rig.answer = null;
        assert.equal(a.status, 200, a.text);
        await isSignedBy(calls[0], KEYS, 'eu-west-1');
        assert.equal(calls[1].header('authorization'), 'Bearer sk-stored');
        assert.equal(calls[1].header('x-amz-date'), undefined);
    });

    await t.test('what is wrong with a credential is said when it is stored, and not repeated', async () => {
        await weir.createGateway({ id: 'wrong' });
        for (const [provider_slug, secret, why] of [['aws-bedrock', { accessKeyId: 'AKIAHUNTER2', region: 'eu-west-1' }, /secretAccessKey/],
            ['aws-bedrock', { ...KEYS, region: 'hunter2.example' }, /region/], ['google-vertex-ai', account(), /region/], ['google-vertex-ai', 'hunter2', /service account/i],
            ['openai', 'Bearer hunter2', /Bearer/]]) {
            const a = await weir.api('POST', '/gateways/wrong/provider_configs', { provider_slug, alias: 'default', default_config: true, secret: typeof secret === 'string' ? secret : JSON.stringify(secret) });
            assert.equal(a.status, 400, a.text);
            assert.match(a.text, why);
            assert.ok(!/hunter2/i.test(a.text), a.text);
        }
    });

    await t.test('no secret in rows, traces and output', async () => {
        const secrets = [KEYS.secretAccessKey, SESSION.secretAccessKey, SESSION.sessionToken, 'ABSKQmVkcm9ja', 'PRIVATE KEY', 'azure-key', 'cf-token', 'sk-stored', 'ya29'];
        const { a } = await ask('aws', 'compat/chat/completions', chat(`aws-bedrock/${SONNET}`), { ...JSON_TYPE, 'weir-trace': 'true', 'cf-aig-collect-log': 'true' });
        const texts = [JSON.stringify(a.headers ?? a), a.text, weir.output];
        for (const gw of ['aws', 'google', 'others', 'both'])
            for (const row of await weir.logs({ gateway: gw })) texts.push(JSON.stringify(await weir.log(row.id, gw)));
        assert.ok(texts.length > 20);
        for (const text of texts) for (const s of secrets) assert.ok(!text.includes(s), `${s} in ${text.slice(0, 300)}`);
    });
});
