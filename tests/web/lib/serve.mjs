// SPDX-License-Identifier: Apache-2.0
// Serves web/dist in front of a daemon that does not, under the same policy, with sessions kept here: for `node serve.mjs` while pages
// are written.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../web/dist');
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
export const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'";

const json = (res, status, body) => { res.writeHead(status, { 'content-type': 'application/json' }); res.end(JSON.stringify(body)); };
const body = async (req) => { const parts = []; for await (const p of req) parts.push(p); return Buffer.concat(parts); };
const cookie = (req) => /weir_session=([^;]+)/.exec(req.headers.cookie ?? '')?.[1];

async function session(req, res, weir) {
    let token = cookie(req);
    if (req.method === 'POST') token = JSON.parse(await body(req)).token;
    const clear = 'weir_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0';
    if (req.method === 'DELETE') { res.setHeader('set-cookie', clear); return json(res, 200, { success: true, result: null }); }
    if (token !== weir.token) return json(res, 403, { success: false, errors: [{ code: 10000, message: 'Authentication error' }] });
    res.setHeader('set-cookie', `weir_session=${token}; HttpOnly; SameSite=Strict; Path=/`);
    return json(res, 200, { success: true, result: { account: weir.account, name: 'root', gateways: null, expires_at: null,
        permissions: ['metadata_read', 'read', 'write', 'run', 'secrets_write', 'analytics_read', 'tokens_write'] } });
}

async function pass(req, res, weir) {
    const headers = { ...req.headers };
    if (cookie(req) && !headers.authorization) headers.authorization = `Bearer ${cookie(req)}`;
    const up = http.request({ host: '127.0.0.1', port: weir.port, method: req.method, path: req.url, headers }, (answer) => { res.writeHead(answer.statusCode, answer.headers); answer.pipe(res); });
    up.on('error', () => res.destroy());
    req.pipe(up);
}

function page(req, res) {
    const { pathname } = new URL(req.url, 'http://x');
    const file = pathname.startsWith('/assets/') ? path.join(DIST, path.normalize(pathname)) : path.join(DIST, 'index.html');
    if (!fs.existsSync(file)) return json(res, 404, {});
    res.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
    fs.createReadStream(file).pipe(res);
}

export function serve(weir, port = 0) {
    const server = http.createServer((req, res) => {
        if (req.url.startsWith('/client/v4/weir/session')) return session(req, res, weir);
        return req.url.startsWith('/client/') || req.url.startsWith('/v1/') ? pass(req, res, weir) : page(req, res);
    });
    return new Promise((ready) => server.listen(port, '127.0.0.1', () => ready({ port: server.address().port, close: () => { server.closeAllConnections(); server.close(); } })));
}
