// SPDX-License-Identifier: Apache-2.0
// The dashboard in Chromium, served by the real daemon, with traffic of the mock behind it.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import zlib from 'node:zlib';
import { startMock, startWeir } from '../flow/lib/weir.mjs';
import { poll } from '../flow/lib/wait.mjs';
import { assertAccessible, assertLooks, openWindow, signIn, startBrowser, turnTo } from './lib/browser.mjs';
import { everyKind, hostile, plenty, XSS } from './lib/traffic.mjs';

const PROVIDERS = ['openai', 'anthropic', 'google-ai-studio', 'groq'];
let browser, weir, base, rows, ids, xssId;
const ends = [];

before(async () => {
    const t = { after: (f) => ends.push(f) };
    const mock = await startMock(t);
    weir = await startWeir(t, { providers: Object.fromEntries(PROVIDERS.map((p) => [p, `${mock.origin}/${p}`])) });
    base = `http://127.0.0.1:${weir.port}`;
    browser = await startBrowser();
    ids = await everyKind(weir);
    await plenty(weir, 120);
    xssId = await hostile(weir);
    rows = 133;
    await poll('rows', async () => (await weir.api('GET', '/gateways/default/logs?per_page=1')).json.result_info?.total_count === rows);
});
after(async () => {
    await browser?.close();
    for (const end of ends) await end();
});

/** A window that is signed in with the root token. */
async function window(t, { token = weir.token, at = '/', expected = [], ...options } = {}) {
    const w = await openWindow(browser, base, { ...options, expected: [403, ...expected] }); // 403: who is there? nobody yet
    t.after(() => w.close());
    await signIn(w.page, token, at);
    return w.page;
}
const toast = (page, text) => page.locator('.toast', { hasText: text }).first().waitFor();

test('the page is small, brings its policy, and asks nobody else', async () => {
    const html = await fetch(`${base}/`, { headers: { accept: 'text/html' } });
    const policy = html.headers.get('content-security-policy'), text = await html.text();
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    const parts = await Promise.all([...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(async ([, at]) => Buffer.from(await (await fetch(base + at)).arrayBuffer())));
    assert.ok(parts.length >= 3, text);
    const size = [Buffer.from(text), ...parts].reduce((n, b) => n + zlib.gzipSync(b).length, 0);
    assert.ok(size <= 200 * 1024, `${size} bytes`);
    assert.doesNotMatch(text, /<script>|<style| style=| on\w+=/);
});

test('signing in and out', async (t) => {
    const { page, context, close } = await openWindow(browser, base, { expected: [403] });
    t.after(close);
    await page.goto('/gateways/default/logs?q=groq');
    await page.getByLabel('Token').fill('not-a-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: 'opens nothing' }).waitFor();
    await page.getByLabel('Token').fill(weir.token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Logs' }).waitFor(); // the deep link is still there
    await page.getByText(/default: \d+ match/).waitFor();
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, await page.evaluate('document.cookie')], [true, 'Strict', '']);
    assert.equal(await page.evaluate((k) => JSON.stringify({ ...localStorage, ...sessionStorage }).includes(k), weir.token), false);
    await page.reload();
    await page.getByRole('heading', { name: 'Logs' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to weir' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in to weir' }).waitFor();
});

const PAGES = [
    ['overview', '/', 'row', 'default'], ['analytics', '/gateways/default?range=1h', 'heading', 'Providers'], ['logs', '/gateways/default/logs', 'row', '429'],
    ['settings', '/gateways/default/settings', 'textbox', 'Rows kept'], ['keys', '/gateways/default/keys', 'heading', 'No key is stored'], ['domains', '/gateways/default/domains', 'heading', 'No domain of its own'], ['connect', '/gateways/default/start', 'status', 'Requests arrive'],
    ['policies', '/gateways/default/policies', 'heading', 'Policies'], ['evaluations', '/gateways/default/evaluations', 'heading', 'Evaluations'], ['routes', '/gateways/default/routes', 'heading', 'Dynamic routes'],
    ['providers', '/providers', 'heading', 'No provider of your own'], ['users', '/users', 'row', 'u-1'], ['tokens', '/tokens', 'row', 'root'], ['playground', '/playground', 'heading', 'Playground'], ['billing', '/billing', 'heading', 'Billing'], ['audit', '/audit', 'listitem', 'created'], ['new', '/new', 'textbox', 'Name'], ['nowhere', '/nowhere', 'heading', 'no such page'],
];

test('every page is accessible, wide and narrow, light and dark', async (t) => {
    const page = await window(t);
    for (const [name, at, role, text] of PAGES) {
        await turnTo(page, at);
        await page.getByRole(role, { name: text }).or(page.getByRole(role).filter({ hasText: text })).first().waitFor();
        await page.waitForFunction(() => !document.querySelector('.skeleton'));
        await assertLooks(page, name);
    }
    await turnTo(page, `/gateways/default/logs?log=${ids[7]}`);
    for (const tab of ['Conversation', 'Raw', 'Details']) {
        await page.getByRole('dialog').getByRole('button', { name: tab }).click();
        await assertLooks(page, `drawer-${tab.toLowerCase()}`);
    }
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Page or gateway' }).waitFor();
    await assertLooks(page, 'palette');
});

test('numbers are those of the traffic; a bar leads to its requests', async (t) => {
    const page = await window(t, { at: '/gateways/default?range=1h' });
    assert.equal(await page.locator('.figure', { hasText: 'Requests' }).locator('dd').first().innerText(), String(rows));
    assert.match(await page.locator('.figure', { hasText: 'Errors' }).innerText(), /22 failed/);
    await page.getByRole('region', { name: 'Status' }).getByRole('link', { name: '429' }).click();
    await page.getByRole('button', { name: 'Remove the filter: Status is 429' }).waitFor();
    await page.getByText('default: 11 match').waitFor();
    assert.deepEqual([...new Set(await page.locator('.row-space .c-status').allInnerTexts())], ['429']);
    await page.goBack();
    await page.getByRole('region', { name: 'Models' }).getByRole('link', { name: 'llama' }).click();
    await page.getByText('default: 11 match').waitFor();
});

test('filters, a row, an opinion', async (t) => {
    const page = await window(t, { at: '/gateways/default/logs' });
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByLabel('What').selectOption('provider');
    await page.getByLabel('Value').fill('anthropic');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('default: 22 match').waitFor();
    assert.equal(new URL(page.url()).searchParams.get('f'), 'provider:eq:anthropic');
    await page.keyboard.press('/');
    await page.keyboard.type('support');
    await page.waitForURL(/q=support/);
    await page.reload(); // all of it is in the address
    await page.getByRole('button', { name: 'Remove the filter: Provider is anthropic' }).waitFor();
    await page.locator('.row-space .plain').first().click();
    const row = page.getByRole('dialog');
    await row.getByRole('article', { name: 'system' }).getByText('You are a poet.').waitFor();
    await row.getByRole('article', { name: 'Answer' }).getByText('You said: "Write a line about water."').waitFor();
    await row.getByRole('button', { name: 'Good answer' }).click();
    await toast(page, 'Saved');
    await row.getByLabel('Score, 0 to 100').fill('87.5');
    await row.getByRole('button', { name: 'Set' }).click();
    const id = new URL(page.url()).searchParams.get('log');
    await poll('the opinion', async () => { const { feedback, score } = (await weir.log(id)); return feedback === 1 && score === 87.5; });
    await page.keyboard.press('Escape');
    await row.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /Remove the filter: Provider/ }).click();
    await page.waitForURL((u) => !u.searchParams.has('f'));
    await page.goto(`/gateways/default/logs?f=${encodeURIComponent('feedback:eq:1')}`);
    await page.getByText('default: 1 match').waitFor();
});

test('where the time went: all attempts on one line, one leads to the next; a note is kept as text', async (t) => {
    await weir.createGateway({ id: 'trail' });
    const chat = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'ping' }] };
    const answer = await weir.request({ method: 'POST', path: `/v1/${weir.account}/trail`, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify([
        { provider: 'openai', endpoint: 'chat/completions', headers: { Authorization: 'Bearer sk-1', 'x-mock': '500' }, query: chat, config: { maxAttempts: 2, retryDelay: 20 } },
        { provider: 'groq', endpoint: 'chat/completions', headers: { Authorization: 'Bearer sk-1' }, query: { ...chat, model: 'llama-3.3-70b-versatile' } }]) });
    const page = await window(t, { at: `/gateways/trail/logs?log=${answer.header('cf-aig-log-id')}` });
    const drawer = page.getByRole('dialog'), attempts = drawer.getByRole('list', { name: 'Attempts' }).getByRole('listitem');
    await attempts.nth(2).waitFor();
    assert.deepEqual(await attempts.evaluateAll((all) => all.map((li) => li.getAttribute('aria-current'))), [null, null, 'true']);
    assert.match(await attempts.nth(1).innerText(), /openai\/gpt-4o-mini[^]*500[^]*after \d[^]*The mock provider answers 500/);
    const lefts = await attempts.locator('.lane').evaluateAll((lanes) => lanes.map((l) => l.querySelector('.trail-bar').getBoundingClientRect().left));
    assert.ok(lefts[0] < lefts[1] && lefts[1] < lefts[2], lefts.join());
    await drawer.getByText('As a table').click();
    const table = await drawer.getByRole('table').filter({ hasText: 'Begins' }).getByRole('row').allInnerTexts();
    assert.ok(table.some((r) => /^2\. openai\/gpt-4o-mini\s+pause before a try\s/.test(r)), table.join(' | '));
    await assertLooks(page, 'attempts');
    await drawer.getByRole('button', { name: /^Open attempt 1: openai.gpt-4o-mini, 500/ }).click();
    await drawer.getByRole('article', { name: 'Error' }).waitFor();
    assert.deepEqual(await attempts.evaluateAll((all) => all.map((li) => li.getAttribute('aria-current'))), ['true', null, null]);

    await drawer.getByRole('button', { name: 'Add a note' }).click();
    await drawer.getByLabel('Note').fill('x'.repeat(10_001));
    await drawer.getByText('10,001 bytes, 10,000 are kept').waitFor();
    assert.equal(await drawer.getByRole('button', { name: 'Save the note' }).isDisabled(), true);
    await drawer.getByLabel('Note').fill(XSS);
    await drawer.getByRole('button', { name: 'Save the note' }).click();
    await toast(page, 'Saved');
    const id = new URL(page.url()).searchParams.get('log');
    assert.equal((await weir.log(id, 'trail')).weir.note, XSS);
    await page.goto(`/gateways/trail/logs?log=${id}&f=${encodeURIComponent('weir_note:contains:onerror')}`);
    await page.getByText('trail: 1 match').waitFor();
    assert.equal(await drawer.getByLabel('Note').inputValue(), XSS);
    await drawer.getByLabel('Note').fill('');
    await drawer.getByRole('button', { name: 'Save the note' }).click();
    await toast(page, 'The note is gone');
    assert.equal((await weir.log(id, 'trail')).weir.note, null);
    await weir.api('PATCH', `/gateways/trail/logs/${id}`, { weir_note: XSS });
    const made = await fetch(`${base}/client/v4/accounts/${weir.account}/tokens`, { method: 'POST', headers: { authorization: `Bearer ${weir.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'reads notes', policies: [{ effect: 'allow', permission_groups: [{ name: 'AI Gateway Read' }], resources: { [`com.cloudflare.api.account.${weir.account}`]: '*' } }] }) });
    const only = await window(t, { token: (await made.json()).result.value, at: `/gateways/trail/logs?log=${id}` }); // who may not write reads it
    await only.getByRole('region', { name: 'Note' }).getByText(XSS, { exact: true }).waitFor();
    assert.equal(await only.evaluate('window.xss'), undefined);
});

test('conversations of every dialect', async (t) => {
    const page = await window(t);
    const said = async (i) => {
        await page.goto(`/gateways/default/logs?log=${ids[i]}`);
        await page.locator('.turn').first().waitFor();
        return (await page.locator('.turn').allInnerTexts()).map((s) => s.replace(/\s+/g, ' ').toLowerCase());
    };
    assert.deepEqual((await said(0)).map((s) => s.split(' ')[0]), ['system', 'user', 'answer']);
    await page.goto(`/gateways/default/logs?log=${ids[2]}`);
    await page.getByText('Tools offered: get_weather').waitFor();
    await said(3);
    assert.equal(await page.locator('.picture').evaluate((i) => i.naturalWidth), 1);
    assert.match((await said(4)).join(), /answer in a list.*name three fish.*you said/);
    assert.match((await said(7)).join(), /calls get_weather.*oslo.*result of toolu_1.*4 degrees, rain.*answer/);
    assert.match((await said(8)).join(), /be brief.*how deep is a river\?.*you said/);
    assert.match((await said(10)).join(), /this one fails.*error the mock provider answers 500/);
});

test('the list stays short in the page, whatever its length; live shows what comes', async (t) => {
    const page = await window(t, { at: '/gateways/default/logs' });
    await page.locator('.row-space .plain').first().waitFor();
    assert.equal(await page.getByRole('table', { name: 'Log' }).getAttribute('aria-rowcount'), String(rows + 1));
    assert.ok(await page.locator('.row-space .row').count() < 40);
    await page.locator('.row-view').evaluate((el) => { el.scrollTop = el.scrollHeight; });
    await page.locator(`.row-space [aria-rowindex="${rows + 1}"] .plain`).waitFor();
    await page.getByRole('button', { name: 'Live' }).click();
    await weir.createGateway({ id: 'lively' });
    await page.goto('/gateways/lively/logs?live=yes');
    await page.getByRole('heading', { name: 'No request yet' }).waitFor();
    await plenty(weir, 1, 'lively');
    await page.getByRole('button', { name: 'gpt-4o-mini' }).waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'JSON' }).click()]);
    await toast(page, 'lively.ndjson has 1 of them');
    assert.equal(JSON.parse(fs.readFileSync(await download.path(), 'utf8').trim()).model, 'gpt-4o-mini');
    await page.getByRole('button', { name: 'Delete all rows' }).click();
    await page.getByRole('textbox', { name: 'Type lively' }).fill('lively');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete 1 row' }).click();
    await toast(page, '1 row is deleted');
    await page.getByRole('heading', { name: 'No request yet' }).waitFor();
});

test('markup in requests is text', async (t) => {
    const page = await window(t, { at: `/gateways/default/logs?log=${xssId}`, expected: [404] }); // there is no gateway called so
    for (const role of ['system', 'user', 'tool']) await page.getByRole('article', { name: role }).getByText(XSS, { exact: true }).waitFor();
    await page.getByText('javascript:window.xss=3', { exact: true }).waitFor();
    for (const tab of ['Raw', 'Details']) {
        await page.getByRole('dialog').getByRole('button', { name: tab }).click();
        await page.getByRole('dialog').getByText('<img src=x', { exact: false }).first().waitFor();
    }
    await page.goto('/gateways/default/logs');
    await page.getByRole('button', { name: XSS }).waitFor();
    await page.goto(`/gateways/default/logs?f=${encodeURIComponent(`model:eq:${XSS}`)}&q=${encodeURIComponent(XSS)}`);
    await page.getByRole('button', { name: `Remove the filter: Model is ${XSS}` }).waitFor();
    await page.goto('/gateways/default?range=1h');
    await page.getByRole('region', { name: 'Models' }).getByText(XSS).waitFor();
    await page.goto(`/gateways/${encodeURIComponent(XSS)}/settings`);
    await page.getByRole('alert').waitFor();
    assert.equal(await page.evaluate('window.xss'), undefined);
});

test('settings: checked, shown as they will change, saved, and in the audit log', async (t) => {
    await weir.createGateway({ id: 'team' });
    const page = await window(t, { at: '/gateways/team/settings', expected: [400] });
    await page.getByLabel('Keep answers for').fill('-1');
    await page.getByText('Type a whole number, 0').waitFor();
    assert.equal(await page.getByRole('button', { name: /^Save/ }).isDisabled(), true);
    await page.getByLabel('Keep answers for').fill('600');
    await page.getByLabel('Require a token').check();
    await page.getByLabel('Delays grow').selectOption({ label: 'twofold each time' });
    await page.getByLabel('Answers tried again').fill('[429, "5xx"]');
    assert.deepEqual((await page.getByRole('region', { name: 'What will change' }).getByRole('listitem').allInnerTexts()).map((s) => s.replace(/\s+/g, ' ')).sort(), ['Answers tried again not set [ 429, "5xx" ]', 'Delays grow not set exponential', 'Keep answers for 0 600', 'Require a token off on']);
    await page.getByRole('button', { name: 'Save 4 changes' }).click();
    await toast(page, 'Saved');
    const got = (await weir.api('GET', '/gateways/team')).json.result;
    assert.deepEqual([got.cache_ttl, got.authentication, got.retry_backoff, got.weir_retry_statuses], [600, true, 'exponential', [429, '5xx']]);
    await page.reload();
    assert.equal(await page.getByLabel('Keep answers for').inputValue(), '600');
    await page.getByLabel('Answers tried again').fill('[1]'); // what only the API knows to be wrong
    await page.getByRole('button', { name: 'Save 1 change' }).click();
    await page.getByRole('alert').filter({ hasText: 'Saving the settings failed' }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.goto('/audit?type=update');
    await page.getByRole('listitem').filter({ hasText: 'gateway' }).first().click();
    await page.getByText('cache_ttl').waitFor();
    await page.goto('/gateways/team/settings');
    await page.getByRole('button', { name: 'Delete gateway' }).click();
    assert.equal(await page.getByRole('button', { name: 'Delete the gateway' }).isDisabled(), true);
    await page.getByRole('textbox', { name: 'Type team' }).fill('team');
    await page.getByRole('button', { name: 'Delete the gateway' }).click();
    await page.waitForURL(`${base}/`);
    assert.equal((await weir.api('GET', '/gateways/team')).status, 404);
});

test('a gateway in two clicks; its page turns green with the first request', async (t) => {
    const page = await window(t);
    await page.getByRole('button', { name: 'New gateway' }).click();
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('Waiting for the first request').waitFor();
    for (const name of ['OpenAI, Python', 'LangChain', 'curl']) await page.getByRole('button', { name, exact: true }).click();
    assert.match(await page.getByLabel('curl', { exact: true }).innerText(), new RegExp(`${base}/v1/${weir.account}/my-gateway/openai/chat/completions`));
    await plenty(weir, 1, 'my-gateway');
    await page.getByText('Requests arrive.').waitFor();
    await page.getByRole('link', { name: 'Look at it' }).click();
    await page.getByRole('article', { name: 'Answer' }).waitFor();
});

test('provider keys: stored, changed, deleted, never shown', async (t) => {
    const secret = 'sk-never-shown-0123456789';
    const page = await window(t, { at: '/gateways/default/keys' });
    await page.getByRole('button', { name: 'Add a key' }).click();
    await page.getByLabel('Provider', { exact: true }).fill('openai');
    await page.getByLabel('Key', { exact: true }).fill(secret);
    await page.getByRole('button', { name: 'Store' }).click();
    await page.getByRole('row').filter({ hasText: 'openai' }).waitFor();
    assert.equal((await page.content()).includes(secret), false);
    await page.getByRole('button', { name: 'Rotate or change' }).click();
    await page.getByLabel('Rate limit', { exact: false }).first().fill('50');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('cell', { name: '50 in 60 s' }).waitFor();
    await page.getByRole('button', { name: 'Delete the key default of openai' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No key is stored' }).waitFor();
});

test('custom providers and prices', async (t) => {
    const page = await window(t, { at: '/providers', expected: [400] });
    await page.getByRole('button', { name: 'Add a provider' }).click();
    for (const [label, value] of [['Name', 'Our vLLM'], ['Slug', 'vllm'], ['Base URL', 'https://llm.example.com']]) await page.getByLabel(label, { exact: true }).fill(value);
    await page.getByRole('button', { name: 'Save' }).click();
    const card = page.getByRole('region', { name: 'Our vLLM' });
    await card.getByRole('button', { name: 'Price' }).click();
    await page.getByLabel('Model', { exact: true }).fill('llama-3');
    await page.getByLabel(/^In in/).pressSequentially('0.0000002'); // a number while it is typed, zero by zero
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').filter({ hasText: 'needs a price for output' }).waitFor();
    await page.getByLabel(/^Out in/).fill('6e-7');
    await page.getByRole('button', { name: 'Save' }).click();
    await card.getByRole('cell', { name: '$0.2' }).waitFor();
    await card.getByRole('button', { name: 'Delete Our vLLM' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No provider of your own' }).waitFor();
});

test('tokens: made, shown once; who has one sees what it may', async (t) => {
    const page = await window(t, { at: '/tokens' });
    await page.getByRole('button', { name: 'New token' }).click();
    await page.getByLabel('Name', { exact: true }).fill('support');
    await page.getByRole('button', { name: 'Numbers and lists, no bodies' }).click();
    await page.getByRole('checkbox', { name: 'default' }).check();
    await page.getByRole('button', { name: 'Make' }).click();
    const value = await page.getByLabel('Token', { exact: true }).innerText();
    await page.getByRole('button', { name: 'I have it' }).click();
    await page.getByRole('row').filter({ hasText: 'support' }).waitFor();
    assert.equal((await page.content()).includes(value), false);

    const other = await window(t, { token: value, at: `/gateways/default/logs?log=${ids[0]}` });
    await other.getByText('This token may not read bodies').first().waitFor();
    assert.equal(await other.getByRole('button', { name: 'Good answer' }).count(), 0);
    await other.goto('/');
    await other.getByText('133', { exact: true }).first().waitFor();
    for (const name of ['Tokens', 'Audit log', 'Custom providers', 'Settings']) assert.equal(await other.getByRole('link', { name }).count(), 0, name);

    await page.getByRole('button', { name: 'Delete support' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('row').filter({ hasText: 'support' }).waitFor({ state: 'detached' });
    await other.goto('/');
    await other.getByRole('heading', { name: 'Sign in to weir' }).waitFor(); // the session ends with its token
});

test('keys that work everywhere, and themes that last', async (t) => {
    const page = await window(t, { expected: [404] }); // a row is looked for where it is not
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type('default logs');
    await page.getByRole('option').filter({ hasText: 'Logs' }).first().waitFor(); // gateways are read first
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Logs' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/gateways/default/logs');
    await weir.createGateway({ id: 'elsewhere' });
    const palette = async (text, option) => {
        await page.keyboard.press('Control+k');
        await page.getByRole('combobox', { name: 'Page or gateway' }).fill(text);
        await page.getByRole('option').filter({ hasText: option }).first().waitFor();
        await page.keyboard.press('Enter');
        await page.getByRole('combobox', { name: 'Page or gateway' }).waitFor({ state: 'detached' });
    };
    await palette('keep answers', 'setting of default');
    await page.getByLabel('Keep answers for').waitFor();
    assert.equal(await page.getByLabel('Rows kept').count(), 0);
    await page.goto('/gateways/elsewhere/logs');
    await page.getByRole('heading', { name: 'No request yet' }).waitFor();
    await palette(ids[0], 'Open this row of the log'); // wherever it is
    await page.waitForURL((u) => u.pathname === '/gateways/default/logs' && u.searchParams.get('log') === ids[0]);
    await page.locator('dialog.drawer .turn').first().waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog.drawer').waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('nothing is called so');
    await page.getByText('Nothing is called so.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Dark theme' }).click();
    await page.reload();
    await page.locator('.shell').waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
});

test('trouble is said, and can be tried again', async (t) => {
    const page = await window(t, { at: '/gateways/default/logs', expected: [503] });
    await page.locator('.row-space .plain').first().waitFor();
    await page.route('**/logs?**', (route) => route.fulfill({ status: 503, contentType: 'application/json', body: '{"success":false,"errors":[{"code":7003,"message":"Busy"}]}' }));
    await page.getByRole('button', { name: 'Failed' }).click();
    await page.getByRole('alert').filter({ hasText: 'Reading the log failed' }).filter({ hasText: 'Busy (503 / 7003)' }).waitFor();
    await page.unroute('**/logs?**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('default: 22 match').waitFor();
});
