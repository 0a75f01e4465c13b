// SPDX-License-Identifier: Apache-2.0
// An issuer of identity tokens: a scripted server with its keys and its description, and a pen.
import crypto from 'node:crypto';
import { startUpstream } from './upstream.mjs';

const raw = { dsaEncoding: 'ieee-p1363' };
const pss = { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST };
const KINDS = {
    RS256: { make: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }), hash: 'sha256' },
    PS256: { make: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }), hash: 'sha256', options: pss },
    ES256: { make: () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }), hash: 'sha256', options: raw },
    ES384: { make: () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-384' }), hash: 'sha384', options: raw },
    EdDSA: { make: () => crypto.generateKeyPairSync('ed25519'), hash: null },
};
const part = (x) => Buffer.from(JSON.stringify(x)).toString('base64url');
export const now = () => Math.floor(Date.now() / 1000);

/** A key of its own id, with `jwk` for a set and `sign(input)`. */
export function makeKey(kid, alg = 'ES256') {
    const { make, hash, options } = KINDS[alg];
    const { publicKey, privateKey } = make();
    return {
        kid, alg, publicKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
        sign: (input) => crypto.sign(hash, Buffer.from(input), { key: privateKey, ...options }).toString('base64url'),
    };
}

/** A token in compact form; `header` and `claims` are changes (undefined takes a member out). */
export function makeToken(key, claims, header = {}) {
    const input = `${part({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })}.${part(claims)}`;
    return `${input}.${key.sign(input)}`;
}

/**
 * Starts one. `keys` is what the key set holds, `status` and `script` make it fail (script answers true when it
 * took the request), `host` is what it calls itself. Tokens of token() are for `audience`, good for an hour.
 */
export async function startIssuer(t, options = {}) {
    const issuer = { audience: 'weir', keys: [makeKey('k1')], status: 200, fetches: 0, ...options };
    const up = await startUpstream(t, async (req, res) => {
        if (await issuer.script?.(req, res)) return undefined;
        if (req.target.endsWith('/.well-known/openid-configuration'))
            return res.json(issuer.status, { issuer: issuer.url, jwks_uri: `${issuer.origin}/keys`, ...issuer.description });
        issuer.fetches++;
        return res.json(issuer.status, { keys: issuer.keys.map((k) => k.jwk) });
    }, { tls: options.tls });
    issuer.up = up;
    issuer.origin = up.origin.replace('127.0.0.1', options.host ?? '127.0.0.1');
    issuer.url = `${issuer.origin}/realms/test`;
    issuer.claims = (claims = {}) => ({ iss: issuer.url, aud: issuer.audience, sub: 'user-1', iat: now(), exp: now() + 3600, ...claims });
    issuer.token = (claims, { key = issuer.keys[0], header } = {}) => makeToken(key, issuer.claims(claims), header);
    /** The daemon's settings for it. */
    issuer.config = (more = {}) => ({ oidc: { issuer: issuer.url, audience: issuer.audience, jwks_url: `${up.origin}/keys`, ...more } });
    return issuer;
}
