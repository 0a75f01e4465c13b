// SPDX-License-Identifier: Apache-2.0
// What belongs to one gateway in Chromium: domains, settings that are not lost, names that are offered, the log's keys and long work.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
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
