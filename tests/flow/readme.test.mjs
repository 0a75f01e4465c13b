// SPDX-License-Identifier: Apache-2.0
// The examples of the README, of docs/universal.md and of docs/compat.md are run as they stand, with the address, account, token and keys filled in.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ACCOUNT, startMock, startWeir, TOKEN } from './lib/weir.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const read = (file) => fs.readFileSync(path.join(HERE, '../..', file), 'utf8');
const text = read('README.md');
const blocks = (language, page = text) => [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((m) => m[1]);
const run = promisify(execFile);

async function world(t) {
    const mock = await startMock(t);
    const providers = Object.fromEntries(['openai', 'anthropic', 'google-ai-studio', 'groq'].map((s) => [s, `${mock.origin}/${s}`]));
    const weir = await startWeir(t, { providers, env: { WEIR_SANDBOX: 'true' } });
    const fill = (code) => code.replaceAll('http://127.0.0.1:8787', `http://127.0.0.1:${weir.port}`).replaceAll('ACCOUNT', ACCOUNT)
        .replace(/YOUR-\w+-KEY/g, 'sk-test').replace(/\bTOKEN\b/g, TOKEN);
    return { weir, fill };
}

test('curl examples', async (t) => {
    const { weir, fill } = await world(t);
    const commands = blocks('sh').filter((b) => b.startsWith('curl '));
    assert.equal(commands.length, 3);
    const [stream, plain, logs] = await Promise.all(commands.slice(0, 2).map((c) => run('sh', ['-c', `${fill(c).trim()} -s`])))
        .then(async (done) => [...done, await run('sh', ['-c', `${fill(commands[2]).trim()} -s`])]);
    assert.match(stream.stdout, /^data: .*\n\ndata: \[DONE\]\n\n$/s);
    assert.ok(JSON.parse(plain.stdout).choices[0].message.content);
    const rows = JSON.parse(logs.stdout).result;
    assert.deepEqual(rows.map((r) => r.provider).sort(), ['groq', 'mock']);
    for (const row of rows) assert.ok(row.tokens_out > 0 && row.cost > 0, JSON.stringify(row));
    assert.equal((await weir.logs()).length, 2);
});

/** What the program prints. */
async function runProgram(t, code) {
    const file = path.join(HERE, 'node_modules', `.readme-${process.pid}.mjs`); // where imports find the SDKs
    fs.writeFileSync(file, code);
    t.after(() => fs.rmSync(file, { force: true }));
    return (await run(process.execPath, [file])).stdout;
}

test('JavaScript example', async (t) => {
    const { weir, fill } = await world(t);
    const [code, ...more] = blocks('js');
    assert.equal(more.length, 0);
    assert.match(await runProgram(t, fill(code)), /Hello/);
    const [row] = await weir.logs();
    assert.equal(row.provider, 'anthropic');
    assert.ok(row.tokens_in > 0 && row.tokens_out > 0 && row.cost > 0, JSON.stringify(row));
});

test('the compat endpoints by example', async (t) => {
    const { weir, fill } = await world(t);
    const page = read('docs/compat.md');
    const { stdout } = await run('sh', ['-c', `${fill(blocks('sh', page)[0]).trim()} -s`]);
    assert.equal(JSON.parse(stdout).object, 'chat.completion');
    const [anthropic, langchain, vercel, embeddings, ...more] = blocks('js', page);
    assert.equal(more.length, 0);
    for (const code of [anthropic, langchain, vercel]) assert.match(await runProgram(t, fill(code)), /You said: "Hello/);
    assert.match(await runProgram(t, fill(embeddings)), /^\[ \d+, \d+ \]/);
    assert.deepEqual((await weir.logs()).map((r) => [r.provider, r.success]).reverse(),
        ['anthropic', 'openai', 'anthropic', 'google-ai-studio', 'google-ai-studio'].map((slug) => [slug, true]));
    for (const code of blocks('python', page)) execFileSync('python3', ['-c', 'import sys; compile(sys.argv[1], "compat.md", "exec")', code]);
});

test('the Python example is Python, for an address that exists', async (t) => {
    const { weir, fill } = await world(t);
    const [code, ...more] = blocks('python');
    assert.equal(more.length, 0);
    execFileSync('python3', ['-c', 'import sys; compile(sys.argv[1], "README", "exec")', code]);
    const base = /base_url="([^"]+)"/.exec(fill(code))[1];
    assert.equal(base, `${weir.base}/openai`);
});

test('the Universal endpoint by example', async (t) => {
    const { weir, fill } = await world(t);
    const page = read('docs/universal.md');
    const [command] = blocks('sh', page);
    const [step] = blocks('json', page);
    const ask = async (code) => JSON.parse((await run('sh', ['-c', `${fill(code).trim()} -s`])).stdout);
    assert.equal((await ask(command)).type, 'message', 'Claude answers');
    const failing = command.replace('"anthropic-version"', '"x-mock": "529", "anthropic-version"');
    assert.equal((await ask(failing)).object, 'chat.completion', 'GPT does');
    assert.deepEqual((await weir.logs()).map((r) => [r.provider, r.status_code, r.step, r.weir.attempt]),
        [['openai', 200, 1, 0], ['anthropic', 529, 0, 1], ['anthropic', 529, 0, 0], ['anthropic', 200, 0, 0]]);
    const a = await weir.request({ path: weir.path('').slice(0, -1), body: fill(step), headers: { 'Content-Type': 'application/json' } });
    assert.equal(a.status, 200, a.text);
    const row = await weir.log(a.header('cf-aig-log-id'));
    assert.deepEqual([row.metadata, row.weir.no_payload], [{ team: 'search' }, true]);
});
