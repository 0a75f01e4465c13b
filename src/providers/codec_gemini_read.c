/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Gemini request read: the system instruction, contents and their parts. Calls may come without ids, and so
 * may their results, which then belong to the first call of that name that has no result yet. Parts of a kind
 * that the neutral form has no word for (code that the service ran, its own tools) are kept raw, for this
 * dialect alone. Numbers are read as text, so that they stay as they were.
 */
#include "providers/codec_gemini.h"
#include "base/crypto.h"

#include <stdio.h>

/* A call that waits for its result. */
struct gemini_calls {
    struct gemini_calls *next;
    struct str id, name;
};

/* A part being read: where it stands, and the end of the list it is put into. */
struct place {
    struct gemini_reading *g;
    const struct json_val *v;
    struct ir_part **at;
    const char *where; /* "contents[3].parts[0]" */
};

static enum err refuse(const struct place *p, const char *what)
{
    return codec_refuse(p->g->a, p->g->ret_why, "%s: %s", p->where, what);
}

static struct ir_part *add(const struct place *p, enum ir_kind kind)
{
    return ir_add_part(p->g->a, p->at, kind);
}

/* ---- text and media -------------------------------------------------------------------------------- */

/* Streams give a thought in pieces, and its signature with the last one; many programs send back the pieces.
 */
static enum err go_on(struct gemini_reading *g, struct str more, struct str signature)
{
    struct gemini_thought *t = &g->thought;
    size_t n = t->part->text.n;
    if (n + more.n > t->cap) {
        size_t cap = 2 * (n + more.n);
        char *p = arena_alloc(g->a, cap);
        if (!p)
            return E_FULL;
        if (n)
            memcpy(p, t->part->text.p, n);
        t->p = p;
        t->cap = cap;
    }
    if (more.n)
        memcpy(t->p + n, more.p, more.n);
    t->part->text = str_of(t->p, n + more.n);
    t->part->signature = signature;
    if (signature.n)
        *t = (struct gemini_thought){0};
    return E_OK;
}

static enum err read_text(const struct place *p)
{
    bool thought = json_bool(gemini_get(p->v, "thought"), false);
    struct str text = gemini_text(p->v, "text");
    if (!text.p && gemini_get(p->v, "text"))
        return refuse(p, "text is a string");
    struct str signature = gemini_signature(p->v), id = {NULL, 0};
    enum err e = thought ? gemini_unseal(p->g->a, &signature, &id) : E_OK;
    if (e != E_OK)
        return e;
    if (thought && text.p && p->g->thought.part) {
        p->g->thought.part->id = id;
        return go_on(p->g, text, signature);
    }
    struct ir_part *part = add(p, thought ? IR_THINKING : IR_TEXT);
    if (!part)
        return E_FULL;
    part->text = text.p || thought ? text : STR("");
    part->signature = signature;
    part->id = id;
    part->redacted = thought && !text.p && part->signature.n;
    p->g->thought = (struct gemini_thought){.part = thought && text.p && !signature.n ? part : NULL};
    return E_OK;
}

static bool is_utf8(struct str s)
{
    size_t more = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool inner = (c & 0xc0) == 0x80;
        if (inner != (more > 0) || c == 0xc0 || c == 0xc1 || c > 0xf4)
            return false;
        more = inner ? more - 1 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    }
    return more == 0;
}

/* A document that is plain text is text everywhere else. */
static void read_plain_text(struct arena *a, struct ir_media *m)
{
    struct str text = {NULL, 0};
    if (!str_istarts(m->mime, STR("text/plain")) || base64_decode(a, m->data, &text) != E_OK ||
        !is_utf8(text))
        return;
    m->text = text;
    m->data = str_of(NULL, 0);
}

static enum err read_inline(const struct place *p)
{
    const struct json_val *blob = gemini_get(p->v, "inlineData");
    struct str mime = ir_media_type(gemini_text(blob, "mimeType")), data = gemini_text(blob, "data");
    if (!mime.n || !data.p)
        return refuse(p, "inlineData has mimeType and data");
    struct ir_part *part = add(p, gemini_kind(mime));
    if (!part)
        return E_FULL;
    part->media = (struct ir_media){.mime = mime, .data = data, .name = gemini_text(blob, "displayName")};
    read_plain_text(p->g->a, &part->media);
    return E_OK;
}

static bool is_film(struct str url)
{
    return str_has(url, STR("youtube.com/")) || str_has(url, STR("youtu.be/"));
}

static enum err read_file(const struct place *p)
{
    const struct json_val *file = gemini_get(p->v, "fileData");
    struct str mime = ir_media_type(gemini_text(file, "mimeType")), url = gemini_text(file, "fileUri");
    if (!url.n)
        return refuse(p, "fileData has fileUri");
    struct str type = mime.n ? mime : is_film(url) ? STR("video/mp4") : gemini_mime_of_url(url);
    struct ir_part *part = add(p, gemini_kind(type));
    if (!part)
        return E_FULL;
    part->media = (struct ir_media){
        .mime = mime.n ? mime : str_of(NULL, 0), .url = url, .name = gemini_text(file, "displayName")};
    return E_OK;
}

/* ---- calls and their results ----------------------------------------------------------------------- */

static struct str make_id(struct gemini_reading *g, struct str name)
{
    return gemini_make_id(g->a, STR("request"), 0, g->made++, name);
}

static enum err remember_call(struct gemini_reading *g, struct str id, struct str name)
{
    struct gemini_calls *c = arena_new(g->a, struct gemini_calls), **at = &g->calls;
    if (!c)
        return E_FULL;
    c->id = id;
    c->name = name;
    if (g->last_call)
        at = g->last_call;
    *at = c;
    g->last_call = &c->next;
    return E_OK;
}

/* The id of the call that is answered; takes it off the list. p == NULL: there is none. */
static struct str answered_call(struct gemini_reading *g, struct str id, struct str name)
{
    for (struct gemini_calls **at = &g->calls; *at; at = &(*at)->next) {
        struct gemini_calls *c = *at;
        if (id.n ? !str_eq(c->id, id) : !str_eq(c->name, name))
            continue;
        *at = c->next;
        if (g->last_call == &c->next)
            g->last_call = at;
        return c->id;
    }
    return id.n ? id : str_of(NULL, 0);
}

static enum err read_call(const struct place *p)
{
    static const char *const known[] = {"id", "name", "args", NULL};
    const struct json_val *call = gemini_get(p->v, "functionCall"), *args = gemini_get(call, "args");
    struct str name = gemini_text(call, "name"), id = gemini_text(call, "id");
    if (!name.n || (args && json_type(args) != JSON_OBJECT))
        return refuse(p, "functionCall has a name, and args that are an object");
    struct ir_part *part = add(p, IR_TOOL_CALL);
    if (!part)
        return E_FULL;
    part->name = name;
    part->id = id.n ? id : make_id(p->g, name);
    part->arguments = args ? codec_raw(p->g->a, args) : STR("{}");
    part->signature = gemini_signature(p->v);
    gemini_note_unknown(p->g->a, p->g->r, call, known);
    if (!part->id.p || !part->arguments.p)
        return E_FULL;
    return remember_call(p->g, part->id, name);
}

/* The only member of an object, if it has one of the names that results and errors are wrapped in. */
static const struct json_val *unwrap(const struct json_val *response, bool *ret_error)
{
    static const char *const names[] = {"result", "output", "error"};
    *ret_error = false;
    for (size_t i = 0; json_count(response) == 1 && i < countof(names); i++) {
        const struct json_val *v = json_get(response, names[i]);
        *ret_error = v && i == 2;
        if (v)
            return v;
    }
    return response;
}

static enum err read_response(const struct place *p, struct ir_part *result, const struct json_val *response)
{
    const struct json_val *v = unwrap(response, &result->is_error);
    struct ir_part *text = ir_add_part(p->g->a, &result->parts, IR_TEXT);
    if (!text)
        return E_FULL;
    text->text = json_type(v) == JSON_STRING ? json_str(v) : codec_raw(p->g->a, v);
    return text->text.p ? E_OK : E_FULL;
}

static enum err read_result_media(const struct place *p, struct ir_part *result, const struct json_val *list)
{
    struct place inner = *p;
    enum err e = E_OK;
    inner.at = &result->parts;
    for (struct json_iter it = json_iter(list); e == E_OK && json_next(&it);) {
        inner.v = it.val;
        if (*inner.at)
            inner.at = &(*inner.at)->next;
        if (gemini_get(it.val, "inlineData"))
            e = read_inline(&inner);
        else if (gemini_get(it.val, "fileData"))
            e = read_file(&inner);
    }
    return e;
}

static enum err read_result(const struct place *p)
{
    static const char *const known[] = {"id", "name", "response", "parts", NULL};
    const struct json_val *v = gemini_get(p->v, "functionResponse"), *response = gemini_get(v, "response");
    struct str name = gemini_text(v, "name"), id = gemini_text(v, "id");
    if (!name.n && !id.n)
        return refuse(p, "functionResponse has a name");
    if (response && json_type(response) != JSON_OBJECT)
        return refuse(p, "functionResponse.response is an object");
    struct ir_part *part = add(p, IR_TOOL_RESULT);
    if (!part)
        return E_FULL;
    part->name = name.n ? name : str_of(NULL, 0);
    part->id = answered_call(p->g, id, name);
    if (!part->id.p)
        part->id = make_id(p->g, name);
    if (!part->id.p)
        return E_FULL;
    gemini_note_unknown(p->g->a, p->g->r, v, known);
    enum err e = response ? read_response(p, part, response) : E_OK;
    return e == E_OK ? read_result_media(p, part, gemini_get(v, "parts")) : e;
}

/* ---- parts ----------------------------------------------------------------------------------------- */

static enum err read_raw(const struct place *p)
{
    struct ir_part *part = add(p, IR_RAW);
    if (!part)
        return E_FULL;
    part->raw = codec_raw(p->g->a, p->v);
    part->raw_dialect = D_GEMINI;
    return part->raw.p ? E_OK : E_FULL;
}

static enum err read_part(const struct place *p)
{
    static const char *const known[] = {
        "text",    "inlineData",       "fileData", "functionCall", "functionResponse",
        "thought", "thoughtSignature", NULL};
    static const struct {
        const char *member;
        enum err (*read)(const struct place *p);
    } kinds[] = {{"text", read_text},
                 {"functionCall", read_call},
                 {"functionResponse", read_result},
                 {"inlineData", read_inline},
                 {"fileData", read_file}};
    if (json_type(p->v) != JSON_OBJECT)
        return refuse(p, "a part is an object");
    for (size_t i = 0; i < countof(kinds); i++)
        if (gemini_get(p->v, kinds[i].member)) {
            gemini_note_unknown(p->g->a, p->g->r, p->v, known);
            if (kinds[i].read != read_text)
                p->g->thought.part = NULL;
            return kinds[i].read(p);
        }
    return gemini_signature(p->v).p ? read_text(p) : read_raw(p);
}

/* ---- contents -------------------------------------------------------------------------------------- */

/* Role of the message that a part of a content goes into: results are a turn of their own. */
static enum ir_role role_of(enum ir_role content, const struct json_val *part)
{
    bool result = content != IR_ASSISTANT && gemini_get(part, "functionResponse");
    return result ? IR_TOOL : content == IR_TOOL ? IR_USER : content;
}

static enum err read_parts(struct gemini_reading *g, enum ir_role role, const struct json_val *parts,
                           const char *content)
{
    char where[96];
    struct ir_message *m =
        role == IR_ASSISTANT ? g->turn : NULL; /* a stream's pieces, each a content: one turn */
    struct place p = {.g = g, .where = where, .at = g->turn_end};
    unsigned i = 0;
    enum err e = E_OK;
    for (struct json_iter it = json_iter(parts); e == E_OK && json_next(&it); i++) {
        enum ir_role want = role_of(role, it.val);
        if (!m || m->role != want) {
            m = ir_add_message(g->a, g->r, want);
            if (!m)
                return E_FULL;
            p.at = &m->parts;
        }
        snprintf(where, sizeof(where), "%s.parts[%u]", content, i);
        p.v = it.val;
        e = read_part(&p);
        if (*p.at)
            p.at = &(*p.at)->next;
    }
    g->turn = m && m->role == IR_ASSISTANT ? m : NULL;
    g->turn_end = p.at;
    if (!g->turn)
        g->thought.part = NULL;
    return e;
}

static enum err read_content(struct gemini_reading *g, const struct json_val *v, const char *where,
                             bool *was_model)
{
    static const char *const known[] = {"role", "parts", NULL};
    const struct json_val *parts = gemini_get(v, "parts");
    struct str role = gemini_text(v, "role");
    bool model = str_eq(role, STR("model"));
    if (role.n && !model && !str_eq(role, STR("user")) && !str_eq(role, STR("function")) &&
        !str_eq(role, STR("tool")))
        return codec_refuse(g->a, g->ret_why, "%s: role is user or model", where);
    if (json_type(v) != JSON_OBJECT || (parts && json_type(parts) != JSON_ARRAY))
        return codec_refuse(g->a, g->ret_why, "%s: a content is an object with a list of parts", where);
    if (model && !*was_model) {
        g->calls = NULL; /* what has no answer by now will have none */
        g->last_call = NULL;
    }
    *was_model = model;
    gemini_note_unknown(g->a, g->r, v, known);
    return read_parts(g, model ? IR_ASSISTANT : IR_USER, parts, where);
}

static enum err read_contents(struct gemini_reading *g, const struct json_val *list)
{
    bool was_model = false;
    unsigned i = 0;
    enum err e = E_OK;
    if (json_type(list) != JSON_ARRAY || json_count(list) == 0)
        return codec_refuse(g->a, g->ret_why, "contents: a list is required");
    for (struct json_iter it = json_iter(list); e == E_OK && json_next(&it); i++) {
        char where[32];
        snprintf(where, sizeof(where), "contents[%u]", i);
        e = read_content(g, it.val, where, &was_model);
    }
    return e;
}

static enum err read_system(struct gemini_reading *g, const struct json_val *v)
{
    struct ir_part *p = NULL;
    struct ir_message *m;
    switch (json_type(v)) {
    case JSON_NONE: return E_OK;
    case JSON_OBJECT: return read_parts(g, IR_SYSTEM, gemini_get(v, "parts"), "systemInstruction");
    case JSON_STRING:
        m = ir_add_message(g->a, g->r, IR_SYSTEM);
        if (m)
            p = ir_add_part(g->a, &m->parts, IR_TEXT);
        if (p)
            p->text = json_str(v);
        return p ? E_OK : E_FULL;
    default: return codec_refuse(g->a, g->ret_why, "systemInstruction: a content is an object");
    }
}

/* ---- the path -------------------------------------------------------------------------------------- */

/* Percent-decoded; an escape that is none stays. */
static struct str decode(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    size_t n = 0;
    if (!p)
        return str_of(NULL, 0);
    for (size_t i = 0; i < s.n; i++) {
        int high = i + 2 < s.n && s.p[i] == '%' ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        p[n++] = low >= 0 ? (char)(high * 16 + low) : s.p[i];
        i += low >= 0 ? 2 : 0;
    }
    return str_of(p, n);
}

/* ".../models/MODEL:METHOD"; a model's name may have slashes and colons of its own. */
static enum err read_path(struct gemini_reading *g, struct str path)
{
    static const struct str head = S("models/");
    struct str rest = path, target = str_cut(&rest, '?'), name = target;
    size_t at = str_search(target, head), colon = target.n;
    if (at < target.n)
        name = str_from(target, at + head.n);
    else
        while (str_find(name, '/') < name.n)
            (void)str_cut(&name, '/');
    while (colon > 0 && target.p[colon - 1] != ':')
        colon--;
    if (colon == 0 || target.p + colon - 1 < name.p)
        return E_OK; /* a path of somebody else's: the body may say it */
    g->r->stream = str_eq(str_from(target, colon), STR("streamGenerateContent"));
    g->r->model = decode(g->a, str_head(name, (size_t)(target.p + colon - 1 - name.p)));
    return g->r->model.p ? E_OK : E_FULL;
}

static void read_model(struct gemini_reading *g, const struct json_val *root)
{
    static const struct str head = S("models/");
    struct str model = gemini_text(root, "model");
    if (!g->r->model.n && model.n)
        g->r->model = str_starts(model, head) ? str_from(model, head.n) : model;
}

enum err gemini_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                             struct str *ret_why)
{
    struct gemini_reading g = {.a = a, .r = ret, .ret_why = ret_why};
    enum err e = codec_read_body(a, body, ret, ret_why);
    if (e != E_OK)
        return e;
    const struct json_val *root = json_root(ret->doc);
    ret->stream_usage = true; /* always there */
    e = read_path(&g, path);
    read_model(&g, root);
    if (e == E_OK)
        e = read_system(&g, gemini_get(root, "systemInstruction"));
    if (e == E_OK)
        e = read_contents(&g, gemini_get(root, "contents"));
    if (e == E_OK)
        e = gemini_read_params(&g, root);
    if (e == E_OK)
        ir_link_results(ret);
    return e;
}
