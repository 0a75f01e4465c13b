// SPDX-License-Identifier: Apache-2.0
// The playground: real calls with a run token that is kept nowhere; what they cost appears under billing.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { assertAccessible } from './lib/browser.mjs';
import { XSS } from './lib/traffic.mjs';
import { world } from './lib/world.mjs';

const w = world(['openai', 'anthropic']);
before(async () => {
    await w.begin();
    await w.chat('openai/gpt-4o-mini'); // which makes the gateway
    for (const provider of ['openai', 'anthropic']) await w.api('PUT', `/billing/keys/${provider}`, { secret: 'sk-operator-0123456789' });
});
after(() => w.end());

const answerOf = (page, model) => page.getByRole('region', { name: `Answer of ${model}` });
const fact = (region, label) => region.locator('.taken div', { hasText: label }).locator('dd').innerText();

test('credits are booked, two models are asked beside each other, and what they cost is charged', async (t) => {
    const page = await w.page(t, '/billing');
    await page.getByRole('heading', { name: 'No credits yet' }).waitFor();
    await page.getByRole('button', { name: 'Book a top-up' }).click();
    await page.getByLabel('Amount').fill('9.99');
    await page.getByText('$10.00 at least').waitFor();
    await page.getByLabel('Amount').fill('12.50');
    await page.getByLabel('Note').fill(XSS);
    await page.getByRole('button', { name: 'Book $12.50' }).click();
    await page.getByRole('region', { name: 'Invoices' }).getByRole('row', { name: XSS }).waitFor();

    await page.goto('/playground');
    await page.getByRole('textbox', { name: 'Message 1' }).fill('What is a weir?');
    await page.keyboard.press('Control+Enter');
    await page.getByText('This gateway wants a token').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'run-token');
    await page.getByRole('button', { name: 'Make one for an hour' }).click();
    await page.getByText(/names are offered; others/).waitFor();
    await page.locator('#models option[value="openai/gpt-4o-mini"]').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Compare with another model' }).click();
    await page.keyboard.press('Control+Enter');
    for (const model of ['openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5']) {
        const answer = answerOf(page, model);
        await answer.getByText('You said: "What is a weir?"').waitFor();
        await answer.getByRole('link', { name: 'Its row in the log' }).waitFor();
        assert.match(await fact(answer, 'First token'), /^[\d.]+ m?s$/);
        assert.match(await fact(answer, 'Cost'), /^\$0\.0+[1-9]/);
        for (const label of ['Tokens in', 'Tokens out']) assert.ok(Number(await fact(answer, label)) > 0, label);
    }
    const token = await page.locator('#run-token').inputValue();
    assert.ok(token.length > 20);
    assert.equal(await page.evaluate((k) => JSON.stringify({ ...localStorage, ...sessionStorage }).includes(k) || location.href.includes(k), token), false);

    await page.goto('/billing'); // which is a new load
    const month = page.getByRole('region', { name: 'This month' });
    for (const model of ['openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5']) await month.getByRole('row', { name: model }).waitFor();
    await page.goto('/playground');
    await page.getByLabel('System prompt').waitFor();
    assert.equal(await page.locator('#run-token').inputValue(), '');
});

test('a stream is stopped, an error is shown, an answer is gone on from, and the code is the call', async (t) => {
    const page = await w.page(t, '/playground?model=openai/mock-tps-5&with=openai/mock-429', { expected: [429] });
    await page.locator('#run-token').fill(w.weir.token);
    await page.getByRole('textbox', { name: 'Message 1' }).fill('A question with an answer that takes its time to come.');
    await page.getByRole('button', { name: 'Run' }).click();
    const slow = answerOf(page, 'openai/mock-tps-5'), refused = answerOf(page, 'openai/mock-429');
    await slow.getByText('You said').waitFor();
    await refused.getByRole('alert').filter({ hasText: 'Refused with 429' }).waitFor();
    await page.keyboard.press('Escape');
    await slow.getByText('stopped').waitFor();
    assert.doesNotMatch(await slow.innerText(), /the same answer/); // it had not come to its end

    await page.getByText('Tools', { exact: true }).click();
    await page.getByLabel('Tools, as JSON').fill('{');
    await page.getByText('This is not a JSON array').waitFor();
    await page.getByLabel('Tools, as JSON').fill('');
    await page.getByRole('button', { name: 'Without the second model' }).click();
    await page.getByLabel('Model', { exact: true }).fill('openai/mock-echo');
    await page.getByRole('textbox', { name: 'Message 1' }).fill(`it's ${XSS}`);
    await page.getByLabel('Temperature').fill('0.5');
    await page.getByRole('button', { name: 'Run' }).click();
    const echo = answerOf(page, 'openai/mock-echo');
    await echo.getByText('done', { exact: true }).waitFor();
    const sent = JSON.parse(JSON.parse(await echo.locator('.said').innerText()).body);
    assert.deepEqual([sent.temperature, sent.stream, sent.messages], [0.5, true, [{ role: 'user', content: `it's ${XSS}` }]]);
    assert.equal(await page.evaluate('window.xss'), undefined);

    await page.getByRole('button', { name: 'Show code' }).click();
    const code = page.getByRole('dialog').locator('.snippet code');
    assert.match(await code.innerText(), /^curl -N http:.*\/compat\/chat\/completions \\\n[^]*\$WEIR_TOKEN[^]*it'\\''s/);
    await page.getByRole('button', { name: 'Python' }).click();
    assert.match(await code.innerText(), /base_url="http:.*\/compat",[^]*temperature=0\.5,[^]*stream=True/);
    await page.getByRole('button', { name: 'JavaScript' }).click();
    assert.match(await code.innerText(), /baseURL: 'http:.*\/compat'[^]*"temperature": 0\.5/);
    assert.ok(!(await code.innerText()).includes(w.weir.token));
    await assertAccessible(page, 'the code of a call');
    await page.keyboard.press('Escape');

    await page.getByRole('button', { name: 'Go on from this answer' }).click();
    await page.getByRole('textbox', { name: 'Message 3' }).waitFor();
    assert.equal(await page.getByLabel('Who says message 2').inputValue(), 'assistant');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.locator('input[name=token]').fill(w.weir.token);
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Message 1' }).waitFor();
    assert.deepEqual([await page.locator('#run-token').inputValue(), await page.getByRole('textbox', { name: 'Message 1' }).inputValue()], ['', '']);
});

for (const [width, theme] of [['wide', 'light'], ['phone', 'dark']])
    test(`with answers and credits they are accessible: ${width}, ${theme}`, async (t) => {
        const page = await w.page(t, '/playground?with=anthropic/claude-sonnet-4-5', { width, theme });
        await page.locator('#run-token').fill(w.weir.token);
        await page.getByRole('textbox', { name: 'Message 1' }).fill('Hello');
        await page.getByRole('button', { name: 'Run' }).click();
        await page.getByRole('link', { name: 'Its row in the log' }).nth(1).waitFor();
        await assertAccessible(page, 'playground');
        await page.goto('/billing');
        await page.locator('canvas').waitFor();
        await page.getByRole('region', { name: 'Invoices' }).getByRole('table').waitFor();
        await assertAccessible(page, 'billing');
    });

test('who is no operator sees the balance and books nothing', async (t) => {
    const made = await fetch(`${w.base}/client/v4/accounts/${w.weir.account}/tokens`, { method: 'POST', headers: { authorization: `Bearer ${w.weir.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'reader', policies: [{ effect: 'allow', permission_groups: [{ name: 'AI Gateway Read' }], resources: { [`com.cloudflare.api.account.${w.weir.account}`]: '*' } }] }) });
    const { result } = await made.json();
    const page = await w.page(t, '/billing', { token: result.value });
    await page.getByText('Balance').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Book a top-up' }).count(), 0);
});
