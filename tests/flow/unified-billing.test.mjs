// SPDX-License-Identifier: Apache-2.0
// Unified Billing: the operator's keys, the ledger they are charged to, and who is refused (control plane section 12).
import test from 'node:test';
import assert from 'node:assert/strict';
import Cloudflare from 'cloudflare';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ACCOUNT, BIN, startWeir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';
import { once } from './lib/http.mjs';

const KEY = 'sk-operator-key-0123456789abcdef';
const ANT = 'sk-ant-operator-key-0123456789abcdef';
const JSON_TYPE = { 'Content-Type': 'application/json' };
const CHAT = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'ping' }] };
const NO_MONEY = 'Insufficient balance; add money to your gateway or use BYOK';

const answer = (prompt, completion, model = 'gpt-4o-mini') => ({
    id: 'chatcmpl-1', object: 'chat.completion', model, choices: [{ index: 0, message: { role: 'assistant', content: 'pong' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
});

/** weir ... beside the daemon. */
function cli(weir, args, input = '') {
    const done = spawnSync(BIN, args, { input, env: { PATH: process.env.PATH, WEIR_DATA: path.join(weir.dir, 'data'), ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '' } });
    return { code: done.status, out: done.stdout.toString(), err: done.stderr.toString() };
}

async function world(t, { script, gateway = {}, keys = { openai: KEY }, usd, ...options } = {}) {
    const up = await startUpstream(t, script ?? ((req, res) => res.json(200, answer(1000, 100), { 'openai-organization': 'org-of-the-operator' })));
    const weir = await startWeir(t, { providers: { openai: up.origin, anthropic: up.origin }, gateway: 'team', ...options });
    await weir.createGateway({ id: 'team', authentication: true, ...gateway });
    const billing = async (rest, method = 'GET', body) => {
        const a = await weir.api(method, `/billing/${rest}`, body);
        assert.equal(a.status, 200, a.text);
        return a.json.result;
    };
    for (const [slug, secret] of Object.entries(keys)) await billing(`keys/${slug}`, 'PUT', { secret });
    if (usd) await billing('topup', 'POST', { amount: usd * 100, weir_note: 'a test' });
    const chat = (body = {}, headers = {}, more = {}) => weir.request({ to: 'openai/chat/completions', body: JSON.stringify({ ...CHAT, ...body }), headers: { ...JSON_TYPE, ...headers }, ...more });
    const ai = (rest, body) => once(weir.port, { method: 'POST', path: `/client/v4/accounts/${ACCOUNT}/ai/${rest}`,
        headers: [['Authorization', `Bearer ${TOKEN}`], ['cf-aig-gateway-id', 'team'], ['Content-Type', 'application/json']], body: JSON.stringify(body) });
    /** Cents. */
    const balance = async () => (await billing('credit-balance')).balance;
    return { up, weir, billing, chat, ai, balance };
}

/** What each call of the script above costs, in cents: 1000 tokens at $0.15 and 100 at $0.60 for a million. */
const CENTS = 0.021;
const near = (got, want) => assert.ok(Math.abs(got - want) < 1e-9, `${got}, not ${want}`);

test('calls without a key are made with the operator’s, and charged', async (t) => {
    const { up, weir, chat, ai, balance } = await world(t, { usd: 25 });
    assert.equal(await balance(), 2500);
    let a = await chat({}, { 'OpenAI-Organization': 'org-mine' });
    assert.equal(a.status, 200, a.text);
    assert.equal(up.last.header('authorization'), `Bearer ${KEY}`);
    assert.equal(up.last.header('openai-organization'), undefined);
    assert.equal(a.header('openai-organization'), undefined);
    const row = await weir.log(a.header('cf-aig-log-id'));
    assert.equal(row.wholesale, true);
    assert.equal(row.byok, false);
    near(row.cost, CENTS / 100);
    near(await balance(), 2500 - CENTS);
    // every surface
    a = await weir.request({ to: 'compat/chat/completions', body: JSON.stringify({ ...CHAT, model: 'openai/gpt-4o-mini' }), headers: JSON_TYPE });
    assert.equal(a.status, 200, a.text);
    a = await weir.request({ to: '', body: JSON.stringify([{ provider: 'openai', endpoint: 'chat/completions', query: CHAT }]), headers: JSON_TYPE });
    assert.equal(a.status, 200, a.text);
    a = await ai('v1/chat/completions', { ...CHAT, model: 'openai/gpt-4o-mini' });
    assert.equal(a.status, 200, a.text);
    a = await ai('run', { model: 'openai/gpt-4o-mini', input: { messages: CHAT.messages } });
    assert.deepEqual(a.json.gatewayMetadata, { keySource: 'Unified' });
    near(await balance(), 2500 - 5 * CENTS);
    // the caller's own price is in the log, and not what is charged
    a = await chat({}, { 'cf-aig-custom-cost': '{"per_token_in":0,"per_token_out":0}' });
    assert.equal((await weir.log(a.header('cf-aig-log-id'))).cost, 0);
    near(await balance(), 2500 - 6 * CENTS);
    // an answer from the cache costs nothing
    for (let i = 0; i < 2; i++) await chat({}, { 'cf-aig-cache-ttl': '60' });
    near(await balance(), 2500 - 7 * CENTS);
    a = await chat({}, { 'weir-trace': 'explain' });
    assert.equal(a.json.targets[0].credential, 'unified');
    assert.equal(a.json.answer.by, 'provider');
});

test('who has no credits is refused, on each surface in its own words', async (t) => {
    const { up, weir, chat, ai } = await world(t, { keys: { openai: KEY, anthropic: ANT } });
    let a = await chat();
    assert.equal(a.status, 402);
    assert.deepEqual(a.json, { success: false, result: [], messages: [], error: [{ code: 2021, message: NO_MONEY }], name: 'AiGatewayError',
        httpCode: 402, internalCode: 2021, message: NO_MONEY, description: 'Insufficient AI Gateway credits' });
    const row = await weir.log(a.header('cf-aig-log-id'));
    assert.deepEqual([row.status_code, row.success, row.cost], [402, false, 0]);
    const openai = { error: { message: NO_MONEY, type: 'gateway_error', code: null } };
    a = await ai('v1/chat/completions', { ...CHAT, model: 'openai/gpt-4o-mini' });
    assert.deepEqual([a.status, a.json], [402, openai]);
    a = await ai('v1/responses', { model: 'openai/gpt-4o-mini', input: 'ping' });
    assert.deepEqual([a.status, a.json], [402, openai]);
    a = await ai('v1/messages', { ...CHAT, model: 'anthropic/claude-sonnet-4-5', max_tokens: 9 });
    assert.equal(a.status, 402);
    assert.deepEqual([a.json.type, a.json.error.message], ['error', NO_MONEY]);
    a = await ai('run', { model: 'openai/gpt-4o-mini', input: { messages: CHAT.messages } });
    assert.deepEqual([a.status, a.json], [402, { result: null, success: false, errors: [{ code: 2021, message: NO_MONEY }], messages: [] }]);
    a = await chat({}, { 'weir-trace': 'explain' });
    assert.deepEqual([a.json.answer.by, a.json.targets[0].refused], ['gateway', NO_MONEY]);
    // the next step of a Universal request is tried
    const steps = [{ provider: 'openai', endpoint: 'chat/completions', query: CHAT },
        { provider: 'openai', endpoint: 'chat/completions', query: CHAT, headers: { authorization: 'Bearer sk-mine' } }];
    a = await weir.request({ to: '', body: JSON.stringify(steps), headers: JSON_TYPE });
    assert.equal(a.status, 200, a.text);
    assert.deepEqual(up.requests.map((r) => r.header('authorization')), ['Bearer sk-mine']);
    // a gateway without authentication serves callers with a token, and nobody else
    await weir.createGateway({ id: 'open', authentication: false });
    a = await chat({}, {}, { gateway: 'open', auth: false });
    assert.equal(a.status, 402);
    assert.equal(a.json.error[0].message, 'Gateway authentication is required to use unified billing');
    assert.equal(up.requests.length, 1);
});

test('what is not covered, or forbidden, goes without the operator’s key', async (t) => {
    const { up, weir, chat, ai, balance } = await world(t, { usd: 10, script: (req, res) => res.json(200, answer(10, 10, 'no-such-model')) });
    const key = () => up.last.header('authorization');
    await chat({}, { Authorization: 'Bearer sk-mine' });
    assert.equal(key(), 'Bearer sk-mine');
    await chat({ model: 'no-such-model' }); // a call without a price must not be free
    assert.equal(key(), undefined);
    await weir.request({ to: 'openai/files' }); // what is the operator's own is not the tenants'
    assert.equal(key(), undefined);
    let a = await ai('v1/chat/completions', { ...CHAT, model: 'openai/no-such-model' });
    assert.equal(a.status, 400);
    assert.equal(a.json.error.message, 'This model is not available via unified billing. Please use BYOK.');
    a = await ai('run', { model: 'openai/no-such-model', input: { messages: CHAT.messages } });
    assert.deepEqual([a.status, a.json.errors[0].message], [400, 'This model is not available via unified billing. Please use BYOK.']);
    a = await chat({}, { 'cf-aig-no-wholesale': 'true' });
    assert.equal(a.status, 400);
    assert.equal(a.json.internalCode, 2040);
    await weir.createGateway({ id: 'own', authentication: true, byok_only: true });
    a = await chat({}, {}, { gateway: 'own' });
    assert.deepEqual([a.status, a.json.internalCode], [400, 2040]);
    const stored = { provider_slug: 'openai', alias: 'default', default_config: true, secret: 'sk-stored-in-the-gateway' };
    assert.equal((await weir.api('POST', '/gateways/team/provider_configs', stored)).status, 200);
    await chat();
    assert.equal(key(), 'Bearer sk-stored-in-the-gateway');
    assert.equal(await balance(), 1000);
});

test('many at once do not spend the same money', async (t) => {
    const usd = 10; // a call costs 6 cents for the prompt and 24 for the answer; about as much is reserved
    const { up, weir, chat, balance } = await world(t, { usd, workers: 2, script: async (req, res) => {
        await new Promise((r) => setTimeout(r, 5));
        res.json(200, answer(400000, 400000));
    } });
    await weir.createGateway({ id: 'more', authentication: true });
    let served = 0, refused = 0;
    const client = async (i) => {
        for (;;) {
            const a = await chat({ max_tokens: 500000 }, {}, { gateway: i % 2 ? 'more' : 'team' });
            if (a.status === 200) served++;
            else {
                assert.equal(a.status, 402, a.text);
                refused++;
                if ((await balance()) <= 0) return;
            }
        }
    };
    await Promise.all(Array.from({ length: 32 }, (_, i) => client(i)));
    const left = await balance();
    near(left, usd * 100 - served * 30);
    assert.ok(left <= 0 && left > -30, `${left} cents are left`);
    assert.ok(refused >= 32);
    assert.equal(up.requests.length, served);
});

test('a balance outlives the daemon, however it ends', async (t) => {
    const first = await world(t, { usd: 25, config: { durability: 'sync' } });
    for (let i = 0; i < 3; i++) await first.chat();
    await first.weir.kill(); // its answers were sent after their rows and charges were committed
    const again = await startWeir(t, { ...first.weir.options, dir: first.weir.dir });
    const left = async (w) => (await w.api('GET', '/billing/credit-balance')).json.result.balance;
    near(await left(again), 2500 - 3 * CENTS);
    assert.equal((await again.request({ to: 'openai/chat/completions', body: JSON.stringify(CHAT), headers: JSON_TYPE })).status, 200);
    await again.stop();
    const last = await startWeir(t, { ...first.weir.options, dir: first.weir.dir });
    near(await left(last), 2500 - 4 * CENTS);
});

test('an answer that is cut is charged for what came', async (t) => {
    const chunk = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'word ' } }] })}\n\n`;
    const { weir, balance } = await world(t, { usd: 25, script: async (req, res) => {
        await res.head(200, { 'Content-Type': 'text/event-stream', 'Transfer-Encoding': 'chunked' });
        for (let i = 0; i < 50; i++) await res.chunk(chunk);
    } });
    const c = await weir.connect();
    await c.request({ method: 'POST', path: weir.path('openai/chat/completions'), headers: weir.headers(JSON_TYPE), body: JSON.stringify({ ...CHAT, stream: true }) });
    await c.until('some of the stream', () => c.received > 1000);
    c.close();
    await poll('the charge', async () => (await balance()) < 2500);
    const cost = 2500 - (await balance());
    assert.ok(cost > 0.0005 && cost < 0.1, `${cost} cents`);
});

test('the operator’s key is nowhere', async (t) => {
    const { weir, chat, ai } = await world(t, { usd: 25, script: (req, res) => res.json(401, { error: { message: `Incorrect API key provided: ${req.header('authorization')}` } }) });
    const bare = new RegExp(KEY.slice(3));
    let a = await chat();
    assert.equal(a.status, 503);
    assert.equal(a.json.internalCode, 2047);
    assert.doesNotMatch(a.text, bare);
    a = await ai('run', { model: 'openai/gpt-4o-mini', input: { messages: CHAT.messages } });
    assert.deepEqual([a.status, a.json.success], [503, false]);
    const rows = await weir.waitLogs(2);
    for (const row of rows) {
        assert.doesNotMatch(JSON.stringify(await weir.log(row.id)), bare);
        assert.equal(row.cost, 0);
        for (const which of ['request', 'response']) assert.doesNotMatch((await weir.logBody(row.id, which)).text, bare);
    }
    const keys = (await weir.api('GET', '/billing/keys')).json.result;
    assert.deepEqual([keys[0].provider_slug, keys[0].status, keys[0].secret_preview], ['openai', 'failing', `sk-…${KEY.slice(-4)}`]);
    assert.doesNotMatch((await once(weir.port, { path: `/client/v4/accounts/${ACCOUNT}/audit_logs`, headers: [['Authorization', `Bearer ${TOKEN}`]] })).text, bare);
    await weir.stop();
    assert.doesNotMatch(weir.output, bare);
    for (const file of fs.readdirSync(path.join(weir.dir, 'data'), { recursive: true, withFileTypes: true }))
        if (file.isFile()) assert.ok(!fs.readFileSync(path.join(file.parentPath, file.name)).includes(KEY), file.name);
});

test('200 calls a minute for each gateway', async (t) => {
    const { chat } = await world(t, { usd: 1000, workers: 2 });
    const first = 60 - (Math.floor(Date.now() / 1000) % 60);
    if (first < 10) await new Promise((r) => setTimeout(r, first * 1000 + 50)); // all of them in one window
    const got = { 200: 0, 429: 0 };
    for (let i = 0; i < 7; i++) for (const a of await Promise.all(Array.from({ length: 30 }, () => chat()))) got[a.status]++;
    assert.deepEqual(got, { 200: 200, 429: 10 });
    const a = await chat();
    assert.equal(a.json.internalCode, 2003);
    assert.equal((await chat({}, { Authorization: 'Bearer sk-mine' })).status, 200); // other calls are not counted
});

test('the billing endpoints, through Cloudflare’s client', async (t) => {
    const { weir, chat } = await world(t, { usd: 25 });
    const client = new Cloudflare({ apiToken: TOKEN, baseURL: `http://127.0.0.1:${weir.port}/client/v4` });
    const billing = client.aiGateway.billing, account_id = ACCOUNT;
    for (let i = 0; i < 3; i++) await chat();
    await chat({ model: 'gpt-4.1-mini' }); // priced by the model that the answer names
    const none = { amount: null, threshold: null, disabledReason: null, error: null, lastFailedAt: null };
    const b = await billing.creditBalance({ account_id });
    near(b.balance, 2500 - 4 * CENTS);
    assert.deepEqual({ ...b, balance: 0 }, { balance: 0, has_default_payment_method: false, payment_method: null, topup_config: none, first_topup_success: true });
    const preview = await billing.invoicePreview({ account_id });
    near(preview.amount_due, 4 * CENTS);
    assert.deepEqual([preview.status, preview.currency, preview.amount_remaining], ['draft', 'usd', 0]);
    assert.deepEqual(preview.invoice_lines.map((l) => [l.description, l.quantity]), [['openai/gpt-4.1-mini', 1], ['openai/gpt-4o-mini', 3]]);
    near(preview.invoice_lines[1].amount, 3 * CENTS);
    assert.equal(preview.period_start, Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth()) / 1000);
    for (const value_grouping_window of ['day', 'hour']) {
        const { history } = await billing.usageHistory({ account_id, value_grouping_window });
        near(history.reduce((sum, h) => sum + h.aggregated_value, 0), 4 * CENTS);
        assert.equal(history[0].end_time - history[0].start_time, value_grouping_window === 'day' ? 86400000 : 3600000);
        const past = await billing.usageHistory({ account_id, value_grouping_window, start_time: 0, end_time: 86400000 });
        assert.deepEqual(past.history, []);
    }
    await assert.rejects(billing.usageHistory({ account_id }), (e) => e.status === 400);
    const topup = await billing.topup.create({ account_id, amount: 5000 });
    assert.deepEqual([topup.client_secret, topup.onboarding], [null, true]);
    assert.deepEqual(await billing.topup.status({ account_id, payment_intent_id: topup.payment_intent_id }), { payment_intent_id: topup.payment_intent_id, status: 'completed' });
    await assert.rejects(billing.topup.status({ account_id, payment_intent_id: 'in_1abc' }), (e) => e.status === 404);
    await assert.rejects(billing.topup.create({ account_id, amount: 999 }), (e) => e.status === 400);
    const { invoices, pagination } = await billing.invoiceHistory({ account_id, type: 'manual' });
    assert.deepEqual(invoices.map((i) => [i.amount_paid, i.description, i.created_by, i.status]), [[5000, 'Top-up', 'root', 'paid'], [2500, 'a test', 'root', 'paid']]);
    assert.deepEqual(pagination, { has_more: false, page: 1, per_page: 20, total_count: 2 });
    assert.deepEqual((await billing.invoiceHistory({ account_id, type: 'auto' })).invoices, []); // no month is over
    assert.deepEqual(await billing.topup.config.get({ account_id }), none);
    for (const refused of [() => billing.topup.config.create({ account_id, amount: 5000, threshold: 500 }), () => billing.topup.config.delete({ account_id }),
        () => billing.spendingLimit.create({ account_id, amount: 100, duration: 'daily', strategy: 'fixed' })])
        await assert.rejects(refused(), (e) => e.status === 403);
    assert.deepEqual(await billing.spendingLimit.get({ account_id }), { config: { amount: null, duration: null, strategy: null }, enabled: false });
    await billing.spendingLimit.delete({ account_id });
    const limits = await weir.api('GET', '/billing/topup/limits');
    assert.deepEqual(limits.json.result, { min_cents: 1000, max_cents: 100000000, currency: 'usd' });
    near((await billing.creditBalance({ account_id })).balance, 7500 - 4 * CENTS);
});

test('only the operator moves money and sees the keys', async (t) => {
    const { weir, balance } = await world(t, { usd: 25 });
    const account = cli(weir, ['account', 'create']).out; // its token may do everything, in its account
    const [, other, token] = /account (\S+)\ntoken (\S+)/.exec(account);
    const call = (method, rest, as, at = ACCOUNT, body) => once(weir.port, { method, path: `/client/v4/accounts/${at}/ai-gateway/billing/${rest}`,
        headers: [['Authorization', `Bearer ${as}`], ['Content-Type', 'application/json']], body: body && JSON.stringify(body) });
    await poll('the new account', async () => (await call('GET', 'credit-balance', token, other)).status === 200);
    const money = { amount: 5000 };
    let a = await call('POST', 'topup', token, other, money);
    assert.deepEqual([a.status, a.json.success, a.json.result], [403, false, null]);
    for (const [method, rest, body] of [['GET', 'keys'], ['PUT', 'keys/openai', { secret: 'sk-another-one-0123456789' }], ['DELETE', 'keys/openai']])
        assert.equal((await call(method, rest, token, other, body)).status, 403, rest);
    assert.equal((await call('GET', 'credit-balance', token)).status, 403); // another's
    assert.equal((await call('POST', 'topup', TOKEN, other, money)).status, 200); // the operator's token, in any account
    assert.equal((await call('GET', 'credit-balance', token, other)).json.result.balance, 5000);
    assert.equal(await balance(), 2500);
    assert.equal((await call('DELETE', 'keys/openai', TOKEN)).json.result.provider_slug, 'openai');
    assert.deepEqual((await call('GET', 'keys', TOKEN)).json.result, []);
    assert.equal((await call('PUT', 'keys/no-such', TOKEN, ACCOUNT, { secret: 'sk-another-one-0123456789' })).status, 404);
});

test('weir credits and weir keys unified, beside a running daemon', async (t) => {
    const { weir, chat, balance, up } = await world(t, { keys: {} });
    const data = ['--data', path.join(weir.dir, 'data')];
    const set = () => cli(weir, ['keys', 'unified', 'set', 'openai', ...data], `${KEY}\n`);
    assert.equal(cli(weir, ['keys', 'unified', 'set', 'no-such', ...data], 'sk').code, 1);
    assert.equal(set().code, 0);
    let done = cli(weir, ['credits', 'add', '--usd', '25.50', '--note', 'an invoice', ...data]);
    assert.match(done.out, /has 25\.5 USD now/, done.err);
    done = cli(weir, ['credits', 'correct', '--usd', '-0.25', '--note', 'a mistake', ...data]);
    assert.match(done.out, /has 25\.25 USD now/, done.err);
    for (const bad of [['add', '--usd', '-1'], ['add', '--usd', 'x'], ['correct', '--usd', '1'], ['add'], ['spend']])
        assert.equal(cli(weir, ['credits', ...bad, ...data]).code, 2, bad.join(' '));
    await poll('the daemon to know', async () => (await balance()) === 2525 && (await chat()).status === 200 && up.last.header('authorization') === `Bearer ${KEY}`);
    done = cli(weir, ['credits', 'show', ...data]);
    assert.match(done.out, /has 25\.2[0-9]+ USD/);
    assert.match(done.out, /correction +-0\.25 +25\.25 +.*a mistake\n.*top-up +25\.5 +25\.5 +.*an invoice/);
    done = cli(weir, ['keys', 'rotate', ...data]);
    assert.equal(done.code, 0, done.err);
    assert.match(cli(weir, ['keys', 'unified', 'list', ...data]).out, /openai +sealed/);
    assert.equal((await chat()).status, 200);
    assert.equal(cli(weir, ['keys', 'unified', 'delete', 'openai', ...data]).code, 0);
    await poll('the daemon to know', async () => (await chat()).status === 200 && up.last.header('authorization') === undefined);
});
