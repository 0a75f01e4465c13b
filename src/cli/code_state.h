/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateways of a running daemon are, asked of its management API. */
#pragma once
#include "cli/code_set.h"
#include "cli/daemon.h"

/*
 * Reads what a file speaks of (`want`), or all (NULL), or one gateway of all (`only`, NULL: each). False:
 * stderr says why not.
 */
bool code_state_read(struct code_set *ret, const struct daemon *d, const struct code_set *want,
                     const char *only);

/* The path of the kind below an account: with the id of the parent. In the arena. */
struct str code_path(struct arena *a, const struct code_kind *kind, const struct code_object *parent);
/* The path of one object. */
struct str code_object_path(struct arena *a, const struct code_object *o);
