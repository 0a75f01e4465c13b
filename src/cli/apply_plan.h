/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what is there to what is wanted: the calls of the management API that lead from one to the other, in
 * an order in which they can be made. Pure.
 */
#pragma once
#include "cli/code_set.h"
#include "cli/code_value.h"

/* A setting, or a member inside one, that is not as it should be. */
struct apply_change {
    struct apply_change *next;
    struct str path, name; /* "guardrails.prompt.P1", and its last part */
    const struct code_shape *shape;
    const struct json_val *from, *to; /* NULL: not there */
};

enum apply_action { APPLY_CREATE, APPLY_UPDATE, APPLY_REPLACE, APPLY_DELETE };

struct apply_call {
    struct apply_call *next;
    enum apply_action action;
    struct code_object *want, *have; /* NULL: there is none */
    struct apply_change *changes;    /* none for APPLY_DELETE */
};

struct apply_plan {
    struct apply_call *first, **last;
    size_t n, count[APPLY_DELETE + 1]; /* calls, of each action */
    size_t kept;                       /* stored secrets that stay as they are, for nobody can compare them */
    bool full;                         /* the arena was: the plan is no plan */
};

struct apply_options {
    bool prune;   /* what is there, of kinds that are mentioned, and not wanted goes */
    bool secrets; /* secrets are sent again */
};

/*
 * `want` is from a file, `have` from answers. Objects of `want` get the id, as they have one, of their
 * counterpart. Lives in the arena.
 */
void apply_plan(struct apply_plan *ret, struct arena *a, struct code_set *want, const struct code_set *have,
                const struct apply_options *o);

/* The body of a call that creates, updates or makes anew. */
void apply_body(struct buf *out, const struct apply_call *call, struct code_secrets *secrets);
