// SPDX-License-Identifier: Apache-2.0
// The distribution's Chromium, and what holds for every page that a test opens: nothing fails, nothing comes from elsewhere.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const CANDIDATES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable'];
const AXE = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const WIDTHS = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

export function startBrowser() {
    const executablePath = CANDIDATES.find((p) => p && fs.existsSync(p));
    assert.ok(executablePath, 'no Chromium: apt-get install chromium, or say where it is in CHROMIUM');
    return chromium.launch({ executablePath, args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
}

/** A browser's window of its own, with what went wrong in it; `expected` are refusals that a test provokes, `others` sites that it goes to. */
export async function openWindow(browser, base, { width = 'wide', theme = 'light', touch = false, expected = [], others = [] } = {}) {
    const context = await browser.newContext({ baseURL: base, viewport: WIDTHS[width], colorScheme: theme, hasTouch: touch, reducedMotion: 'reduce', locale: 'en-GB' });
    const page = await context.newPage();
    page.setDefaultTimeout(Number(process.env.FLOW_WAIT_MS ?? 20000));
    const faults = [];
    page.on('pageerror', (e) => faults.push(`error: ${e.message}`));
    page.on('console', (m) => {
        const refusal = /the server responded with a status of (\d+)/.exec(m.text());
        const known = refusal ? expected.includes(Number(refusal[1])) : expected.some((e) => typeof e === 'string' && m.text().includes(e));
        if (m.type() === 'error' && !known) faults.push(`console: ${m.text()}`);
    });
    page.on('request', (r) => { if (![base, 'data:', ...others].some((site) => r.url().startsWith(site))) faults.push(`asked elsewhere: ${r.url()}`); });
    return { context, page, async close() { await context.close(); assert.deepEqual(faults, []); } };
}

export async function signIn(page, token, at = '/') {
    await page.goto(at);
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('.shell').waitFor();
}

/** Goes to an address as a link of the page does: without loading it again. */
export const turnTo = (page, at) => page.evaluate((to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }, at);

/** Every rule of axe, and no page that is wider than the window. */
export async function assertAccessible(page, what) {
    if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(`${AXE};0`);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    assert.deepEqual(violations.map((v) => [v.id, ...v.nodes.map((n) => n.html.slice(0, 200))]), [], what);
    assert.equal(await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth)), 0, `${what}: wider than the window`);
}

/** Both widths in both themes: accessible, and a picture of each if there is a directory for them. */
export async function assertLooks(page, what, shots = process.env.SHOTS) {
    for (const width of ['wide', 'phone'])
        for (const theme of ['light', 'dark']) {
            await page.setViewportSize(WIDTHS[width]);
            await page.emulateMedia({ colorScheme: theme });
            await page.waitForFunction((t) => document.documentElement.dataset.theme === t, theme);
            if (shots) await page.screenshot({ path: `${shots}/${what}-${width}-${theme}.png` });
            await assertAccessible(page, `${what}, ${width}, ${theme}`);
        }
    await page.setViewportSize(WIDTHS.wide);
}
