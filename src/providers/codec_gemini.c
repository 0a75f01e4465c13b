/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini generateContent: the codec's table, its errors, and small things that requests and answers share.
 */
#include "providers/codec_gemini.h"
#include "base/crypto.h"
#include "providers/codec_anthropic.h"

#include <stdio.h>

/* ---- members --------------------------------------------------------------------------------------- */

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

const struct json_val *gemini_get(const struct json_val *object, const char *name)
{
    const struct json_val *v = json_get(object, name);
    char snake[64];
    size_t n = 0;
    if (v && json_type(v) != JSON_NULL)
        return v;
    for (const char *p = name; *p; p++) {
        must(n + 2 < sizeof(snake));
        if (is_upper(*p))
            snake[n++] = '_';
        snake[n++] = is_upper(*p) ? (char)(*p | 0x20) : *p;
    }
    v = n > strlen(name) ? json_member(object, str_of(snake, n)) : NULL;
    return json_type(v) == JSON_NULL ? NULL : v;
}

struct str gemini_text(const struct json_val *object, const char *name)
{
    return json_str(gemini_get(object, name));
}

bool gemini_int(const struct json_val *v, int64_t *ret)
{
    struct str text = json_number(v).p ? json_number(v) : json_str(v), digits = str_cut(&text, '.');
    bool negative = str_starts(digits, STR("-"));
    int64_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '0')
            return false;
    if (negative)
        digits = str_from(digits, 1);
    if (digits.n == 0 || str_to_int(digits, &n) != E_OK)
        return false;
    *ret = negative ? -n : n;
    return true;
}

/* Is the key, in either spelling, this camelCase name? */
static bool is_name(struct str key, const char *name)
{
    size_t i = 0;
    for (; *name; name++, i++) {
        bool snake = is_upper(*name) && i < key.n && key.p[i] == '_';
        char want = snake ? (char)(*name | 0x20) : *name;
        i += snake;
        if (i >= key.n || key.p[i] != want)
            return false;
    }
    return i == key.n;
}

void gemini_note_unknown(struct arena *a, struct ir_request *r, const struct json_val *object,
                         const char *const *known)
{
    for (struct json_iter it = json_iter(object); it.object && json_next(&it);) {
        bool found = json_type(it.val) == JSON_NULL;
        for (size_t i = 0; known[i] && !found; i++)
            found = is_name(it.key, known[i]);
        if (!found)
            ir_drop(a, r, it.key);
    }
}

/* ---- models ---------------------------------------------------------------------------------------- */

static bool is_one_of(struct str model, const struct str *heads, size_t n)
{
    while (str_find(model, '/') < model.n)
        (void)str_cut(&model, '/');
    for (size_t i = 0; i < n; i++)
        if (str_starts(model, heads[i]))
            return true;
    return false;
}

/* What is not in these lists is new, or has the name of a newest one. */
bool gemini_is_old(struct str model)
{
    static const struct str heads[] = {S("gemini-1"), S("gemini-2"), S("gemma"), S("learnlm")};
    return is_one_of(model, heads, countof(heads));
}

bool gemini_thinks(struct str model)
{
    static const struct str heads[] = {S("gemini-1"), S("gemini-2.0"), S("gemma"), S("learnlm")};
    return !is_one_of(model, heads, countof(heads));
}

bool gemini_is_pro(struct str model)
{
    return str_has(model, STR("pro"));
}

/* ---- parts ----------------------------------------------------------------------------------------- */

enum ir_kind gemini_kind(struct str mime)
{
    if (str_istarts(mime, STR("image/")))
        return IR_IMAGE;
    if (str_istarts(mime, STR("audio/")))
        return IR_AUDIO;
    return str_istarts(mime, STR("video/")) ? IR_VIDEO : IR_FILE;
}

struct str gemini_mime_of_url(struct str url)
{
    static const struct {
        struct str end, mime;
    } types[] = {
        {S(".png"), S("image/png")},   {S(".jpg"), S("image/jpeg")},   {S(".jpeg"), S("image/jpeg")},
        {S(".webp"), S("image/webp")}, {S(".gif"), S("image/gif")},    {S(".heic"), S("image/heic")},
        {S(".heif"), S("image/heif")}, {S(".bmp"), S("image/bmp")},    {S(".pdf"), S("application/pdf")},
        {S(".txt"), S("text/plain")},  {S(".md"), S("text/markdown")}, {S(".html"), S("text/html")},
        {S(".csv"), S("text/csv")},    {S(".xml"), S("text/xml")},     {S(".json"), S("application/json")},
        {S(".mp3"), S("audio/mp3")},   {S(".wav"), S("audio/wav")},    {S(".aac"), S("audio/aac")},
        {S(".ogg"), S("audio/ogg")},   {S(".flac"), S("audio/flac")},  {S(".aiff"), S("audio/aiff")},
        {S(".mp4"), S("video/mp4")},   {S(".mov"), S("video/mov")},    {S(".webm"), S("video/webm")},
        {S(".mpeg"), S("video/mpeg")}, {S(".mpg"), S("video/mpg")},    {S(".avi"), S("video/avi")},
    };
    struct str rest = url, path = str_cut(&rest, '?');
    rest = path;
    path = str_cut(&rest, '#');
    for (size_t i = 0; i < countof(types); i++)
        if (path.n > types[i].end.n && str_ieq(str_from(path, path.n - types[i].end.n), types[i].end))
            return types[i].mime;
    return str_of(NULL, 0);
}

/* The service wants a type for everything. */
static struct str mime_of(const struct ir_part *p)
{
    static const struct str usual[] = {[IR_IMAGE] = S("image/jpeg"),
                                       [IR_AUDIO] = S("audio/wav"),
                                       [IR_VIDEO] = S("video/mp4"),
                                       [IR_FILE] = S("application/pdf")};
    const struct ir_media *m = &p->media;
    if (m->mime.n)
        return m->mime;
    struct str guess = gemini_mime_of_url(m->url.p ? m->url : m->name);
    if (guess.p)
        return guess;
    return m->text.p ? STR("text/plain") : usual[p->kind];
}

static bool is_fetched(struct str url)
{
    return str_istarts(url, STR("https://")) || str_istarts(url, STR("http://")) ||
           str_istarts(url, STR("gs://"));
}

bool gemini_put_media(struct arena *a, struct json_out *w, const struct ir_part *p)
{
    const struct ir_media *m = &p->media;
    struct str data = m->text.p && !m->data.p ? base64_encode(a, m->text) : m->data;
    if (!data.p && !is_fetched(m->url))
        return false;
    json_key(w, data.p ? "inlineData" : "fileData");
    json_open(w, '{');
    json_add_str(w, "mimeType", mime_of(p));
    json_add_str(w, data.p ? "data" : "fileUri", data.p ? data : m->url);
    json_close(w, '}');
    return true;
}

/* {"arguments": value}, or text where there is no value. */
static struct str wrap_arguments(struct arena *a, const struct json_val *value, struct str text)
{
    struct buf b;
    buf_init(&b, a->cap);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_key(&w, "arguments");
    if (value)
        json_put_val(&w, value);
    else
        json_put_str(&w, text);
    json_close(&w, '}');
    struct str out = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

struct str gemini_arguments(struct arena *a, struct str arguments, bool *ret_wrapped)
{
    struct str text = str_trim(arguments);
    *ret_wrapped = false;
    if (!text.n || str_eq(text, STR("null")))
        return STR("{}");
    struct json_doc *doc = json_parse_exact(text, NULL, NULL);
    const struct json_val *root = json_root(doc);
    *ret_wrapped = json_type(root) != JSON_OBJECT; /* what a model wrote may be anything */
    struct str out = *ret_wrapped ? wrap_arguments(a, root, text) : codec_raw(a, root);
    json_free(doc);
    return out;
}

/* ---- ids and signatures ---------------------------------------------------------------------------- */

static const struct str made = S("call_gemini_");

struct str gemini_make_id(struct arena *a, struct str answer, int64_t choice, int64_t number, struct str name)
{
    unsigned char hash[SHA256_BYTES];
    char place[64], hex[20];
    int n = snprintf(place, sizeof(place), "\n%lld\n%lld\n", (long long)choice, (long long)number);
    const struct str parts[] = {answer, str_of(place, (size_t)n), name};
    sha256_parts(parts, countof(parts), hash);
    hex_encode(hex, hash, sizeof(hex) / 2);
    const struct str id[] = {made, str_of(hex, sizeof(hex))};
    return arena_join(a, id, countof(id));
}

bool gemini_is_made_id(struct str id)
{
    return str_starts(id, made);
}

const struct str gemini_no_signature = S("skip_thought_signature_validator");

struct str gemini_signature(const struct json_val *part)
{
    struct str text = gemini_text(part, "thoughtSignature");
    if (!text.n || str_eq(text, gemini_no_signature) ||
        str_eq(text, STR("context_engineering_is_the_way_to_go")))
        return str_of(NULL, 0);
    return text;
}

struct str gemini_seal(struct arena *a, struct str id, struct str signature)
{
    struct str text = id.n ? anthropic_tag(a, id, signature) : signature;
    return id.n && text.p ? base64_encode(a, text) : text;
}

enum err gemini_unseal(struct arena *a, struct str *signature, struct str *ret_id)
{
    static const struct str head = S("d2Vpcj"); /* what anthropic_tag's begin with */
    struct str text;
    if (!str_starts(*signature, head))
        return E_OK;
    enum err e = base64_decode(a, *signature, &text);
    if (e == E_OK)
        (void)anthropic_untag(text, ret_id, signature);
    return e == E_FULL ? e : E_OK;
}

/* ---- errors ---------------------------------------------------------------------------------------- */

/* google.rpc.Code names; the first of a kind is the one that is written when there is no better. */
static const struct {
    struct str name;
    enum ir_error_kind kind;
    int status;
} errors[] = {
    {S("INVALID_ARGUMENT"), IR_ERR_INVALID, 400},
    {S("FAILED_PRECONDITION"), IR_ERR_INVALID, 400},
    {S("OUT_OF_RANGE"), IR_ERR_INVALID, 400},
    {S("ABORTED"), IR_ERR_INVALID, 409},
    {S("ALREADY_EXISTS"), IR_ERR_INVALID, 409},
    {S("CANCELLED"), IR_ERR_INVALID, 499},
    {S("UNAUTHENTICATED"), IR_ERR_AUTH, 401},
    {S("PERMISSION_DENIED"), IR_ERR_PERMISSION, 403},
    {S("NOT_FOUND"), IR_ERR_NOT_FOUND, 404},
    {S("RESOURCE_EXHAUSTED"), IR_ERR_RATE, 429},
    {S("RESOURCE_EXHAUSTED"), IR_ERR_QUOTA, 402},
    {S("UNAVAILABLE"), IR_ERR_OVERLOADED, 503},
    {S("DEADLINE_EXCEEDED"), IR_ERR_TIMEOUT, 504},
    {S("INTERNAL"), IR_ERR_SERVER, 500},
    {S("UNKNOWN"), IR_ERR_SERVER, 500},
    {S("DATA_LOSS"), IR_ERR_SERVER, 500},
    {S("UNIMPLEMENTED"), IR_ERR_SERVER, 501},
};

static size_t error_row(const struct ir_error *e)
{
    size_t row = countof(errors);
    for (size_t i = 0; i < countof(errors); i++)
        if (errors[i].kind == e->kind && (row == countof(errors) || str_eq(errors[i].name, e->code)))
            row = i;
    must(row < countof(errors));
    return row;
}

/* A wrong key is a bad request here (400); everywhere else it is a matter of its own. */
static const struct str wrong_key = S("API_KEY_INVALID");

static bool is_wrong_key(const struct json_val *error)
{
    for (struct json_iter it = json_iter(json_get(error, "details")); json_next(&it);)
        if (str_eq(codec_text(it.val, "reason"), wrong_key))
            return true;
    return false;
}

static const struct str retry_info = S("type.googleapis.com/google.rpc.RetryInfo");

/* "36s", "0.4s": whole seconds, rounded up; 0 for anything else. */
static int64_t seconds_of(struct str duration)
{
    int64_t n = 0;
    if (!str_ends(duration, STR("s")))
        return 0;
    struct str parts = str_head(duration, duration.n - 1), whole = str_cut(&parts, '.');
    if (str_to_int(whole, &n) != E_OK || n < 0 || n > INT32_MAX)
        return 0;
    for (size_t i = 0; i < parts.n; i++)
        if (parts.p[i] != '0')
            return n + 1;
    return n;
}

static int64_t retry_after(const struct json_val *error)
{
    for (struct json_iter it = json_iter(json_get(error, "details")); json_next(&it);)
        if (str_eq(codec_text(it.val, "@type"), retry_info))
            return seconds_of(codec_text(it.val, "retryDelay"));
    return 0;
}

void gemini_error_of(struct arena *a, const struct json_val *v, int status, struct ir_error *ret)
{
    const struct json_val *error = json_get(v, "error");
    struct str name = codec_text(error, "status"), message = codec_text(error, "message");
    int64_t code = 0;
    if (!status && gemini_int(json_get(error, "code"), &code) && code >= 400 && code <= 599)
        status = (int)code;
    *ret = (struct ir_error){.status = status,
                             .kind = IR_ERR_SERVER,
                             .message = message,
                             .code = name,
                             .retry_after = retry_after(error)};
    if (name.p)
        ret->code = arena_dup(a, name);
    if (message.p)
        ret->message = arena_dup(a, message);
    for (size_t i = countof(errors); i-- > 0;)
        if (str_eq(name, errors[i].name)) {
            ret->kind = errors[i].kind;
            ret->status = status ? status : errors[i].status;
        }
    if (status)
        ret->kind = ir_error_of_status(status);
    if (is_wrong_key(error)) {
        ret->kind = IR_ERR_AUTH;
        ret->status = 401;
        ret->code = wrong_key;
    }
    ret->status = ret->status ? ret->status : 500;
}

static void read_error(struct arena *a, int status, struct str body, struct ir_error *ret)
{
    struct json_doc *doc = json_parse_exact(body, NULL, NULL);
    const struct json_val *root = json_root(doc);
    /* a stream that was not asked for as events is an array, even of one error */
    gemini_error_of(a, json_type(root) == JSON_ARRAY ? json_at(root, 0) : root, status, ret);
    if (!ret->message.n)
        ret->message = codec_error_text(a, D_GEMINI, status, body);
    json_free(doc);
}

static int error_status(const struct ir_error *e)
{
    /* gateways between here and the provider have statuses of their own: 502 stays 502 */
    if (e->kind == IR_ERR_SERVER && e->status > 500 && e->status < 600)
        return e->status;
    return errors[error_row(e)].status;
}

static void put_retry(struct json_out *w, int64_t seconds)
{
    char delay[32];
    (void)snprintf(delay, sizeof(delay), "%llds", (long long)seconds);
    json_key(w, "details");
    json_open(w, '[');
    json_open(w, '{');
    json_add_str(w, "@type", retry_info);
    json_add_str(w, "retryDelay", str_c(delay));
    json_close(w, '}');
    json_close(w, ']');
}

void gemini_put_error(struct json_out *w, const struct ir_error *e)
{
    json_open(w, '{');
    json_key(w, "error");
    json_open(w, '{');
    json_add_int(w, "code", error_status(e));
    json_add_str(w, "message", e->message.p ? e->message : STR(""));
    json_add_str(w, "status", errors[error_row(e)].name);
    if (e->retry_after > 0)
        put_retry(w, e->retry_after);
    json_close(w, '}');
    json_close(w, '}');
}

static void write_error(const struct ir_error *e, struct buf *out)
{
    struct json_out w = json_out(out);
    gemini_put_error(&w, e);
}

const struct codec codec_gemini = {
    .dialect = D_GEMINI,
    .name = "Gemini",
    .stream_type = S("text/event-stream"),
    .read_request = gemini_read_request,
    .write_request = gemini_write_request,
    .read_answer = gemini_read_answer,
    .write_answer = gemini_write_answer,
    .read_sse = gemini_read_sse,
    .read_end = gemini_read_end,
    .write_event = gemini_write_event,
    .read_error = read_error,
    .write_error = write_error,
    .error_status = error_status,
};
