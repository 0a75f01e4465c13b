// SPDX-License-Identifier: Apache-2.0
// Failed tests with all that is known, a count at the end, nothing else. Appends "LABEL PASSED FAILED" to the
// file $FLOW_TALLY for ./dev test.
import fs from 'node:fs';
import path from 'node:path';

function explain(error) {
    const cause = error?.cause ?? error;
    const text = typeof cause === 'string' ? cause : (cause?.stack ?? cause?.message ?? String(cause));
    return text.split('\n').map((l) => `      ${l}`).join('\n');
}

/** What is known of one test file while its events pass by. */
class File {
    names = []; // of the test that runs at each level of nesting
    deepest = 0; // level of the last result: a shallower one closes a parent
    output = ''; // of the tests and the programs they started
}

export default async function* report(source) {
    const files = new Map();
    const slow = [];
    let [passed, failed, skipped] = [0, 0, 0];
    for await (const { type, data } of source) {
        const name = data.file ? path.basename(data.file) : '';
        if (!files.has(name)) files.set(name, new File());
        const file = files.get(name);
        if (type === 'test:stderr' || type === 'test:stdout') file.output += data.message;
        if (type === 'test:start') file.names = [...file.names.slice(0, data.nesting), data.name];
        if (type === 'test:diagnostic' && process.env.FLOW_VERBOSE && data.nesting > 0) yield `         ${data.message}\n`;
        if (type !== 'test:pass' && type !== 'test:fail') continue;
        const parent = file.deepest > data.nesting;
        file.deepest = data.nesting;
        const title = [name, ...file.names.slice(0, data.nesting), data.name].join(' > ');
        const ms = data.details?.duration_ms ?? 0;
        if (data.nesting === 0 && ms > 5000) slow.push(`${(ms / 1000).toFixed(1)} s  ${title}`);
        // parents of subtests are not tests of their own, unless they failed by themselves
        if (parent && (type === 'test:pass' || data.details?.error?.failureType === 'subtestsFailed')) continue;
        if (data.skip !== undefined || data.todo !== undefined) {
            skipped++;
            yield `skipped  ${title}\n`;
        } else if (type === 'test:pass') {
            passed++;
        } else {
            failed++;
            yield `FAILED   ${title}\n${explain(data.details?.error)}\n${file.output}`;
            file.output = '';
        }
    }
    if (slow.length) yield `slow:\n  ${slow.join('\n  ')}\n`;
    const label = process.env.FLOW_LABEL ?? 'flow';
    yield `${label}: ${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`;
    if (process.env.FLOW_TALLY) fs.appendFileSync(process.env.FLOW_TALLY, `${label} ${passed} ${failed}\n`);
}
