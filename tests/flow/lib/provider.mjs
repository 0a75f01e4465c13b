// SPDX-License-Identifier: Apache-2.0
// An OpenID Connect provider that people sign in with: an issuer with an authorization and a token endpoint, as strict as the
// specifications let it be. A person is the claims of its ID token.
import crypto from 'node:crypto';
import { startIssuer } from './issuer.mjs';

const sha256 = (text) => crypto.createHash('sha256').update(text).digest('base64url');

/**
 * Starts one for the client `client_id` with `secret` (undefined: a public client). Members a test may change: `person` (claims of
 * the next ID token), `bend` (last word on the ID token's claims; may answer with a whole token), `answer` (of the token endpoint,
 * instead), `describe` (further members of the description). `seen` has the requests of the token endpoint.
 */
export async function startProvider(t, { client_id = 'weir', secret, host = '127.0.0.1', ...options } = {}) {
    const codes = new Map();
    const provider = { client_id, secret, person: { sub: 'u-1' }, bend: (claims) => claims, seen: [], visits: 0, ...options };
    const fail = (res, status, error) => res.json(status, { error, error_description: 'no' });
    const credentials = (req, form) => {
        const basic = /^Basic (.*)$/.exec(req.header('authorization') ?? '');
        if (!basic) return [form.get('client_id'), form.get('client_secret') ?? undefined, 'post'];
        const [id, key] = Buffer.from(basic[1], 'base64').toString().split(':');
        return [decodeURIComponent(id), decodeURIComponent(key), 'basic'];
    };
    const token = (req, res) => {
        const form = new URLSearchParams(req.text);
        const [id, key, how] = credentials(req, form);
        provider.seen.push({ form, how });
        if (provider.answer) return provider.answer(req, res);
        if (id !== client_id || key !== provider.secret) return fail(res, 401, 'invalid_client');
        const asked = codes.get(form.get('code'));
        codes.delete(form.get('code')); // once
        if (req.method !== 'POST' || form.get('grant_type') !== 'authorization_code' || !asked || asked.redirect_uri !== form.get('redirect_uri') ||
            sha256(form.get('code_verifier') ?? '') !== asked.code_challenge) return fail(res, 400, 'invalid_grant');
        const claims = provider.bend({ ...issuer.claims({ sub: undefined }), aud: client_id, nonce: asked.nonce, ...provider.person });
        return res.json(200, { access_token: 'at', token_type: 'Bearer', expires_in: 300, id_token: typeof claims === 'string' ? claims : issuer.token(claims) });
    };
    /** What the provider does with a browser that comes along: where it sends it. `more` are changes of the answer. */
    provider.visit = (url, more = {}) => {
        const ask = Object.fromEntries(new URL(url).searchParams);
        const code = crypto.randomBytes(8).toString('hex');
        codes.set(code, ask);
        provider.visits++;
        const back = new URL(ask.redirect_uri);
        for (const [name, value] of Object.entries({ code, state: ask.state, ...more })) if (value !== undefined) back.searchParams.set(name, value);
        return back.href;
    };
    const pages = (req, res) => {
        if (req.target.startsWith('/token')) return token(req, res) ?? true;
        const url = `http://${host}${req.target}`;
        if (req.target.startsWith('/authorize')) {
            const page = `<!doctype html><html lang=en><title>A provider</title><h1>A provider</h1><a href="${provider.visit(url).replaceAll('&', '&amp;')}">Go on</a>`;
            return res.reply(200, { 'Content-Type': 'text/html' }, page) ?? true;
        }
        if (req.target.startsWith('/logout')) {
            const back = new URL(url).searchParams.get('post_logout_redirect_uri');
            return res.reply(302, { Location: back }) ?? true;
        }
        return false;
    };
    const issuer = await startIssuer(t, { audience: client_id, script: pages, host, ...options });
    const { origin } = issuer;
    issuer.description = { authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, end_session_endpoint: `${origin}/logout`, ...provider.describe };
    /** The daemon's settings for it. */
    provider.config = (rules, more = {}) => ({ dashboard: { url: 'http://weir.test', oidc: {
        issuer: issuer.url, client_id, ...(secret && { client_secret: secret }), name: 'Test ID', rules, ...more } } });
    return Object.assign(provider, { issuer, origin });
}
