/* SPDX-License-Identifier: Apache-2.0 */
/* The management API of a running daemon, for subcommands: one call after the other. */
#pragma once
#include "base/json.h"
#include "base/secret.h"

#include <getopt.h>

struct daemon {
    const char *command; /* for messages: "weir apply" */
    const char *url, *account, *token_file;
    struct secret token;
    struct buf token_text;
};

#define DAEMON_OPTIONS                                                                                       \
    {"url", required_argument, NULL, 'u'}, {"account", required_argument, NULL, 'a'},                        \
    {                                                                                                        \
        "token-file", required_argument, NULL, 't'                                                           \
    }
extern const char daemon_help[];

/* From the environment: WEIR_BASE_URL, WEIR_ACCOUNT_ID, WEIR_TOKEN. */
void daemon_init(struct daemon *d, const char *command);
/* Takes an option of DAEMON_OPTIONS. */
void daemon_option(struct daemon *d, int option, const char *value);
/* Reads the token; false: something is missing, stderr says what. */
bool daemon_ready(struct daemon *d);
void daemon_done(struct daemon *d);

struct daemon_answer {
    int status; /* 0: there is none */
    struct buf body;
    struct json_doc *doc; /* NULL: not JSON */
};
/*
 * One call; `path` stands below the account's ai-gateway, a body is JSON. True: it was done. Else stderr says
 * why it was not. `ret` is the caller's in any case.
 */
bool daemon_call(const struct daemon *d, const char *method, struct str path, struct str body,
                 struct daemon_answer *ret);
void daemon_answer_done(struct daemon_answer *a);
