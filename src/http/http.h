/* SPDX-License-Identifier: Apache-2.0 */
/* The words of HTTP that both roles and all versions share: header lists and heads. */
#pragma once
#include "base/arena.h"

struct header {
    struct str name, value;
};

/* In order of appearance; names keep the case they came in. Memory belongs to an arena. */
struct headers {
    struct header *v;
    unsigned n, cap;
};

/* Makes room for n lines in all, for those who know: growing by steps leaves what was too small in the
 * arena. Does nothing when it cannot. */
void headers_reserve(struct headers *h, struct arena *a, unsigned n);
/* Appends a line; the strs are not copied. E_FULL past HTTP_HEADERS or the arena's cap. */
enum err headers_add(struct headers *h, struct arena *a, struct str name, struct str value);
/* Value of the last / first line of that name (case-insensitive); p == NULL when absent. */
struct str headers_last(const struct headers *h, struct str name);
struct str headers_first(const struct headers *h, struct str name);
/* Removes every line of that name; tells how many there were. */
unsigned headers_remove(struct headers *h, struct str name);
/* Does the comma-separated list in any line of that name hold this token? RFC 9110 section 5.6.1 */
bool headers_has_token(const struct headers *h, struct str name, struct str token);

/* Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade: RFC 9110
 * section 7.6.1. Those a Connection line names are the caller's to check with headers_has_token. */
bool header_is_hop_by_hop(struct str name);

/* A field name is a token, a value has no control characters but HTAB: may these bytes go on the
 * wire? */
bool header_is_legal(struct str name, struct str value);

enum { LENGTH_UNKNOWN = -1 };

struct request_head {
    struct str method;
    struct str target;      /* as received: origin-form "/path?query", or "*" */
    struct str path, query; /* parts of target, raw; query without '?', p == NULL when absent */
    struct headers headers;
    int64_t length;      /* of the body; LENGTH_UNKNOWN when chunked; 0 when none */
    unsigned char minor; /* HTTP/1.x */
};

struct response_head {
    int status;
    struct headers headers;
    /* LENGTH_UNKNOWN when chunked or until close. To HEAD: what is announced, no body follows */
    int64_t length;
    bool until_close; /* the body ends with the connection: nobody can tell whether it is complete */
};

/* Canonical reason phrase, or "Unknown". */
struct str http_reason(int status);
/* 1xx, 204, 304: no body whatever the headers say (RFC 9112 section 6.3). */
bool http_status_has_body(int status);

/* %XX for all but letters, digits and "-._~" (RFC 3986 section 2.3): fits queries and forms. p == NULL past
 * the arena's cap. */
struct str percent_encode(struct arena *a, struct str text);
/* %XX undone, and '+' where it stands for a space (queries); what is neither stays as it is (RFC 3986
 * section 2.1). p == NULL past the arena's cap. */
struct str percent_decode(struct arena *a, struct str raw, bool plus_is_space);
