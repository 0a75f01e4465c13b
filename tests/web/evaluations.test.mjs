// SPDX-License-Identifier: Apache-2.0
// Datasets out of the log's filters and what evaluations say of them; policies from draft to commit, and the simulator.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { poll } from '../flow/lib/wait.mjs';
import { assertAccessible } from './lib/browser.mjs';
import { XSS } from './lib/traffic.mjs';
import { world } from './lib/world.mjs';

const w = world(['openai', 'groq']);
before(async () => {
    await w.begin();
    for (const model of ['openai/gpt-4o-mini', 'openai/gpt-4o', 'groq/llama-3.3-70b-versatile']) await w.chat(model);
    await poll('rows', async () => (await w.api('GET', '/gateways/default/logs')).length === 3);
});
after(() => w.end());

test('a search of the log becomes a dataset, and is evaluated', async (t) => {
    const page = await w.page(t, '/gateways/default/evaluations');
    await page.getByRole('heading', { name: 'No dataset yet' }).waitFor();
    await assertAccessible(page, 'no dataset');
    await page.goto('/gateways/default/logs?f=provider:eq:openai');
    await page.getByRole('link', { name: 'Dataset' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Remove the filter: Provider is openai' }).waitFor();
    await dialog.getByLabel('Name').fill(XSS);
    await dialog.getByRole('button', { name: 'Filter', exact: true }).click();
    assert.ok(!(await dialog.getByLabel('What').locator('option').allInnerTexts()).includes('User agent')); // no dataset may ask for it
    await dialog.getByLabel('What').selectOption('success');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await assertAccessible(page, 'a dataset');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: 'Provider is openai, Success is yes' }).waitFor();
    const [saved] = await w.api('GET', '/gateways/default/datasets');
    assert.deepEqual([saved.name, saved.filters], [XSS, [{ key: 'provider', operator: 'eq', value: ['openai'] }, { key: 'success', operator: 'eq', value: [true] }]]);

    await page.getByRole('button', { name: 'New evaluation' }).click();
    await page.getByLabel('Name').fill('today');
    await page.getByRole('button', { name: 'Evaluate' }).click();
    const row = page.getByRole('row', { name: 'today' });
    await row.getByText('done', { exact: true }).waitFor();
    const [made] = await w.api('GET', '/gateways/default/evaluations');
    assert.deepEqual([made.processed, made.total_logs], [true, 2]);
    assert.match(await row.innerText(), /\$0\.0+[1-9]\d* of 2/);
    assert.equal(await page.evaluate('window.xss'), undefined);
    await assertAccessible(page, 'evaluations');
    await page.getByRole('link', { name: 'See its rows' }).click();
    await page.getByText('default: 2 match').waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Delete today' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No evaluation yet.').waitFor();
});

test('a policy is refused with its place, kept as a draft, simulated and committed', async (t) => {
    const page = await w.page(t, '/gateways/default/policies', { expected: [400] });
    await page.getByText('requests are not held to them yet').waitFor();
    await page.getByRole('button', { name: 'New policy' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('engineers');
    await dialog.getByRole('button', { name: 'user:{cf.user.id}' }).click();
    await dialog.getByRole('textbox', { name: 'Models' }).fill('gpt-*, claude-*');
    await dialog.getByRole('textbox', { name: 'When' }).fill('"eng" in cf.user.groups &&');
    await dialog.getByRole('button', { name: 'Keep as a draft' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'At character 27' }).waitFor();
    assert.equal(await dialog.getByRole('textbox', { name: 'When' }).getAttribute('aria-invalid'), 'true');
    await assertAccessible(page, 'a policy that is wrong');
    await dialog.getByRole('textbox', { name: 'When' }).fill('"eng" in cf.user.groups');
    await dialog.getByRole('button', { name: 'Keep as a draft' }).click();
    const row = page.getByRole('row', { name: 'engineers' });
    await row.getByText('draft', { exact: true }).waitFor();
    assert.deepEqual(await w.api('GET', '/gateways/default/policies'), []);

    const trial = page.getByRole('region', { name: 'Try them' });
    const ask = async () => { await trial.getByRole('button', { name: 'What would they say?' }).click(); return (await trial.getByRole('status').innerText()).replace(/\s+/g, ' '); };
    await trial.getByLabel('User', { exact: true }).fill('u-7');
    await trial.getByLabel('Groups of the user').fill('eng, search');
    await trial.getByLabel('Spent: engineers').fill('10.2');
    assert.match(await ask(), /^refused user:u-7 has spent \$10\.20 of \$10\.00, says engineers\. 1 policy/);
    await trial.getByLabel('Spent: engineers').fill('9');
    assert.match(await ask(), /^allowed All its limits leave something\./);
    await trial.getByLabel('As if drafts were committed').uncheck();
    assert.match(await ask(), /^allowed No policy counts\./);
    await assertAccessible(page, 'policies');

    await page.getByRole('button', { name: 'Commit 1 draft' }).click();
    await dialog.getByRole('button', { name: 'Commit' }).click();
    await row.getByText('committed', { exact: true }).waitFor();
    const [policy] = await w.api('GET', '/gateways/default/policies');
    assert.deepEqual([policy.actor, policy.resource, policy.action.amount, policy.action.period], ['user:{cf.user.id}', { model: ['gpt-*', 'claude-*'] }, 10, 'daily']);
    await row.getByRole('button', { name: 'Change' }).click();
    await dialog.getByLabel('US dollars').fill('20');
    await dialog.getByRole('button', { name: 'Keep as a draft' }).click();
    await row.getByText('changed, not committed').waitFor();
    await row.getByText('$20.00 daily').waitFor();
    assert.equal((await w.api('GET', '/gateways/default/policies'))[0].action.amount, 10); // what counts is what it was
    await row.getByRole('button', { name: 'Delete engineers' }).click();
    await dialog.getByText('What counts now goes as well').waitFor();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No policy' }).waitFor();
});
