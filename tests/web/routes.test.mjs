// SPDX-License-Identifier: Apache-2.0
// Dynamic routes in Chromium: drawn with the mouse, with a finger and with the keyboard; saved, compared, deployed, taken back.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { startMock, startWeir } from '../flow/lib/weir.mjs';
import { assertAccessible, openWindow, signIn, startBrowser } from './lib/browser.mjs';
import { XSS } from './lib/traffic.mjs';

const SHOTS = process.env.SHOTS; // a directory: pictures are left there
const to = (elementId) => ({ elementId });
const SUPPORT = [
    { id: 'start', type: 'start', outputs: { next: to('paid') } },
    { id: 'paid', type: 'conditional', properties: { conditions: { 'metadata.plan': { $eq: 'paid' } } }, outputs: { true: to('quota'), false: to('split') } },
    { id: 'quota', type: 'rate', properties: { key: 'metadata.user_id', limit: 20, limitType: 'count', window: 3600 }, outputs: { success: to('big'), fallback: to('small') } },
    { id: 'split', type: 'percentage', outputs: { '10%': to('big'), else: to('small') } },
    { id: 'big', type: 'model', properties: { provider: 'anthropic', model: 'claude-sonnet-4-5', timeout: 20000, retries: 1 }, outputs: { success: to('end'), fallback: to('small') } },
    { id: 'small', type: 'model', properties: { provider: 'openai', model: 'gpt-4o-mini' }, outputs: { success: to('end') } },
    { id: 'end', type: 'end', outputs: {} },
];
let browser, weir, base;
const ends = [];

before(async () => {
    const t = { after: (f) => ends.push(f) };
    const mock = await startMock(t);
    weir = await startWeir(t, { providers: { openai: `${mock.origin}/openai` } });
    base = `http://127.0.0.1:${weir.port}`;
    browser = await startBrowser();
});
after(async () => {
    await browser?.close();
    for (const end of ends) await end();
});

async function window(t, { at = '/gateways/default/routes', expected = [], ...options } = {}) {
    const w = await openWindow(browser, base, { ...options, expected: [403, ...expected] });
    t.after(() => w.close());
    await signIn(w.page, weir.token, at);
    return w.page;
}
const toast = (page, text) => page.locator('.toast', { hasText: text }).first().waitFor();
const node = (page, id) => page.locator(`.node[data-node="${id}"]`);
const panel = (page, id) => page.getByRole('region', { name: `Element ${id}` });
const shot = async (page, name, options) => { if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png`, ...options }); };

let made = 0;
async function makeRoute(elements = SUPPORT) {
    const { json } = await weir.api('POST', '/gateways/default/routes', { name: `support-${++made}`, elements });
    assert.ok(json.success, JSON.stringify(json));
    return json.result;
}
const routeOf = async (r) => (await weir.api('GET', `/gateways/default/routes/${r.id}`)).json.result;
const versionsOf = async (r) => (await weir.api('GET', `/gateways/default/routes/${r.id}/versions`)).json.data.versions;
const newest = async (r) => JSON.parse((await versionsOf(r))[0].data);
const at = (r) => `/gateways/default/routes/${r.id}`;

async function drag(page, from, target, finger = false) {
    const [a, b] = [await from.boundingBox(), target.x === undefined ? await target.boundingBox() : target];
    const [x, y] = [a.x + a.width / 2, a.y + a.height / 2], [u, v] = [b.x + (b.width ?? 0) / 2, b.y + (b.height ?? 0) / 2];
    if (!finger) {
        await page.mouse.move(x, y);
        await page.mouse.down();
        await page.mouse.move((x + u) / 2, (y + v) / 2, { steps: 3 });
        await page.mouse.move(u, v, { steps: 3 });
        return page.mouse.up();
    }
    const touch = await page.context().newCDPSession(page);
    const send = (type, ...touchPoints) => touch.send('Input.dispatchTouchEvent', { type, touchPoints });
    await send('touchStart', { x, y });
    for (const part of [0.2, 0.5, 0.8, 1]) await send('touchMove', { x: x + (u - x) * part, y: y + (v - y) * part });
    return send('touchEnd');
}

test('a route is made: what is wrong with it is shown where it is', async (t) => {
    const page = await window(t, { expected: [400] });
    await page.getByRole('heading', { name: 'No route' }).waitFor();
    await page.getByText('answered with status 501').waitFor();
    await assertAccessible(page, 'no routes');
    await page.getByRole('button', { name: 'New route' }).click();
    await page.getByLabel('Name').fill('help desk');
    await node(page, 'model').click();
    await panel(page, 'model').getByLabel('Provider').fill('nobody');
    await page.getByRole('button', { name: 'Make and deploy' }).click();
    await panel(page, 'model').getByText('There is no provider "nobody"').waitFor();
    assert.match(await node(page, 'model').getAttribute('aria-label'), /something is wrong/);
    assert.equal(await page.locator('.wrong-node').count(), 1);
    await assertAccessible(page, 'a wrong element');
    await shot(page, 'wrong');
    await panel(page, 'model').getByLabel('Provider').fill('openai');
    assert.equal(await page.locator('.wrong-node').count(), 0); // what has been changed is not what was wrong
    await page.getByRole('button', { name: 'Make and deploy' }).click();
    await page.getByRole('heading', { name: 'help desk' }).waitFor();
    await page.getByLabel('curl', { exact: true }).getByText('"model":"dynamic/help desk"').waitFor();
    await page.getByRole('link', { name: 'Dynamic routes' }).first().click();
    await page.getByRole('row').filter({ hasText: 'dynamic/help desk' }).waitFor();
});

test('by mouse: a new element from the palette, moved, connected, saved, deployed, taken back', async (t) => {
    const r = await makeRoute(), page = await window(t, { at: at(r) });
    await node(page, 'start').waitFor();
    const canvas = await page.locator('.canvas').boundingBox();
    await drag(page, page.getByRole('button', { name: 'Rate', exact: true }), { x: canvas.x + 200, y: canvas.y + canvas.height - 90 });
    await panel(page, 'rate').waitFor();
    const before = await node(page, 'rate').boundingBox();
    await drag(page, node(page, 'rate').locator('.name'), { x: before.x + 130, y: before.y + 70 });
    assert.notEqual((await node(page, 'rate').boundingBox()).x, before.x);
    await page.locator('.canvas').evaluate((el) => { el.scrollTop = 0; el.scrollLeft = 0; });
    await drag(page, node(page, 'paid').locator('[data-output=false] circle').last(), node(page, 'rate').locator('.socket'));
    await panel(page, 'paid').getByLabel('false leads to').waitFor();
    assert.equal(await panel(page, 'paid').getByLabel('false leads to').inputValue(), 'rate');
    await node(page, 'rate').focus();
    await panel(page, 'rate').getByLabel('success leads to').selectOption('split');
    await page.getByRole('region', { name: 'What will change' }).getByText('rate', { exact: true }).first().waitFor();
    await shot(page, 'editor');
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    await toast(page, 'Saved: it counts once it is deployed');
    const saved = await newest(r);
    assert.deepEqual([saved.find((e) => e.id === 'paid').outputs.false, saved.find((e) => e.id === 'rate').outputs], [to('rate'), { success: to('split') }]);
    assert.equal((await routeOf(r)).version.version_id, r.version.version_id); // nothing is deployed yet
    await page.getByRole('button', { name: 'Deploy this version' }).click();
    await toast(page, /^[0-9a-f]{8} is deployed/);
    assert.notEqual((await routeOf(r)).version.version_id, r.version.version_id);
    await page.getByRole('button', { name: /^Compare/ }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('outputs.false').waitFor();
    assert.deepEqual(await dialog.locator('.differences > li > b').allInnerTexts(), ['paid', 'rate']);
    await assertAccessible(page, 'compared');
    await shot(page, 'compare');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Roll back to/ }).click();
    await page.getByRole('region', { name: 'Deployments' }).getByRole('listitem').nth(2).waitFor();
    assert.equal((await routeOf(r)).version.version_id, r.version.version_id);
    assert.equal(await node(page, 'rate').count(), 0); // the graph is that of the version that counts
});

test('by finger: elements are moved and connected', async (t) => {
    const r = await makeRoute(), page = await window(t, { at: at(r), touch: true });
    const before = await node(page, 'split').boundingBox();
    await drag(page, node(page, 'split').locator('.name'), { x: before.x + 60, y: before.y + 150 }, true);
    assert.notEqual((await node(page, 'split').boundingBox()).y, before.y);
    await drag(page, node(page, 'paid').locator('[data-output=true] circle').last(), node(page, 'split').locator('.socket'), true);
    await shot(page, 'finger');
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    await toast(page, 'Saved');
    assert.deepEqual((await newest(r)).find((e) => e.id === 'paid').outputs.true, to('split'));
});

test('by keyboard: chosen, moved, changed, connected through the list, deleted', async (t) => {
    const r = await makeRoute(), page = await window(t, { at: at(r) });
    const where = () => node(page, 'quota').getAttribute('transform');
    await node(page, 'quota').focus();
    const before = await where();
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown']) await page.keyboard.press(key);
    assert.notEqual(await where(), before);
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'element-id');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('limit');
    await page.keyboard.press('Tab');
    await panel(page, 'limit').getByLabel('fallback leads to').focus();
    await page.keyboard.type('end');
    await page.keyboard.press('Enter');
    await node(page, 'split').focus();
    await page.keyboard.press('Delete');
    await page.getByRole('group', { name: 'Add an element' }).getByRole('button', { name: 'End' }).focus();
    await page.keyboard.press('Enter');
    await panel(page, 'end-2').waitFor();
    await node(page, 'paid').focus();
    await page.getByLabel('Value 1').fill('"7"');
    await page.getByLabel('Field 1').fill('body.level');
    await page.getByRole('button', { name: 'And' }).click();
    await page.getByLabel('Field 2').fill('metadata.team');
    await page.getByLabel('Comparison 2', { exact: true }).selectOption('is one of');
    await page.getByLabel('Value 2').fill('search, 5');
    await panel(page, 'paid').getByLabel('false leads to').selectOption('end-2');
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    await toast(page, 'Saved');
    const saved = Object.fromEntries((await newest(r)).map((e) => [e.id, e]));
    assert.deepEqual(Object.keys(saved), ['start', 'paid', 'limit', 'big', 'small', 'end', 'end-2']);
    assert.deepEqual(saved.limit.outputs, { success: to('big'), fallback: to('end') });
    assert.deepEqual(saved.paid, { ...SUPPORT[1], properties: { conditions: { 'body.level': { $eq: '7' }, 'metadata.team': { $in: ['search', 5] } } }, outputs: { true: to('limit'), false: to('end-2') } });
    await page.reload(); // what is deployed is shown first
    await page.getByRole('button', { name: /^Show/ }).click();
    await node(page, 'limit').waitFor();
});

test('JSON and graph are the same thing; a draft says where it is wrong and cannot be deployed', async (t) => {
    const r = await makeRoute(), page = await window(t, { at: at(r), expected: [400] });
    await page.getByRole('button', { name: 'JSON' }).click();
    const json = page.getByLabel('Elements, as the API has them');
    assert.deepEqual(JSON.parse(await json.inputValue()), SUPPORT);
    await json.fill('[{');
    await page.getByText('This is not JSON').waitFor();
    const changed = SUPPORT.map((e) => (e.id === 'small' ? { ...e, outputs: { success: to('elsewhere') } } : e));
    await json.fill(JSON.stringify(changed));
    await page.getByRole('region', { name: 'What will change' }).waitFor();
    const [question] = await Promise.all([page.waitForEvent('dialog'), page.evaluate(() => { setTimeout(() => { location.href = '/'; }, 100); })]);
    assert.equal(question.type(), 'beforeunload'); // what is not saved is not lost by the way
    await question.dismiss();
    await page.getByRole('button', { name: 'Graph', exact: true }).click();
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    await toast(page, 'Saved as a draft');
    await panel(page, 'small').getByText('There is no element "elsewhere"').waitFor();
    await page.getByText('draft: it cannot be deployed').waitFor();
    await page.getByRole('button', { name: 'Deploy this version' }).click();
    await page.getByRole('alert').filter({ hasText: 'Deploying failed' }).waitFor();
    assert.match(await node(page, 'small').getAttribute('class'), /wrong-node/);
    await shot(page, 'draft');
    await panel(page, 'small').getByLabel('success leads to').selectOption('end');
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    await toast(page, 'Saved: it counts');
    assert.deepEqual(await newest(r), SUPPORT);
});

test('older names of properties stay what they are; shares are added and taken away', async (t) => {
    const r = await makeRoute(SUPPORT.map((e) => ({ ...e, ...(e.id === 'quota' && { type: 'rate_limit', properties: { key: 'metadata.user_id', limit: 20, limitType: 'count', interval: 60 } }),
        ...(e.id === 'paid' && { properties: { condition: '{"metadata.plan": "paid"}' } }) })));
    const page = await window(t, { at: at(r) });
    await node(page, 'quota').click();
    await panel(page, 'quota').getByLabel('Window in seconds').fill('90');
    await panel(page, 'quota').getByLabel('What is counted').selectOption('US dollars');
    await panel(page, 'quota').getByLabel('Limit').fill('0.5');
    await node(page, 'paid').click();
    await panel(page, 'paid').getByLabel('Value 1').fill('gold');
    await node(page, 'split').focus();
    await panel(page, 'split').getByRole('button', { name: 'Remove else' }).click();
    await panel(page, 'split').getByRole('button', { name: 'Share' }).click();
    await panel(page, 'split').getByLabel('Share 2').fill('90%');
    await page.keyboard.press('Enter');
    await panel(page, 'split').getByLabel('90% leads to').selectOption('small');
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    await toast(page, 'Saved: it counts');
    const saved = Object.fromEntries((await newest(r)).map((e) => [e.id, e]));
    assert.deepEqual(saved.quota.properties, { key: 'metadata.user_id', limit: 0.5, limitType: 'cost', interval: 90 });
    assert.deepEqual(saved.paid.properties, { condition: { 'metadata.plan': { $eq: 'gold' } } });
    assert.deepEqual(saved.split.outputs, { '10%': to('big'), '90%': to('small') });
});

test('renamed, and deleted after its name is typed', async (t) => {
    const r = await makeRoute(), page = await window(t, { at: at(r), expected: [400] });
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('help/');
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('dialog').getByRole('alert').waitFor();
    await page.getByRole('dialog').getByLabel('Name').fill(XSS);
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('heading', { name: XSS }).waitFor();
    assert.equal(await page.evaluate('window.xss'), undefined);
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    const dialog = page.getByRole('dialog');
    assert.equal(await dialog.getByRole('button', { name: 'Delete the route' }).isDisabled(), true);
    await dialog.getByRole('textbox').fill(XSS);
    await dialog.getByRole('button', { name: 'Delete the route' }).click();
    await page.waitForURL(`${base}/gateways/default/routes`);
    assert.equal((await weir.api('GET', `/gateways/default/routes/${r.id}`)).status, 404);
});

test('narrow and wide, dark and light: everything in its place', async (t) => {
    const r = await makeRoute();
    for (const width of ['wide', 'phone'])
        for (const theme of ['light', 'dark']) {
            const page = await window(t, { at: '/gateways/default/routes', width, theme });
            await page.getByRole('link', { name: r.name }).waitFor();
            await assertAccessible(page, `list, ${width}, ${theme}`);
            await shot(page, `list-${width}-${theme}`);
            await page.goto(at(r));
            if (width === 'wide') await node(page, 'paid').focus();
            else await page.getByRole('list', { name: 'Elements' }).getByRole('button', { name: /^paid/ }).click();
            await panel(page, 'paid').waitFor();
            await assertAccessible(page, `route, ${width}, ${theme}`);
            await shot(page, `route-${width}-${theme}`, { fullPage: true });
            for (const view of ['JSON', width === 'wide' ? 'Outline' : 'Graph']) {
                await page.getByRole('group', { name: 'View' }).getByRole('button', { name: view }).click();
                await assertAccessible(page, `${view}, ${width}, ${theme}`);
                await shot(page, `${view}-${width}-${theme}`);
            }
        }
});
