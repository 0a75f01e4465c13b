// SPDX-License-Identifier: Apache-2.0
// What belongs to one gateway in Chromium: domains, settings that are not lost, names that are offered, the log's keys and long work.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { assertAccessible } from './lib/browser.mjs';
import { world } from './lib/world.mjs';

const w = world(['openai', 'anthropic']);
before(() => w.begin());
after(() => w.end());
const toast = (page, text) => page.locator('.toast', { hasText: text }).first().waitFor();

test('custom domains: added, what DNS has to say, deleted', async (t) => {
    const page = await w.page(t, '/gateways/default/domains', { expected: [400] });
    await page.getByRole('button', { name: 'Add a domain' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Host name').fill('not a host');
    await form.getByRole('button', { name: 'Add' }).click();
    await form.getByText('Expected a host name').first().waitFor();
    await form.getByLabel('Host name').fill('AI.Example.com');
    await form.getByLabel('Least version of TLS').selectOption('1.3');
    await form.getByRole('button', { name: 'Add' }).click();
    const card = page.getByRole('region', { name: 'ai.example.com' });
    await card.getByText(`http://ai.example.com:${w.weir.port}/openai`).waitFor();
    await card.getByText('no TLS here').waitFor();
    await card.getByText('1.3 or newer').waitFor();
    assert.deepEqual((await w.api('GET', '/gateways/default/custom-domains')).map((d) => [d.hostname, d.minTLS]), [['ai.example.com', '1.3']]);
    await assertAccessible(page, 'domains');
    await card.getByRole('button', { name: 'Delete ai.example.com' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No domain of its own' }).waitFor();
});

test('what has been typed is not lost by the way', async (t) => {
    const page = await w.page(t, '/gateways/default/logs');
    const question = page.getByRole('dialog', { name: 'Leave without saving?' });
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByLabel('Keep answers for').fill('77');
    await page.getByRole('link', { name: 'Logs', exact: true }).click();
    await question.getByRole('button', { name: 'Stay' }).click();
    assert.equal(await page.getByLabel('Keep answers for').inputValue(), '77');
    await page.goBack();
    await question.getByRole('button', { name: 'Stay' }).click();
    assert.match(page.url(), /settings$/);
    await page.goBack();
    await question.getByRole('button', { name: 'Leave' }).click();
    await page.getByRole('heading', { name: 'Logs' }).waitFor();
    assert.match(page.url(), /logs$/);
    await page.goto('/gateways/default/routes/new');
    await page.getByLabel('Name', { exact: true }).fill('half');
    await page.getByRole('link', { name: 'Overview' }).click();
    await question.getByRole('button', { name: 'Leave' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
});

test('settings: found by name, addresses to copy, a token in place', async (t) => {
    const page = await w.page(t, '/gateways/default/settings');
    await page.getByLabel('Find a setting').fill('cache');
    await page.getByLabel('Keep answers for').waitFor();
    assert.equal(await page.getByLabel('Rows kept').count(), 0);
    await page.getByLabel('Find a setting').fill('');
    await page.getByLabel('Provider', { exact: true }).selectOption('anthropic');
    await page.getByText(`${w.base}/v1/${w.weir.account}/default/anthropic`, { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Make a token for it' }).click();
    await page.getByRole('button', { name: 'Make', exact: true }).click();
    const value = await page.getByLabel('Token', { exact: true }).innerText();
    await page.keyboard.press('Escape'); // it is shown this once: a key pressed by mistake does not end that
    await page.getByRole('button', { name: 'I have it' }).click();
    const made = await fetch(`${w.base}/client/v4/user/tokens/verify`, { headers: { authorization: `Bearer ${value}` } });
    assert.equal(made.status, 200);
});

test('names of providers and models are offered', async (t) => {
    await w.api('POST', '/custom-providers', { name: 'Ours', slug: 'ours', base_url: 'https://llm.example.com', enable: true });
    const page = await w.page(t, '/gateways/default/routes/new');
    const offered = async (label) => {
        const list = await page.getByLabel(label, { exact: true }).getAttribute('list');
        return page.locator(`[id="${list}"] option`).evaluateAll((all) => all.map((o) => o.value));
    };
    await page.locator('.node.model').first().click();
    await page.waitForFunction(() => document.querySelectorAll('datalist option').length > 20);
    const providers = await offered('Provider');
    for (const p of ['openai', 'anthropic', 'custom-ours']) assert.ok(providers.includes(p), p);
    await page.getByLabel('Provider', { exact: true }).fill('anthropic');
    assert.ok((await offered('Model')).includes('claude-sonnet-4-5'));
    await page.goto('/gateways/default/keys');
    await page.getByRole('button', { name: 'Add a key' }).click();
    await page.waitForFunction(() => document.querySelectorAll('datalist option').length > 20);
    assert.ok((await offered('Provider')).includes('custom-ours'));
});

const rows = (page) => page.locator('.row-space .row');
const walked = async (page, id) => page.waitForFunction((i) => document.activeElement?.closest('[aria-rowindex]')?.getAttribute('aria-rowindex') === i, id);

test('the log: keys, order, times; several values, and filters that are changed', async (t) => {
    for (const [model, n] of [['openai/gpt-4o', 3], ['openai/gpt-4o-mini', 3], ['anthropic/claude-sonnet-4-5', 2]]) for (let i = 0; i < n; i++) await w.chat(model, 'x'.repeat(20 * i + 1));
    await w.weir.waitLogs(8);
    const page = await w.page(t, '/gateways/default/logs');
    await rows(page).nth(7).waitFor();
    await page.keyboard.press('j');
    await walked(page, '2');
    await page.keyboard.press('j');
    await walked(page, '3');
    await page.keyboard.press('Enter');
    const drawer = page.getByRole('dialog');
    await drawer.waitFor();
    const third = page.url();
    await page.keyboard.press('k');
    await page.waitForURL((u) => String(u) !== third);
    await page.keyboard.press('j');
    await page.waitForURL(third);
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Duration' }).click();
    await page.waitForURL(/order=duration/);
    assert.equal(await page.getByRole('columnheader', { name: 'Duration' }).getAttribute('aria-sort'), 'descending');
    const asked = page.waitForRequest(/order_by=tokens&order_by_direction=asc/);
    await page.getByRole('button', { name: 'Tokens' }).click();
    await page.getByRole('button', { name: 'Tokens' }).click();
    await asked;
    await page.waitForFunction(() => document.querySelector('[aria-sort=ascending]') && !document.querySelector('.waiting') && document.querySelectorAll('.row-space .row').length === 8);
    const tokens = (await page.locator('.row-space .c-tokens').allInnerTexts()).map((s) => s.split(' → ').reduce((n, x) => n + Number(x), 0));
    assert.deepEqual(tokens, [...tokens].sort((a, b) => a - b));

    await page.goto('/gateways/default/logs?range=1h');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByLabel('What').selectOption('model');
    await page.waitForFunction(() => [...document.querySelectorAll('datalist option')].some((o) => o.value === 'gpt-4o'));
    await page.getByLabel('Value').fill('gpt-4o, gpt-4o-mini');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('default: 6 match').waitFor();
    await page.getByRole('button', { name: 'Change the filter: Model is gpt-4o or gpt-4o-mini' }).click();
    await page.getByLabel('How').selectOption('is not');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('default: 2 match').waitFor();
    await page.getByRole('button', { name: 'Change the filter: Model is not' }).click();
    await page.getByLabel('What').selectOption('feedback');
    await page.getByLabel('Value').selectOption('none');
    await page.getByLabel('How').selectOption('is');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('default: 8 match').waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Remove the filter: Feedback is none' }).waitFor();
});

test('what takes long says how far it is, and can be stopped', async (t) => {
    await w.api('POST', '/gateways', { id: 'long', cache_invalidate_on_update: true, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0 });
    const page = await w.page(t, '/gateways/long/logs');
    let left = 23456, asked = 0, hold;
    const held = new Promise((go) => { hold = go; });
    await page.route('**/gateways/long/logs?**', async (route) => {
        if (route.request().method() === 'DELETE') {
            if (++asked === 3) await held;
            left = Math.max(0, left - 5000);
            return route.fulfill({ json: { success: true } }).catch(() => {});
        }
        return route.fulfill({ json: { success: true, result: [], result_info: { page: 1, per_page: 50, count: 0, total_count: left } } });
    });
    await page.reload();
    await page.getByRole('button', { name: 'Delete all rows' }).click();
    await page.getByRole('textbox', { name: 'Type long' }).fill('long');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete 23,456 rows' }).click();
    const work = page.getByRole('group', { name: 'Deleting 23,456 rows of long' });
    await work.getByText('10,000 of 23,456').waitFor();
    await page.getByRole('link', { name: 'Settings' }).click(); // it goes on elsewhere
    await page.getByLabel('Keep answers for').waitFor();
    await work.getByRole('button', { name: 'Stop' }).click();
    hold();
    await toast(page, 'stopped');
    await work.waitFor({ state: 'detached' });
    assert.equal(asked, 3);
});

test('there is a filter for every key that rows have', () => {
    const keys = [...fs.readFileSync(new URL('../../src/store/log_keys.def', import.meta.url), 'utf8').matchAll(/^LOG_KEY\(\w+, "([^"]+)", \w+, "([^"]+)"/gm)].filter(([, , sql]) => sql !== 'NULL').map(([, key]) => key);
    const known = /export const KEYS[^]*?\n};/.exec(fs.readFileSync(new URL('../../web/src/lib/filters.ts', import.meta.url), 'utf8'))[0];
    assert.ok(keys.length > 20);
    assert.deepEqual(keys.filter((k) => !new RegExp(`^    '?${k.replace('.', '\\.')}'?: `, 'm').test(known)), []);
});

test('what a token may not see says what it would take; no gateway is asked for in vain', async (t) => {
    const tokens = `${w.base}/client/v4/accounts/${w.weir.account}/tokens`, headers = { authorization: `Bearer ${w.weir.token}`, 'content-type': 'application/json' };
    const { result: groups } = await (await fetch(`${tokens}/permission_groups`, { headers })).json();
    const make = async (name, more = {}) => (await (await fetch(tokens, { method: 'POST', headers, body: JSON.stringify({ name, ...more,
        policies: [{ effect: 'allow', permission_groups: groups.filter((g) => g.name === name).map(({ id }) => ({ id })), resources: { [`com.cloudflare.api.account.${w.weir.account}`]: '*' } }] }) })).json()).result.value;
    const meta = await w.page(t, '/', { token: await make('AI Gateway Metadata Read', { weir_gateways: ['default'] }) });
    await meta.getByRole('list', { name: 'Gateways' }).getByRole('link', { name: 'default' }).click();
    await meta.getByRole('heading', { name: 'Logs' }).waitFor();
    await meta.goto('/gateways/default/settings');
    await meta.getByText('It needs the permission read or write').waitFor();
    await meta.goto('/audit');
    await meta.getByText('for all gateways of the account').waitFor();
    const run = await w.page(t, '/', { token: await make('AI Gateway Run') });
    await run.getByRole('heading', { name: 'This token is for programs' }).waitFor();
    const numbers = await w.page(t, '/', { token: await make('Account Analytics Read') });
    await numbers.getByRole('row').filter({ hasText: 'default' }).waitFor(); // known from its numbers
    assert.equal(await numbers.getByRole('alert').count(), 0);
});

test('the overview: found by name, put in order, and the menu keeps its gateway', async (t) => {
    for (let i = 0; i < 9; i++) await w.api('POST', '/gateways', { id: `crowd-${i}`, cache_invalidate_on_update: true, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0 });
    const page = await w.page(t, '/');
    const names = () => page.locator('tbody th').allInnerTexts();
    await page.getByRole('button', { name: 'Gateway', exact: true }).click();
    assert.deepEqual((await names()).slice(0, 2), ['crowd-0', 'crowd-1']);
    await page.getByLabel('Find gateways').fill('crowd-7');
    assert.deepEqual(await names(), ['crowd-7']);
    await page.getByRole('link', { name: 'crowd-7' }).click();
    await page.getByRole('heading', { name: 'crowd-7' }).waitFor();
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('list', { name: 'Pages of crowd-7' }).getByRole('link', { name: 'Logs' }).click();
    await page.waitForURL(/crowd-7\/logs/);
});

test('a daemon that cannot be reached is asked again by itself', async (t) => {
    const page = await w.page(t, '/gateways/default/domains', { expected: ['net::ERR_FAILED'] });
    await page.getByRole('heading', { name: 'No domain of its own' }).waitFor();
    let asked = 0;
    await page.route('**/policies?**', (route) => (++asked < 3 ? route.abort() : route.fallback()));
    await page.getByRole('link', { name: 'Policies' }).click();
    await page.getByRole('alert').filter({ hasText: 'It is asked again' }).waitFor();
    await page.getByRole('heading', { name: 'No policy' }).waitFor();
    assert.ok(asked >= 3);
});

test('a program is connected without leaving the page; the audit log tells of it, and of nothing else if asked so', async (t) => {
    const page = await w.page(t, '/gateways/default/start');
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.getByRole('button', { name: 'Make', exact: true }).click();
    const value = await page.getByLabel('Token', { exact: true }).innerText();
    await page.getByRole('button', { name: 'I have it' }).click();
    assert.ok((await page.getByLabel('Environment', { exact: true }).innerText()).includes(`WEIR_TOKEN="${value}"`));
    await page.goto('/audit');
    await page.getByLabel('To what').selectOption('tokens');
    await page.waitForURL(/kind=token/);
    await page.getByRole('listitem').filter({ hasText: 'default program' }).first().waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('.lines > li')].every((li) => li.textContent.includes('token')));
    const kinds = [...fs.readFileSync(new URL('../../src/store/kinds.def', import.meta.url), 'utf8').matchAll(/^KIND\(\w+, "\w+", "([^"]+)"/gm)].map(([, resource]) => resource);
    const offered = await page.getByLabel('To what').locator('option').evaluateAll((all) => all.map((o) => o.value).filter(Boolean));
    assert.deepEqual([...offered].sort(), kinds.sort());
});

test('columns are added to the log, and stand in its address', async (t) => {
    await w.weir.request({ to: 'openai/chat/completions', headers: { 'Content-Type': 'application/json', Authorization: 'Bearer sk-test', 'cf-aig-metadata': '{"team":"care"}' }, body: '{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}' });
    const page = await w.page(t, '/gateways/default/logs');
    await page.getByText('Columns').click();
    await page.getByLabel('Metadata').check();
    await page.getByLabel('Kind of call').check();
    await page.getByRole('cell', { name: 'team: care' }).first().waitFor();
    await page.getByRole('cell', { name: 'chat', exact: true }).first().waitFor();
    await assertAccessible(page, 'columns');
    await page.reload();
    await page.getByRole('cell', { name: 'team: care' }).first().waitFor();
    assert.deepEqual((await page.getByRole('columnheader').allInnerTexts()).slice(2, 5), ['Model', 'Metadata', 'Kind of call']);
});
