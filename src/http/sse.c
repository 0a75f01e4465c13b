/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splitting: a four-state machine over line ends, driven by the next CR or LF (memchr), so that
 * the text between them is not looked at twice. Parsing: the fields of one complete event.
 *
 * A blank line that ends in CR is the hard case, since an LF may follow in the next piece. After a
 * line that ended in a lone CR the event is over at once, and such an LF would begin the next
 * event; otherwise the splitter waits for one more byte. Both depend on the bytes alone.
 */
#include "http/sse.h"
#include "base/limits.h"

/* More than this is given back between events. */
enum { CARRY_KEPT = 4 * KIB };

void sse_init(struct sse *s)
{
    *s = (struct sse){.at = SSE_LINE_START};
    buf_init(&s->carry, SSE_EVENT_BYTES);
    buf_init(&s->joined, SSE_EVENT_BYTES);
}

void sse_done(struct sse *s)
{
    buf_done(&s->carry);
    buf_done(&s->joined);
}

/* ---- the fields of one event ---- */

static struct str next_line(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r')
        n++;
    struct str line = str_head(*rest, n);
    *rest = str_from(*rest, n + 1);
    return line;
}

static struct str field_value(struct str line, size_t colon)
{
    struct str value = str_from(line, colon + 1);
    return value.n && value.p[0] == ' ' ? str_from(value, 1) : value;
}

/* The second data line and later ones make a copy; nearly all events have one. */
static void add_data(struct sse *s, struct sse_event *ev, struct str value)
{
    if (!ev->data.p) {
        ev->data = value;
        return;
    }
    if (s->joined.n == 0)
        buf_append(&s->joined, ev->data);
    buf_append_byte(&s->joined, '\n');
    buf_append(&s->joined, value);
    ev->data = buf_str(&s->joined);
}

static void parse(struct sse *s, struct sse_event *ev)
{
    struct str rest = ev->raw;
    if (!s->begun && str_starts(rest, STR("\xef\xbb\xbf")))
        rest = str_from(rest, 3);
    buf_clear(&s->joined);
    while (rest.n) {
        struct str line = next_line(&rest);
        size_t colon = str_find(line, ':');
        struct str name = str_head(line, colon);
        if (str_eq(name, STR("data")))
            add_data(s, ev, field_value(line, colon));
        else if (str_eq(name, STR("event")))
            ev->name = field_value(line, colon);
    }
}

/* ---- where events end ---- */

struct cursor {
    struct str piece;
    size_t at;
    size_t lf, cr; /* the next of each, unless `at` has passed it */
};

static size_t next_end(struct cursor *c)
{
    if (c->lf < c->at)
        c->lf = c->at + str_find(str_from(c->piece, c->at), '\n');
    if (c->cr < c->at)
        c->cr = c->at + str_find(str_from(c->piece, c->at), '\r');
    return c->lf < c->cr ? c->lf : c->cr;
}

/* Moves to just behind the end of the event, or to the end of the piece: true when it is over. */
static bool find_end(struct sse *s, struct cursor *c)
{
    while (c->at < c->piece.n) {
        char b = c->piece.p[c->at];
        bool lf = b == '\n', cr = b == '\r';
        switch (s->at) {
        case SSE_LAST_CR:
            s->at = SSE_LINE_START;
            c->at += lf;
            return true;
        case SSE_LINE_START:
            c->at++;
            if (lf)
                return true;
            s->at = cr ? SSE_LAST_CR : SSE_IN_LINE;
            break;
        case SSE_AFTER_CR:
            c->at++;
            if (cr)
                return true;
            s->at = lf ? SSE_LINE_START : SSE_IN_LINE;
            break;
        case SSE_IN_LINE:
            c->at = next_end(c);
            if (c->at == c->piece.n)
                return false;
            s->at = c->piece.p[c->at++] == '\r' ? SSE_AFTER_CR : SSE_LINE_START;
            break;
        }
    }
    return false;
}

static void hand_out(struct sse *s, struct str bytes, bool whole,
                     void (*on_event)(void *, const struct sse_event *), void *arg)
{
    struct sse_event ev = {.raw = bytes, .name = STR("")};
    if (s->carry.n) {
        must(buf_append(&s->carry, bytes) == E_OK);
        ev.raw = buf_str(&s->carry);
        ev.carried = true;
    }
    if (whole && !s->cut)
        parse(s, &ev);
    on_event(arg, &ev);
    s->begun = true;
    s->cut = !whole;
    buf_clear(&s->carry);
    if (s->carry.cap > CARRY_KEPT)
        buf_done(&s->carry);
    if (s->joined.cap > CARRY_KEPT)
        buf_done(&s->joined);
}

enum err sse_feed(struct sse *s, struct str piece, void (*on_event)(void *arg, const struct sse_event *ev),
                  void *arg)
{
    enum err result = E_OK;
    struct cursor c = {piece, 0, str_find(piece, '\n'), str_find(piece, '\r')};
    for (size_t from = 0; from < piece.n;) {
        bool over = find_end(s, &c);
        for (size_t room; (room = SSE_EVENT_BYTES - s->carry.n) < c.at - from; from += room) {
            hand_out(s, str_of(piece.p + from, room), false, on_event, arg);
            result = E_FULL;
        }
        struct str bytes = str_of(piece.p + from, c.at - from);
        if (over)
            hand_out(s, bytes, true, on_event, arg);
        else
            must(buf_append(&s->carry, bytes) == E_OK);
        from = c.at;
    }
    return result;
}

void sse_flush(struct sse *s, void (*on_event)(void *arg, const struct sse_event *ev), void *arg)
{
    if (s->carry.n)
        hand_out(s, STR(""), true, on_event, arg);
    s->at = SSE_LINE_START;
}
