/* SPDX-License-Identifier: Apache-2.0 */
#include "api/log_json.h"
#include "base/clock.h"
#include "base/limits.h"
#include "providers/merge.h"
#include "providers/prices.h"
#include "store/log_steps.h"

/* Names of one kind together, in the order of the live service's answers as far as it is known. */

static void put_text(struct json_out *w, const char *key, struct str s)
{
    json_add_str(w, key, s.p ? s : STR(""));
}

/* Null where there is nothing. */
static void put_optional(struct json_out *w, const char *key, struct str s)
{
    json_add_str(w, key, s.n ? s : str_of(NULL, 0));
}

static void put_count(struct json_out *w, const char *key, int64_t v)
{
    json_key(w, key);
    if (v < 0)
        json_put_null(w);
    else
        json_put_int(w, v);
}

static void put_flag(struct json_out *w, const char *key, const struct record *r, unsigned bit)
{
    json_add_bool(w, key, (r->flags & bit) != 0);
}

static void put_time(struct json_out *w, const char *key, int64_t ms)
{
    char text[TIME_TEXT];
    clock_rfc3339(ms, text);
    json_add_str(w, key, str_c(text));
}

static void put_cost(struct json_out *w, const char *key, int64_t pico)
{
    json_key(w, key);
    if (pico < 0)
        json_put_null(w);
    else
        money_put(w, pico);
}

static void put_rating(struct json_out *w, const char *key, double v)
{
    json_key(w, key);
    json_put_num(w, v); /* NaN is null */
}

/* Milliseconds with microseconds behind the point. */
static void put_ms(struct json_out *w, const char *key, int64_t us)
{
    json_key(w, key);
    if (us < 0)
        json_put_null(w);
    else
        json_put_num(w, (double)us / 1000);
}

static void put_usage(struct json_out *w, const struct record *r)
{
    const struct {
        const char *key;
        int64_t value;
    } parts[] = {
        {"input_tokens", r->tokens_in},
        {"output_tokens", r->tokens_out},
        {"total_tokens",
         r->tokens_in >= 0 && r->tokens_out >= 0 ? r->tokens_in + r->tokens_out : RECORD_NULL},
        {"output_reasoning_tokens", r->reasoning_tokens},
        {"input_cached_tokens", r->cached_tokens},
        {"input_cache_write_tokens", r->cache_write_tokens},
        {"input_cache_write_1h_tokens", r->cache_write_1h_tokens},
        {"input_audio_tokens", r->audio_in_tokens},
        {"output_audio_tokens", r->audio_out_tokens},
    };
    bool known = r->tokens_in >= 0 || r->tokens_out >= 0; /* parts of nothing are not zero */
    json_key(w, "usage_metadata");
    json_open(w, '{');
    for (size_t i = 0; i < countof(parts); i++)
        put_count(w, parts[i].key, known ? parts[i].value : RECORD_NULL);
    json_close(w, '}');
}

static void put_timings(struct json_out *w, const struct record *r)
{
    json_key(w, "timings");
    json_open(w, '{');
    put_ms(w, "total", r->duration_us);
    put_ms(w, "latency", r->latency_us);
    json_close(w, '}');
}

/* What other services of the family fill in and this one has no word for. */
static void put_nothings(struct json_out *w)
{
    json_add_raw(w, "location", STR("{\"region\":null,\"colo\":null}"));
    static const char *const nulls[] = {"prompts", "guardrails", "dlp_action", "dlp_profiles"};
    for (size_t i = 0; i < countof(nulls); i++) {
        json_key(w, nulls[i]);
        json_put_null(w);
    }
}

/* What took time, when the attempt began, how old a cached answer was; null where that is not known. */
static void put_steps(struct json_out *w, struct str text)
{
    struct step_reader r;
    struct step_time step;
    bool known = step_reader_init(&r, text);
    json_key(w, "steps");
    if (known)
        json_open(w, '[');
    else
        json_put_null(w);
    while (known && step_reader_next(&r, &step)) {
        json_open(w, '{');
        put_text(w, "name", str_c(step.name));
        json_add_int(w, "start_us", step.start_us);
        json_add_int(w, "duration_us", step.duration_us);
        json_close(w, '}');
    }
    if (known)
        json_close(w, ']');
    put_count(w, "started_us", known ? r.attempt_us : RECORD_NULL);
    put_count(w, "cache_age_ms", known ? r.age_ms : RECORD_NULL);
}

/* What only this gateway knows, under one key so that it never collides. */
static void put_own(struct json_out *w, const struct log_row *row)
{
    const struct record *r = &row->r;
    json_key(w, "weir");
    json_open(w, '{');
    put_optional(w, "error", r->error);
    put_optional(w, "error_kind", error_kind_name(error_kind_of_flags(r->flags)));
    put_cost(w, "saved_cost", r->saved_pico);
    put_optional(w, "method", r->method);
    json_add_int(w, "attempt", r->attempt);
    put_flag(w, "stream", r, REC_STREAM);
    put_flag(w, "client_gone", r, REC_CLIENT_GONE);
    put_optional(w, "request_id", r->request_id);
    put_optional(w, "trace_id", r->trace_id);
    put_count(w, "token_id", r->token ? r->token : RECORD_NULL);
    put_flag(w, "request_missing", r, REC_REQUEST_MISSING);
    put_flag(w, "response_missing", r, REC_RESPONSE_MISSING);
    put_flag(w, "no_payload", r, REC_NO_PAYLOAD);
    put_optional(w, "key_alias", r->key_alias);
    put_optional(w, "note", row->note);
    put_steps(w, r->steps);
    json_close(w, '}');
}

static void put_call(struct json_out *w, const struct log_row *row)
{
    const struct record *r = &row->r;
    put_text(w, "id", row->id_text);
    put_time(w, "created_at", r->created_ms);
    put_text(w, "provider", r->provider);
    put_text(w, "model", r->model);
    put_optional(w, "model_type", r->model_type);
    put_text(w, "path", r->path);
    json_add_int(w, "duration", (r->duration_us + 500) / 1000);
    put_flag(w, "success", r, REC_SUCCESS);
    put_flag(w, "cached", r, REC_CACHED);
    put_count(w, "status_code", r->status > 0 ? r->status : RECORD_NULL);
    put_count(w, "tokens_in", r->tokens_in);
    put_count(w, "tokens_out", r->tokens_out);
    put_cost(w, "cost", r->cost_pico);
    put_flag(w, "custom_cost", r, REC_CUSTOM_COST);
    json_add_raw(w, "metadata", r->metadata.n ? r->metadata : STR("null"));
    json_add_int(w, "step", r->step);
    put_text(w, "event_id", r->event_id);
    put_optional(w, "request_type", r->request_type);
    put_optional(w, "request_content_type", r->request_content_type);
    put_optional(w, "response_content_type", r->response_content_type);
}

static void put_members(struct json_out *w, const struct log_row *row)
{
    const struct record *r = &row->r;
    put_call(w, row);
    put_rating(w, "feedback", row->feedback);
    put_rating(w, "score", row->score);
    put_usage(w, r);
    put_timings(w, r);
    put_flag(w, "authentication", r, REC_AUTHENTICATION);
    put_flag(w, "wholesale", r, REC_WHOLESALE);
    put_flag(w, "byok", r, REC_BYOK);
    put_optional(w, "user_agent", r->user_agent);
    put_nothings(w);
    put_text(w, "request", STR(""));
    put_text(w, "response", STR(""));
    put_own(w, row);
}

void log_json_item(struct json_out *w, const struct log_row *row)
{
    json_open(w, '{');
    put_members(w, row);
    json_close(w, '}');
}

static void put_head(struct json_out *w, const char *const keys[3], struct str body, int64_t size)
{
    struct str head = utf8_head(body, API_HEAD_BYTES);
    put_text(w, keys[0], head);
    json_key(w, keys[1]);
    json_put_bool(w, body.p && head.n == body.n);
    json_add_int(w, keys[2], size);
}

void log_json_detail(struct json_out *w, const struct log_row *row, struct str request, struct str response)
{
    static const char *const of_request[] = {"request_head", "request_head_complete", "request_size"};
    static const char *const of_response[] = {"response_head", "response_head_complete", "response_size"};
    json_open(w, '{');
    put_members(w, row);
    put_head(w, of_request, request, row->r.request_bytes);
    put_head(w, of_response, response, row->r.response_bytes);
    json_close(w, '}');
}

struct str utf8_head(struct str s, size_t n)
{
    if (s.n <= n)
        return s;
    /* a sequence has at most three continuation bytes; more of them are not UTF-8 and may be cut anywhere */
    for (size_t back = 0; back < 4 && back <= n; back++)
        if (((unsigned char)s.p[n - back] & 0xc0) != 0x80)
            return str_head(s, n - back);
    return str_head(s, n);
}

struct str log_shown_response(const struct log_row *row, struct str raw, struct buf *merged)
{
    /* every chunk, the joined text once more, and escapes */
    buf_init(merged, raw.n < SIZE_MAX / 8 ? 4 * raw.n + KIB : raw.n);
    return raw.p && merge_stream(row->r.response_content_type, raw, merged) ? buf_str(merged) : raw;
}

static bool looks_like_json(struct str body)
{
    struct str s = str_trim(body);
    if (!str_starts(s, STR("{")) && !str_starts(s, STR("[")))
        return false;
    struct json_doc *doc = json_parse(s);
    json_free(doc);
    return doc != NULL;
}

static bool type_is_json(struct str type)
{
    struct str essence = str_trim(str_cut(&type, ';'));
    return str_ieq(essence, STR("application/json")) || str_ends(essence, STR("+json"));
}

static bool type_is_text(struct str type)
{
    static const struct str texts[] = {
        S("text/"),
        S("application/xml"),
        S("application/x-www-form-urlencoded"),
        S("application/x-ndjson"),
        S("application/javascript"),
    };
    for (size_t i = 0; i < countof(texts); i++)
        if (str_istarts(type, texts[i]))
            return true;
    return type.n == 0;
}

struct str log_shown_type(struct str stored_type, struct str body)
{
    if (type_is_json(stored_type) || (type_is_text(stored_type) && looks_like_json(body)))
        return STR("application/json");
    return type_is_text(stored_type) ? STR("text/plain; charset=utf-8") : STR("application/octet-stream");
}
