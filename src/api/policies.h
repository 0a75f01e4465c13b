/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies in the catalogue (control plane section 11): objects of KIND_POLICY, whose settings are
 *
 *   {"name", "actor", "resource", "condition", "action"}                      committed
 *   {"staging": true, "name", ...}                                            a draft of a new one
 *   {"name", ..., "staged": {"name", "actor", ...}}                           committed, and a draft of its
 * change
 *
 * Loop's thread.
 */
#pragma once
#include "api/call.h"
#include "gateway/policy_rules.h"

/* With drafts as they would be after a commit, or what is committed alone. */
enum policy_view { POLICY_COMMITTED, POLICY_STAGED };

/* The members of a policy in a view, JSON in the arena; p == NULL: in that view there is none.
 * *ret_draft: they are a draft's. */
struct str policy_look(struct arena *a, const struct object *o, enum policy_view view, bool *ret_draft);
/* Does the query ask for drafts? */
enum policy_view policy_view_of(struct ask *k);

/* The section of api.md. */
void policy_fields_document(struct buf *out);
