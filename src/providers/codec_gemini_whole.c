/* SPDX-License-Identifier: Apache-2.0 */
/* Whole Gemini answers written, and the pieces of them that streams are made of too. */
#include "providers/codec_gemini.h"

/* ---- parts ----------------------------------------------------------------------------------------- */

void gemini_put_text(struct json_out *w, struct str text, bool thought, struct str signature)
{
    if (text.p)
        json_add_str(w, "text", text);
    if (thought)
        json_add_bool(w, "thought", true);
    if (signature.n)
        json_add_str(w, "thoughtSignature", signature);
}

void gemini_put_call(struct json_out *w, struct str id, struct str name, struct str arguments,
                     struct str signature)
{
    json_key(w, "functionCall");
    json_open(w, '{');
    if (id.n)
        json_add_str(w, "id", id);
    json_add_str(w, "name", name.p ? name : STR(""));
    json_add_raw(w, "args", arguments);
    json_close(w, '}');
    if (signature.n)
        json_add_str(w, "thoughtSignature", signature);
}

/* ---- citations ------------------------------------------------------------------------------------- */

/* Gemini's own object of that name, without its braces; p == NULL: there is none. The last one is the whole
 * one. */
static struct str own_member(const struct ir_citation *list, struct str head)
{
    struct str member = {NULL, 0};
    for (const struct ir_citation *c = list; c; c = c->next)
        if (c->raw_dialect == D_GEMINI && c->raw.n > 2 && str_starts(c->raw, head))
            member = str_of(c->raw.p + 1, c->raw.n - 2);
    return member;
}

static void put_chunk(struct json_out *w, const struct ir_citation *c)
{
    bool web = c->url.n && !c->quote.n; /* the other kind has the source's own words */
    json_open(w, '{');
    json_key(w, web ? "web" : "retrievedContext");
    json_open(w, '{');
    if (c->url.n)
        json_add_str(w, "uri", c->url);
    if (c->title.n)
        json_add_str(w, "title", c->title);
    if (c->quote.n)
        json_add_str(w, "text", c->quote);
    if (!web && c->document.n)
        json_add_str(w, "documentName", c->document);
    json_close(w, '}');
    json_close(w, '}');
}

static void put_support(struct json_out *w, const struct ir_citation *c, int64_t chunk)
{
    json_open(w, '{');
    if (c->start >= 0 && c->end >= c->start) {
        json_key(w, "segment");
        json_open(w, '{');
        if (c->start)
            json_add_int(w, "startIndex", c->start);
        json_add_int(w, "endIndex", c->end);
        json_close(w, '}');
    }
    json_key(w, "groundingChunkIndices");
    json_open(w, '[');
    json_put_int(w, chunk);
    json_close(w, ']');
    json_close(w, '}');
}

static void put_grounding(struct json_out *w, const struct ir_citation *list)
{
    int64_t chunk = 0;
    json_key(w, "groundingMetadata");
    json_open(w, '{');
    json_key(w, "groundingChunks");
    json_open(w, '[');
    for (const struct ir_citation *c = list; c; c = c->next)
        if (c->raw_dialect != D_GEMINI)
            put_chunk(w, c);
    json_close(w, ']');
    json_key(w, "groundingSupports");
    json_open(w, '[');
    for (const struct ir_citation *c = list; c; c = c->next)
        if (c->raw_dialect != D_GEMINI)
            put_support(w, c, chunk++);
    json_close(w, ']');
    json_close(w, '}');
}

void gemini_put_citations(struct json_out *w, const struct ir_citation *list)
{
    struct str grounding = own_member(list, STR("{\"groundingMetadata\""));
    struct str recited = own_member(list, STR("{\"citationMetadata\""));
    bool foreign = false;
    for (const struct ir_citation *c = list; c; c = c->next)
        foreign |= c->raw_dialect != D_GEMINI;
    if (grounding.p)
        json_put_raw(w, grounding);
    else if (foreign)
        put_grounding(w, list);
    if (recited.p)
        json_put_raw(w, recited);
}

/* ---- log probabilities ----------------------------------------------------------------------------- */

static void put_token(struct json_out *w, const struct json_val *v)
{
    json_open(w, '{');
    json_add_str(w, "token", codec_text(v, "token"));
    json_key(w, "logProbability");
    json_put_val(w, json_get(v, "logprob"));
    json_close(w, '}');
}

static bool is_entry(const struct json_val *v)
{
    return codec_text(v, "token").p && json_type(json_get(v, "logprob")) == JSON_NUMBER;
}

void gemini_put_logprobs(struct json_out *w, struct str entries)
{
    struct json_doc *doc = json_parse_exact(entries, NULL, NULL);
    const struct json_val *list = json_root(doc);
    json_key(w, "logprobsResult");
    json_open(w, '{');
    json_key(w, "topCandidates");
    json_open(w, '[');
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        if (!is_entry(it.val))
            continue;
        json_open(w, '{');
        json_key(w, "candidates");
        json_open(w, '[');
        for (struct json_iter k = json_iter(json_get(it.val, "top_logprobs")); json_next(&k);)
            if (is_entry(k.val))
                put_token(w, k.val);
        json_close(w, ']');
        json_close(w, '}');
    }
    json_close(w, ']');
    json_key(w, "chosenCandidates");
    json_open(w, '[');
    for (struct json_iter it = json_iter(list); json_next(&it);)
        if (is_entry(it.val))
            put_token(w, it.val);
    json_close(w, ']');
    json_close(w, '}');
    json_free(doc);
}

/* ---- usage ----------------------------------------------------------------------------------------- */

/* Only where there is more than text. */
static void put_details(struct json_out *w, const char *name, int64_t all, int64_t audio, int64_t image)
{
    const struct {
        struct str modality;
        int64_t n;
    } kinds[] = {{S("TEXT"), all - audio - image}, {S("AUDIO"), audio}, {S("IMAGE"), image}};
    if (audio <= 0 && image <= 0)
        return;
    json_key(w, name);
    json_open(w, '[');
    for (size_t i = 0; i < countof(kinds); i++) {
        if (kinds[i].n <= 0)
            continue;
        json_open(w, '{');
        json_add_str(w, "modality", kinds[i].modality);
        json_add_int(w, "tokenCount", kinds[i].n);
        json_close(w, '}');
    }
    json_close(w, ']');
}

/* Cached tokens are part of the prompt's, thoughts are not part of the candidates'. */
void gemini_put_usage(struct json_out *w, const struct usage *u)
{
    int64_t said = u->output - u->reasoning;
    json_key(w, "usageMetadata");
    json_open(w, '{');
    json_add_int(w, "promptTokenCount", u->input);
    if (u->cached)
        json_add_int(w, "cachedContentTokenCount", u->cached);
    json_add_int(w, "candidatesTokenCount", said);
    if (u->reasoning)
        json_add_int(w, "thoughtsTokenCount", u->reasoning);
    json_add_int(w, "totalTokenCount", u->input + u->output);
    put_details(w, "promptTokensDetails", u->input, u->audio_in, u->image_in);
    put_details(w, "cacheTokensDetails", u->cached, u->cached_audio, 0);
    put_details(w, "candidatesTokensDetails", said, u->audio_out, u->image_out);
    json_close(w, '}');
}

void gemini_put_names(struct json_out *w, struct str id, struct str model)
{
    if (model.n)
        json_add_str(w, "modelVersion", model);
    if (id.n)
        json_add_str(w, "responseId", id);
}

/* ---- candidates ------------------------------------------------------------------------------------ */

/* A run of text blocks is one part: what a citation says of a block is said of the run. */
struct run {
    struct arena *a;
    struct ir_citation *citations, **last;
    struct gemini_span base; /* of the run, before the block */
};

static size_t bytes_of(struct str text, int64_t points)
{
    size_t i = 0;
    for (; i < text.n; i++)
        if (((unsigned char)text.p[i] & 0xc0) != 0x80 && points-- == 0)
            break;
    return i;
}

static enum err take_citations(struct run *run, const struct ir_part *p)
{
    for (const struct ir_citation *c = p->citations; c; c = c->next) {
        struct ir_citation *copy = arena_new(run->a, struct ir_citation);
        if (!copy)
            return E_FULL;
        *copy = *c;
        copy->next = NULL;
        bool known = c->start >= 0 && c->end >= c->start; /* else all of the block is meant */
        copy->start = (int64_t)(run->base.bytes + (known ? bytes_of(p->text, c->start) : 0));
        copy->end = (int64_t)(run->base.bytes + (known ? bytes_of(p->text, c->end) : p->text.n));
        *run->last = copy;
        run->last = &copy->next;
    }
    return E_OK;
}

static bool is_text(const struct ir_part *p)
{
    return p && (p->kind == IR_TEXT || p->kind == IR_REFUSAL);
}

/* Text blocks in a row, up to one that is signed. *ret_last: the last of them. */
static enum err put_run(struct json_out *w, struct run *run, const struct ir_part *p,
                        const struct ir_part **ret_last)
{
    struct ir_strs texts = {NULL, 0};
    enum err e = E_OK;
    run->base = (struct gemini_span){0, 0};
    for (;; p = p->next) {
        if (p->text.n && !ir_add_str(run->a, &texts, p->text))
            return E_FULL;
        e = take_citations(run, p);
        gemini_span_add(&run->base, p->text);
        if (e != E_OK || p->signature.n || !is_text(p->next))
            break;
    }
    struct str text = texts.n ? arena_join(run->a, texts.v, texts.n) : STR("");
    if (e != E_OK || !text.p)
        return E_FULL;
    if (text.n || p->signature.n) {
        json_open(w, '{');
        gemini_put_text(w, text, false, p->signature);
        json_close(w, '}');
    }
    *ret_last = p;
    return E_OK;
}

static enum err put_call(struct json_out *w, struct arena *a, const struct ir_part *p)
{
    bool wrapped = false;
    struct str arguments = gemini_arguments(a, p->arguments, &wrapped);
    if (!arguments.p)
        return E_FULL;
    json_open(w, '{');
    gemini_put_call(w, p->id, p->name, arguments, p->signature);
    json_close(w, '}');
    return E_OK;
}

static enum err put_thought(struct json_out *w, struct arena *a, const struct ir_part *p)
{
    struct str signature = gemini_seal(a, p->id, p->signature.p ? p->signature : STR(""));
    if (!signature.p)
        return E_FULL;
    json_open(w, '{');
    gemini_put_text(w, p->redacted ? str_of(NULL, 0) : p->text.p ? p->text : STR(""), true, signature);
    json_close(w, '}');
    return E_OK;
}

static enum err put_part(struct json_out *w, struct run *run, const struct ir_part **at)
{
    const struct ir_part *p = *at;
    bool fit = true;
    switch (p->kind) {
    case IR_TEXT:
    case IR_REFUSAL: return put_run(w, run, p, at);
    case IR_TOOL_CALL: return put_call(w, run->a, p);
    case IR_THINKING: return put_thought(w, run->a, p);
    case IR_IMAGE:
    case IR_AUDIO:
    case IR_VIDEO:
    case IR_FILE:
        json_open(w, '{');
        fit = gemini_put_media(run->a, w, p);
        if (!fit) /* at the other provider, and out of reach */
            gemini_put_text(w, p->media.url.n ? p->media.url : p->media.file_id, false, str_of(NULL, 0));
        json_close(w, '}');
        break;
    case IR_RAW:
        if (p->raw_dialect == D_GEMINI)
            json_put_raw(w, p->raw);
        break;
    case IR_TOOL_RESULT: break; /* not in an answer */
    }
    return E_OK;
}

static enum err put_candidate(struct json_out *w, struct arena *a, const struct ir_choice_answer *c)
{
    struct run run = {.a = a, .last = &run.citations};
    enum err e = E_OK;
    json_open(w, '{');
    json_key(w, "content");
    json_open(w, '{');
    json_key(w, "parts");
    json_open(w, '[');
    for (const struct ir_part *p = c->parts; p && e == E_OK; p = p->next)
        e = put_part(w, &run, &p);
    json_close(w, ']');
    json_add_str(w, "role", STR("model"));
    json_close(w, '}');
    json_add_str(w, "finishReason", gemini_reason_of(c->finish));
    json_add_int(w, "index", c->choice);
    gemini_put_citations(w, run.citations);
    if (c->logprobs.n)
        gemini_put_logprobs(w, c->logprobs);
    json_close(w, '}');
    return e;
}

enum err gemini_write_answer(struct arena *a, const struct ir_answer *answer,
                             const struct ir_request *request, struct buf *out)
{
    static const struct ir_choice_answer nobody = {.finish = IR_FINISH_UNKNOWN};
    struct json_out w = json_out(out);
    enum err e = E_OK;
    json_open(&w, '{');
    json_key(&w, "candidates");
    json_open(&w, '[');
    for (const struct ir_choice_answer *c = answer->choices; c && e == E_OK; c = c->next)
        e = put_candidate(&w, a, c);
    if (!answer->choices)
        e = put_candidate(&w, a, &nobody);
    json_close(&w, ']');
    if (answer->has_usage)
        gemini_put_usage(&w, &answer->usage);
    gemini_put_names(&w, answer->id, answer->model.n ? answer->model : request->model);
    json_close(&w, '}');
    return e == E_OK && out->full ? E_FULL : e;
}
