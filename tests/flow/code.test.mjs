// SPDX-License-Identifier: Apache-2.0
// weir export and weir apply: gateways as a file, there and back, and what they refuse.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ACCOUNT, BIN, startWeir, tempDir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';

const KEYS = { OPENAI_API_KEY: 'sk-first-0123456789abcdefghij', VLLM_KEY: 'Bearer vllm-0123456789', OTEL: 'Bearer otel-0123456789' };
const FILE_KEY = 'sk-from-a-file-0123456789';
const TO_END = { elementId: 'e' };
const elements = (model) => [
    { id: 's', type: 'start', outputs: { next: { elementId: 'm' } } },
    { id: 'm', type: 'model', properties: { provider: 'openai', model, timeout: 1000, retries: 0 }, outputs: { success: TO_END, fallback: TO_END } },
    { id: 'e', type: 'end', outputs: {} },
];
const DOCUMENT = {
    version: 1,
    gateways: {
        team: {
            authentication: true, cache_ttl: 300, retry_max_attempts: 2, guardrails: { prompt: { P1: 'BLOCK' } },
            spend_limits: { enabled: true, rules: [{ limit: 25, limitType: 'cost', window: 86400 }] },
            otel: [{ url: 'https://otel.example/v1', headers: { 'x-team': 'a' }, authorization: { env: 'OTEL' } }],
            provider_keys: { 'openai/default': { secret: { env: 'OPENAI_API_KEY' }, rate_limit: 600 }, 'custom-vllm/default': { secret: { file: 'vllm.key' } } },
            policies: { budget: { actor: 'user:{cf.user.id}', resource: '*', action: { type: 'limit', amount: 10, period: 'daily' } } },
            datasets: { failed: { enable: true, filters: [{ key: 'success', operator: 'eq', value: [false] }] } },
            routes: { support: { elements: elements('gpt-4o') } },
            custom_domains: { 'ai.example.com': { minTLS: '1.3' } },
        },
    },
    custom_providers: {
        vllm: { name: 'vLLM', base_url: 'https://vllm.example', enable: true, headers: { authorization: { env: 'VLLM_KEY' }, 'x-a': 'b' },
            costs: [{ model: 'llama', cost_in: 0.0000015, cost_out: 0.000003 }, { model: 'mini', model_rule: 'starts-with', token_pricing: { input_tokens: 1e-7, output_tokens: 2e-7 } }] },
    },
};
const copy = () => structuredClone(DOCUMENT);

function run(command, args, env, input) {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith('WEIR_')));
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, { env: { ...clean, ...env }, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
        const got = { out: '', err: '' };
        child.stdout.on('data', (d) => (got.out += d));
        child.stderr.on('data', (d) => (got.err += d));
        child.on('error', reject);
        child.on('close', (code, signal) => {
            try {
                assert.equal(signal, null, got.err);
                assert.doesNotMatch(got.err, /Sanitizer|runtime error:|broken promise/);
                for (const secret of [TOKEN, FILE_KEY, ...Object.values(KEYS)]) assert.ok(!(got.out + got.err).includes(secret), `a credential was printed:\n${got.out}${got.err}`);
                resolve({ code, ...got });
            } catch (e) {
                reject(e);
            }
        });
        if (input !== undefined) child.stdin.end(input);
    });
}

/** A daemon, a folder for files, and the commands as they are called against them. */
async function rig(t, options) {
    const weir = await startWeir(t, options);
    const dir = tempDir(t);
    fs.writeFileSync(path.join(dir, 'vllm.key'), `${FILE_KEY}\n`);
    const daemon = { WEIR_BASE_URL: `http://127.0.0.1:${weir.port}`, WEIR_ACCOUNT_ID: ACCOUNT, WEIR_TOKEN: TOKEN };
    const write = (document) => {
        const name = path.join(dir, 'gateways.jsonc');
        fs.writeFileSync(name, typeof document === 'string' ? document : JSON.stringify(document, null, 2));
        return name;
    };
    const get = async (rest) => {
        const a = await weir.api('GET', rest);
        assert.equal(a.status, 200, a.text);
        return a.json.result ?? a.json.data;
    };
    return {
        weir, dir, daemon, write, get,
        apply: (document, args = [], env = {}) => run(BIN, ['apply', ...args, write(document)], { ...daemon, ...KEYS, ...env }),
        export: (args = [], env = {}) => run(BIN, ['export', ...args], { ...daemon, ...env }),
        changes: async () => {
            const a = await weir.request({ path: `/client/v4/accounts/${ACCOUNT}/audit_logs?per_page=100`, headers: { Authorization: `Bearer ${TOKEN}` }, auth: false });
            assert.equal(a.status, 200, a.text);
            return a.json.result;
        },
    };
}
const ends = (r, code) => assert.equal(r.code, code, `${r.out}${r.err}`);

test('a file becomes gateways, and gateways a file', async (t) => {
    const up = await startUpstream(t);
    const r = await rig(t, { providers: { openai: up.origin } });
    const { weir } = r;
    const before = (await r.changes()).length;
    const called = async () => {
        const n = up.requests.length;
        await weir.request({ to: 'openai/chat/completions', gateway: 'team', headers: { 'Content-Type': 'application/json', 'cf-aig-skip-cache': 'true' }, body: JSON.stringify({ model: 'm', messages: [] }) });
        return (await up.request(n)).header('authorization');
    };

    await t.test('a dry run shows all of it and changes nothing', async () => {
        const dry = await r.apply(DOCUMENT, ['--dry-run'], { OPENAI_API_KEY: '' });
        ends(dry, 3);
        for (const line of [/^\+ gateway team$/m, /^    \+ cache_ttl: 300$/m, /^\+ provider key openai\/default of gateway team$/m, /^    \+ secret: \(from env OPENAI_API_KEY\)$/m,
            /^    \+ secret: \(from file vllm\.key\)$/m, /^\+ route support of gateway team$/m, /^\+ custom domain ai\.example\.com of gateway team$/m, /^\+ custom provider vllm$/m,
            /^\+ cost starts-with mini of custom provider vllm$/m, /"authorization":"\(from env OTEL\)"/, /^10 to create, 0 to change, 0 to delete$/m])
            assert.match(dry.out, line);
        assert.ok(!dry.out.includes('\x1b'), 'no colours where nobody sees them');
        assert.deepEqual((await r.get('/gateways')).map((g) => g.id), ['default']);
        assert.equal((await r.changes()).length, before);
    });

    await t.test('a variable that is missing is told before anything is done', async () => {
        const fails = await r.apply(DOCUMENT, ['--yes'], { OPENAI_API_KEY: '' });
        ends(fails, 1);
        assert.match(fails.err, /the variable OPENAI_API_KEY is not set, which the provider key openai\/default of gateway team needs/);
        assert.equal((await r.changes()).length, before);
    });

    await t.test('applied: all is there, by calls that the audit log knows', async () => {
        const done = await r.apply(DOCUMENT, ['--yes']);
        ends(done, 0);
        const g = await r.get('/gateways/team');
        for (const [key, value] of Object.entries({ authentication: true, cache_ttl: 300, retry_max_attempts: 2, collect_logs: true, rate_limiting_limit: 0, guardrails: { prompt: { P1: 'BLOCK' } } }))
            assert.deepEqual(g[key], value, key);
        assert.equal(g.otel[0].authorization, KEYS.OTEL);
        const keys = await r.get('/gateways/team/provider_configs');
        assert.deepEqual(keys.map((k) => [k.provider_slug, k.alias, k.rate_limit]).sort(), [['custom-vllm', 'default', undefined], ['openai', 'default', 600]]);
        const [vllm] = await r.get('/custom-providers');
        assert.deepEqual(JSON.parse(vllm.headers), { authorization: KEYS.VLLM_KEY, 'x-a': 'b' });
        const costs = await r.get(`/custom-providers/costs?account_provider_id=${vllm.id}`);
        assert.deepEqual(costs.map((c) => [c.model_rule, c.model]).sort(), [['equals', 'llama'], ['starts-with', 'mini']]);
        assert.deepEqual((await r.get('/gateways/team/custom-domains')).map((d) => [d.hostname, d.minTLS]), [['ai.example.com', '1.3']]);
        assert.deepEqual((await r.get('/gateways/team/routes')).routes.map((x) => [x.name, x.elements]), [['support', elements('gpt-4o')]]);
        assert.equal(await called(), `Bearer ${KEYS.OPENAI_API_KEY}`);
        const made = (await r.changes()).slice(0, -before || undefined);
        assert.ok(made.length >= 10, `${made.length} lines`);
        assert.ok(made.every((line) => line.action.type === 'create'));
    });

    await t.test('again: nothing to do, and no secret is needed for it', async () => {
        const lines = (await r.changes()).length;
        const again = await r.apply(DOCUMENT, ['--yes'], { OPENAI_API_KEY: '', OTEL: '', VLLM_KEY: '' });
        ends(again, 0);
        assert.equal(again.out, 'nothing to do\n4 stored secrets are not looked at: secrets cannot be compared, --secrets sends them again\n');
        assert.equal((await r.changes()).length, lines);
    });

    await t.test('there and back', async () => {
        const file = path.join(r.dir, 'exported.jsonc');
        ends(await r.export(['--output', file]), 0);
        const text = fs.readFileSync(file, 'utf8');
        for (const secret of [FILE_KEY, ...Object.values(KEYS)]) assert.ok(!text.includes(secret), text);
        for (const part of [/"openai\/default": \{"rate_limit": 600, "secret": \{"env": "OPENAI_API_KEY"\}\}/, /\{"env": "CUSTOM_VLLM_API_KEY"\}/, /\{"env": "VLLM_HEADERS_AUTHORIZATION"\}/,
            /\{"env": "TEAM_OTEL_1_AUTHORIZATION"\}/, /"x-a": "b"/])
            assert.match(text, part);
        assert.doesNotMatch(text, /collect_logs|log_management|created_at|internal_id/, 'defaults and what cannot be set are left out');
        const back = await run(BIN, ['apply', '--prune', file], r.daemon);
        ends(back, 0);
        assert.match(back.out, /^nothing to do$/m);
        const piped = await run(BIN, ['apply', '--dry-run', '-'], r.daemon, text);
        ends(piped, 0);
        assert.equal((await r.export()).out, text, 'in the same order');

        const one = await r.export(['--gateway', 'team']);
        assert.match(one.out, /"team"/);
        assert.doesNotMatch(one.out, /"default": \{|custom_providers/);
        const none = await r.export(['--gateway', 'nobody']);
        ends(none, 1);
        assert.match(none.err, /nobody: there is no such gateway/);
    });

    await t.test('changes: member by member, and what is not named stays', async () => {
        const next = copy(), g = next.gateways.team;
        const rule = (await r.get('/gateways/team')).spend_limits.rules[0].id;
        Object.assign(g, { cache_ttl: 60, guardrails: { prompt: { P1: 'FLAG', S1: 'BLOCK' } }, collect_logs: false });
        delete g.retry_max_attempts;
        g.spend_limits.rules[0].limit = 30;
        g.provider_keys['openai/default'] = { secret: { env: 'OPENAI_API_KEY' } };
        g.routes.support.elements = elements('gpt-5');
        g.datasets.failed.enable = false;
        Object.assign(g.policies.budget, { condition: 'cf.country == "DE"', action: { type: 'limit', amount: 12, period: 'daily' } });
        g.custom_domains['ai.example.com'] = {};
        delete next.custom_providers.vllm.headers['x-a'];
        const done = await r.apply(next, ['--yes'], { OTEL: '' });
        ends(done, 0);
        for (const line of [/^~ gateway team$/m, /^    ~ cache_ttl: 300 -> 60$/m, /^    ~ guardrails\.prompt\.P1: "BLOCK" -> "FLAG"$/m, /^    \+ guardrails\.prompt\.S1: "BLOCK"$/m, /^    - retry_max_attempts: 2$/m,
            /^    ~ spend_limits\.rules\.0\.limit: 25 -> 30$/m, /^    - rate_limit: 600$/m, /^~ policy budget of gateway team\n    \+ condition: "cf.country == .*\n    ~ action\.amount: 10 -> 12$/m, /^~ dataset failed of gateway team\n    ~ enable: true -> false$/m, /^    ~ elements\.m\.properties\.model: "gpt-4o" -> "gpt-5"$/m, /^    - headers\.x-a: "b"$/m,
            /^~ custom domain ai\.example\.com of gateway team, deleted and made again$/m])
            assert.match(done.out, line);
        const now = await r.get('/gateways/team');
        assert.deepEqual([now.cache_ttl, now.retry_max_attempts, now.collect_logs], [60, null, false]);
        assert.equal(now.spend_limits.rules[0].id, rule, 'the rule goes on counting');
        assert.equal(now.otel[0].authorization, KEYS.OTEL, 'a secret that is not sent stays');
        assert.equal((await r.get('/gateways/team/routes')).routes[0].elements[1].properties.model, 'gpt-5', 'deployed');
        assert.deepEqual((await r.get('/gateways/team/policies')).map((p) => [p.name, p.condition, p.action.amount, p.staging]), [['budget', 'cf.country == "DE"', 12, undefined]]);
        assert.deepEqual((await r.get('/gateways/team/datasets')).map((d) => [d.name, d.enable]), [['failed', false]]);
        assert.deepEqual(JSON.parse((await r.get('/custom-providers'))[0].headers), { authorization: KEYS.VLLM_KEY });
        assert.match((await r.apply(next, ['--yes'])).out, /^nothing to do$/m);

        const other = { OPENAI_API_KEY: 'sk-other-0123456789abcdefghij' };
        assert.match((await r.apply(next, ['--yes'], other)).out, /^nothing to do$/m);
        assert.equal(await called(), `Bearer ${KEYS.OPENAI_API_KEY}`);
        const rotated = await r.apply(next, ['--yes', '--secrets'], other);
        ends(rotated, 0);
        assert.match(rotated.out, /^    ~ secret: \(stored\) -> \(from env OPENAI_API_KEY\)$/m);
        assert.equal(await called(), `Bearer ${other.OPENAI_API_KEY}`);
    });

    await t.test('for programs', async () => {
        const next = { version: 1, gateways: { team: { ...copy().gateways.team, cache_ttl: 61 }, other: {} } };
        const r1 = await r.apply(next, ['--dry-run', '--json']);
        ends(r1, 3);
        const dry = JSON.parse(r1.out);
        assert.deepEqual([dry.create, dry.delete, dry.done], [1, 0, 0]);
        assert.deepEqual(dry.changes.map((c) => [c.action, c.kind, c.name]).filter(([, kind]) => kind === 'gateways'), [['update', 'gateways', 'team'], ['create', 'gateways', 'other']]);
        assert.deepEqual(dry.changes[0].settings.find((s) => s.path === 'cache_ttl'), { path: 'cache_ttl', from: 60, to: 61 });
        const r2 = await r.apply({ version: 1, gateways: { other: {} } }, ['--yes', '--json']);
        ends(r2, 0);
        assert.equal(JSON.parse(r2.out).done, 1);
    });

    await t.test('prune: what the file speaks of and does not have', async () => {
        const next = { version: 1, gateways: { team: { ...copy().gateways.team, provider_keys: {} }, default: {} } };
        delete next.gateways.team.routes;
        const kept = await r.apply(next, ['--yes']);
        ends(kept, 0);
        assert.equal((await r.get('/gateways/team/provider_configs')).length, 2, 'without --prune nothing goes');
        const pruned = await r.apply(next, ['--yes', '--prune']);
        ends(pruned, 0);
        assert.match(pruned.out, /^- gateway other\n    its log goes with it: every row and every stored body, which nothing brings back/m);
        assert.match(pruned.out, /^- provider key openai\/default of gateway team$/m);
        assert.deepEqual((await r.get('/gateways')).map((g) => g.id).sort(), ['default', 'team']);
        assert.deepEqual(await r.get('/gateways/team/provider_configs'), []);
        assert.equal((await r.get('/gateways/team/routes')).routes.length, 1, 'the file does not speak of routes');
        assert.equal((await r.get('/custom-providers')).length, 1, 'nor of custom providers');
        const gone = await r.apply({ version: 1, custom_providers: {} }, ['--yes', '--prune']);
        ends(gone, 0);
        assert.match(gone.out, /^- custom provider vllm\n    its costs go with it$/m);
        assert.deepEqual(await r.get('/custom-providers'), []);
    });
});

test('what is refused', async (t) => {
    const r = await rig(t, {});
    const token = async (permissions) => {
        const made = await run(BIN, ['token', 'create', '--name', permissions, '--permissions', permissions, '--data', path.join(r.weir.dir, 'data')], {});
        ends(made, 0);
        const text = made.out.trim();
        await poll('the daemon to know of it', async () => (await r.weir.request({ path: '/client/v4/user/tokens/verify', headers: { Authorization: `Bearer ${text}` }, auth: false })).status === 200);
        return text;
    };

    await t.test('half way: what was done and what was not, and on from there', async () => {
        const next = copy();
        next.custom_providers.vllm.costs = [{ model: 'x', cost_in: 0.1 }];
        const stopped = await r.apply(next, ['--yes']);
        ends(stopped, 1);
        assert.match(stopped.out, /^created custom provider vllm$/m);
        assert.match(stopped.err, /^weir apply: POST \/custom-providers\/costs was refused with 400\n  .*cost_out/m);
        assert.match(stopped.err, /stopped at the cost equals x of custom provider vllm\. Of 9 changes 1 is done, 8 are not/);
        assert.deepEqual((await r.get('/gateways')).map((g) => g.id), ['default']);
        const again = await r.apply(DOCUMENT, ['--yes']);
        ends(again, 0);
        assert.doesNotMatch(again.out, /created custom provider/);
        assert.match((await r.apply(DOCUMENT, ['--yes'])).out, /^nothing to do$/m);
    });

    await t.test('a file that is wrong, with the places', async () => {
        const before = (await r.changes()).length;
        const text = ['// a comment', '{"version": 1, "gateway": {},', ' "gateways": {"team": {"cache_tll": 1, "retry_delay": "soon",', '   "guardrails": {"promt": {}, "prompt": {"P7": "BLOCK"}},',
            '   "provider_keys": {"openai": {}, "openai/x": {"secret": "sk-clear"},', '     "nobody/x": {"secret": {"env": "A"}}},', '   "routes": {"r": {"elements": [{"id": "s", "type": "start", "outputs": {"next": {"elementId": "?"}}}]}},',
            '   "custom_domains": {"Not A Host": {}}},', '  "team": {}, "Bad Id": {}},', ' "custom_providers": {"v": {"slug": "v", "headers": "{}", "costs": [{"cost_in": 1}]}},', '}'].join('\n');
        const wrong = await r.apply(text, ['--yes']);
        ends(wrong, 2);
        const said = wrong.err.split('\n').map((l) => l.slice(l.indexOf('.jsonc:') + 7));
        for (const line of ['2:16: the document has no "gateway"; did you mean "gateways"?', '3:24: a gateway has no "cache_tll"; did you mean "cache_ttl"?', '3:40: retry_delay: Expected number, received string',
            '4:19: "guardrails" has no "promt"; did you mean "prompt"?', '4:43: guardrails.prompt.P7: No such category; there are P1 and S1 to S13', '5:22: a provider key is called by provider/alias, such as "openai/default"',
            '5:49: a secret does not stand in the file: write {"env": "NAME"} for a variable or {"file": "PATH"}', '6:6: provider_slug: There is no provider \'nobody\'',
            '8:23: domain: Expected a host name in lower case such as ai.example.com', '9:3: the gateway team is there a second time',
            '9:15: id: An id has 1 to 64 lower-case letters, digits, underscores and single hyphens inside', '10:29: "slug" of a custom provider is its name: the member it stands under',
            '10:42: "headers" is an object here, {"name": "value"}', '10:59: a cost needs "model", a text'])
            assert.ok(said.includes(line), `${line}\nis not among\n${said.join('\n')}`);
        assert.ok(said.some((l) => /^7:\d+: elements\..*"\?"/.test(l)), said.join('\n'));
        for (const [bad, why] of [['{"version": 1,, }', /:1:15: not valid JSON/], ['[]', /:1:1: a document is an object/], ['{"version": 2}', /:1:2: "version": 1 is needed/], ['{"gateways": {}}', /"version": 1 is needed/], ['', /not valid JSON/]]) {
            const one = await r.apply(bad, ['--yes']);
            ends(one, 2);
            assert.match(one.err, why);
        }
        assert.equal((await r.changes()).length, before);
    });

    await t.test('permissions are those of the API', async () => {
        const next = { version: 1, gateways: { team: { cache_ttl: 1 } } };
        const reader = { WEIR_TOKEN: await token('read') };
        ends(await r.apply(next, ['--dry-run'], reader), 3);
        ends(await r.export([], reader), 0);
        const no = await r.apply(next, ['--yes'], reader);
        ends(no, 1);
        assert.match(no.err, /^weir apply: PUT \/gateways\/team was refused with 403\n  Authentication error\nThe token is not known/m);
        assert.match(no.err, /Of 1 change 0 are done, 1 is not/);
        const runner = await r.export([], { WEIR_TOKEN: await token('run') });
        ends(runner, 1);
        assert.match(runner.err, /GET \/custom-providers.* was refused with 403/);
        const writer = path.join(r.dir, 'token');
        fs.writeFileSync(writer, `${await token('read,write')}\n`);
        const keys = { version: 1, gateways: { team: { ...copy().gateways.team, provider_keys: { 'groq/default': { secret: { env: 'OPENAI_API_KEY' } } } } } };
        const secrets = await r.apply(keys, ['--yes', '--token-file', writer], { WEIR_TOKEN: '' });
        ends(secrets, 1);
        assert.match(secrets.err, /POST \/gateways\/team\/provider_configs was refused with 403/);
    });

    await t.test('called wrongly', async () => {
        const next = { version: 1, gateways: { team: { cache_ttl: 2 } } };
        const before = (await r.changes()).length;
        for (const [args, env, why] of [[[], {}, /--yes is needed where nobody can be asked; nothing was changed/], [['--yes'], { WEIR_ACCOUNT_ID: '' }, /which account\?/], [['--yes'], { WEIR_TOKEN: '' }, /no token/],
            [['--json'], {}, /--json goes with/], [['--what'], {}, /no such option/], [['more'], {}, /name one FILE/], [['--yes'], { WEIR_ACCOUNT_ID: 'x/../y' }, /not an account/], [['--yes'], { WEIR_BASE_URL: 'ftp:x' }, /--url is scheme/]]) {
            const r1 = await r.apply(next, args, env);
            assert.match(r1.err, why);
            assert.ok(r1.code === 2 || /--url/.test(r1.err), r1.err);
        }
        const nobody = await r.apply(next, ['--yes', '--url', 'http://127.0.0.1:1']);
        ends(nobody, 1);
        assert.match(nobody.err, /No daemon listens there/);
        const missing = await run(BIN, ['apply', path.join(r.dir, 'no.jsonc')], r.daemon);
        ends(missing, 2);
        assert.match(missing.err, /no\.jsonc: cannot be read/);
        for (const command of ['apply', 'export']) {
            const help = await run(BIN, [command, '--help'], {});
            ends(help, 0);
            assert.match(help.out, /--token-file/);
        }
        assert.equal((await r.changes()).length, before);
    });

    await t.test('on a terminal: colours, and a question', async () => {
        const file = r.write({ version: 1, gateways: { team: { ...copy().gateways.team, cache_ttl: 3 } } });
        const script = 'import os, pty, sys\n' +
            'pid, fd = pty.fork()\n' +
            'if pid == 0: os.execv(sys.argv[2], sys.argv[2:])\n' +
            'out, asked = b"", False\n' +
            'while True:\n' +
            '    try: got = os.read(fd, 65536)\n' +
            '    except OSError: break\n' +
            '    if not got: break\n' +
            '    out += got\n' +
            '    if not asked and b"counts as yes: " in out:\n' +
            '        asked = True\n' +
            '        os.write(fd, sys.argv[1].encode() + b"\\n")\n' +
            'sys.stdout.write(out.decode())\n' +
            'sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n';
        const answer = (word) => run('python3', ['-c', script, word, BIN, 'apply', file], { ...r.daemon, TERM: 'xterm', NO_COLOR: '' });
        const no = await answer('y');
        ends(no, 1);
        assert.match(no.out, /\x1b\[33m {4}~ cache_ttl: 300 -> 3\x1b\[0m/);
        assert.match(no.out, /nothing was changed/);
        assert.equal((await r.get('/gateways/team')).cache_ttl, 300);
        const yes = await answer('yes');
        ends(yes, 0);
        assert.equal((await r.get('/gateways/team')).cache_ttl, 3);
    });
});
