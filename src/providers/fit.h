/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request in the dialect that the provider speaks. Nothing is translated: every byte stays but the model's
 * name and, in OpenAI's chat, members that this provider is known to refuse, which get the name it knows or
 * are left out (providers/entries.def has the quirks).
 */
#pragma once
#include "providers/codec.h"

/*
 * Appends the body to out. Names of what was left out are added to *left_out, in the arena. E_SYNTAX: the
 * body is no JSON object; E_FULL past the arena's cap.
 */
enum err fit_request(struct arena *a, struct str body, const struct codec_ask *ask, struct buf *out,
                     struct ir_strs *left_out) MUST_CHECK;
