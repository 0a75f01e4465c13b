/* SPDX-License-Identifier: Apache-2.0 */
/* weir account: makes and lists the accounts of a data directory, while the daemon runs or not. */
#include "cli/cli.h"
#include "store/store.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] = "usage: weir account create [--id ID] [--data DIR]\n"
                            "       weir account list [--data DIR]\n";
static const char help[] =
    "\ncreate makes an account with the gateway `default`, and prints its id and a token that may do "
    "everything in\n"
    "it; the token is stored hashed and never shown again. A running daemon knows of it within a second.\n\n"
    "  --id ID     32 lower-case hex digits; default: random ones\n"
    "  --data DIR  default: $WEIR_DATA, else ./data\n";

struct options {
    const char *data, *id;
};

static int misuse(const char *what, const char *which)
{
    fprintf(stderr, "weir account: %s%s\n%sweir account --help tells more\n", what, which, usage);
    return 2;
}

static int create(struct token_book *book, const struct options *o)
{
    struct store_first made;
    enum err e = account_create(book, str_c(o->id), &made);
    if (e) {
        fprintf(stderr, "weir account: %s: %s\n", o->id ? o->id : "creating the account",
                e == E_SYNTAX  ? "an id has 32 lower-case hex digits"
                : e == E_AGAIN ? "there is one already"
                               : err_phrase(e));
        return 1;
    }
    printf("account %s\ntoken %s\n", made.account, made.token);
    return fflush(stdout) != 0;
}

static size_t count(const struct catalog *c, struct str account, bool tokens)
{
    size_t n = 0;
    for (size_t i = 0; i < (tokens ? c->n_tokens : c->n_gateways); i++)
        n += str_eq(tokens ? c->tokens[i].account : c->gateways[i].account, account);
    return n;
}

static int list(struct token_book *book, const struct options *o)
{
    struct catalog *c = token_book_catalog(book);
    if (!c) {
        fprintf(stderr, "weir account: %s: %s\n", o->data, err_phrase(E_DB));
        return 1;
    }
    printf("%-32s  %8s  %8s\n", "ACCOUNT", "GATEWAYS", "TOKENS");
    for (size_t i = 0; i < c->n_accounts; i++)
        printf("%.*s  %8zu  %8zu\n", STR_FMT(c->accounts[i]), count(c, c->accounts[i], false),
               count(c, c->accounts[i], true));
    catalog_unref(c);
    return fflush(stdout) != 0;
}

static int parse(struct options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},
        {"id", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'd': o->data = optarg; break;
        case 'i': o->id = optarg; break;
        case 'h': printf("%s%s", usage, help); return 0;
        default: return misuse("no such option, or its value is missing", "");
        }
    }
    return -1;
}

int cli_account(int argc, char **argv)
{
    const char *data = getenv("WEIR_DATA"), *why = NULL;
    struct options o = {.data = data && *data ? data : "data"};
    int code = parse(&o, argc, argv);
    if (code >= 0)
        return code;
    struct str action = str_c(optind < argc ? argv[optind++] : "");
    bool makes = str_eq(action, STR("create"));
    if (optind != argc || (!makes && !str_eq(action, STR("list"))))
        return misuse("say create or list", "");
    struct token_book *book = token_book_open(o.data, &why);
    if (!book) {
        fprintf(stderr, "weir account: %s: %s\n--data or WEIR_DATA names the daemon's data directory\n",
                o.data, why);
        return 1;
    }
    code = makes ? create(book, &o) : list(book, &o);
    token_book_close(book);
    return code;
}
