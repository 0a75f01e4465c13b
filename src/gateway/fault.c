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
    json_key(&w, "success");
    json_put_bool(&w, false);
    json_key(&w, "result");
    json_put_raw(&w, STR("[]"));
    json_key(&w, "messages");
    json_put_raw(&w, STR("[]"));
    json_key(&w, "error");
    json_open(&w, '[');
    json_open(&w, '{');
    json_key(&w, "code");
    json_put_int(&w, err_code(e));
    json_key(&w, "message");
    json_put_str(&w, message);
    if (e == E_BAD_CHAT && detail.n) { /* OpenAI's clients show this object only */
        json_key(&w, "description");
        json_put_str(&w, detail);
    }
    json_close(&w, '}');
    json_close(&w, ']');
    json_key(&w, "name");
    json_put_str(&w, STR("AiGatewayError"));
    json_key(&w, "httpCode");
    json_put_int(&w, err_http(e));
    json_key(&w, "internalCode");
    json_put_int(&w, err_code(e));
    json_key(&w, "message");
    json_put_str(&w, message);
    json_key(&w, "description");
    json_put_str(&w, detail.n ? detail : str_c(err_phrase(e)));
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
