/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a translation kept. Facts are lines of the neutral form, as ir_dump.h prints them, made comparable:
 * what means the same is the same line, and what no line says has one of its own:
 *
 *   developer       a message of this role           system.late   a system message behind another's
 *   turns           who spoke, in order              calls         how many calls a turn has, if several
 *   answers         how many, if several             pieces.*      a block came in several deltas
 *   failed.*        an error instead of an answer
 */
#pragma once
#include "tests/unit/codec_rig.h"

/* ---- rows ---- */

struct feature {
    const char *group; /* a row that begins one; NULL: a feature */
    const char *title, *paths;
};

#define GROUP(title_) {.group = (title_)},
#define FEATURE(title_, paths_) {.title = (title_), .paths = (paths_)},
#define REQUEST_FEATURES
static const struct feature request_features[] = {
#include "tests/unit/translation.def"
};
#undef REQUEST_FEATURES
#define ANSWER_FEATURES
static const struct feature answer_features[] = {
#include "tests/unit/translation.def"
};
#undef ANSWER_FEATURES
#define HISTORY_FEATURES
static const struct feature history_features[] = {
#include "tests/unit/translation.def"
};
#undef HISTORY_FEATURES
#undef FEATURE
#undef GROUP

/* ---- columns ---- */

struct target {
    const char *title; /* of the column; NULL: tried as well, for losses in silence, and not on the page */
    const struct codec *codec;
    const char *model; /* codecs know what models take */
    unsigned quirks;
};

enum { OPENAI = CODEC_MAX_COMPLETION_TOKENS | CODEC_NO_EXTENSIONS };

static const struct target request_targets[] = {
    {"Anthropic", &codec_anthropic, "claude-sonnet-4-6", 0},
    {"Gemini", &codec_gemini, "gemini-3-flash-preview", 0},
    {"Bedrock", &codec_bedrock_converse, "anthropic.claude-sonnet-4-6", 0},
    {"Chat", &codec_openai_chat, "any/model", 0},
    {"Chat, OpenAI's", &codec_openai_chat, "gpt-5.1", OPENAI},
    {"Responses", &codec_openai_responses, "gpt-5.1", 0},
    {"Cohere", &codec_cohere_v2, "command-a-reasoning-08-2025", 0},
    {NULL, &codec_anthropic, "claude-opus-5", 0},
    {NULL, &codec_anthropic, "claude-opus-4-7", 0},
    {NULL, &codec_anthropic, "claude-3-7-sonnet-20250219", 0},
    {NULL, &codec_anthropic, "claude-3-5-haiku-20241022", 0},
    {NULL, &codec_anthropic, "deepseek-chat", CODEC_NO_PARALLEL},
    {NULL, &codec_gemini, "gemini-3-pro-preview", 0},
    {NULL, &codec_gemini, "gemini-2.5-pro", 0},
    {NULL, &codec_gemini, "gemini-2.5-flash-lite", 0},
    {NULL, &codec_gemini, "gemini-2.0-flash", 0},
    {NULL, &codec_bedrock_converse, "anthropic.claude-3-5-sonnet-20240620-v1:0", 0},
    {NULL, &codec_bedrock_converse, "amazon.nova-2-lite-v1:0", 0},
    {NULL, &codec_bedrock_converse, "amazon.nova-pro-v1:0", 0},
    {NULL, &codec_bedrock_converse, "openai.gpt-oss-120b-1:0", 0},
    {NULL, &codec_bedrock_converse, "meta.llama3-3-70b-instruct-v1:0", 0},
    {NULL, &codec_openai_chat, "llama-3.3-70b", CODEC_NO_DEVELOPER | CODEC_NO_EXTENSIONS},
    {NULL, &codec_openai_chat, "mistral-large-latest",
     CODEC_NO_DEVELOPER | CODEC_NO_STREAM_OPTIONS | CODEC_NO_EXTENSIONS | CODEC_RANDOM_SEED},
    {NULL, &codec_openai_chat, "gemini-2.5-flash", CODEC_NO_EXTENSIONS | CODEC_EXTRA_CONTENT},
    {NULL, &codec_openai_chat, "small", CODEC_NO_STRICT | CODEC_NO_JSON_SCHEMA | CODEC_NO_PARALLEL},
    {NULL, &codec_cohere_v2, "command-r-plus-08-2024", 0},
};

static const struct target answer_targets[] = {
    {"Anthropic", &codec_anthropic, "", 0},        {"Gemini", &codec_gemini, "", 0},
    {"Bedrock", &codec_bedrock_converse, "", 0},   {"Chat", &codec_openai_chat, "", 0},
    {"Responses", &codec_openai_responses, "", 0}, {"Cohere", &codec_cohere_v2, "", 0},
};

static const struct target *to; /* where it goes: other's codec is its */

enum { COLUMNS = 7, FEATURES_MAX = 80 };
_Static_assert(countof(request_features) <= FEATURES_MAX && countof(answer_features) <= FEATURES_MAX, "rows");

enum outcome { KEPT, OTHER, DROPPED, REFUSED, OUTCOMES };

struct note {
    struct note *next;
    enum outcome outcome;
    struct str said, as; /* path of the line, or path and value; what it became, or why it was refused */
    unsigned from;       /* dialects, a bit each */
};

struct cell {
    unsigned count[OUTCOMES];
    struct note *notes;
};

struct page {
    const struct feature *features;
    size_t n;
    const struct target *targets;
    struct cell cells[FEATURES_MAX][COLUMNS];
    unsigned known[FEATURES_MAX]; /* dialects whose files have it, a bit each */
};

static struct page request_page = {
    .features = request_features, .n = countof(request_features), .targets = request_targets};
static struct page answer_page = {
    .features = answer_features, .n = countof(answer_features), .targets = answer_targets};
/* An answer that went to a client of the column and came back in its next request. */
static struct page history_page = {
    .features = history_features, .n = countof(history_features), .targets = answer_targets};
static struct arena notes_arena;
static int complaints;

#define complain(fmt, ...)                                                                                   \
    do {                                                                                                     \
        complaints++;                                                                                        \
        fprintf(stderr, "%s/%s, %s to %s %s: " fmt "\n", me->name, file, what, other->name, to->model,       \
                __VA_ARGS__);                                                                                \
    } while (0)

static inline unsigned dialect_bit(const struct speaker *s)
{
    return 1u << (unsigned)(s - speakers);
}

/* ---- facts ---- */

static inline void put_system(struct arena *a, struct buf *out, const struct ir_request *r)
{
    struct str rest = ir_system_text(a, r), gap = STR("\n\n");
    while (rest.n) {
        size_t n = 0;
        while (n < rest.n && !str_starts(str_from(rest, n), gap))
            n++;
        dump_str(out, "system.text", str_head(rest, n));
        rest = str_from(rest, n + gap.n);
    }
}

static inline void put_turns(struct buf *out, const struct ir_request *r)
{
    int last = -1;
    bool developer = false, late = false;
    (void)buf_append_c(out, "turns ");
    for (const struct ir_message *m = r->messages; m; m = m->next) {
        developer |= m->role == IR_DEVELOPER;
        late |= dump_is_system(m) && last >= 0;
        if (dump_is_system(m) || (int)m->role == last)
            continue;
        last = (int)m->role;
        (void)buf_printf(out, "%s,", dump_role(m->role));
    }
    (void)buf_append_c(out, "\n");
    (void)buf_append_c(out, developer ? "developer true\n" : "");
    (void)buf_append_c(out, late ? "system.late true\n" : "");
}

static inline void put_calls(struct buf *out, const struct ir_part *p)
{
    int calls = 0;
    for (; p; p = p->next)
        calls += p->kind == IR_TOOL_CALL;
    if (calls > 1)
        (void)buf_printf(out, "calls %d\n", calls);
}

/* A line of the dump that is no fact: a medium's own, which has no value. */
static inline bool is_empty_medium(struct str path, struct str value)
{
    static const struct str kinds[] = {S(".image"), S(".audio"), S(".video"), S(".file")};
    for (size_t i = 0; i < countof(kinds); i++)
        if (path.n > kinds[i].n && str_eq(str_from(path, path.n - kinds[i].n), kinds[i]))
            return str_eq(value, STR("\"\""));
    return false;
}

static inline bool is_told_otherwise(struct str path)
{
    return str_eq(path, STR("system.text")) || str_eq(path, STR("model")) ||
           str_eq(path, STR("answer.choice")) || str_eq(path, STR("answer.end"));
}

static inline void put_dumped(struct buf *out, struct str dump)
{
    while (dump.n) {
        struct str value = str_cut(&dump, '\n'), line = value, path = str_cut(&value, ' ');
        if (is_told_otherwise(path) || str_eq(line, STR("answer.finish unknown")) ||
            is_empty_medium(path, value))
            continue;
        (void)buf_append(out, line);
        (void)buf_append_c(out, "\n");
    }
}

static inline struct str keep_facts(struct arena *a, struct buf *facts)
{
    struct str s = arena_dup(a, buf_str(facts));
    buf_done(facts);
    return s;
}

/* Changes the request: to what means the same. */
static inline struct str facts_of_request(struct arena *a, struct ir_request *r)
{
    struct buf dump, out;
    buf_init(&dump, 64 * MIB);
    buf_init(&out, 64 * MIB);
    plain(r);
    dump_request(&dump, DUMP_SHARED, r);
    put_dumped(&out, buf_str(&dump));
    put_system(a, &out, r);
    put_turns(&out, r);
    for (const struct ir_message *m = r->messages; m; m = m->next)
        put_calls(&out, m->parts);
    buf_done(&dump);
    return keep_facts(a, &out);
}

/* Does a block come in two or more events of this kind? log: of dump_event. */
static inline bool in_pieces(struct str log, struct str kind)
{
    struct str before = {NULL, 0};
    while (log.n) {
        struct str head = str_cut(&log, '\n'), rest = log, text = str_cut(&rest, '\n');
        if (!str_starts(head, kind) || !str_starts(text, STR(" text ")) || str_eq(text, STR(" text \"\"")))
            continue;
        if (before.p && str_eq(head, before))
            return true;
        before = head;
    }
    return false;
}

static inline void put_pieces(struct buf *out, struct str log)
{
    (void)buf_append_c(out, in_pieces(log, STR("TEXT ")) ? "pieces.text true\n" : "");
    (void)buf_append_c(out, in_pieces(log, STR("ARGUMENTS ")) ? "pieces.arguments true\n" : "");
    (void)buf_append_c(out, in_pieces(log, STR("THINKING ")) ? "pieces.thinking true\n" : "");
}

/* Of several answers the first, and how many they are. */
static inline struct str facts_of_answer(struct arena *a, const struct taken *t)
{
    struct buf dump, out;
    struct ir_answer w = t->answer;
    struct ir_choice_answer first;
    int n = 0;
    buf_init(&dump, 64 * MIB);
    buf_init(&out, 64 * MIB);
    for (const struct ir_choice_answer *c = w.choices; c; c = c->next)
        n++;
    if (n > 1) {
        first = *w.choices;
        first.next = NULL;
        w.choices = &first;
        (void)buf_printf(&out, "answers %d\n", n);
    }
    dump_answer(&dump, DUMP_SHARED, &w);
    put_dumped(&out, buf_str(&dump));
    put_pieces(&out, buf_str(&t->log));
    put_calls(&out, w.choices ? w.choices->parts : NULL);
    buf_done(&dump);
    return keep_facts(a, &out);
}

/* "error.kind" is "failed.kind" here. When to try again is told by the head, not by what a codec writes. */
static inline struct str facts_of_error(struct arena *a, const struct ir_error *e)
{
    struct buf dump, out;
    buf_init(&dump, MIB);
    buf_init(&out, MIB);
    struct ir_error shown = *e;
    shown.retry_after = 0;
    dump_error(&dump, &shown);
    for (struct str lines = buf_str(&dump); lines.n;) {
        struct str line = str_from(str_cut(&lines, '\n'), sizeof("error") - 1);
        (void)buf_printf(&out, "failed%.*s\n", STR_FMT(line));
    }
    buf_done(&dump);
    return keep_facts(a, &out);
}

/* ---- paths ---- */

/* Are the components of `name` some of the path's, in a row? */
static inline bool names_path(struct str name, struct str path)
{
    for (;;) {
        if (str_starts(path, name) && (path.n == name.n || path.p[name.n] == '.'))
            return name.n > 0;
        size_t dot = str_find(path, '.');
        if (dot == path.n)
            return false;
        path = str_from(path, dot + 1);
    }
}

static inline struct str path_in(struct str line)
{
    return str_head(line, str_find(line, ' '));
}

/* Without its quotes. */
static inline struct str bare(struct str value)
{
    return value.n > 1 && value.p[0] == '"' ? str_of(value.p + 1, value.n - 2) : value;
}

/* A path of a row: see translation.def. */
static inline bool is_under(struct str path, struct str pattern)
{
    if (str_starts(pattern, STR(".")))
        return names_path(str_from(pattern, 1), path);
    if (!str_ends(pattern, STR(".*")))
        return str_eq(path, pattern);
    struct str top = str_head(pattern, pattern.n - 2);
    return str_starts(path, top) && (path.n == top.n || path.p[top.n] == '.');
}

/* Is it under one of them? */
static inline bool is_under_one(struct str path, const char *patterns)
{
    for (struct str rest = str_c(patterns); rest.n;)
        if (is_under(path, str_cut(&rest, ' ')))
            return true;
    return false;
}

static inline bool fits(const struct feature *f, struct str path, struct str value)
{
    for (struct str rest = f->paths ? str_c(f->paths) : STR(""); rest.n;) {
        struct str want = str_cut(&rest, ' '), pattern = str_cut(&want, '=');
        bool any = str_ends(want, STR("*"));
        if (is_under(path, pattern) && (!want.p || str_eq(bare(value), want) ||
                                        (any && str_starts(bare(value), str_head(want, want.n - 1)))))
            return true;
    }
    return false;
}

/* ---- what stands in a line's place ---- */

static const char told_value[] = ""; /* what it became is the value that is found */

enum likeness { ANY_VALUE, SAME_VALUE, PART_OF_IT, ASKS_FOR_JSON };

/* A line that is lost and one at the other end that says it in another form (paths as in translation.def). as
 * == NULL: it says the same, nobody has to be told. */
static const struct instead {
    const char *lost, *found;
    enum likeness how;
    const char *as;
} insteads[] = {
    {"turns", "turns", ANY_VALUE, "others where media move, or are left out"},
    {"system.text", "user.text", PART_OF_IT, "a user's text"},
    {"developer", "system.text", ANY_VALUE, "a system prompt"},
    {"system.late", "system.text user.text", ANY_VALUE, "a place at the start, or a user's text"},
    {"tool_choice", "tool_choice", ANY_VALUE, "any tool, of that one alone"},
    {"assistant.refusal", "assistant.text", SAME_VALUE, "text"},
    {"tool.result.image.*", "user.image.*", SAME_VALUE, "a user's message behind the result"},
    {"tool.result.file.*", "user.file.*", SAME_VALUE, "a user's message behind the result"},
    {"tool.result.file.text", "user.text", PART_OF_IT, "a user's message behind the result"},
    {"tool.result.file.text", "tool.result.text", PART_OF_IT, "text"},
    {"tool.result.text", "tool.result.text", PART_OF_IT, NULL},
    {"answer.text", "answer.text", PART_OF_IT, NULL},
    {"assistant.text", "assistant.text", PART_OF_IT, NULL},
    {"user.file.text", "user.text", PART_OF_IT, "a user's text"},
    {"user.file.name", "user.text", PART_OF_IT, "a heading of the text"},
    {"user.file.name", "user.file.name", PART_OF_IT, "a name with an ending"},
    {"reasoning reasoning.effort reasoning.budget", "reasoning reasoning.effort reasoning.budget", ANY_VALUE,
     "the nearest effort or budget"},
    {"response_format.schema", "response_format.schema", ANY_VALUE, "a schema without what is refused there"},
    {"response_format response_format.schema", "system.text", ASKS_FOR_JSON, "words of the system prompt"},
    {"answer.finish", "answer.finish", ANY_VALUE, told_value},
    {"failed.status", "failed.status", ANY_VALUE, told_value},
    {"error.status", "error.status", ANY_VALUE, told_value},
    {"error.kind", "error.kind", ANY_VALUE, told_value},
    {"answer.refusal", "answer.text", SAME_VALUE, "text"},
    {"answer.image.*", "answer.text", PART_OF_IT, "a data URL in the text"},
    {"answer.audio.*", "answer.text", PART_OF_IT, "a data URL in the text"},
    {"answer.logprobs", "answer.logprobs", ANY_VALUE, "a list without the tokens' bytes"},
    {"answer.text.citation.file_id", "answer.text.citation.document", SAME_VALUE, "document"},
};

/* What another dialect's silence says already; of models whose name begins so. */
static const struct silence {
    enum dialect dialect;
    const char *model, *line;
    const char *as; /* what it is told instead; NULL: it knows */
} silences[] = {
    {D_ANTHROPIC, "", "store 0", NULL},                  /* it stores nothing */
    {D_ANTHROPIC, "", "response_format.strict 1", NULL}, /* a schema always binds */
    {D_OPENAI_RESPONSES, "", "reasoning.shown 0", NULL}, /* summaries are asked for */
    {D_BEDROCK_CONVERSE, "", "tool_choice \"none\"", "no tools, or an order in the system prompt"},
    {D_ANTHROPIC, "claude-3-5", "reasoning 0", NULL}, /* these do not think */
    {D_ANTHROPIC, "claude-3-5", "reasoning.effort \"none\"", NULL},
    {D_GEMINI, "gemini-2.0", "reasoning 0", NULL},
    {D_GEMINI, "gemini-2.0", "reasoning.effort \"none\"", NULL},
    {D_COHERE_V2, "command-r", "reasoning 0", NULL},
    {D_BEDROCK_CONVERSE, "openai.gpt-oss", "reasoning 1", NULL}, /* and these do, as they see fit */
    {D_BEDROCK_CONVERSE, "openai.gpt-oss", "reasoning.budget -2", NULL},
};

static inline const struct silence *silence_of(struct str line)
{
    for (size_t i = 0; i < countof(silences); i++)
        if (silences[i].dialect == to->codec->dialect && str_eq(line, str_c(silences[i].line)) &&
            str_starts(str_c(to->model), str_c(silences[i].model)))
            return &silences[i];
    return NULL;
}

static inline bool is_like(enum likeness how, struct str got, struct str want)
{
    if (how == PART_OF_IT)
        return str_search(bare(got), bare(want)) < bare(got).n;
    if (how == ASKS_FOR_JSON)
        return str_search(got, STR(" with one JSON ")) < got.n;
    return how == ANY_VALUE || str_eq(got, want);
}

/* The line that says it instead; p == NULL: none. */
static inline struct str find_instead(const struct instead *i, struct str line, struct str got)
{
    struct str value = line, path = str_cut(&value, ' ');
    if (!is_under_one(path, i->lost))
        return str_of(NULL, 0);
    while (got.n) {
        struct str v = str_cut(&got, '\n'), l = v, p = str_cut(&v, ' ');
        if (is_under_one(p, i->found) && is_like(i->how, v, value))
            return l;
    }
    return str_of(NULL, 0);
}

/* ---- comparing ---- */

/* The row that has the line; SIZE_MAX: none. */
static inline size_t row_of(const struct page *g, struct str line)
{
    struct str value = line, path = str_cut(&value, ' ');
    for (size_t i = 0; i < g->n; i++)
        if (fits(&g->features[i], path, value))
            return i;
    return SIZE_MAX;
}

static inline void note(struct cell *c, enum outcome outcome, struct str said, struct str as)
{
    struct note **at = &c->notes;
    while (*at && ((*at)->outcome != outcome || !str_eq((*at)->said, said) || !str_eq((*at)->as, as)))
        at = &(*at)->next;
    if (!*at) {
        *at = arena_new(&notes_arena, struct note);
        **at = (struct note){
            .outcome = outcome, .said = arena_dup(&notes_arena, said), .as = arena_dup(&notes_arena, as)};
    }
    (*at)->from |= dialect_bit(me);
}

/* said, as: for the note. */
static inline void count(struct page *g, struct str line, enum outcome outcome, struct str said,
                         struct str as)
{
    size_t row = row_of(g, line);
    if (row == SIZE_MAX) {
        complain("no row has the line \"%.*s\"", STR_FMT(line));
        return;
    }
    g->known[row] |= dialect_bit(me);
    if (me == other || !to->title)
        return;
    struct cell *c = &g->cells[row][to - g->targets];
    c->count[outcome]++;
    if (outcome != KEPT)
        note(c, outcome, said, as);
}

/* How often a line is in a text. */
static inline size_t times(struct str text, struct str line)
{
    size_t n = 0;
    while (text.n)
        n += str_eq(str_cut(&text, '\n'), line);
    return n;
}

/* Is it named by one of them? A provider's own tool is dropped under its type. */
static inline bool is_dropped(struct str line, const struct ir_strs *dropped, bool *ret_used)
{
    struct str value = line, path = str_cut(&value, ' ');
    bool found = false;
    for (size_t i = 0; dropped && i < dropped->n; i++) {
        bool own = str_eq(path, STR("tools.raw")) && str_eq(bare(value), dropped->v[i]);
        if (!own && !names_path(dropped->v[i], path))
            continue;
        ret_used[i] = found = true;
    }
    return found;
}

static inline const struct instead *instead_of(struct str line, struct str got, struct str *ret_found)
{
    for (size_t i = 0; i < countof(insteads); i++) {
        *ret_found = find_instead(&insteads[i], line, got);
        if (ret_found->p)
            return &insteads[i];
    }
    return NULL;
}

enum { DROPS_MAX = 64 };

struct comparing {
    struct page *page;
    struct str want, got;
    const struct ir_strs *dropped; /* NULL for answers: nobody is told */
    bool used[DROPS_MAX];
};

/* Functions that need not be told when the choice among them is clear. */
static inline const char *why_not_told(const struct comparing *c, struct str line)
{
    if (!is_under_one(path_in(line), "tools tools.description tools.schema tools.strict"))
        return NULL;
    if (times(c->want, STR("tool_choice \"none\"")))
        return "nothing where none may be called";
    return times(c->want, STR("tool_choice \"named\"")) ? "nothing where another has to be called" : NULL;
}

/* False: nothing stands for it. */
static inline bool count_instead(struct comparing *c, struct str line)
{
    struct str found, path = path_in(line);
    const struct instead *i = instead_of(line, c->got, &found);
    const struct silence *s = silence_of(line);
    const char *reason = why_not_told(c, line);
    if (i && i->as == told_value)
        count(c->page, line, OTHER, line, str_from(found, path.n + 1));
    else if (i && i->as)
        count(c->page, line, OTHER, path, str_c(i->as));
    else if (reason || (!i && s && s->as))
        count(c->page, line, OTHER, path, str_c(reason ? reason : s->as));
    else if (i || s)
        count(c->page, line, KEPT, path, STR(""));
    return i || s || reason;
}

static inline void compare_line(struct comparing *c, struct str line)
{
    bool named = is_dropped(line, c->dropped, c->used);
    if (count_instead(c, line))
        return;
    if (named || !c->dropped || me == other)
        count(c->page, line, DROPPED, path_in(line), STR(""));
    else
        complain("lost in silence: %.*s", STR_FMT(line));
}

/* want: what was said; got: what is there now; dropped: NULL for answers. */
static inline void compare(struct page *g, struct str want, struct str got, const struct ir_strs *dropped)
{
    struct comparing c = {.page = g, .want = want, .got = got, .dropped = dropped};
    assert_true(!dropped || dropped->n <= DROPS_MAX);
    for (struct str rest = want; rest.n;) {
        struct str line = str_cut(&rest, '\n'), before = str_head(want, (size_t)(line.p - want.p));
        if (times(got, line) > times(before, line))
            count(g, line, KEPT, path_in(line), STR(""));
        else
            compare_line(&c, line);
    }
    for (size_t i = 0; dropped && me != other && i < dropped->n; i++)
        if (!c.used[i])
            complain("\"%.*s\" is said to be lost, and is not", STR_FMT(dropped->v[i]));
}

/* Names of files in quotes are the fixture's own. */
static inline struct str without_names(struct arena *a, struct str why)
{
    struct str rest = why, before = str_cut(&rest, '"'), name = str_cut(&rest, '"');
    bool own = name.n && str_find(name, '/') == name.n;
    return own ? arena_printf(a, "%.*s\"...\"%.*s", STR_FMT(before), STR_FMT(rest)) : why;
}

/* The request was refused for the medium that is left in it: because of where it is. */
static inline void refuse(struct page *g, struct str want, struct str why)
{
    static const char sources[] =
        ".image.data .image.url .image.file_id .file.data .file.url .file.file_id .file.text "
        ".audio.data .audio.url .audio.file_id .video.data .video.url .video.file_id";
    while (want.n) {
        struct str line = str_cut(&want, '\n');
        if (is_under_one(path_in(line), sources))
            count(g, line, REFUSED, STR(""), without_names(&notes_arena, why));
    }
}
