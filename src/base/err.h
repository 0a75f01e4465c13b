/* SPDX-License-Identifier: Apache-2.0 */
/* The one error list (err.def) and its look-ups. Functions that can fail return enum err. */
#pragma once
#include "base/base.h"

enum err {
#define ERR(name, http, code, retry, phrase) name,
#include "base/err.def"
#undef ERR
    E_COUNT
};

/* The row of an error; static storage. err must be a listed value. */
const char *err_name(enum err e);
const char *err_phrase(enum err e);
int err_http(enum err e);
int err_code(enum err e);
bool err_retryable(enum err e);
