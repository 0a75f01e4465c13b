/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of policies: a part of the Common Expression Language (github.com/google/cel-spec).
 *
 *   "eng" in cf.user.groups && !(metadata.env in ["dev", "test"]) || cf.user.email.endsWith("@example.com")
 *
 * There are: the fields cf.*, metadata.*, model and provider, also as metadata["team-name"]; texts, numbers,
 * true, false, null, lists; ! && || == != < <= > >= in + and parentheses; size(x), has(x.y), and the methods
 * startsWith, endsWith, contains and size. Not: regular expressions, ?:, macros over lists, other arithmetic.
 *
 * What is not there (a field that the request does not have), and what cannot be asked (1 < "x"), makes the
 * answer unknown, unless the rest of && or || decides it alone, on either side. Pure.
 */
#pragma once
#include "base/arena.h"
#include "base/json.h"

struct cel;

/* Where a text stops being an expression, and why; `says` is static. */
struct cel_fault {
    size_t at;
    const char *says;
};

/* Reads an expression that can be true or false into the arena; NULL with *ret_fault. */
const struct cel *cel_parse(struct arena *a, struct str text, struct cel_fault *ret_fault);

/* What expressions ask about: JSON objects, or NULL for nothing. */
struct cel_input {
    const struct json_val *cf, *metadata;
    struct str model, provider; /* p == NULL: missing */
};

enum cel_answer { CEL_FALSE, CEL_TRUE, CEL_UNKNOWN };
/* The arena takes what comes up on the way; past its cap the answer is unknown. */
enum cel_answer cel_ask(const struct cel *e, const struct cel_input *in, struct arena *a);

/*
 * The text of one field by its path, such as "cf.user.id": a text that is not empty, a number, a boolean. p
 * == NULL: anything else, and what is missing.
 */
struct str cel_field_text(struct arena *a, const struct cel_input *in, struct str path);
/* May a path name a field? Names behind cf. or metadata. of letters, digits, _ and -. */
bool cel_is_field(struct str path);
