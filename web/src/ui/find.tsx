// SPDX-License-Identifier: Apache-2.0
// Finding something in a list that is in the page already.
import { exact } from '../lib/format';
import { Icon } from './basics';

const FEW = 8; // a list as short as this is seen at once

/** Every word of `wanted` is in one of the texts. */
export const finds = (wanted: string, ...texts: string[]) => wanted.toLowerCase().split(/\s+/).every((word) => texts.some((t) => t.toLowerCase().includes(word)));

export function Find({ what, of, found, value, onChange }: { what: string; of: number; found: number; value: string; onChange: (wanted: string) => void }) {
    if (of <= FEW) return null;
    return (
        <div class="toolbar">
            <div class="search" role="search"><Icon name="search" /><input data-search type="search" aria-label={`Find ${what}`} placeholder={`Find ${what}`} value={value} onInput={(e) => onChange(e.currentTarget.value)} /><kbd>/</kbd></div>
            <span class="muted" role="status">{value ? `${exact(found)} of ${exact(of)}` : `${exact(of)} ${what}`}</span>
        </div>
    );
}
