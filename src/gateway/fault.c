/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/fault.h"
#include "base/json.h"

/* Several faults share a code: the message is the code's, so that clients can rely on it. */
static enum err face(enum err e)
{
    switch (err_code(e)) {
    case 2004: return E_TIMED_OUT;
    case 2005: return E_NO_ANSWER;
    case 2008: return e == E_BAD_PATH ? E_NO_PROVIDER : e;
    default: return e;
    }
}

void fault_render(struct buf *out, enum err e, struct str detail)
{
    struct json_out w = json_out(out);
    /* which credential or model is missing stands in the message itself (sections 4 and 21.1) */
    bool told = (e == E_NO_CREDENTIAL || e == E_NO_ROUTE) && detail.n;
    struct str message = told ? detail : str_c(err_phrase(face(e)));
    json_open(&w, '{');
    json_add_bool(&w, "success", false);
    json_add_raw(&w, "result", STR("[]"));
    json_add_raw(&w, "messages", STR("[]"));
    json_key(&w, "error");
    json_open(&w, '[');
    json_open(&w, '{');
    json_add_int(&w, "code", err_code(e));
    json_add_str(&w, "message", message);
    if (e == E_BAD_CHAT && detail.n) { /* OpenAI's clients show this object only */
        json_add_str(&w, "description", detail);
    }
    json_close(&w, '}');
    json_close(&w, ']');
    json_add_str(&w, "name", STR("AiGatewayError"));
    json_add_int(&w, "httpCode", err_http(e));
    json_add_int(&w, "internalCode", err_code(e));
    json_add_str(&w, "message", message);
    json_add_str(&w, "description", detail.n ? detail : str_c(err_phrase(e)));
    json_close(&w, '}');
}

struct str fault_sentence(struct arena *a, enum err e, struct str detail)
{
    struct str known = str_c(err_phrase(face(e))), more = detail.n ? detail : str_c(err_phrase(e));
    if (e == E_BAD_CHAT || str_eq(known, more))
        return more;
    struct str both = arena_printf(a, "%.*s: %.*s", STR_FMT(known), STR_FMT(more));
    return both.p ? both : known;
}

void fault_render_bare(struct buf *out, enum err e)
{
    fault_render(out, e, STR(""));
}
