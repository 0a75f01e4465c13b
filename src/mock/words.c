/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviour in words: "mock-slow-2000-cut-5". A word may be followed by its number; what is no word
 * of this table is skipped, so that any model name works.
 */
#include "base/limits.h"
#include "mock/shape.h"

struct word {
    struct str name;
    size_t field;
    int64_t bare, max; /* value without a number, largest value */
    const char *doc;
};

#define AT(name) offsetof(struct behaviour, name)

static const struct word words[] = {
    {S("slow"), AT(slow), 1000, MOCK_DELAY_MS, "waits N ms before the first byte of the answer"},
    {S("ttft"), AT(ttft), 1000, MOCK_DELAY_MS,
     "waits N ms between the head of a stream and its first event, or longer for a whole answer"},
    {S("tps"), AT(tps), 50, 1000000, "generates N tokens a second"},
    {S("hang"), AT(hang), 1, 1, "never answers"},
    {S("reset"), AT(reset), 1, 1, "drops the connection without answering"},
    {S("cut"), AT(cut), 1, MOCK_EVENTS,
     "drops the connection after N events, or in the middle of a JSON body"},
    {S("stall"), AT(stall), 1, MOCK_EVENTS,
     "says nothing more after N events, or in the middle of a JSON body"},
    {S("error"), AT(error), 1, MOCK_EVENTS, "ends a stream after N events with an error event"},
    {S("big"), AT(big), 100000, MOCK_ANSWER_BYTES, "makes the text of the answer N bytes long"},
    {S("events"), AT(events), 64, MOCK_EVENTS,
     "makes a stream of N events, opening and closing ones included"},
    {S("cached"), AT(cached), 1000, INT32_MAX, "reports N more input tokens, read from a cache"},
    {S("written"), AT(written), 1000, INT32_MAX,
     "reports N more input tokens, written to a cache for 5 minutes"},
    {S("written1h"), AT(written1h), 1000, INT32_MAX,
     "reports N more input tokens, written to a cache for an hour"},
    {S("reasoning"), AT(reasoning), 1000, INT32_MAX, "reports N more output tokens, spent on reasoning"},
    {S("echo"), AT(echo), 1, 1,
     "answers with what arrived: method, target, headers, hash and start of the body"},
};

static struct str next_word(struct str *rest)
{
    static const char separators[] = "-_.,:/ ";
    size_t from = 0;
    if (rest->n == 0)
        return STR("");
    while (from < rest->n && memchr(separators, rest->p[from], sizeof(separators) - 1))
        from++;
    size_t to = from;
    while (to < rest->n && !memchr(separators, rest->p[to], sizeof(separators) - 1))
        to++;
    struct str word = str_of(rest->p + from, to - from);
    *rest = str_from(*rest, to);
    return word;
}

static const struct word *find(struct str name)
{
    for (size_t i = 0; i < countof(words); i++)
        if (str_eq(words[i].name, name))
            return &words[i];
    return NULL;
}

static void set(struct behaviour *how, const struct word *word, int64_t value)
{
    int64_t *field = (int64_t *)(void *)((char *)how + word->field);
    *field = value < word->max ? value : word->max;
}

void words_read(struct behaviour *how, struct str text)
{
    const struct word *open = NULL; /* the word before, whose number may follow */
    for (struct str word; (word = next_word(&text)).n > 0;) {
        int64_t n = 0;
        enum err e = str_to_int(word, &n);
        if (e == E_FULL)
            n = INT64_MAX;
        if (e == E_SYNTAX) {
            open = find(word);
            if (open)
                set(how, open, open->bare);
            continue;
        }
        if (open)
            set(how, open, n);
        else if (n >= 400 && n <= 599)
            how->status = n;
        open = NULL;
    }
}

void words_read_model(struct behaviour *how, struct str model)
{
    for (struct str word; (word = next_word(&model)).n > 0;)
        if (str_eq(word, STR("mock"))) {
            words_read(how, model);
            return;
        }
}

void words_document(struct buf *out)
{
    (void)buf_printf(out, "| word | what the mock does | without N |\n|---|---|---|\n");
    (void)buf_printf(out, "| `400` ... `599` | answers with this status, in the provider's form of an error; "
                          "429 says `Retry-After: 1` | |\n");
    for (size_t i = 0; i < countof(words); i++) {
        const struct word *w = &words[i];
        (void)buf_printf(out, "| `%s%s` | %s | ", w->name.p, w->max > 1 ? "-N" : "", w->doc);
        if (w->max > 1)
            (void)buf_printf(out, "N = %lld ", (long long)w->bare);
        (void)buf_printf(out, "|\n");
    }
}
