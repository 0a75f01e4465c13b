// SPDX-License-Identifier: Apache-2.0
// Writes bedrock.txt beside it, signed by AWS's own JavaScript code: node make.mjs
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../flow/package.json', import.meta.url));
const { SignatureV4 } = require('@smithy/signature-v4');
const { Sha256Node } = require('@smithy/core/checksum');

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const session = 'IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJ+/=';
const SONNET = 'anthropic.claude-3-5-sonnet-20241022-v2:0';
const PROFILE = 'arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0';
const BODY = '{"messages":[{"role":"user","content":[{"text":"Grüße"}]}]}';
const CASES = [
    ['a model, escaped', 'eu-west-1', `/model/${encodeURIComponent(SONNET)}/converse`, {}],
    ['a model, as it is', 'eu-west-1', `/model/${SONNET}/converse-stream`, {}],
    ['an ARN, escaped', 'eu-west-1', `/model/${encodeURIComponent(PROFILE)}/invoke`, {}],
    ['an ARN, as it is', 'eu-west-1', `/model/${PROFILE}/invoke-with-response-stream`, {}],
    ['lower-case escapes', 'us-east-1', '/model/a%3ab/invoke', {}],
    ['a session', 'us-gov-west-1', '/model/m/converse', { session }],
    ['a session, and a query', 'us-east-1', '/guardrails?maxResults=5&nextToken=a%2Fb%3D+c&guardrailIdentifier=arn%3Aaws&max=1&max-x=2&empty', { session, method: 'GET', body: '', type: undefined }],
    ['the other service', 'us-west-2', '/anthropic/v1/messages', { service: 'bedrock-mantle', host: 'bedrock-mantle.us-west-2.api.aws' }],
    ['a host of the operator\'s', 'us-east-1', '/prefix/model/m/invoke', { host: '127.0.0.1:8443' }],
    ['amazon\'s own lines', 'us-east-1', '/model/m/invoke', { lines: { 'X-Amz-Extra': '  two   words ', 'X-Amzn-Bedrock-Trace': 'ENABLED' } }],
    ['many bytes', 'us-east-1', '/model/!*\'()$&+,;=@ü~/invoke', { body: 'x'.repeat(1000) }],
];

const out = [];
for (const [name, region, target, more] of CASES) {
    const { method = 'POST', body = BODY, type = 'application/json', service = 'bedrock', lines = {} } = more;
    const host = more.host ?? `bedrock-runtime.${region}.amazonaws.com`;
    const url = target.split('?');
    const query = Object.fromEntries((url[1] ?? '').split('&').filter(Boolean).map((p) => p.split('=').map((s) => decodeURIComponent(s))).map(([k, v = '']) => [k, v]));
    const sent = { ...(('type' in more) && !more.type ? {} : { 'Content-Type': type }), ...lines };
    const signer = new SignatureV4({ service, region, sha256: Sha256Node, credentials: { ...credentials, sessionToken: more.session } });
    const unsignableHeaders = new Set(['x-amzn-bedrock-trace']);
    const signed = await signer.sign({ method, path: url[0], query, headers: { Host: host, ...sent }, body, protocol: 'https:', hostname: host },
        { signingDate: new Date(1792000000000), unsignableHeaders });
    const [, list, signature] = /SignedHeaders=([^,]+), Signature=([0-9a-f]+)$/.exec(signed.headers.authorization);
    out.push(`name ${name}`, `scope ${region}/${service}`, ...(more.session ? [`session ${more.session}`] : []), `host ${host}`, `call ${method} ${target}`,
        ...Object.entries(sent).map(([k, v]) => `line ${k}:${v}`), ...(body ? [`body ${body}`] : []), `signed ${list}`, `signature ${signature}`, '');
}
fs.writeFileSync(new URL('bedrock.txt', import.meta.url), out.join('\n'));
