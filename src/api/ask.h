/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a request's query, and the complaints that its answers cause. Pure. */
#pragma once
#include "base/complaints.h"

/* %XX and '+' undone; sequences that are neither stay as they are. p == NULL past the arena's cap. */
struct str query_decode(struct arena *a, struct str raw);
/* The decoded value of the last pair with this name; p == NULL when there is none. */
struct str query_value(struct arena *a, struct str query, struct str name);
/* The same for path segments, where '+' is a plus. */
struct str segment_decode(struct arena *a, struct str raw);

struct ask {
    struct str query;
    struct complaints wrong;
};

void ask_init(struct ask *k, struct arena *a, struct str query);
struct str ask_text(struct ask *k, const char *name);
/* The fallback when absent, and when it is wrong: that is noted in k->wrong. */
int64_t ask_int(struct ask *k, const char *name, int64_t min, int64_t max, int64_t fallback);
bool ask_bool(struct ask *k, const char *name, bool fallback);
size_t ask_choice(struct ask *k, const char *name, const struct str *choices, size_t n, size_t fallback);
