/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events (WHATWG HTML section 9.2), split from a byte stream without changing a byte.
 *
 *   sse_init ─ sse_feed* ─ sse_flush ─ sse_done
 *
 * sse_feed finds complete events in a piece; an event that is not complete yet is carried over in
 * the splitter's own buffer. Lines may end in LF, CRLF or CR, mixed; a BOM at the start is passed
 * on as part of the first event. The raw views of all events in a row are the stream, and what is
 * an event does not depend on how the stream was cut into pieces. Pure: no I/O, no callbacks
 * beyond on_event. One thread at a time.
 */
#pragma once
#include "base/buf.h"

struct sse_event {
    struct str raw;  /* every byte of the event, its blank line included */
    struct str name; /* value of the last "event:" line, empty when none */
    struct str data; /* "data:" lines joined by LF, without the last LF; p == NULL when none */
    bool carried;    /* raw lies in the splitter's own buffer, not in the piece that was fed */
};

/* Where the byte before the next one stands. */
enum sse_at {
    SSE_LINE_START, /* the last line ended in LF, or there is none */
    SSE_AFTER_CR,   /* it ended in CR: an LF would belong to it */
    SSE_IN_LINE,
    SSE_LAST_CR, /* a blank line after LF ended in CR: the event is over, but an LF may belong to it */
};

struct sse {
    struct buf carry;  /* bytes of an event whose end has not come */
    struct buf joined; /* the data of an event with several data lines */
    enum sse_at at;
    bool begun; /* the first event is over: no BOM any more */
    bool cut;   /* the event grew too long: what is left of it is not looked at */
};

void sse_init(struct sse *s);
void sse_done(struct sse *s);
/*
 * Calls on_event once per complete event, in order. Views are valid during the call only; raw views
 * of events that lie wholly in `piece` point into it. E_FULL when one event grows beyond
 * SSE_EVENT_BYTES: its bytes so far are handed out as one event without data, and the splitter goes
 * on with what follows.
 */
enum err sse_feed(struct sse *s, struct str piece, void (*on_event)(void *arg, const struct sse_event *ev),
                  void *arg);
/* The stream ended: hands out what is left as one event (its data too: providers forget the last
 * blank line). */
void sse_flush(struct sse *s, void (*on_event)(void *arg, const struct sse_event *ev), void *arg);
