// SPDX-License-Identifier: Apache-2.0
// A scripted provider: records the exact bytes of each request, answers with exact bytes when told to.
import net from 'node:net';
import tls from 'node:tls';
import { cleanup, PROVIDERS } from './cleanup.mjs';
import { BodyReader, bytes, header, parseHead } from './http.mjs';
import { Watched } from './wait.mjs';

class Request extends Watched {
    constructor(conn, text) {
        super();
        const { first, headers } = parseHead(text);
        const [method, target, version] = first.split(' ');
        const chunked = /chunked/i.test(header(headers, 'transfer-encoding') ?? '');
        const length = Number(header(headers, 'content-length') ?? 0);
        Object.assign(this, { conn, method, target, version, headers, rawHead: text });
        this.reader = new BodyReader(chunked ? 'chunked' : 'length', length);
    }
    header(name) {
        return header(this.headers, name);
    }
    get body() {
        return this.reader.data;
    }
    get text() {
        return this.body.toString('utf8');
    }
    get json() {
        return JSON.parse(this.text);
    }
    get names() {
        return this.headers.map(([n]) => n.toLowerCase());
    }
    whole() {
        return this.until('the whole request body', () => this.reader.done || this.conn.gone);
    }
}

class Responder {
    constructor(conn) {
        this.conn = conn;
    }
    /** Resolves when the kernel has taken the bytes; false when the peer is gone. */
    write(data) {
        return new Promise((resolve) => {
            if (this.conn.gone) resolve(false);
            else this.conn.socket.write(bytes(data), (e) => resolve(!e));
        });
    }
    head(status, headers = {}) {
        const lines = (Array.isArray(headers) ? headers : Object.entries(headers)).map(([n, v]) => `${n}: ${v}\r\n`);
        return this.write(`HTTP/1.1 ${status} Scripted\r\n${lines.join('')}\r\n`);
    }
    /** A whole answer with Content-Length. */
    reply(status, headers, body = '') {
        const payload = bytes(body);
        const list = Array.isArray(headers) ? headers : Object.entries(headers ?? {});
        const lines = [...list, ['Content-Length', payload.length]].map(([n, v]) => `${n}: ${v}\r\n`).join('');
        return this.write(Buffer.concat([bytes(`HTTP/1.1 ${status} Scripted\r\n${lines}\r\n`), payload]));
    }
    json(status, value, headers = {}) {
        const text = typeof value === 'string' ? value : JSON.stringify(value);
        return this.reply(status, { 'Content-Type': 'application/json', ...headers }, Buffer.from(text, 'utf8'));
    }
    chunk(data) {
        const payload = bytes(data);
        return this.write(Buffer.concat([bytes(`${payload.length.toString(16)}\r\n`), payload, bytes('\r\n')]));
    }
    lastChunk() {
        return this.write('0\r\n\r\n');
    }
    /** Orderly close after what was written. */
    close() {
        this.conn.socket.end();
    }
    reset() {
        this.conn.socket.resetAndDestroy();
    }
}

class Connection extends Watched {
    constructor(upstream, socket, id) {
        super();
        Object.assign(this, { upstream, socket, id, gone: false, raw: Buffer.alloc(0), current: null, busy: false });
        socket.setNoDelay(true);
        socket.on('data', (d) => {
            this.raw = Buffer.concat([this.raw, d]);
            this.#parse();
        });
        const over = () => {
            this.gone = true;
            this.current?.changed();
            this.changed();
            upstream.changed();
        };
        socket.on('close', over);
        socket.on('end', over);
        socket.on('error', () => {});
    }

    #parse() {
        for (;;) {
            if (!this.current) {
                const end = this.raw.indexOf('\r\n\r\n');
                if (end < 0) return;
                const text = this.raw.subarray(0, end).toString('latin1');
                this.raw = this.raw.subarray(end + 4);
                this.current = new Request(this, text);
                this.upstream.requests.push(this.current);
                this.upstream.changed();
                if (this.upstream.early) this.#run(this.current);
            }
            const wasDone = this.current.reader.done;
            this.raw = this.current.reader.feed(this.raw);
            this.current.changed();
            if (!this.current.reader.done) return;
            if (!this.upstream.early) this.#run(this.current);
            else if (!wasDone) this.upstream.changed();
            this.current = null;
        }
    }

    #run(request) {
        Promise.resolve(this.upstream.script(request, new Responder(this), this.upstream)).catch((e) => {
            this.upstream.failure ??= e;
            this.socket.destroy();
        });
    }

    closed() {
        return this.until('weir to close its connection to the provider', () => this.gone);
    }
}

class Upstream extends Watched {
    requests = [];
    connections = [];
    failure = null;

    get last() {
        return this.requests.at(-1);
    }
    get origin() {
        return `${this.secure ? 'https' : 'http'}://127.0.0.1:${this.port}`;
    }
    /** The n-th request (from 0), whole. */
    async request(n = this.requests.length) {
        const r = await this.until(`request ${n} to reach the provider`, () => this.requests[n]);
        await r.whole();
        return r;
    }
}

/** Answers everything with an OpenAI-shaped JSON. */
export const answerJson = (request, res) =>
    res.json(200, { id: 'x', object: 'chat.completion', model: 'm', choices: [],
        usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } });

/**
 * Starts one. script(request, responder, upstream) runs once per request, when its body is whole
 * (options.early: when its head is). It stops with the test.
 */
export async function startUpstream(t, script = answerJson, options = {}) {
    const up = new Upstream();
    up.script = script;
    up.early = options.early ?? false;
    up.secure = Boolean(options.tls);
    const accept = (socket) => {
        const conn = new Connection(up, socket, up.connections.length);
        up.connections.push(conn);
        up.changed();
    };
    const server = options.tls ? tls.createServer(options.tls, accept) : net.createServer(accept);
    server.on('tlsClientError', (e) => (up.tlsError = e));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    up.port = server.address().port;
    up.server = server;
    cleanup(t, PROVIDERS, () => {
        for (const c of up.connections) c.socket.destroy();
        server.close();
        if (up.failure) throw up.failure;
    });
    return up;
}
