/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the REST inference host's clients get: faults in the words of the API they speak, and run's answers
 * with what it puts around or into the vendor's (data plane sections 9.4, 13.4 and 14).
 *
 *   run      {vendor's members, "gatewayMetadata": {...}}
 *   picture  {"result": {"state": "Completed", "result": {"image": ...}, "gatewayMetadata": {...}},
 * "success": true, ...} preview  {"state": "Completed", "result": {vendor's answer}, "provider", "model"}
 *
 * Streams, and what Workers AI answers, pass as they are.
 */
#include "base/json.h"
#include "base/limits.h"
#include "gateway/rest.h"
#include "providers/codec.h"

/* ---- faults ---- */

static void put_v4(struct buf *out, int code, struct str message)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_key(&w, "result");
    json_put_null(&w);
    json_add_bool(&w, "success", false);
    json_key(&w, "errors");
    json_open(&w, '[');
    json_open(&w, '{');
    json_add_int(&w, "code", code);
    json_add_str(&w, "message", message);
    json_close(&w, '}');
    json_close(&w, ']');
    json_add_raw(&w, "messages", STR("[]"));
    json_close(&w, '}');
}

static void put_failed(struct buf *out, struct str code, struct str message, struct str model)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_str(&w, "state", STR("Failed"));
    json_key(&w, "error");
    json_open(&w, '{');
    json_add_str(&w, "code", code);
    json_add_str(&w, "message", message);
    json_close(&w, '}');
    if (model.n)
        json_add_str(&w, "model", model);
    json_close(&w, '}');
}

static struct str asked_model(const struct txn *t)
{
    return t->n_targets ? target_model(txn_target(t)) : STR("");
}

/* As the vendor whose API this is words its own errors. */
static void put_dialect(const struct txn *t, struct buf *out, enum dialect d, struct str message)
{
    int status = err_http(t->fault);
    struct ir_error e = {.kind = ir_error_of_status(status),
                         .status = status,
                         .message = message,
                         .code = arena_printf(t->arena, "%d", err_code(t->fault))};
    codec_of(d)->write_error(&e, out);
}

/* Literal in the specification, and not what OpenAI's own errors say. */
static void put_no_credits(struct buf *out, struct str message)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_key(&w, "error");
    json_open(&w, '{');
    json_add_str(&w, "message", message);
    json_add_str(&w, "type", STR("gateway_error"));
    json_key(&w, "code");
    json_put_null(&w);
    json_close(&w, '}');
    json_close(&w, '}');
}

int rest_fault(const struct txn *t, struct buf *out)
{
    enum { AUTHENTICATION_ERROR = 10000 };
    struct str message = t->fault_detail.n ? t->fault_detail : str_c(err_phrase(t->fault));
    if (t->fault == E_UNAUTHORIZED)
        put_v4(out, AUTHENTICATION_ERROR, STR("Authentication error"));
    else if (t->face == FACE_PREVIEW)
        put_failed(out, STR("gateway_error"), message, asked_model(t));
    else if (t->face == FACE_MESSAGES)
        put_dialect(t, out, D_ANTHROPIC, message);
    else if (t->face == FACE_RUN || t->face == FACE_UNKNOWN)
        put_v4(out, err_code(t->fault), message);
    else if (t->fault == E_NO_CREDITS)
        put_no_credits(out, message);
    else
        put_dialect(t, out, D_OPENAI_CHAT, message);
    return err_http(t->fault);
}

/* ---- run's answers ---- */

struct wrap {
    struct sink sink;
    enum {
        WRAP_NOTHING, /* passes as it is */
        WRAP_MEMBER,  /* suffix goes in before the last brace */
        WRAP_AROUND,  /* prefix, the answer, suffix */
        WRAP_INSTEAD, /* the answer is dropped, suffix is all */
        WRAP_PICTURE, /* collected, then written anew */
    } how;
    struct str suffix;
    struct str held; /* back: a brace that may be the last, and white space behind it; in the arena */
};

static enum flow give(struct wrap *w, struct str raw)
{
    return raw.n ? w->sink.out->event(w->sink.out, &(struct event){.kind = EV_DATA, .raw = raw}) : GO;
}

static struct str finished(struct arena *a, struct buf *b)
{
    struct str text = arena_dup(a, buf_str(b));
    buf_done(b);
    return text.p ? text : STR("");
}

/* Whose credential was used: data plane section 4 in the words of section 13.4. */
static struct str metadata(const struct txn *t)
{
    const struct target *target = txn_target(t);
    if (target->unified)
        return STR(",\"gatewayMetadata\":{\"keySource\":\"Unified\"}}");
    if (target->stored)
        return STR(",\"gatewayMetadata\":{\"keySource\":\"BYOK\"}}");
    if (provider_has_credential(target->provider, &target->headers, target->query))
        return STR(",\"gatewayMetadata\":{\"keySource\":\"Request\"}}");
    return STR(",\"gatewayMetadata\":{\"keySource\":\"None\"}}");
}

static struct str completed(const struct txn *t)
{
    struct buf b;
    buf_init(&b, FAULT_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{'); /* of what stands before it: the answer */
    json_add_str(&w, "provider", txn_target(t)->provider->slug);
    json_add_str(&w, "model", asked_model(t));
    json_close(&w, '}');
    b.p[0] = ',';
    return finished(t->arena, &b);
}

static struct str refused(const struct txn *t, int status)
{
    struct buf b;
    buf_init(&b, FAULT_BYTES);
    if (t->face == FACE_PREVIEW)
        put_failed(&b, STR("provider_unavailable"),
                   arena_printf(t->arena, "The provider answered with status %d", status), asked_model(t));
    else
        put_v4(&b, err_code(E_UNAUTHORIZED), STR("The provider refused the credential it was given"));
    return finished(t->arena, &b);
}

/* ---- pictures ---- */

static bool is_base64(struct str s)
{
    static const char others[] = "+/=";
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !(c && strchr(others, c)))
            return false;
    }
    return s.n > 0;
}

/* An address, or the picture itself. */
static bool put_picture(struct json_out *w, const struct json_val *answer, const struct json_val *one)
{
    struct str url = json_str(json_get(one, "url")), bytes = json_str(json_get(one, "b64_json"));
    struct str format = json_str(json_get(answer, "output_format"));
    if (url.n) {
        json_put_str(w, url);
        return true;
    }
    if (!is_base64(bytes) || (format.n && !is_base64(format)))
        return false;
    json_put_raw(w, STR("\"data:image/"));
    (void)buf_append(w->b, format.n ? format : STR("png"));
    (void)buf_append_c(w->b, ";base64,");
    (void)buf_append(w->b, bytes);
    (void)buf_append_byte(w->b, '"');
    return true;
}

/* Writes the envelope over what was collected. False: that was no picture. */
static bool write_picture(struct wrap *w)
{
    struct buf *b = &txn_target(w->sink.txn)->own_body;
    struct json_doc *doc = json_parse(buf_str(b));
    const struct json_val *root = json_root(doc);
    buf_clear(b);
    struct json_out out = json_out(b);
    json_put_raw(&out, STR("{\"result\":{\"state\":\"Completed\",\"result\":{\"image\":"));
    out.comma = false;
    bool ok = put_picture(&out, root, json_at(json_get(root, "data"), 0));
    (void)buf_append_c(b, "}");
    (void)buf_append(b, metadata(w->sink.txn));
    (void)buf_append_c(b, ",\"success\":true,\"errors\":[],\"messages\":[]}");
    json_free(doc);
    return ok && !b->full;
}

static enum flow collect_picture(struct wrap *w, struct str raw)
{
    if (buf_append(&txn_target(w->sink.txn)->own_body, raw) != E_OK)
        txn_break(w->sink.txn, E_BAD_ANSWER, STR("The provider's answer is too large"));
    return GO;
}

static enum flow give_picture(struct wrap *w)
{
    struct txn *t = w->sink.txn;
    struct response_head head = {.status = 200};
    if (!write_picture(w)) {
        txn_break(t, E_BAD_OUTPUT, STR("The provider's answer has no picture"));
        return GO;
    }
    struct str body = buf_str(&txn_target(t)->own_body);
    head.length = (int64_t)body.n;
    if (headers_add(&head.headers, t->arena, STR("Content-Type"), STR("application/json")) != E_OK)
        return GO;
    (void)w->sink.out->event(w->sink.out, &(struct event){.kind = EV_HEAD, .head = &head});
    (void)give(w, body);
    return w->sink.out->event(w->sink.out, &(struct event){.kind = EV_END});
}

/* How an answer with this head is to be wrapped. */
static void choose(struct wrap *w, const struct response_head *h)
{
    const struct txn *t = w->sink.txn;
    struct str type = headers_last(&h->headers, STR("content-type"));
    bool json =
        str_istarts(type, STR("application/json")) && !headers_last(&h->headers, STR("content-encoding")).n;
    if (h->status >= 400 && (t->face == FACE_PREVIEW || h->status == 401)) {
        w->how = WRAP_INSTEAD;
        w->suffix = refused(t, h->status);
    } else if (h->status < 400 && json) {
        w->how = t->face == FACE_PREVIEW ? WRAP_AROUND : t->picture ? WRAP_PICTURE : WRAP_MEMBER;
        w->suffix = t->face == FACE_PREVIEW ? completed(t) : metadata(t);
    }
}

static enum flow take_head(struct wrap *w, const struct response_head *h)
{
    struct response_head ours = *h;
    choose(w, h);
    if (w->how == WRAP_PICTURE)
        return GO; /* until it is known that there is one */
    if (w->how == WRAP_INSTEAD) {
        ours.headers = (struct headers){0};
        if (headers_add(&ours.headers, w->sink.txn->arena, STR("Content-Type"), STR("application/json")) !=
            E_OK)
            return GO;
        ours.length = (int64_t)w->suffix.n;
    } else if (w->how != WRAP_NOTHING) {
        ours.length = LENGTH_UNKNOWN;
    }
    enum flow flow = w->sink.out->event(w->sink.out, &(struct event){.kind = EV_HEAD, .head = &ours});
    return w->how == WRAP_AROUND ? give(w, STR("{\"state\":\"Completed\",\"result\":")) : flow;
}

/* Where a last brace, with the white space behind it, begins; raw.n: nowhere. */
static size_t last_brace(struct str raw)
{
    size_t n = raw.n;
    while (n > 0 && strchr(" \t\r\n", raw.p[n - 1]))
        n--;
    return n > 0 && raw.p[n - 1] == '}' ? n - 1 : raw.n;
}

/* All goes on at once but what may turn out to be the end: it may also be part of a text. */
static enum flow take_member(struct wrap *w, struct str raw)
{
    struct arena *a = w->sink.txn->arena;
    size_t end = last_brace(raw);
    if (w->held.n && str_trim(raw).n == 0) {
        const struct str parts[] = {w->held, raw};
        w->held = arena_join(a, parts, countof(parts));
        return GO;
    }
    (void)give(w, w->held);
    w->held = arena_dup(a, str_from(raw, end));
    return give(w, str_head(raw, end));
}

static enum flow wrap(struct sink *s, const struct event *ev)
{
    struct wrap *w = container_of(s, struct wrap, sink);
    if (ev->kind == EV_HEAD)
        return take_head(w, ev->head);
    if (w->how == WRAP_NOTHING)
        return s->out->event(s->out, ev);
    if (w->how == WRAP_PICTURE)
        return w->sink.txn->ended ? GO : ev->kind == EV_END ? give_picture(w) : collect_picture(w, ev->raw);
    if (ev->kind != EV_END)
        return w->how == WRAP_INSTEAD  ? GO
               : w->how == WRAP_MEMBER ? take_member(w, ev->raw)
                                       : give(w, ev->raw);
    (void)give(w, w->suffix);
    return s->out->event(s->out, ev);
}

struct sink *rest_tap(struct txn *t, struct sink *out)
{
    bool own_call = t->face == FACE_RUN || t->face == FACE_PREVIEW;
    if (!own_call || str_eq(txn_target(t)->provider->slug, STR("workers-ai")))
        return out;
    struct wrap *w = arena_new(t->arena, struct wrap);
    if (!w)
        return out;
    w->sink = (struct sink){.event = wrap, .out = out, .txn = t};
    return &w->sink;
}
