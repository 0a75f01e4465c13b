/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/parts.h"
#include "base/limits.h"
#include "providers/embed.h"

struct parts {
    struct arena *arena; /* the request's, whose cap is `more` higher while there are parts */
    size_t more;
    const size_t *ends;
    size_t n, at;
    size_t whole; /* bytes of `gathered` that are whole answers */
    struct buf gathered;
    struct response_head head; /* of the last answer */
    int64_t tokens, came;      /* by the heads: of whole answers, of the one that is coming; -1: not told */
};

static const struct str tokens_line = S("x-amzn-bedrock-input-token-count");

static void show(struct target *target)
{
    const struct parts *p = target->parts;
    size_t from = p->at ? p->ends[p->at - 1] : 0;
    target->body = str_of(target->own_body.p + from, p->ends[p->at] - from);
}

enum err parts_new(struct arena *a, struct target *target, const size_t *ends, size_t n)
{
    struct parts *p = target->parts = arena_new(a, struct parts);
    if (!p)
        return E_FULL;
    p->arena = a;
    p->more = n * EMBED_CALL_BYTES;
    a->cap += p->more;
    p->ends = ends;
    p->n = n;
    p->tokens = -1;
    buf_init(&p->gathered, METER_BODY_BYTES);
    show(target);
    return E_OK;
}

/* Its lines, in the arena; only the last one's are kept. */
static void keep_head(struct txn *t, struct parts *p, const struct response_head *h)
{
    struct arena *a = t->arena;
    p->head = (struct response_head){.status = h->status};
    for (unsigned i = 0; i < h->headers.n; i++) {
        const struct header *line = &h->headers.v[i];
        if (!str_ieq(line->name, STR("content-length")) && !str_ieq(line->name, tokens_line))
            (void)headers_add(&p->head.headers, a, arena_dup(a, line->name), arena_dup(a, line->value));
    }
}

void parts_head(struct txn *t, struct parts *p, const struct response_head *h)
{
    p->gathered.n = p->whole;
    if (str_to_int(headers_last(&h->headers, tokens_line), &p->came) != E_OK || p->came < 0)
        p->came = -1;
    if (p->at + 1 == p->n)
        keep_head(t, p, h);
}

void parts_body(struct parts *p, struct str piece)
{
    (void)buf_append(&p->gathered, piece); /* parts_deliver sees that it is full */
}

bool parts_next(struct target *target)
{
    static const char between = EMBED_BETWEEN;
    struct parts *p = target->parts;
    if (p->came >= 0)
        p->tokens = (p->tokens < 0 ? 0 : p->tokens) + p->came;
    if (p->gathered.full || ++p->at == p->n)
        return false;
    (void)buf_append_byte(&p->gathered, between);
    p->whole = p->gathered.n;
    show(target);
    return true;
}

size_t parts_calls(const struct target *target)
{
    return target->parts ? target->parts->n : 1;
}

void parts_deliver(struct txn *t)
{
    struct parts *p = txn_target(t)->parts;
    if (p->gathered.full) {
        txn_break(t, E_BAD_ANSWER, STR("The provider's answers are too large to be translated"));
        return;
    }
    if (p->tokens >= 0)
        (void)headers_add(&p->head.headers, t->arena, tokens_line,
                          arena_printf(t->arena, "%lld", (long long)p->tokens));
    p->head.length = (int64_t)p->gathered.n;
    (void)txn_emit(t, &(struct event){.kind = EV_HEAD, .head = &p->head});
    (void)txn_emit(t, &(struct event){.kind = EV_DATA, .raw = buf_str(&p->gathered)});
    (void)txn_emit(t, &(struct event){.kind = EV_END});
}

void parts_done(struct target *target)
{
    struct parts *p = target->parts;
    if (!p)
        return;
    buf_done(&p->gathered);
    p->arena->cap -= p->more; /* the arena serves the connection's next request */
    target->parts = NULL;
}
