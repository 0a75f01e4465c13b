/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 framing (RFC 9112), both roles, pulled by the connection that has the bytes:
 *
 *   h1_expect_request | h1_expect_response ─ h1_next* … H1_HEAD ─ H1_BODY* ─ H1_END
 *
 * Strict: what two parsers could read in two ways is refused (see h1.c). The outcome depends on the
 * bytes alone, never on how they were cut into reads (but for which of two faults is told).
 * Private to http/.
 */
#pragma once
#include "http/http.h"
#include "http/scratch.h"

struct h1;

/* A reader of requests, or of answers. Freed with h1_free, which accepts NULL. */
struct h1 *h1_new(bool requests);
void h1_free(struct h1 *h);

/* Nothing of the head is looked at any more: its arena may be emptied while the body goes on. */
void h1_forget_head(struct h1 *h);
/* The next message begins. Its head, text included, goes to *into and to `a`. */
void h1_expect_request(struct h1 *h, struct arena *a, size_t max_head, struct request_head *into);
/* head_only: the answer to a HEAD request has no body, whatever its head announces. */
void h1_expect_response(struct h1 *h, struct arena *a, size_t max_head, bool head_only,
                        struct response_head *into);

enum h1_event {
    H1_MORE,  /* all bytes are taken, more are needed */
    H1_HEAD,  /* *into is complete */
    H1_BODY,  /* *ret_piece is a piece of the body, a view into the bytes */
    H1_END,   /* the message is complete; what is left belongs to the next one */
    H1_FAULT, /* h1_fault tells why; nothing can be read any more */
};
/* Takes from the front of *bytes until there is something to tell. */
enum h1_event h1_next(struct h1 *h, struct str *bytes, struct str *ret_piece);
/* The peer sent its last byte: H1_END if that completes the message, else H1_FAULT. */
enum h1_event h1_eof(struct h1 *h);
enum err h1_fault(const struct h1 *h);

/* After H1_HEAD. */
bool h1_keep_alive(const struct h1 *h);       /* the peer allows another message */
bool h1_expects_continue(const struct h1 *h); /* it waits for 100 before it sends the body */

/* ---- writing ---- */

enum h1_framing { H1_NO_LENGTH, H1_LENGTH, H1_CHUNKED };

struct h1_request {
    struct str method, target, host;
    const struct headers *headers; /* lines about framing and the connection are left out */
    enum h1_framing framing;
    int64_t length;
};
/* Bytes of the head, in the scratch. */
struct str h1_request_text(struct scratch *s, const struct h1_request *r);

struct h1_response {
    int status;
    const struct headers *headers; /* as above; NULL: none */
    struct str date;               /* line to add when the headers have none */
    struct str connection;         /* value of the Connection line; empty: none */
    enum h1_framing framing;
    int64_t length;
};
struct str h1_response_text(struct scratch *s, const struct h1_response *r);

/* A piece of a chunked body with its framing: three slices to write in a row. A small piece is copied
 * into the first, so that all leaves as one slice. */
struct h1_chunk {
    struct str line, data, end;
};
struct h1_chunk h1_chunk(struct scratch *s, struct str piece);
#define H1_LAST_CHUNK STR("0\r\n\r\n")
