// SPDX-License-Identifier: Apache-2.0
// One line a failed test with all that is known, dots for the rest, and a count at the end. Appends
// "LABEL PASSED FAILED" to the file $FLOW_TALLY for ./dev test.
import fs from 'node:fs';
import path from 'node:path';

function explain(error) {
    const cause = error?.cause ?? error;
    const text = typeof cause === 'string' ? cause : (cause?.stack ?? cause?.message ?? String(cause));
    return text.split('\n').map((l) => `      ${l}`).join('\n');
}

export default async function* report(source) {
    let passed = 0;
    let failed = 0;
    let skipped = 0;
    const slow = [];
    const deepest = new Map(); // nesting of the last event of a file: a shallower one closes a parent
    for await (const { type, data } of source) {
        if (type === 'test:stderr' || type === 'test:stdout') {
            yield data.message;
            continue;
        }
        if (type !== 'test:pass' && type !== 'test:fail') continue;
        if (data.details?.type === 'suite') continue;
        const where = data.file ? path.basename(data.file) : '';
        const parent = (deepest.get(data.file) ?? 0) > data.nesting;
        deepest.set(data.file, data.nesting);
        // parents of subtests are not tests of their own, unless they failed by themselves
        if (parent && (type === 'test:pass' || data.details?.error?.failureType === 'subtestsFailed')) continue;
        const ms = data.details?.duration_ms ?? 0;
        if (data.skip !== undefined || data.todo !== undefined) {
            skipped++;
            yield `skipped  ${where}: ${data.name} ${data.skip === true ? '' : (data.skip ?? data.todo)}\n`;
        } else if (type === 'test:pass') {
            passed++;
            if (ms > 3000) slow.push(`${(ms / 1000).toFixed(1)} s  ${where}: ${data.name}`);
        } else {
            failed++;
            yield `FAILED   ${where}: ${data.name}\n${explain(data.details?.error)}\n`;
        }
    }
    if (slow.length) yield `slow:\n  ${slow.join('\n  ')}\n`;
    const label = process.env.FLOW_LABEL ?? 'flow';
    yield `${label}: ${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`;
    if (process.env.FLOW_TALLY) fs.appendFileSync(process.env.FLOW_TALLY, `${label} ${passed} ${failed}\n`);
}
