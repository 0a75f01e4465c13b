/* SPDX-License-Identifier: Apache-2.0 */
/* docs/translation.md, from what translation.h counted. */
#pragma once
#include "tests/unit/translation.h"

static FILE *page_out;
#define put(...) fprintf(page_out, __VA_ARGS__)

/* In the order of `speakers`. */
static const char *const titles[] = {"Anthropic", "Gemini", "Bedrock", "Chat", "Responses", "Cohere"};

enum { NOTES_MAX = 200 };
static struct str footnotes[NOTES_MAX]; /* of the table that is being printed */
static size_t footnote_count;

static inline void put_titles(struct buf *b, unsigned from)
{
    const char *gap = "";
    for (size_t i = 0; i < countof(titles); i++)
        if (from >> i & 1) {
            (void)buf_printf(b, "%s%s", gap, titles[i]);
            gap = ", ";
        }
}

static inline bool is_same_note(const struct note *a, const struct note *b)
{
    return a->outcome == b->outcome && a->from == b->from && str_eq(a->as, b->as);
}

/* Is it the first of those that say the same of several paths? */
static inline bool is_first(const struct cell *c, const struct note *n)
{
    const struct note *x = c->notes;
    while (!is_same_note(x, n))
        x = x->next;
    return x == n;
}

static inline void put_paths(struct buf *b, const struct note *n)
{
    const char *gap = "";
    for (const struct note *x = n; x; x = x->next)
        if (is_same_note(x, n)) {
            (void)buf_printf(b, "%s`%.*s`", gap, STR_FMT(x->said));
            gap = ", ";
        }
}

static inline void put_note(struct buf *b, const struct note *n, unsigned all)
{
    (void)buf_append_c(b, b->n ? "; " : "");
    if (n->outcome == REFUSED) {
        (void)buf_printf(b, "refused: *%.*s*", STR_FMT(n->as));
    } else {
        (void)buf_append_c(b, n->outcome == DROPPED ? "left out: " : "");
        put_paths(b, n);
    }
    if (n->outcome == OTHER)
        (void)buf_printf(b, " as %.*s", STR_FMT(n->as));
    if ((n->from & all) != all) {
        (void)buf_append_c(b, " (from ");
        put_titles(b, n->from);
        (void)buf_append_c(b, ")");
    }
}

/* Its number below the table; the same words have one number. */
static inline size_t footnote(struct str text)
{
    for (size_t i = 0; i < footnote_count; i++)
        if (str_eq(footnotes[i], text))
            return i + 1;
    assert_true(footnote_count < NOTES_MAX);
    footnotes[footnote_count] = arena_dup(&notes_arena, text);
    return ++footnote_count;
}

static inline const char *word_of(const struct cell *c)
{
    bool kept = c->count[KEPT], other_form = c->count[OTHER], dropped = c->count[DROPPED],
         refused = c->count[REFUSED];
    if (!dropped && !refused)
        return kept ? "yes" : "converted";
    if (kept || other_form || (dropped && refused))
        return "partly";
    return dropped ? "no" : "refused";
}

static inline unsigned bit_of(const struct codec *c)
{
    unsigned bit = 1;
    for (const struct speaker *s = speakers; s->codec != c; s++)
        bit <<= 1;
    return bit;
}

static inline void put_cell(const struct page *g, size_t row, size_t target)
{
    const struct cell *c = &g->cells[row][target];
    unsigned others = g->known[row] & ~bit_of(g->targets[target].codec);
    struct buf b;
    if (!others) {
        put(" %s |", g->known[row] ? "own" : "?");
        return;
    }
    buf_init(&b, MIB);
    for (const struct note *n = c->notes; n; n = n->next)
        if (is_first(c, n) && (n->outcome != DROPPED || strcmp(word_of(c), "no") != 0))
            put_note(&b, n, others);
    put(" %s", word_of(c));
    if (b.n)
        put("<sup>%zu</sup>", footnote(buf_str(&b)));
    put(" |");
    buf_done(&b);
}

static inline size_t columns_of(const struct page *g)
{
    return g == &request_page ? (size_t)COLUMNS : countof(answer_targets);
}

static inline void put_row(const struct page *g, size_t row)
{
    static const char letters[] = "AGBCRO";
    put("| %s | ", g->features[row].title);
    for (size_t i = 0; letters[i]; i++)
        if (g->known[row] >> i & 1)
            put("%c", letters[i]);
    put(" |");
    for (size_t i = 0; i < columns_of(g); i++)
        put_cell(g, row, i);
    put("\n");
}

static inline void put_table(const struct page *g, const char *corner)
{
    footnote_count = 0;
    put("| %s | said by |", corner);
    for (size_t i = 0; i < columns_of(g); i++)
        put(" %s |", g->targets[i].title);
    put("\n|---|---|");
    for (size_t i = 0; i < columns_of(g); i++)
        put("---|");
    put("\n");
    for (size_t i = 0; i < g->n; i++)
        if (g->features[i].group)
            put("| **%s** |\n", g->features[i].group);
        else
            put_row(g, i);
    put("\n");
    for (size_t i = 0; i < footnote_count; i++)
        put("%zu. %.*s\n", i + 1, STR_FMT(footnotes[i]));
}

/* ---- errors ---- */

/* What SDKs tell errors apart by, besides the status. */
static inline struct str type_in(const struct json_val *body)
{
    const struct json_val *error = json_get(body, "error");
    struct str type = json_str(json_get(error, "type"));
    type = type.p ? type : json_str(json_get(error, "status"));
    return type.p ? type : json_str(json_get(body, "__type"));
}

static inline void put_error(const struct codec *c, const struct ir_error *e)
{
    struct buf body;
    buf_init(&body, MIB);
    c->write_error(e, &body);
    struct json_doc *doc = json_parse(buf_str(&body));
    struct str type = type_in(json_root(doc));
    put(" %d%s%.*s%s |", c->error_status(e), type.n ? " `" : "", STR_FMT(type), type.n ? "`" : "");
    json_free(doc);
    buf_done(&body);
}

static inline void put_errors(void)
{
    static const struct {
        enum ir_error_kind kind;
        int status;
        const char *title;
    } rows[] = {
        {IR_ERR_INVALID, 400, "the request is wrong"}, {IR_ERR_AUTH, 401, "no key, or a wrong one"},
        {IR_ERR_PERMISSION, 403, "the key may not"},   {IR_ERR_NOT_FOUND, 404, "no such model"},
        {IR_ERR_RATE, 429, "too many requests"},       {IR_ERR_QUOTA, 402, "no money, no quota"},
        {IR_ERR_OVERLOADED, 529, "overloaded"},        {IR_ERR_TIMEOUT, 504, "took too long"},
        {IR_ERR_SERVER, 500, "their fault"},
    };
    put("| the provider says |");
    for (size_t i = 0; i < countof(answer_targets); i++)
        put(" %s |", answer_targets[i].title);
    put("\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < countof(rows); i++) {
        struct ir_error e = {.kind = rows[i].kind, .status = rows[i].status, .message = S("m")};
        put("| %s (%d) |", rows[i].title, rows[i].status);
        for (size_t k = 0; k < countof(answer_targets); k++)
            put_error(answer_targets[k].codec, &e);
        put("\n");
    }
}

/* ---- the page ---- */

static const char introduction[] =
    "# What translation keeps\n"
    "\n"
    "A client that speaks one API at a model that speaks another\n"
    "([one endpoint for every model](compat.md)): what of its request reaches the model, and what of the\n"
    "answer reaches the client. Where both speak the same, nothing is translated.\n"
    "\n"
    "This page is counted, not written: a test sends every file of `tests/golden/codec` from its dialect\n"
    "to each other one and compares both ends. `build/tests/unit/test_translation page` prints it.\n"
    "\n"
    "The dialects: **A**nthropic Messages, **G**emini generateContent, **B**edrock Converse, OpenAI "
    "**C**hat\n"
    "completions, OpenAI **R**esponses, C**o**here v2 (O). Under *said by* are those that can say it.\n"
    "\n"
    "| cell | |\n"
    "|---|---|\n"
    "| yes | arrives as it was |\n"
    "| converted | arrives in another form, which the note tells |\n"
    "| partly | some of it does not arrive: the note tells what, and of which dialects if not of all |\n"
    "| no | is left out, since the other side has no place for it |\n"
    "| refused | the request is refused with 400, code 2019: an answer without it would be wrong |\n"
    "| own | nobody else can say it |\n";

static const char about_requests[] =
    "\n"
    "## Requests\n"
    "\n"
    "What a provider of the column is told. What is left out is named under `not_told`, as in the notes,\n"
    "when the client sends `weir-trace: true`, and by `weir explain`; nothing is left out in silence. "
    "Models\n"
    "are told what they take; the table is about these. \"Chat\" is one that takes what others have added "
    "to\n"
    "OpenAI's API, as OpenRouter does; OpenAI itself has a column of its own.\n"
    "\n";

static const char about_answers[] =
    "\n"
    "## Answers\n"
    "\n"
    "What a client of the column is told, by a whole answer and by a stream.\n"
    "\n";

static const char about_history[] =
    "\n"
    "## Turns\n"
    "\n"
    "What the provider sees again of its own answer when a client of the column sends it back with the next\n"
    "question, as agents do. Signatures that belong to the provider travel inside the client's own ones.\n"
    "\n";

static const char about_errors[] =
    "\n"
    "## Errors\n"
    "\n"
    "The status and the type that a client of the column gets. The message is the provider's, and\n"
    "`retry-after` is handed on. Inside a stream it is an event of the client's dialect. An answer of the\n"
    "provider that cannot be read is a 502, code 2002.\n"
    "\n";

static inline void print_page(FILE *f)
{
    page_out = f;
    put("%s%s", introduction, about_requests);
    for (size_t i = 0; i < columns_of(&request_page); i++)
        put("- %s: `%s`\n", request_targets[i].title, request_targets[i].model);
    put("\n");
    put_table(&request_page, "a request says");
    put("%s", about_answers);
    put_table(&answer_page, "an answer says");
    put("%s", about_history);
    put_table(&history_page, "an answer has");
    put("%s", about_errors);
    put_errors();
}
