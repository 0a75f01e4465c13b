// SPDX-License-Identifier: Apache-2.0
// The AWS side of Bedrock: event-stream frames, and checking a Signature Version 4 as the service would.
import crypto from 'node:crypto';
import zlib from 'node:zlib';

function crc32(data) {
    if (zlib.crc32) return zlib.crc32(data);
    let crc = ~0;
    for (const byte of data) {
        crc ^= byte;
        for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc >>> 0;
}

/** One frame of application/vnd.amazon.eventstream with string headers. */
export function frame(headers, payload) {
    const body = Buffer.from(payload, 'utf8');
    const lines = Object.entries(headers).map(([name, value]) => {
        const n = Buffer.from(name);
        const v = Buffer.from(value);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(v.length);
        return Buffer.concat([Buffer.from([n.length]), n, Buffer.from([7]), length, v]);
    });
    const head = Buffer.concat(lines);
    const out = Buffer.alloc(12);
    out.writeUInt32BE(12 + head.length + body.length + 4, 0);
    out.writeUInt32BE(head.length, 4);
    out.writeUInt32BE(crc32(out.subarray(0, 8)), 8);
    const all = Buffer.concat([out, head, body]);
    const end = Buffer.alloc(4);
    end.writeUInt32BE(crc32(all));
    return Buffer.concat([all, end]);
}

const sha256 = (x) => crypto.createHash('sha256').update(x).digest('hex');
const hmac = (key, x) => crypto.createHmac('sha256', key).update(x).digest();
const awsEscape = (s) => encodeURIComponent(s).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Does the Authorization header sign this request for this host? (SigV4; every path segment is encoded twice.) */
export function signatureIsValid({ method, target, headers, body, host, secret }) {
    const get = (name) => headers.find(([n]) => n.toLowerCase() === name)?.[1];
    const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]+)$/
        .exec(get('authorization') ?? '');
    if (!m) return false;
    const [, , day, region, service, signed, signature] = m;
    const [path, query = ''] = target.split('?');
    const canonical = [
        method, path.split('/').map(awsEscape).join('/'), query.split('&').filter(Boolean).sort().join('&'),
        ...signed.split(';').map((n) => `${n}:${n === 'host' ? host : get(n)}`), '', signed, sha256(body),
    ].join('\n');
    const scope = `${day}/${region}/${service}/aws4_request`;
    const text = ['AWS4-HMAC-SHA256', get('x-amz-date'), scope, sha256(canonical)].join('\n');
    const key = ['aws4_request'].reduce(hmac, hmac(hmac(hmac(`AWS4${secret}`, day), region), service));
    return hmac(key, text).toString('hex') === signature;
}
