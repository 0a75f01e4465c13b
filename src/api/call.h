/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One management request from its head to the last byte of its answer.
 *
 *   on_request: route, token, gateway ─ body, if the row takes one ─ handler ─ answer
 *                                                                       │
 *                                              call_wait ─ store ─ call_resume
 *
 * A handler answers exactly once, with one of the reply functions, now or after call_resume. The call
 * lives in its exchange's arena and keeps the exchange until nothing refers to it any more: also when
 * the client has gone and the store still has to answer.
 */
#pragma once
#include "api/api.h"
#include "api/ask.h"
#include "api/route.h"
#include "base/json.h"
#include "gateway/settings.h"

enum api_err {
#define API_ERR(name, http, code, phrase, when) name,
#include "api/errors.def"
#undef API_ERR
};

enum {
    API_PAGE_MAX = 1000 * 1000 * 1000, /* keeps offsets far from overflow */
    API_PAGE_ROWS = 100,
    API_LOG_PAGE_ROWS = 50,
    API_LOG_DELETE_ROWS = 10000,
    API_PAGE_DEFAULT = 20,
};

struct api_call {
    struct api *api;
    struct exchange *x;
    struct arena *arena;
    const struct route *route;
    struct str params[PARAM_COUNT];
    struct settings *settings;     /* the snapshot of this request */
    struct catalog *catalog;       /* the snapshot of this request; after a change the one that has it */
    struct catalog *before;        /* the one from before the change; NULL: nothing was changed */
    const struct token *token;     /* in the first of them */
    const struct gateway *gateway; /* in catalog; NULL when the path names none */
    struct uuid subject;           /* of the object a change is about; with the next three, for objects.c */
    enum object_kind subject_kind;
    void (*subject_put)(struct json_out *w, struct api_call *c, const struct object *o);
    const char *taken; /* the member of the body whose value another one may have */
    void *kept;        /* what a handler needs after a change; in the arena */
    void (*changed)(struct api_call *c, enum err e);

    struct buf body;           /* of the request */
    struct buf answer;         /* of ours */
    struct log_detail *detail; /* keeps stored bodies alive while they are sent */
    struct str unsent;         /* what the client has not taken yet, in answer or detail */
    struct header lines[6];    /* of the answer, besides those that each has */
    size_t n_lines;
    bool session;                       /* the token is that of a cookie */
    const struct person *person;        /* the token is no stored one, but what this person may do */
    struct issuer *issuer;              /* while somebody signs in; NULL: nobody does */
    const char *note;                   /* goes to `messages` of the envelope; NULL: nothing */
    int note_code;                      /* 0: 1000 */
    struct str made;                    /* the text of a token that this call makes */
    int64_t page, per_page;             /* of a list that the store is asked for */
    const struct log_page *page_of_log; /* while it is written */
    bool wants_meta;                    /* of that page */
    /* Of an answer that is made while it is sent: what its handler keeps, what to do when the client has
     * taken what was written, and when it has left while nobody waits for the store. NULL: an answer in one
     * piece. */
    void *stream;
    void (*drained)(struct api_call *c);
    void (*left)(struct api_call *c);

    bool waiting; /* for the store */
    bool gone;    /* the client left meanwhile */
    struct task close;
};

#define ROUTE(method, pattern, permission, handler, summary) void handler(struct api_call *c);
#include "api/routes.def"
#undef ROUTE

struct store *api_call_store(struct api_call *c);
struct loop *api_call_loop(struct api_call *c);
struct worker *api_call_worker(struct api_call *c);
const struct settings *api_call_settings(const struct api_call *c);
/* The raw query of the request; p == NULL when there is none. */
struct str api_call_query(const struct api_call *c);

/* Scheme, host and, it may be, a path of the data plane as clients see it; no slash at the end. */
struct str api_call_public_url(struct api_call *c);
/* The same of the dashboard. */
struct str api_call_dashboard_url(struct api_call *c);
/* The certificates that clients are shown now; borrowed for the callback. NULL: connections are plain. */
const struct tls_server *api_call_tls(struct api_call *c);
/* A line for the answer; the strs must live as long as the call. */
void api_call_header(struct api_call *c, const char *name, struct str value);
/* An id for what a call creates. */
struct uuid api_call_uuid(struct api_call *c);
/*
 * Applies changes, all or nothing, in the name of the call's token. `done` is called unless the client has
 * gone: E_OK with the new snapshot in c->catalog (c->gateway is looked up in it), or what store_change says.
 * What was found in the old snapshot stays valid until the call ends.
 */
void api_call_change(struct api_call *c, const struct change *changes, size_t n,
                     void (*done)(struct api_call *c, enum err e));

/* Before and after a question to the store, whose `arg` is the call. False: nobody waits for the answer any
 * more; free it and return. */
void api_call_wait(struct api_call *c);
bool api_call_resume(struct api_call *c);
/* After exchange_end or exchange_abort by a handler that sends its answer itself. */
void api_call_finish(struct api_call *c);

/* ---- replies ---- */
/* {"success":true, ..., "result": <what the handler writes> [, "result_info"]}. */
struct json_out reply_open(struct api_call *c);
/* The few kinds whose envelope has another key than "result" (section 2.1). */
struct json_out reply_open_as(struct api_call *c, const char *key);
void reply_close(struct api_call *c, struct json_out *w);
struct paging {
    int64_t page, per_page, count, total;
    void (*put_more)(struct json_out *w, const void *arg); /* further members of result_info; NULL: none */
    const void *arg;
};
void reply_close_page(struct api_call *c, struct json_out *w, const struct paging *p);

void reply_error(struct api_call *c, enum api_err e);
/* What a change came back with, other than E_OK. `taken` names the member of the body whose value another one
 * has. */
void reply_change_error(struct api_call *c, enum err e, const char *taken);
/* 400 with one error per complaint; complaints about the query come with "result": {}. */
void reply_invalid(struct api_call *c, const struct complaints *wrong);
/*
 * Any finished answer: the head now, the body as fast as the client takes it. The body is static or owned by
 * c->answer or c->detail.
 */
void api_call_send(struct api_call *c, int status, struct str content_type, struct str body);
