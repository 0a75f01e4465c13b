// SPDX-License-Identifier: Apache-2.0
// weir keys, the master key's sources, and that no stored key is anywhere in the clear.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ACCOUNT, BIN, startWeir, tempDir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'ping' }] };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const hex = () => crypto.randomBytes(32).toString('hex');

async function world(t, options = {}) {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin, anthropic: up.origin }, ...options });
    const store = async (provider_slug, secret, alias = 'default') => {
        const a = await weir.api('POST', '/gateways/default/provider_configs', { provider_slug, alias, default_config: false, secret });
        assert.equal(a.status, 200, a.text);
        return a.json.result;
    };
    /** What the provider gets, or the refusal. */
    const used = async (alias = 'default') => {
        const a = await weir.request({ to: 'openai/chat/completions', body: JSON.stringify(CHAT), headers: { ...JSON_TYPE, 'cf-aig-byok-alias': alias } });
        return a.status === 200 ? up.last.header('authorization') : [a.status, a.json.error[0].message];
    };
    const keys = (args, env = options.env) => {
        const r = spawnSync(BIN, ['keys', ...args, '--config', weir.configFile], { encoding: 'utf8', timeout: 20000, env: { PATH: process.env.PATH, ...sanitizers(), ...env } });
        assert.doesNotMatch(r.stderr, /Sanitizer/);
        return r;
    };
    const masterFile = path.join(weir.dir, 'data/master.key');
    const ring = (file = masterFile) => fs.readFileSync(file, 'utf8').split('\n').filter((l) => l && !l.startsWith('#'));
    return { up, weir, store, used, keys, ring, masterFile };
}

const sanitizers = () => Object.fromEntries(['ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS'].filter((k) => k in process.env).map((k) => [k, process.env[k]]));

function filesBelow(dir) {
    return fs.readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
        const file = path.join(dir, e.name);
        return e.isDirectory() ? filesBelow(file) : [file];
    });
}

test('weir keys list shows whose keys there are, and no secret', async (t) => {
    const { weir, store, used, keys } = await world(t);
    assert.equal(keys(['list']).stdout.trim().split('\n').length, 1);
    await store('openai', 'sk-stored-openai-key-0001');
    await store('openai', 'sk-stored-openai-key-0002', 'blue');
    await used();
    await weir.stop();
    const r = keys(['list']);
    assert.equal(r.status, 0, r.stderr);
    const [, blue, plain] = r.stdout.trim().split('\n').map((l) => l.trim().split(/\s{2,}/));
    assert.deepEqual([blue.length, blue[0], blue[1], blue[2], blue[3], blue[4], blue[5]], [6, ACCOUNT, 'default', 'openai', 'blue', '-', 'sealed']);
    assert.match(plain[4], /^20\d\d-/);
    assert.doesNotMatch(r.stdout, /sk-/);
    for (const args of [['--help'], ['rotate', '--help']]) assert.match(keys(args).stdout, /--to-file/);
    for (const args of [[], ['turn'], ['list', 'more'], ['list', '--to-file', 'x']]) assert.equal(keys(args).status, 2, args.join(' '));
});

test('rotating under a daemon that runs: nothing is lost, before, during or after', async (t) => {
    const { weir, store, used, keys, ring } = await world(t, { workers: 2 });
    for (let i = 0; i < 20; i++) await store('openai', `sk-stored-openai-key-00${i}`, `k${i}`);
    let over = false, asked = 0, n = 20;
    const traffic = (async () => {
        for (; !over; asked++) assert.equal(await used(`k${asked % 20}`), `Bearer sk-stored-openai-key-00${asked % 20}`);
    })();
    const stores = (async () => { // a key that is sealed while the master key changes is sealed under a key that stays
        for (; !over;) {
            const a = await weir.api('POST', '/gateways/default/provider_configs', { provider_slug: 'openai', alias: `k${n}`, default_config: false, secret: `sk-stored-openai-key-00${n}` });
            if (a.status === 409) continue; // changed meanwhile; try again
            assert.equal(a.status, 200, a.text);
            n++;
        }
    })();
    const seen = [...ring()];
    for (let i = 0; i < 5; i++) {
        const child = spawn(BIN, ['keys', 'rotate', '--config', weir.configFile], { env: { PATH: process.env.PATH, ...sanitizers() } });
        const code = await new Promise((resolve) => child.on('close', resolve));
        assert.equal(code, 0);
        seen.push(...ring());
    }
    over = true;
    await Promise.all([traffic, stores]);
    assert.equal(new Set(seen).size, 6, 'a new key each time, and it alone');
    assert.ok(asked > 5 && n > 20, `${asked} ${n}`);
    for (let i = 0; i < n; i++) assert.equal(await used(`k${i}`), `Bearer sk-stored-openai-key-00${i}`);
    await weir.stop();
    await weir.start();
    for (let i = 0; i < n; i++) assert.equal(await used(`k${i}`), `Bearer sk-stored-openai-key-00${i}`);
});

test('a rotation that was ended early is finished by the next one', async (t) => {
    const { weir, store, used, keys, ring, masterFile } = await world(t);
    await store('openai', 'sk-stored-openai-key-0001');
    const [old] = ring(), fresh = hex();
    fs.writeFileSync(masterFile, `${fresh}\n${old}\n`); // as it is after the first of the three steps
    assert.equal(await used(), 'Bearer sk-stored-openai-key-0001');
    await store('openai', 'sk-stored-openai-key-0002', 'later').catch(() => store('openai', 'sk-stored-openai-key-0002', 'later'));
    const r = keys(['rotate']);
    assert.equal(r.status, 0, r.stderr);
    assert.match(r.stdout, /finishing the rotation/);
    assert.deepEqual(ring(), [fresh]);
    await weir.kill(); // whatever the daemon had in memory does not count
    await weir.start();
    assert.equal(await used(), 'Bearer sk-stored-openai-key-0001');
    assert.equal(await used('later'), 'Bearer sk-stored-openai-key-0002');
    for (let i = 0; i < 10; i++) { // and wherever it is killed
        const child = spawn(BIN, ['keys', 'rotate', '--config', weir.configFile], { env: { PATH: process.env.PATH, ...sanitizers() } });
        const closed = new Promise((resolve) => child.on('close', resolve)); // it may be done before
        await new Promise((resolve) => setTimeout(resolve, 3 * i));
        child.kill('SIGKILL');
        await closed;
        assert.equal(await used(), 'Bearer sk-stored-openai-key-0001', `round ${i}`);
    }
    assert.equal(keys(['rotate']).status, 0);
    assert.equal(ring().length, 1);
    await weir.stop();
    await weir.start();
    assert.equal(await used('later'), 'Bearer sk-stored-openai-key-0002');
    assert.ok(!fs.existsSync(`${masterFile}.new`) || fs.statSync(`${masterFile}.new`).mode % 0o100 === 0);
});

test('a variable is rotated in three steps; a named file like the own one', async (t) => {
    const old = hex();
    const { weir, store, used, keys, ring } = await world(t, { env: { WEIR_MASTER_KEY: old } });
    await store('openai', 'sk-stored-openai-key-0001');
    assert.ok(!fs.existsSync(path.join(weir.dir, 'data/master.key')));
    const none = keys(['rotate']);
    assert.deepEqual([none.status, /WEIR_MASTER_KEY, which weir does not write/.test(none.stderr)], [1, true], none.stderr);
    const file = path.join(weir.dir, 'fresh.key');
    assert.equal(keys(['rotate', '--to-file', file]).status, 0);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    assert.equal(keys(['rotate', '--to-file', file]).status, 2, 'it exists');
    const [fresh, before] = ring(file);
    assert.deepEqual([before, ring(file).length], [old, 2]);
    assert.equal(await used(), 'Bearer sk-stored-openai-key-0001', 'nothing has changed yet');
    const both = { WEIR_MASTER_KEY: `${fresh} ${old}` };
    await weir.stop();
    weir.options.env = both;
    await weir.start();
    assert.equal(await used(), 'Bearer sk-stored-openai-key-0001');
    const r = keys(['rotate'], both);
    assert.deepEqual([r.status, /1 of 1 stored keys/.test(r.stdout), /take the others away/.test(r.stdout)], [0, true, true], r.stderr);
    await weir.stop();
    weir.options.env = { WEIR_MASTER_KEY: fresh };
    await weir.start();
    assert.equal(await used(), 'Bearer sk-stored-openai-key-0001');
    // the same key in a file of the operator's
    const own = path.join(weir.dir, 'own.key');
    fs.writeFileSync(own, `# ours\n${Buffer.from(fresh, 'hex').toString('base64')}\n`, { mode: 0o640 });
    await weir.stop();
    weir.options.env = {};
    weir.writeConfig({ config: { master_key: { file: own } } });
    await weir.start();
    assert.equal(await used(), 'Bearer sk-stored-openai-key-0001');
    assert.equal(keys(['rotate'], {}).status, 0);
    assert.deepEqual([ring(own).length, ring(own)[0] !== fresh, fs.statSync(own).mode & 0o777], [1, true, 0o640]);
    assert.equal(await used(), 'Bearer sk-stored-openai-key-0001');
});

test('without its master key a stored key is unavailable, and nothing takes its place', async (t) => {
    const { up, weir, store, used, keys, masterFile } = await world(t);
    await store('openai', 'sk-stored-openai-key-0001');
    await weir.stop();
    fs.writeFileSync(masterFile, `${hex()}\n`);
    await weir.start();
    assert.deepEqual(await used(), [503, 'Configured BYOK credentials are unavailable']);
    assert.equal(up.requests.length, 0);
    assert.equal((await weir.api('GET', '/gateways/default/provider_configs')).json.result[0].status, 'unreadable');
    const r = keys(['rotate']);
    assert.deepEqual([r.status, /opens none of the 1 stored keys/.test(r.stderr)], [1, true], r.stderr);
    assert.match(keys(['list']).stdout, /unreadable: no master key opens it/);
    fs.rmSync(masterFile);
    assert.match(keys(['rotate']).stderr, /master.key: is missing/);
    fs.writeFileSync(masterFile, 'nonsense\n');
    assert.match(keys(['list']).stderr, /holds no master key/);
    const bad = spawnSync(BIN, ['serve', '--config', weir.configFile, '--data', tempDir(t)], { encoding: 'utf8', timeout: 5000, env: { PATH: process.env.PATH, WEIR_MASTER_KEY: 'short' } });
    assert.deepEqual([bad.status, /WEIR_MASTER_KEY: holds no master key/.test(bad.stderr)], [1, true], bad.stderr);
    fs.writeFileSync(masterFile, `${hex()}\n`);
});

test('no stored key is in a file, an answer or the diagnostics in the clear, whatever happens', async (t) => {
    const secrets = ['sk-first-0123456789abcdefghij', 'sk-second-0123456789abcdefghi', 'sk-ant-third-0123456789abcde'];
    const { up, weir, store, used, keys } = await world(t, { config: { log: { level: 'debug' } } });
    const said = [];
    const note = (a) => said.push(a.raw ?? '', a.text ?? '', JSON.stringify(a.headers ?? []));
    const key = await store('openai', secrets[0]);
    const api = async (...args) => {
        const a = await weir.api(...args);
        note(a);
        return a;
    };
    await used();
    await api('PUT', `/gateways/default/provider_configs/${key.id}`, { secret: secrets[1] });
    await store('anthropic', secrets[2]);
    up.script = (req, res) => res.json(401, { error: { message: 'bad key' } });
    for (const headers of [{}, { 'weir-trace': 'true' }, { 'weir-trace': 'explain' }, { 'cf-aig-byok-alias': 'x' }])
        note(await weir.request({ to: 'openai/chat/completions', body: JSON.stringify(CHAT), headers: { ...JSON_TYPE, ...headers, 'cf-aig-cache-ttl': '600' } }));
    await api('POST', '/gateways/default/provider_configs', { provider_slug: 'nobody', alias: 'default', default_config: false, secret: secrets[0] });
    await api('POST', '/gateways/default/provider_configs', { provider_slug: 'aws-bedrock', alias: 'default', default_config: false, secret: `{"accessKeyId":"${secrets[0]}` });
    await weir.waitLogs(3);
    for (const p of ['/gateways', '/gateways/default', '/gateways/default/provider_configs', '/gateways/default/logs?per_page=50']) await api('GET', p);
    for (const row of await weir.logs()) {
        await api('GET', `/gateways/default/logs/${row.id}`);
        note(await weir.logBody(row.id, 'request'));
        note(await weir.logBody(row.id, 'response'));
    }
    note(await weir.request({ path: `/client/v4/accounts/${ACCOUNT}/audit_logs`, auth: false, headers: { Authorization: `Bearer ${TOKEN}` } }));
    note(await weir.request({ path: '/metrics', auth: false }));
    for (const args of [['list'], ['rotate']]) {
        const r = keys(args);
        assert.equal(r.status, 0, r.stderr);
        said.push(r.stdout, r.stderr);
    }
    await api('DELETE', `/gateways/default/provider_configs/${key.id}`);
    const look = (when) => {
        const all = filesBelow(weir.dir);
        assert.ok(all.some((f) => f.endsWith('weir.db-wal')) || when !== 'running', all.join(' '));
        for (const file of all) {
            const text = fs.readFileSync(file);
            for (const s of secrets) assert.ok(!text.includes(s), `${s} in ${file}, ${when}`);
        }
        for (const s of secrets) assert.ok(!said.join('\n').includes(s) && !weir.output.includes(s), `${s} was said, ${when}`);
    };
    look('running');
    await weir.kill();
    look('killed');
});

test('a daemon that crashes leaves no core file, unless the settings want one', async (t) => {
    const dir = tempDir(t);
    const pattern = fs.readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
    const crash = async (name, setting) => {
        const cwd = path.join(dir, name);
        fs.mkdirSync(cwd);
        const file = path.join(cwd, 'weir.jsonc');
        fs.writeFileSync(file, JSON.stringify({ listen: '127.0.0.1:0', data: path.join(cwd, 'data'), workers: 1, ...setting }));
        const child = spawn('sh', ['-c', `ulimit -c unlimited; exec "${path.resolve(BIN)}" serve --config ${file}`], { cwd, env: { PATH: process.env.PATH, ...sanitizers(), WEIR_ROOT_TOKEN: TOKEN }, stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => (out += d));
        await poll('the daemon', () => /listening/.test(out));
        const limits = fs.readFileSync(`/proc/${child.pid}/limits`, 'utf8');
        const closed = new Promise((resolve) => child.on('close', resolve));
        child.kill('SIGABRT');
        await closed;
        return { soft: /Max core file size\s+(\S+)/.exec(limits)[1], cores: fs.readdirSync(cwd).filter((f) => f.startsWith('core')) };
    };
    assert.deepEqual(await crash('as-shipped', {}), { soft: '0', cores: [] });
    if (/build-/.test(BIN)) return; // sanitizers forbid core files by themselves
    const wanted = await crash('debugging', { core_dumps: true });
    assert.equal(wanted.soft, 'unlimited');
    if (/^core(\.%p)?$/.test(pattern)) assert.equal(wanted.cores.length, 1, 'so the other one would have been seen');
});
