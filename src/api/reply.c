/* SPDX-License-Identifier: Apache-2.0 */
/* The envelopes of control plane section 2. */
#include "api/call.h"

static const struct {
    int http, code;
    struct str phrase;
} errors[] = {
#define API_ERR(name, http, code, phrase, when) [name] = {http, code, S(phrase)},
#include "api/errors.def"
#undef API_ERR
};

static const struct str JSON = S("application/json");

struct json_out reply_open(struct api_call *c)
{
    return reply_open_as(c, "result");
}

struct json_out reply_open_as(struct api_call *c, const char *key)
{
    buf_clear(&c->answer);
    struct json_out w = json_out(&c->answer);
    json_open(&w, '{');
    json_add_bool(&w, "success", true);
    json_add_raw(&w, "errors", STR("[]"));
    json_key(&w, "messages");
    json_open(&w, '[');
    if (c->note) {
        json_open(&w, '{');
        json_add_int(&w, "code", c->note_code ? c->note_code : 1000);
        json_add_str(&w, "message", str_c(c->note));
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_key(&w, key);
    return w;
}

void reply_close(struct api_call *c, struct json_out *w)
{
    json_close(w, '}');
    if (c->answer.full)
        reply_error(c, API_INTERNAL);
    else
        api_call_send(c, 200, JSON, buf_str(&c->answer));
}

void reply_close_page(struct api_call *c, struct json_out *w, const struct paging *p)
{
    const struct {
        const char *key;
        int64_t value;
    } rows[] = {
        {"page", p->page},
        {"per_page", p->per_page},
        {"count", p->count},
        {"total_count", p->total},
        {"total_pages", (p->total + p->per_page - 1) / p->per_page},
    };
    json_key(w, "result_info");
    json_open(w, '{');
    for (size_t i = 0; i < countof(rows); i++) {
        json_key(w, rows[i].key);
        json_put_int(w, rows[i].value);
    }
    if (p->put_more)
        p->put_more(w, p->arg);
    json_close(w, '}');
    reply_close(c, w);
}

static struct json_out open_errors(struct api_call *c)
{
    buf_clear(&c->answer); /* it may hold the beginning of an answer that grew too large */
    struct json_out w = json_out(&c->answer);
    json_open(&w, '{');
    json_add_bool(&w, "success", false);
    json_key(&w, "errors");
    json_open(&w, '[');
    return w;
}

static void open_error(struct json_out *w, enum api_err e, struct str message)
{
    json_open(w, '{');
    json_add_int(w, "code", errors[e].code);
    json_add_str(w, "message", message.n ? message : errors[e].phrase);
}

static void close_errors(struct api_call *c, struct json_out *w, enum api_err e, struct str result)
{
    json_close(w, ']');
    json_add_raw(w, "messages", STR("[]"));
    json_add_raw(w, "result", result);
    json_close(w, '}');
    api_call_send(c, errors[e].http, JSON, buf_str(&c->answer));
}

void reply_error(struct api_call *c, enum api_err e)
{
    struct json_out w = open_errors(c);
    open_error(&w, e, STR(""));
    json_close(&w, '}');
    close_errors(c, &w, e, STR("null"));
}

/* ["body","weir_retry_statuses",1] for "weir_retry_statuses.1": indexes are numbers (section 2.2). */
static void put_path(struct json_out *w, struct arena *a, const char *place, struct str key)
{
    json_key(w, "path");
    json_open(w, '[');
    json_put_str(w, str_c(place));
    while (key.n) {
        int64_t index;
        struct str part = str_cut(&key, '.');
        if (str_to_int(part, &index) == E_OK)
            json_put_int(w, index);
        else
            json_put_str(w, complaint_shown(a, part));
    }
    json_close(w, ']');
}

static void reply_exists(struct api_call *c, const char *taken)
{
    struct json_out w = open_errors(c);
    bool gateway = c->route && str_ends(c->route->pattern, STR("/gateways"));
    open_error(&w, API_EXISTS, gateway ? STR("Gateway already exists") : STR(""));
    put_path(&w, c->arena, "body", str_c(taken));
    json_close(&w, '}');
    close_errors(c, &w, API_EXISTS, STR("null"));
}

void reply_change_error(struct api_call *c, enum err e, const char *taken)
{
    if (e == E_AGAIN)
        reply_exists(c, taken);
    else
        reply_error(c, e == E_NOT_FOUND ? API_NOT_FOUND : e == E_STALE ? API_STALE : API_INTERNAL);
}

void reply_invalid(struct api_call *c, const struct complaints *wrong)
{
    struct json_out w = open_errors(c);
    for (const struct complaint *one = wrong->first; one; one = one->next) {
        open_error(&w, API_INVALID, one->message);
        put_path(&w, c->arena, wrong->place, one->key);
        json_close(&w, '}');
    }
    bool query = str_eq(str_c(wrong->place), STR("query"));
    close_errors(c, &w, API_INVALID, query ? STR("{}") : STR("null"));
}
