// SPDX-License-Identifier: Apache-2.0
// Analytics in Chromium: what it shows is what the log has, and every bar leads there.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { assertAccessible } from './lib/browser.mjs';
import { world } from './lib/world.mjs';

const SHOTS = process.env.SHOTS;
const w = world(['openai', 'groq']);
before(() => w.begin());
after(() => w.end());

const chat = (token, metadata, headers = {}, content = 'Hello', to = 'openai') => fetch(`${w.base}/v1/${w.weir.account}/default/${to}/chat/completions`, {
    method: 'POST', body: JSON.stringify({ model: to === 'openai' ? 'gpt-4o-mini' : 'llama-3.3-70b-versatile', messages: [{ role: 'user', content }] }),
    headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${token}`, authorization: 'Bearer sk-test', 'cf-aig-max-attempts': '1', ...(metadata && { 'cf-aig-metadata': JSON.stringify(metadata) }), ...headers },
}).then((r) => r.arrayBuffer());

const region = (page, name) => page.getByRole('region', { name, exact: true });
/** The bars of a breakdown: name and requests. */
const bars = (page, name) => region(page, name).locator('li').evaluateAll((list) => list.map((li) => [li.querySelector('.name').textContent, Number(li.querySelector('.number').textContent)]));

test('a gateway without traffic says what to do', async (t) => {
    await w.api('POST', '/gateways', { id: 'quiet', cache_invalidate_on_update: false, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0 });
    const page = await w.page(t, '/gateways/quiet?range=1h');
    await page.getByRole('heading', { name: 'No requests in the last 1 hour' }).waitFor();
});

test('parts of the traffic, each with the requests behind it', async (t) => {
    await chat(w.weir.token, null);
    const page = await w.page(t, '/gateways/default?range=1h');
    await region(page, 'By metadata').getByText('Requests do not say who they are for.').waitFor();
    await region(page, 'Errors by kind').getByText('Nothing failed').waitFor();
    await assertAccessible(page, 'analytics without labels');

    const group = (await w.weir.api('GET', '/gateways')).status === 200 && await fetch(`${w.base}/client/v4/accounts/${w.weir.account}/tokens/permission_groups?name=AI%20Gateway%20Run`, { headers: { authorization: `Bearer ${w.weir.token}` } }).then((r) => r.json());
    const make = (name) => fetch(`${w.base}/client/v4/accounts/${w.weir.account}/tokens`, { method: 'POST', headers: { authorization: `Bearer ${w.weir.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name, policies: [{ effect: 'allow', permission_groups: [{ id: group.result[0].id }], resources: { [`com.cloudflare.api.account.${w.weir.account}`]: '*' } }] }) }).then((r) => r.json()).then((a) => a.result);
    const search = await make('search-service'), gone = await make('nightly-batch');
    for (let i = 0; i < 8; i++) await chat(search.value, { user: `u-${i % 3}`, team: i % 2 ? 'search' : 'support' }, { 'cf-aig-cache-ttl': '600' }, `question ${i % 5}`);
    for (let i = 0; i < 3; i++) await chat(gone.value, { user: 'u-7', team: 'batch' }, { 'x-mock': i ? '500' : '429' });
    await chat(gone.value, { user: 'search' }, {}, 'as team=search is', 'groq');
    await fetch(`${w.base}/client/v4/accounts/${w.weir.account}/tokens/${gone.id}`, { method: 'DELETE', headers: { authorization: `Bearer ${w.weir.token}` } });

    await page.reload();
    await region(page, 'By token').getByText('search-service').waitFor();
    const saved = page.locator('.figure', { hasText: 'Saved' });
    assert.match(await saved.textContent(), /\$0\.\d+what cached/);
    assert.deepEqual(await bars(page, 'Errors by kind'), [['provider error', 2], ['provider rate limited', 1]]);
    assert.deepEqual(await bars(page, 'By token'), [['search-service', 8], [`token ${gone.weir_id}`, 4], ['root', 1]]);
    assert.deepEqual(await bars(page, 'By metadata'), [['u-0', 3], ['u-1', 3], ['u-7', 3], ['u-2', 2], ['search', 1]]);
    await page.getByLabel('Metadata key').selectOption('team');
    await region(page, 'By metadata').getByText('batch').waitFor();
    assert.deepEqual((await bars(page, 'By metadata')).sort(), [['batch', 3], ['search', 4], ['support', 4]]);
    assert.match(page.url(), /label=team/);
    for (const title of ['Errors by kind', 'By token', 'By metadata', 'Providers', 'Models', 'Status']) {
        await region(page, title).getByRole('link').first().waitFor(); // names of tokens come later than numbers
        for (const [name, many] of await bars(page, title)) {
            await region(page, title).getByRole('link', { name, exact: false }).first().click();
            await page.getByText(`default: ${many} match`, { exact: true }).waitFor();
            await page.goBack();
            await region(page, title).getByText(name, { exact: true }).first().waitFor();
        }
    }

    const [hit] = await w.weir.logs({ query: 'cached=true&per_page=1' });
    await page.goto(`/gateways/default/logs?log=${hit.id}`);
    const sheet = page.getByRole('dialog');
    await sheet.getByRole('button', { name: 'Details' }).click();
    assert.match(await sheet.getByRole('row', { name: 'Saved: what this answer had cost' }).textContent(), /cost\$0\.0000\d+$/);
});

for (const width of ['wide', 'phone'])
    for (const theme of ['light', 'dark'])
        test(`analytics: ${width}, ${theme}`, async (t) => {
            const page = await w.page(t, '/gateways/default?range=1h&label=team', { width, theme });
            await region(page, 'By metadata').getByText('batch').waitFor();
            if (SHOTS) await page.screenshot({ path: `${SHOTS}/insight-${width}-${theme}.png`, fullPage: true });
            await assertAccessible(page, `analytics, ${width}, ${theme}`);
        });

test('users of the account: who they are, what they cost, their rows', async (t) => {
    const page = await w.page(t, '/users?range=1h');
    const row = (name) => region(page, 'Users').getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: false }) });
    await row('u-0').waitFor(); // of the labels there are, `user`
    const figure = async (name) => (await page.locator('.figure', { hasText: name }).textContent()).replace(name, '');
    assert.match(await figure('Active users'), /^5with a request/);
    assert.match(await figure('Identity coverage'), /^92 %12 of 13 requests/);
    assert.match(await figure('Top 10 %'), /^25 %/); // one of five: three of twelve
    assert.match(await figure('Median spend'), /^\$0\.0000/);
    const cells = await row('u-7').getByRole('cell').allTextContents();
    assert.deepEqual(cells.slice(0, 6), ['$0', '3', '0', '0 %', '$0', '100 %']);
    await page.getByLabel('Order').selectOption('errors');
    assert.match(await region(page, 'Users').getByRole('rowheader').first().textContent(), /u-7/);
    await row('u-0').getByRole('link', { name: 'default' }).click();
    await page.getByText('default: 3 match', { exact: true }).waitFor();
    await page.goBack();
    await page.getByLabel('A user is').selectOption({ label: 'Token' });
    await row('search-service').waitFor();
    assert.match(await figure('Identity coverage'), /^100 %/);
    await row('search-service').getByRole('link', { name: 'default' }).click();
    await page.getByText('default: 8 match', { exact: true }).waitFor();
    await page.goto('/users?range=1h&label=nobody-has-it');
    await row('u-0').waitFor();
});

for (const [width, theme] of [['wide', 'light'], ['phone', 'dark']])
    test(`users: ${width}, ${theme}`, async (t) => {
        const page = await w.page(t, '/users?range=1h', { width, theme });
        await region(page, 'Users').getByText('u-7').waitFor();
        if (SHOTS) await page.screenshot({ path: `${SHOTS}/users-${width}-${theme}.png`, fullPage: true });
        await assertAccessible(page, `users, ${width}, ${theme}`);
    });
