/* SPDX-License-Identifier: Apache-2.0 */
/* The pages a browser sees while somebody signs in: plain HTML, no script, nothing from elsewhere. */
#pragma once
#include "api/call.h"

enum signin_fault {
    SIGNIN_OFF,         /* no provider is set up */
    SIGNIN_UNREACHABLE, /* its description cannot be had */
    SIGNIN_STALE,       /* an answer to no sign-in of this browser */
    SIGNIN_REFUSED,     /* the provider says no */
    SIGNIN_MIXED_UP,    /* another provider answers */
    SIGNIN_NO_ANSWER,   /* nothing was made of the code */
    SIGNIN_BAD_TOKEN,   /* what came does not prove anything */
    SIGNIN_NOBODY,      /* somebody is known, but no rule fits */
    SIGNIN_NO_ACCOUNT,
    SIGNIN_TOO_LONG,
};

/* Goes on to a path of this site at once. */
void signin_page_go(struct api_call *c, struct str path);
/* Says what failed, and what to do. detail: further words, from anywhere; may be empty. path: where it would
 * have gone on to. */
void signin_page_fault(struct api_call *c, enum signin_fault fault, struct str detail, struct str path);
