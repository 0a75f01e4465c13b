/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and files as text. Pure. */
#pragma once
#include "cli/apply_plan.h"

/* For people: a line for each thing, one for each setting that is not as it should be. */
void code_plan_text(struct buf *out, const struct apply_plan *p, bool colour);
/* For programs: {"create", "update", "delete", "secrets_kept", "done": how many, "changes": [...]}. */
void code_plan_json(struct buf *out, const struct apply_plan *p, size_t done);

/* JSON with line breaks where a line would be long. */
void code_pretty(struct buf *out, const struct json_val *v);
