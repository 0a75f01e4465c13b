/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cohere v2 chat: the codec's table, its errors, and the pieces that whole answers and streams share.
 */
#include "providers/codec_cohere.h"

void cohere_put_call(struct json_out *w, const struct ir_part *call)
{
    json_open(w, '{');
    json_add_str(w, "id", call->id);
    json_add_str(w, "type", STR("function"));
    json_key(w, "function");
    json_open(w, '{');
    json_add_str(w, "name", call->name);
    json_add_str(w, "arguments", call->arguments.n ? call->arguments : STR("{}"));
    json_close(w, '}');
    json_close(w, '}');
}

bool cohere_plans(struct str model)
{
    static const struct str planners[] = {S("command-r"), S("command-a-03"), S("aya"), S("command-nightly")};
    for (size_t i = 0; i < countof(planners); i++)
        if (str_has(model, planners[i]))
            return true;
    return false;
}

/* ---- finish reasons -------------------------------------------------------------------------------- */

static const struct {
    struct str reason;
    enum ir_finish finish;
} reasons[] = {
    /* the first of a kind is the one that is written */
    {S("COMPLETE"), IR_FINISH_STOP},     {S("STOP_SEQUENCE"), IR_FINISH_STOP_SEQUENCE},
    {S("MAX_TOKENS"), IR_FINISH_LENGTH}, {S("TOOL_CALL"), IR_FINISH_TOOLS},
    {S("ERROR"), IR_FINISH_ERROR},       {S("TIMEOUT"), IR_FINISH_ERROR},
    {S("COMPLETE"), IR_FINISH_REFUSAL},  {S("ERROR"), IR_FINISH_FILTER},
};

bool cohere_finish(struct str reason, enum ir_finish *ret)
{
    for (size_t i = 0; i < countof(reasons); i++)
        if (str_eq(reason, reasons[i].reason)) {
            *ret = reasons[i].finish;
            return true;
        }
    return false;
}

struct str cohere_finish_reason(enum ir_finish finish, bool calls)
{
    if (finish == IR_FINISH_UNKNOWN || finish == IR_FINISH_STOP || finish == IR_FINISH_PAUSE)
        return calls ? STR("TOOL_CALL") : STR("COMPLETE");
    size_t i = 0;
    while (reasons[i].finish != finish)
        must(++i < countof(reasons));
    return reasons[i].reason;
}

struct str cohere_excuse(enum ir_finish finish)
{
    if (finish == IR_FINISH_FILTER)
        return STR("The answer was blocked");
    return finish == IR_FINISH_ERROR ? STR("The provider ended its answer with an error") : str_of(NULL, 0);
}

struct ir_error cohere_ended_badly(struct str reason, struct str message)
{
    bool timeout = str_eq(reason, STR("TIMEOUT"));
    if (!message.n)
        message = timeout ? STR("The provider took too long") : cohere_excuse(IR_FINISH_ERROR);
    return (struct ir_error){
        .kind = timeout ? IR_ERR_TIMEOUT : IR_ERR_SERVER, .status = timeout ? 504 : 500, .message = message};
}

/* ---- usage ----------------------------------------------------------------------------------------- */

static void put_counts(struct json_out *w, const char *key, const struct usage *u)
{
    json_key(w, key);
    json_open(w, '{');
    json_add_int(w, "input_tokens", u->input);
    json_add_int(w, "output_tokens", u->output);
    json_close(w, '}');
}

void cohere_put_usage(struct json_out *w, const struct usage *u)
{
    json_open(w, '{');
    put_counts(w, "billed_units", u);
    put_counts(w, "tokens", u);
    if (u->cached)
        json_add_int(w, "cached_tokens", u->cached);
    json_close(w, '}');
}

/* ---- citations ------------------------------------------------------------------------------------- */

static int64_t place(const struct json_val *v)
{
    int64_t n;
    return json_uint(v, &n) ? n : -1;
}

static struct str first_text(const struct json_val *v, const char *const *keys)
{
    for (; *keys; keys++)
        if (codec_text(v, *keys).p)
            return codec_text(v, *keys);
    return str_of(NULL, 0);
}

/* `text` of a citation is the statement, which stands in the answer; of its sources the first one counts. */
enum err cohere_read_citation(struct arena *a, const struct json_val *v, struct ir_citation *ret)
{
    static const char *const quotes[] = {"text", "snippet", "content", NULL};
    const struct json_val *source = json_at(json_get(v, "sources"), 0),
                          *document = json_get(source, "document");
    *ret = (struct ir_citation){.url = codec_text(document, "url"),
                                .title = codec_text(document, "title"),
                                .quote = first_text(document, quotes),
                                .document = codec_text(source, "id"),
                                .start = place(json_get(v, "start")),
                                .end = place(json_get(v, "end")),
                                .raw = codec_raw(a, v),
                                .raw_dialect = D_COHERE_V2};
    return ret->raw.p ? E_OK : E_FULL;
}

static void put_place(struct json_out *w, const char *key, int64_t n)
{
    if (n < 0)
        return;
    json_add_int(w, key, n);
}

static void put_source(struct json_out *w, const struct ir_citation *c)
{
    json_open(w, '{');
    json_add_str(w, "type", STR("document"));
    if (c->document.p)
        json_add_str(w, "id", c->document);
    json_key(w, "document");
    json_open(w, '{');
    if (c->title.p)
        json_add_str(w, "title", c->title);
    if (c->url.p)
        json_add_str(w, "url", c->url);
    if (c->quote.p)
        json_add_str(w, "text", c->quote);
    json_close(w, '}');
    json_close(w, '}');
}

void cohere_put_citation(struct json_out *w, const struct ir_citation *c, int64_t content_index)
{
    if (c->raw.n && c->raw_dialect == D_COHERE_V2) {
        json_put_raw(w, c->raw);
        return;
    }
    json_open(w, '{');
    put_place(w, "start", c->start);
    put_place(w, "end", c->end);
    json_key(w, "sources");
    json_open(w, '[');
    put_source(w, c);
    json_close(w, ']');
    put_place(w, "content_index", content_index);
    json_add_str(w, "type", STR("TEXT_CONTENT"));
    json_close(w, '}');
}

/* ---- logprobs -------------------------------------------------------------------------------------- */

/* {"text": T, "token_ids": [...], "logprobs": [...]}: a run of tokens has the sum of their logarithms. */
static void put_entry(struct json_out *w, const struct json_val *v)
{
    double sum = 0;
    for (struct json_iter it = json_iter(json_get(v, "logprobs")); json_next(&it);)
        sum += json_num(it.val, 0);
    json_open(w, '{');
    json_add_str(w, "token", codec_text(v, "text").p ? codec_text(v, "text") : STR(""));
    json_key(w, "logprob");
    json_put_num(w, sum);
    json_key(w, "top_logprobs");
    json_open(w, '[');
    json_close(w, ']');
    json_close(w, '}');
}

struct str cohere_read_logprobs(struct arena *a, const struct json_val *v)
{
    struct buf b;
    if (json_type(v) != JSON_ARRAY && json_type(v) != JSON_OBJECT)
        return str_of(NULL, 0);
    buf_init(&b, a->cap);
    struct json_out w = json_out(&b);
    json_open(&w, '[');
    if (json_type(v) == JSON_OBJECT)
        put_entry(&w, v);
    else
        for (struct json_iter it = json_iter(v); json_next(&it);)
            put_entry(&w, it.val);
    json_close(&w, ']');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

void cohere_put_logprob(struct json_out *w, const struct json_val *entry)
{
    struct str token = codec_text(entry, "token");
    json_open(w, '{');
    json_add_str(w, "text", token.p ? token : STR(""));
    json_key(w, "token_ids"); /* nobody knows them */
    json_open(w, '[');
    json_close(w, ']');
    json_key(w, "logprobs");
    json_open(w, '[');
    json_put_num(w, json_num(json_get(entry, "logprob"), 0));
    json_close(w, ']');
    json_close(w, '}');
}

/* ---- errors ---------------------------------------------------------------------------------------- */

static void read_error(struct arena *a, int status, struct str body, struct ir_error *ret)
{
    struct json_doc *doc = json_parse(body);
    struct str message = codec_text(json_root(doc), "message");
    *ret = (struct ir_error){.kind = ir_error_of_status(status), .status = status};
    if (status == 498) /* an invalid token */
        ret->kind = IR_ERR_AUTH;
    ret->message = message.n ? arena_dup(a, message) : codec_error_text(a, D_COHERE_V2, status, body);
    json_free(doc);
}

static void write_error(const struct ir_error *e, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_str(&w, "message", e->message.p ? e->message : STR(""));
    json_close(&w, '}');
}

static int error_status(const struct ir_error *e)
{
    static const int statuses[] = {
        [IR_ERR_INVALID] = 400,    [IR_ERR_AUTH] = 401,    [IR_ERR_PERMISSION] = 403,
        [IR_ERR_NOT_FOUND] = 404,  [IR_ERR_RATE] = 429,    [IR_ERR_QUOTA] = 402,
        [IR_ERR_OVERLOADED] = 503, [IR_ERR_TIMEOUT] = 504, [IR_ERR_SERVER] = 500,
    };
    bool fits = e->status >= 400 && e->status < 529 && ir_error_of_status(e->status) == e->kind;
    return fits ? e->status : statuses[e->kind];
}

const struct codec codec_cohere_v2 = {
    .dialect = D_COHERE_V2,
    .name = "Cohere v2 chat",
    .stream_type = S("text/event-stream"),
    .read_request = cohere_read_request,
    .write_request = cohere_write_request,
    .read_answer = cohere_read_answer,
    .write_answer = cohere_write_answer,
    .read_sse = cohere_read_sse,
    .read_end = cohere_read_end,
    .write_event = cohere_write_event,
    .read_error = read_error,
    .write_error = write_error,
    .error_status = error_status,
};
