// SPDX-License-Identifier: Apache-2.0
// Bedrock signed by the client for the AWS host: path, body and signed headers arrive exactly, so the
// signature still verifies.
import test from 'node:test';
import assert from 'node:assert/strict';
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { startWeir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { frame, signatureIsValid } from './lib/aws.mjs';

const KEYS = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret/Example+Key', sessionToken: 'session//token==' };

/** Sends what was signed for AWS to the gateway's address instead. */
class Detour extends NodeHttpHandler {
    constructor(weir, region) {
        super();
        Object.assign(this, { weir, region });
    }
    handle(request, options) {
        Object.assign(request, { protocol: 'http:', hostname: '127.0.0.1', port: this.weir.port,
            path: `${this.weir.path(`aws-bedrock/bedrock-runtime/${this.region}`)}${request.path}` });
        request.headers['cf-aig-authorization'] = `Bearer ${TOKEN}`;
        return super.handle(request, options);
    }
}

for (const modelId of ['anthropic.claude-3-haiku-20240307-v1:0', 'us.amazon.nova-lite-v1:0',
    'arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0'])
    test(`client-signed: ${modelId}`, async (t) => {
        const up = await startUpstream(t, (req, res) => {
            if (req.target.endsWith('-stream'))
                return res.reply(200, { 'Content-Type': 'application/vnd.amazon.eventstream' }, Buffer.concat([
                    frame({ ':message-type': 'event', ':event-type': 'contentBlockDelta', ':content-type': 'application/json' }, '{"contentBlockIndex":0,"delta":{"text":"hi"}}'),
                    frame({ ':message-type': 'event', ':event-type': 'metadata', ':content-type': 'application/json' }, '{"usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5}}')]));
            return res.json(200, { output: { message: { role: 'assistant', content: [{ text: 'hi' }] } }, stopReason: 'end_turn', usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 } });
        });
        const weir = await startWeir(t, { providers: { 'aws-bedrock': up.origin } });
        const client = new BedrockRuntimeClient({ region: 'eu-west-1', credentials: KEYS, maxAttempts: 1, requestHandler: new Detour(weir, 'eu-west-1') });
        const input = { modelId, messages: [{ role: 'user', content: [{ text: 'Grüße' }] }] };
        const answer = await client.send(new ConverseCommand(input));
        assert.equal(answer.output.message.content[0].text, 'hi');
        const stream = await client.send(new ConverseStreamCommand(input));
        const events = [];
        for await (const e of stream.stream) events.push(e);
        assert.equal(events.length, 2);
        for (const req of up.requests) {
            assert.ok(req.target.startsWith(`/model/${encodeURIComponent(modelId)}/`), req.target);
            assert.equal(req.header('x-amz-security-token'), KEYS.sessionToken);
            assert.ok(signatureIsValid({ method: req.method, target: req.target, headers: req.headers, body: req.body,
                host: 'bedrock-runtime.eu-west-1.amazonaws.com', secret: KEYS.secretAccessKey }), 'the signature of what arrived');
            assert.ok(!req.names.includes('cf-aig-authorization'));
        }
        for (const row of await weir.logs()) assert.deepEqual([row.provider, row.model, row.tokens_in, row.tokens_out], ['aws-bedrock', modelId, 3, 2]);
    });

test('the checker itself notices a changed body, path or header', async (t) => {
    const up = await startUpstream(t, (req, res) => res.json(200, {}));
    const weir = await startWeir(t, { providers: { 'aws-bedrock': up.origin } });
    const client = new BedrockRuntimeClient({ region: 'eu-west-1', credentials: KEYS, maxAttempts: 1, requestHandler: new Detour(weir, 'eu-west-1') });
    await client.send(new ConverseCommand({ modelId: 'm', messages: [] })).catch(() => {});
    const req = up.last;
    const whole = { method: req.method, target: req.target, headers: req.headers, body: req.body, host: 'bedrock-runtime.eu-west-1.amazonaws.com', secret: KEYS.secretAccessKey };
    assert.ok(signatureIsValid(whole));
    assert.ok(!signatureIsValid({ ...whole, body: Buffer.concat([req.body, Buffer.from(' ')]) }));
    assert.ok(!signatureIsValid({ ...whole, target: `${req.target}/` }));
    assert.ok(!signatureIsValid({ ...whole, host: 'other' }));
    assert.ok(!signatureIsValid({ ...whole, headers: req.headers.map(([n, v]) => (n.toLowerCase() === 'x-amz-date' ? [n, '20200101T000000Z'] : [n, v])) }));
});
