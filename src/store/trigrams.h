/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which runs of three bytes occur in some texts, in whatever case: a set of hashes as a bitmap. A text that
 * has a run which is not in the set is part of none of them; so a search for what is nowhere looks at no row.
 * Pure.
 */
#pragma once
#include "base/str.h"

enum { TRIGRAMS_BYTES = 4096 };

/* Adds the runs of a text to a set of TRIGRAMS_BYTES. */
void trigrams_put(unsigned char *set, struct str text);
/* False when no text of the set has this one as a part. Always true for one of less than three bytes, and
 * where there is no set (of another length). */
bool trigrams_may_have(struct str set, struct str part);
