// SPDX-License-Identifier: Apache-2.0
// A private daemon for a test: own data directory, free port, known account and token. It must live as
// long as the test wants it to, end cleanly, and leave no sanitizer report.
import { spawn } from 'node:child_process';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanup, DAEMONS, FILES } from './cleanup.mjs';
import { Client, once } from './http.mjs';
import { poll, Watched } from './wait.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const BIN = process.env.WEIR_BIN ?? path.join(ROOT, 'build/weir');
delete process.env.WEIR_BIN; // the daemon refuses variables with its prefix that it does not know
export const ACCOUNT = '0123456789abcdef0123456789abcdef';
export const TOKEN = 'weir-test-root-token-0000000000000001';
export const sanitized = BIN.includes('asan');

const REPORT = /Sanitizer|runtime error:|SUMMARY:|must\(|broken promise/;

export function tempDir(t) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-flow-'));
    cleanup(t, FILES, () => fs.rmSync(dir, { recursive: true, force: true }));
    return dir;
}

/** A child process whose output is watched. */
class Child extends Watched {
    constructor(args, env) {
        super();
        const keep = ['PATH', 'HOME', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS'];
        const base = Object.fromEntries(keep.filter((k) => k in process.env).map((k) => [k, process.env[k]]));
        this.output = '';
        this.exit = null;
        this.proc = spawn(BIN, args, { env: { ...base, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
        for (const stream of [this.proc.stdout, this.proc.stderr])
            stream.on('data', (d) => {
                this.output += d;
                this.changed();
            });
        this.proc.on('error', (e) => {
            this.exit = { error: e };
            this.changed();
        });
        this.proc.on('close', (code, signal) => {
            this.exit = { code, signal };
            this.changed();
        });
    }

    get pid() {
        return this.proc.pid;
    }

    signal(name) {
        this.proc.kill(name);
    }

    exited() {
        return this.until('the daemon to exit', () => this.exit);
    }

    /** Waits for a line of output; fails at once when the process ends before it. */
    async line(pattern) {
        return this.until(`output ${pattern}`, () => {
            const m = pattern.exec(this.output);
            if (!m && this.exit) throw new Error(`ended (${JSON.stringify(this.exit)}) before ${pattern}:\n${this.output}`);
            return m;
        });
    }
}

export class Weir {
    constructor(options, dir) {
        this.options = options;
        this.dir = dir;
        this.account = ACCOUNT;
        this.token = TOKEN;
        this.children = [];
    }

    writeConfig(change = {}) {
        const { providers = {}, limits = {}, config = {} } = { ...this.options, ...change };
        const rows = Object.entries(providers).map(([slug, v]) => [slug, typeof v === 'string' ? { origin: v } : v]);
        const file = {
            listen: '127.0.0.1:0', data: path.join(this.dir, 'data'), workers: this.options.workers ?? 1,
            ...config, limits: { drain_timeout_ms: 5000, ...limits }, providers: Object.fromEntries(rows),
        };
        this.configFile = path.join(this.dir, 'weir.jsonc');
        fs.writeFileSync(this.configFile, `// written by the flow tests\n${JSON.stringify(file, null, 2)}\n`);
    }

    async start() {
        const env = { WEIR_ACCOUNT_ID: ACCOUNT, WEIR_ROOT_TOKEN: TOKEN, ...this.options.env };
        for (const name of Object.keys(env)) if (env[name] === undefined) delete env[name];
        this.child = new Child(['serve', '--config', this.configFile, ...(this.options.args ?? [])], env);
        this.children.push(this.child);
        const m = await this.child.line(/listening on (https?):\/\/[^\s]*:(\d+)/);
        this.secure = m[1] === 'https';
        this.port = Number(m[2]);
        await poll('the daemon to be ready', async () => {
            const a = await this.request({ path: '/readyz', auth: false }).catch(() => null);
            return a?.status === 200;
        });
        return this;
    }

    get base() {
        return `http://127.0.0.1:${this.port}/v1/${ACCOUNT}/${this.gateway}`;
    }
    get gateway() {
        return this.options.gateway ?? 'default';
    }
    get output() {
        return this.children.map((c) => c.output).join('');
    }

    /** The data-plane path of a provider call. */
    path(rest, gateway = this.gateway) {
        return `/v1/${ACCOUNT}/${gateway}/${rest}`;
    }

    /** Header lines with the gateway token in front, unless auth is false. */
    headers(headers = {}, auth = true) {
        const list = Array.isArray(headers) ? headers : Object.entries(headers);
        return auth ? [['cf-aig-authorization', `Bearer ${TOKEN}`], ...list] : list;
    }

    connect(options) {
        return Client.connect(this.port, { tls: this.options.clientTls, ...options });
    }

    /** One request on its own connection; `to` is the part after the gateway, `path` an absolute path. */
    request({ method, path: absolute, to, headers, body, auth = true, gateway }) {
        const target = absolute ?? this.path(to, gateway);
        method ??= body === undefined ? 'GET' : 'POST';
        return once(this.port, { method, path: target, headers: this.headers(headers, auth), body },
            { tls: this.options.clientTls });
    }

    /** Returns when the (only) worker has handled everything that had arrived before. */
    async barrier() {
        this.barrierClient ??= await this.connect();
        const c = this.barrierClient;
        const n = (c.asked = (c.asked ?? 0) + 1);
        await c.request({ path: '/healthz' });
        await c.answer(n - 1);
    }

    // ---- management API ----
    async api(method, rest, body) {
        const a = await once(this.port, {
            method, path: `/client/v4/accounts/${ACCOUNT}/ai-gateway${rest}`,
            headers: [['Authorization', `Bearer ${TOKEN}`], ...(body ? [['Content-Type', 'application/json']] : [])],
            body: body && JSON.stringify(body),
        }, { tls: this.options.clientTls });
        return a;
    }

    async createGateway(settings) {
        const a = await this.api('POST', '/gateways', {
            cache_invalidate_on_update: false, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0,
            rate_limiting_limit: 0, rate_limiting_technique: 'fixed', authentication: false, ...settings,
        });
        assert.equal(a.status, 200, `creating a gateway: ${a.text}`);
        return a.json.result;
    }

    /** Rows of a gateway's log, newest first. */
    async logs({ gateway = this.gateway, query = 'per_page=50' } = {}) {
        const a = await this.api('GET', `/gateways/${gateway}/logs?${query}`);
        assert.equal(a.status, 200, a.text);
        assert.equal(a.json.success, true);
        return a.json.result;
    }

    /** The row of one answer, with its details. */
    async log(id, gateway = this.gateway) {
        const a = await poll(`log row ${id}`, async () => {
            const got = await this.api('GET', `/gateways/${gateway}/logs/${id}`);
            return got.status === 404 ? null : got;
        }, 5000);
        assert.equal(a.status, 200, a.text);
        return a.json.result;
    }

    /** A stored body, raw answer of the API. */
    logBody(id, which, gateway = this.gateway) {
        return this.api('GET', `/gateways/${gateway}/logs/${id}/${which}`);
    }

    waitLogs(n, options) {
        return poll(`${n} log rows`, async () => {
            const rows = await this.logs(options);
            return rows.length >= n ? rows : null;
        });
    }

    // ---- the process ----
    rssKiB() {
        const status = fs.readFileSync(`/proc/${this.child.pid}/status`, 'latin1');
        return Number(/VmRSS:\s+(\d+)/.exec(status)[1]);
    }

    /** SIGTERM; the daemon must end by itself with code 0. */
    async stop() {
        this.barrierClient?.close();
        this.barrierClient = undefined;
        if (!this.child.exit) this.child.signal('SIGTERM');
        const exit = await this.child.exited();
        assert.deepEqual(exit, { code: 0, signal: null }, 'exit of the daemon');
    }

    async kill() {
        this.barrierClient?.close();
        this.barrierClient = undefined;
        this.killed = true;
        this.child.signal('SIGKILL');
        await this.child.exited();
    }

    async finish() {
        try {
            if (this.child && !this.child.exit) await this.stop();
            else if (this.child && !this.killed)
                assert.deepEqual(this.child.exit, { code: 0, signal: null }, 'the daemon died');
            assert.doesNotMatch(this.output, REPORT);
        } catch (e) {
            console.error(this.output); // shown beside whatever made the test fail first
            throw e;
        } finally {
            if (this.child && !this.child.exit) this.child.signal('SIGKILL');
        }
    }
}

/**
 * Starts a daemon that ends with the test. Options: providers {slug: origin}, limits, config (further keys of
 * weir.jsonc), env, args, workers, dir (keep the data of an earlier one), clientTls.
 */
export async function startWeir(t, options = {}) {
    const weir = new Weir(options, options.dir ?? tempDir(t));
    weir.writeConfig();
    cleanup(t, DAEMONS, () => weir.finish());
    await weir.start();
    return weir;
}

/** `weir mock` as a process of its own. */
export async function startMock(t, options = {}) {
    const args = ['mock', '--listen', '127.0.0.1:0'];
    if (options.profile) {
        const file = path.join(tempDir(t), 'profile.jsonc');
        fs.writeFileSync(file, JSON.stringify(options.profile));
        args.push('--profile', file);
    }
    const child = new Child(args, {});
    cleanup(t, DAEMONS, async () => {
        if (!child.exit) child.signal('SIGTERM');
        const exit = await child.exited();
        assert.deepEqual(exit, { code: 0, signal: null }, `exit of the mock; its output:\n${child.output}`);
        assert.doesNotMatch(child.output, REPORT);
    });
    const m = await child.line(/listening on http:\/\/[^\s]*:(\d+)/);
    return { child, port: Number(m[1]), origin: `http://127.0.0.1:${m[1]}` };
}
