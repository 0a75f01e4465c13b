/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/error_kind.h"

static enum error_kind of_status(int status)
{
    if (status == 429)
        return ERROR_PROVIDER_RATE_LIMITED;
    if (status == 401 || status == 403)
        return ERROR_PROVIDER_AUTH;
    return status < 500 ? ERROR_REFUSED : ERROR_PROVIDER;
}

static enum error_kind of_err(enum err e)
{
    switch (e) {
    case E_RATE_LIMITED: return ERROR_RATE_LIMITED;
    case E_CREDENTIAL:
    case E_UNIFIED_KEY: return ERROR_PROVIDER_AUTH;
    case E_TIMED_OUT:
    case E_CONNECT_TIMEOUT:
    case E_FIRST_BYTE_TIMEOUT:
    case E_STREAM_IDLE: return ERROR_TIMEOUT;
    case E_DNS:
    case E_EGRESS:
    case E_POOL_FULL:
    case E_REFUSED:
    case E_TLS:
    case E_UNREACHABLE: return ERROR_UNREACHABLE;
    case E_BAD_ANSWER:
    case E_BAD_OUTPUT:
    case E_EOF:
    case E_NO_ANSWER:
    case E_RESET: return ERROR_CUT;
    case E_CLIENT_GONE: return ERROR_CLIENT_GONE;
    default: return ERROR_GATEWAY;
    }
}

enum error_kind error_kind_of(const struct failure *f)
{
    if (f->status >= 400)
        return of_status(f->status);
    if (f->err != E_OK)
        return of_err(f->err);
    return f->reported ? ERROR_STREAM : ERROR_CUT;
}
