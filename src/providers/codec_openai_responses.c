/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI Responses: the codec's table, and its errors. */
#include "providers/codec_openai_responses.h"

static const struct {
    struct str type; /* as it is written */
    struct str code;
    int status;
} errors[] = {
    [IR_ERR_INVALID] = {S("invalid_request_error"), S("invalid_request"), 400},
    [IR_ERR_AUTH] = {S("authentication_error"), S("invalid_api_key"), 401},
    [IR_ERR_PERMISSION] = {S("permission_error"), S("permission_denied"), 403},
    [IR_ERR_NOT_FOUND] = {S("not_found_error"), S("not_found"), 404},
    [IR_ERR_RATE] = {S("rate_limit_error"), S("rate_limit_exceeded"), 429},
    [IR_ERR_QUOTA] = {S("insufficient_quota"), S("insufficient_quota"), 429},
    [IR_ERR_OVERLOADED] = {S("overloaded_error"), S("server_overloaded"), 503},
    [IR_ERR_TIMEOUT] = {S("timeout_error"), S("timeout"), 504},
    [IR_ERR_SERVER] = {S("server_error"), S("server_error"), 500},
};

/* What types and codes of OpenAI and of servers that copy it have in common; the first that is found counts.
 */
static const struct {
    struct str word;
    enum ir_error_kind kind;
} words[] = {
    {S("insufficient_quota"), IR_ERR_QUOTA},
    {S("billing"), IR_ERR_QUOTA},
    {S("rate_limit"), IR_ERR_RATE},
    {S("invalid_api_key"), IR_ERR_AUTH},
    {S("authentication"), IR_ERR_AUTH},
    {S("permission"), IR_ERR_PERMISSION},
    {S("not_found"), IR_ERR_NOT_FOUND},
    {S("overloaded"), IR_ERR_OVERLOADED},
    {S("unavailable"), IR_ERR_OVERLOADED},
    {S("timeout"), IR_ERR_TIMEOUT},
    {S("server_error"), IR_ERR_SERVER},
    {S("invalid"), IR_ERR_INVALID},
    {S("context_length"), IR_ERR_INVALID},
    {S("policy"), IR_ERR_INVALID},
    {S("image"), IR_ERR_INVALID},
};

static bool kind_in(struct str text, enum ir_error_kind *ret)
{
    for (size_t i = 0; i < countof(words); i++)
        if (str_has(text, words[i].word)) {
            *ret = words[i].kind;
            return true;
        }
    return false;
}

void responses_error_of(const struct json_val *v, int status, struct ir_error *ret)
{
    struct str type = codec_text(v, "type"), code = codec_text(v, "code"), message = codec_text(v, "message");
    *ret = (struct ir_error){.kind = status ? ir_error_of_status(status) : IR_ERR_SERVER,
                             .status = status,
                             .message = json_str(v).p ? json_str(v) : message,
                             .code = code,
                             .param = codec_text(v, "param")};
    if (status == 0) {
        if (!kind_in(code, &ret->kind))
            (void)kind_in(type, &ret->kind);
        ret->status = errors[ret->kind].status;
    }
    if (ret->kind == IR_ERR_RATE &&
        (str_eq(code, errors[IR_ERR_QUOTA].code) || str_eq(type, errors[IR_ERR_QUOTA].type)))
        ret->kind = IR_ERR_QUOTA; /* no money left, which waiting does not help */
    if (!ret->message.n)
        ret->message = http_reason(ret->status);
}

struct str responses_error_code(const struct ir_error *e)
{
    return e->code.p ? e->code : errors[e->kind].code;
}

void responses_put_error(struct json_out *w, const struct ir_error *e)
{
    json_open(w, '{');
    responses_put(w, "message", e->message);
    responses_put(w, "type", errors[e->kind].type);
    json_add_str(w, "param", e->param);
    json_add_str(w, "code", e->code);
    json_close(w, '}');
}

static bool keep(struct arena *a, struct str *s)
{
    if (s->p)
        *s = arena_dup(a, *s);
    return s->p != NULL;
}

static void read_error(struct arena *a, int status, struct str body, struct ir_error *ret)
{
    struct json_doc *doc = json_parse(body);
    responses_error_of(json_get(json_root(doc), "error"), status, ret);
    if (!json_get(json_root(doc), "error"))
        ret->message = codec_error_text(a, D_OPENAI_RESPONSES, status, body);
    (void)keep(a, &ret->message);
    (void)keep(a, &ret->code);
    (void)keep(a, &ret->param);
    json_free(doc);
}

static void write_error(const struct ir_error *e, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_key(&w, "error");
    responses_put_error(&w, e);
    json_close(&w, '}');
}

static int error_status(const struct ir_error *e)
{
    enum ir_error_kind told = e->kind == IR_ERR_QUOTA ? IR_ERR_RATE : e->kind; /* the type says the rest */
    bool fits =
        e->status >= 400 && e->status <= 599 && e->status != 529 && ir_error_of_status(e->status) == told;
    return fits ? e->status : errors[e->kind].status;
}

const struct codec codec_openai_responses = {
    .dialect = D_OPENAI_RESPONSES,
    .name = "OpenAI Responses",
    .stream_type = S("text/event-stream"),
    .read_request = responses_read_request,
    .write_request = responses_write_request,
    .read_answer = responses_read_answer,
    .write_answer = responses_write_answer,
    .read_sse = responses_read_sse,
    .read_end = responses_read_end,
    .write_event = responses_write_event,
    .read_error = read_error,
    .write_error = write_error,
    .error_status = error_status,
};
