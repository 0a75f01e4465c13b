/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

static const struct err_row {
    const char *name, *phrase;
    short http, code;
    bool retry;
} rows[E_COUNT] = {
#define ERR(name, http, code, retry, phrase) [name] = {#name, phrase, http, code, retry},
#include "base/err.def"
#undef ERR
};

static const struct err_row *row(enum err e)
{
    must((unsigned)e < E_COUNT);
    return &rows[e];
}

const char *err_name(enum err e)
{
    return row(e)->name;
}

const char *err_phrase(enum err e)
{
    return row(e)->phrase;
}

int err_http(enum err e)
{
    return row(e)->http;
}

int err_code(enum err e)
{
    return row(e)->code;
}

bool err_retryable(enum err e)
{
    return row(e)->retry;
}
