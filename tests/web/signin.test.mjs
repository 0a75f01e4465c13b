// SPDX-License-Identifier: Apache-2.0
// Signing in with an OpenID Connect provider in Chromium: across two sites and back, with the cookies as a browser sends them.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { startProvider } from '../flow/lib/provider.mjs';
import { startMock, startWeir } from '../flow/lib/weir.mjs';
import { assertAccessible, openWindow, signIn, startBrowser } from './lib/browser.mjs';

const ADA = { sub: 'ada-1', name: 'Ada Lovelace', email: 'ada@example.com', groups: ['admins'] };
const RULES = [{ claim: 'groups', value: 'admins', permissions: ['write', 'run', 'tokens_write', 'analytics_read'] }];
const SHOTS = process.env.SHOTS;
const ends = [];
let browser, provider, weir, base;

/** Where the provider sends browsers back to is a setting, so the port has to be known before the daemon runs. */
const freePort = () => new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

before(async () => {
    const t = { after: (f) => ends.push(f) };
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    const mock = await startMock(t);
    provider = await startProvider(t, { person: ADA, host: 'localhost' }); // to browsers another site than 127.0.0.1
    const { dashboard } = provider.config(RULES, { name: 'Example ID', end_session: true });
    weir = await startWeir(t, { providers: { openai: `${mock.origin}/openai` }, config: { listen: `127.0.0.1:${port}`, dashboard: { ...dashboard, url: base } } });
    browser = await startBrowser();
});
after(async () => {
    await browser?.close();
    for (const end of ends) await end();
});

async function open(t, options) {
    const w = await openWindow(browser, base, { ...options, expected: [403, ...(options.expected ?? [])], others: [provider.origin] });
    t.after(() => w.close());
    return w;
}

const enter = async (page, at) => {
    await page.goto(at);
    await page.getByRole('link', { name: 'Sign in with Example ID' }).click();
    await page.getByRole('link', { name: 'Go on' }).click();
};

for (const width of ['wide', 'phone'])
    test(`there and back at ${width}`, async (t) => {
        provider.person = ADA;
        const { page, context } = await open(t, { width, theme: width === 'wide' ? 'light' : 'dark' });
        await page.goto('/gateways/default/logs?q=x');
        const link = page.getByRole('link', { name: 'Sign in with Example ID' });
        await link.waitFor();
        await page.getByLabel('Token').waitFor();
        await assertAccessible(page, `sign-in ${width}`);
        if (SHOTS) await page.screenshot({ path: `${SHOTS}/sign-in-${width}.png` });
        await link.click();
        await page.waitForURL(`${provider.origin}/authorize?**`);
        const waiting = (await context.cookies(`${base}/client/v4/weir/signin/callback`)).find((c) => c.name === 'weir_signin');
        assert.deepEqual([waiting.httpOnly, waiting.sameSite], [true, 'Lax']);
        await page.getByRole('link', { name: 'Go on' }).click();
        await page.getByRole('heading', { name: 'Logs' }).waitFor(); // through the page between, to where it began
        assert.equal(page.url(), `${base}/gateways/default/logs?q=x`);
        const cookies = await context.cookies([base, `${base}/client/v4/weir/session`]);
        assert.deepEqual(cookies.map((c) => [c.name, c.httpOnly, c.sameSite]).sort(), [['weir_id', true, 'Strict'], ['weir_session', true, 'Strict']]);
        await page.reload();
        await page.getByRole('heading', { name: 'Logs' }).waitFor();
        if (width === 'phone') await page.getByRole('button', { name: 'Menu' }).click();
        await page.getByText('Ada Lovelace').waitFor();
        await assertAccessible(page, `signed in ${width}`);
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.getByRole('link', { name: 'Sign in with Example ID' }).waitFor(); // by way of the provider's own sign-out
        assert.ok(provider.issuer.up.requests.some((r) => r.target.startsWith('/logout?client_id=weir&')));
        assert.deepEqual(await context.cookies(), []);
    });

test('the playground makes its token with the session, and the page its tokens within it', async (t) => {
    provider.person = ADA;
    const { page } = await open(t, {});
    await enter(page, '/playground');
    await page.getByRole('button', { name: 'Make one for an hour' }).click();
    await page.locator('.toast', { hasText: 'it ends in an hour' }).waitFor();
    await page.goto('/tokens');
    await page.getByRole('button', { name: 'New token' }).first().click();
    assert.match(await page.getByLabel('It ends').locator('option').first().textContent(), /as your session may/);
    await page.getByLabel('Name').fill('from the session');
    await page.getByRole('button', { name: 'Make', exact: true }).click();
    await page.getByText('It is shown this once').waitFor();
    const made = (await weir.request({ path: `/client/v4/accounts/${weir.account}/tokens`, auth: false, headers: { Authorization: `Bearer ${weir.token}` } })).json.result;
    assert.ok(made.filter((x) => x.name !== 'root').every((x) => Date.parse(x.expires_on) <= Date.now() + 12 * 3600e3), JSON.stringify(made));
});

test('somebody whom no rule fits, and a provider that fails: pages that say so, and the token still opens', async (t) => {
    for (const width of ['wide', 'phone']) {
        const { page } = await open(t, { width, theme: width === 'wide' ? 'dark' : 'light', expected: [502] });
        provider.person = { sub: 'b-2', preferred_username: '<img src=x onerror=alert(1)>' };
        await enter(page, '/');
        await page.getByRole('heading', { name: 'You may not use this dashboard' }).waitFor();
        await page.getByText('You are <img src=x onerror=alert(1)> (b-2).').waitFor();
        await assertAccessible(page, `nobody ${width}`);
        if (SHOTS) await page.screenshot({ path: `${SHOTS}/sign-in-nobody-${width}.png` });
        provider.person = ADA;
        provider.answer = (req, res) => res.json(500, {});
        await page.getByRole('link', { name: 'Try again' }).click();
        await page.getByRole('link', { name: 'Go on' }).click();
        await page.getByRole('heading', { name: 'The identity provider did not say who you are' }).waitFor();
        provider.answer = undefined;
        await page.getByRole('link', { name: 'Sign in with a token' }).click();
        await signIn(page, weir.token);
    }
});
