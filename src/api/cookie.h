/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cookies of browsers that use the dashboard. What is in them is sealed under the master key: any worker can
 * read it, nobody else can, and nothing is kept here.
 */
#pragma once
#include "api/call.h"

struct cookie {
    struct str name, path;
    const char *same_site; /* "Strict" or "Lax" */
};

/* Browsers keep 4096 bytes of name and value (RFC 6265bis section 6.1). */
enum { COOKIE_BYTES = 4000 };

/* Its value in the request; p == NULL: there is none. */
struct str cookie_find(const struct api_call *c, const struct cookie *k);
/*
 * What was sealed as the value `about` this; p == NULL: something else, or by nobody here. It goes with the
 * call.
 */
struct str cookie_open(struct api_call *c, struct str value, struct str about);
/* A text as a cookie's value; p == NULL: too long for one. */
struct str cookie_seal(struct api_call *c, struct str text, struct str about);
/* With the answer: sets it for so long, or (value empty) takes it away. */
void cookie_set(struct api_call *c, const struct cookie *k, struct str value, int64_t seconds);
