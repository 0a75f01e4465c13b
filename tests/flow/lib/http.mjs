// SPDX-License-Identifier: Apache-2.0
// A client that shows everything: bytes out as given, bytes in as they came, answers parsed strictly.
import net from 'node:net';
import tls from 'node:tls';
import { Watched } from './wait.mjs';

export const bytes = (x) => (Buffer.isBuffer(x) ? x : Buffer.from(x, 'latin1'));

/** Parses a head (without its blank line): first line and header pairs, case kept. */
export function parseHead(text) {
    const [first, ...lines] = text.split('\r\n');
    const headers = lines.map((line) => {
        const at = line.indexOf(':');
        if (at <= 0) throw new Error(`not a header line: ${JSON.stringify(line)}`);
        return [line.slice(0, at), line.slice(at + 1).trim()];
    });
    return { first, headers };
}

/** Last value of a header, undefined when absent. */
export function header(headers, name) {
    return headers.findLast(([n]) => n.toLowerCase() === name.toLowerCase())?.[1];
}

export function headerAll(headers, name) {
    return headers.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, v]) => v);
}

/** Takes a message body off the front of `raw`: what the framing headers say, no leniency. */
export class BodyReader {
    constructor(mode, length) {
        this.mode = mode; // 'length' | 'chunked' | 'close' | 'none'
        this.left = length;
        this.pieces = [];
        this.size = 0;
        this.chunks = []; // sizes of the chunks, in order
        this.done = mode === 'none' || (mode === 'length' && length === 0);
        this.state = 'size';
        this.trailers = [];
    }

    get data() {
        return Buffer.concat(this.pieces);
    }

    #take(raw, n) {
        const piece = raw.subarray(0, n);
        this.pieces.push(Buffer.from(piece));
        this.size += piece.length;
        return raw.subarray(n);
    }

    feed(raw) {
        if (this.done) return raw;
        if (this.mode === 'close') return this.#take(raw, raw.length);
        if (this.mode === 'length') {
            const n = Math.min(raw.length, this.left);
            this.left -= n;
            this.done = this.left === 0;
            return this.#take(raw, n);
        }
        for (;;) {
            if (this.state === 'data') {
                const n = Math.min(raw.length, this.left);
                raw = this.#take(raw, n);
                this.left -= n;
                if (this.left > 0) return raw;
                this.state = 'crlf';
            }
            const eol = raw.indexOf('\r\n');
            if (eol < 0) return raw;
            const line = raw.subarray(0, eol).toString('latin1');
            raw = raw.subarray(eol + 2);
            if (this.state === 'crlf') {
                if (line !== '') throw new Error('no CRLF after a chunk');
                this.state = 'size';
            } else if (this.state === 'size') {
                if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`bad chunk size ${JSON.stringify(line)}`);
                this.left = parseInt(line, 16);
                this.chunks.push(this.left);
                this.state = this.left === 0 ? 'trailer' : 'data';
            } else if (line === '') {
                this.done = true;
                return raw;
            } else {
                this.trailers.push(line);
            }
        }
    }
}

function bodyOf(status, headers, toHead) {
    if (toHead || status === 204 || status === 304 || status < 200) return new BodyReader('none', 0);
    if (/chunked/i.test(header(headers, 'transfer-encoding') ?? '')) return new BodyReader('chunked', 0);
    const length = header(headers, 'content-length');
    return length === undefined ? new BodyReader('close', 0) : new BodyReader('length', Number(length));
}

export class Answer {
    constructor(status, reason, version, headers, body, rawHead) {
        Object.assign(this, { status, reason, version, headers, reader: body, rawHead, cut: false });
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
}

export class Client extends Watched {
    static async connect(port, options = {}) {
        const c = new Client();
        const target = { port, host: '127.0.0.1' };
        c.socket = options.tls ? tls.connect({ ...target, ...options.tls }) : net.connect(target);
        c.socket.setNoDelay(true);
        c.raw = Buffer.alloc(0);
        c.received = 0;
        c.ended = false; // the peer said it is done, or reset
        c.error = null;
        c.toHead = []; // which of the coming answers belong to HEAD requests
        c.answers = [];
        c.interim = [];
        c.current = null;
        c.socket.on('data', (d) => {
            c.raw = Buffer.concat([c.raw, d]);
            c.received += d.length;
            c.#parse();
            c.changed();
        });
        const over = (e) => {
            if (e) c.error ??= e;
            c.ended = true;
            if (c.current && !c.current.reader.done) {
                if (c.current.reader.mode === 'close' && !c.error) c.current.reader.done = true;
                else c.current.cut = true;
            }
            c.changed();
        };
        c.socket.on('end', () => over());
        c.socket.on('close', () => over());
        c.socket.on('error', over);
        await new Promise((resolve, reject) => {
            c.socket.once(options.tls ? 'secureConnect' : 'connect', resolve);
            c.socket.once('error', reject);
        });
        return c;
    }

    #parse() {
        for (;;) {
            if (this.current && !this.current.reader.done) {
                try {
                    this.raw = this.current.reader.feed(this.raw);
                } catch (e) {
                    this.error = e;
                    this.current.cut = true;
                    return;
                }
                if (!this.current.reader.done) return;
            }
            const end = this.raw.indexOf('\r\n\r\n');
            if (end < 0) return;
            const rawHead = this.raw.subarray(0, end + 4).toString('latin1');
            this.raw = this.raw.subarray(end + 4);
            const { first, headers } = parseHead(rawHead.slice(0, -4));
            const m = /^(HTTP\/1\.[01]) (\d{3}) ?(.*)$/.exec(first);
            if (!m) throw new Error(`not a status line: ${JSON.stringify(first)}`);
            const status = Number(m[2]);
            const interim = status >= 100 && status < 200;
            const head = interim ? false : (this.toHead.shift() ?? false);
            const answer = new Answer(status, m[3], m[1], headers, bodyOf(status, headers, head), rawHead);
            if (interim) {
                this.interim.push(answer);
                continue;
            }
            this.current = answer;
            this.answers.push(answer);
        }
    }

    /** Writes bytes; resolves when the kernel has them. */
    send(data) {
        return new Promise((resolve) => this.socket.write(bytes(data), () => resolve()));
    }

    /** Sends a request; body framing is added unless given. */
    request({ method = 'GET', path = '/', headers = {}, body }) {
        const payload = body === undefined ? Buffer.alloc(0) : bytes(body);
        const lines = (Array.isArray(headers) ? headers : Object.entries(headers)).map(([n, v]) => [n, v]);
        const has = (name) => lines.some(([n]) => n.toLowerCase() === name);
        if (!has('host')) lines.unshift(['Host', 'gateway.test']);
        if (body !== undefined && !has('content-length') && !has('transfer-encoding'))
            lines.push(['Content-Length', String(payload.length)]);
        this.toHead.push(method === 'HEAD');
        const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`;
        return this.send(Buffer.concat([bytes(head), payload]));
    }

    /** The i-th answer once its head is here. */
    head(i = 0) {
        return this.until(`the head of answer ${i}`, () => {
            if (this.answers[i]) return this.answers[i];
            if (this.ended) throw new Error(`connection ended before answer ${i}: ${this.error ?? 'closed'}`);
            return null;
        });
    }

    /** The i-th answer once it is complete, or cut. */
    async answer(i = 0) {
        const a = await this.head(i);
        return this.until(`the end of answer ${i}`, () => (a.reader.done || a.cut ? a : null));
    }

    /** Waits until the i-th answer has at least n body bytes. */
    async bodyBytes(n, i = 0) {
        const a = await this.head(i);
        await this.until(`${n} body bytes, has ${a.reader.size}`, () => a.reader.size >= n || a.cut);
        if (a.reader.size < n) throw new Error(`answer cut after ${a.reader.size} bytes`);
        return a;
    }

    closed() {
        return this.until('the connection to close', () => this.ended);
    }

    close() {
        this.socket.destroy();
    }
}

/** One request on a connection of its own. */
export async function once(port, request, options) {
    const c = await Client.connect(port, options);
    try {
        await c.request(request);
        return await c.answer();
    } finally {
        c.close();
    }
}
