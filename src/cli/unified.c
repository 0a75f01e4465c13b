/* SPDX-License-Identifier: Apache-2.0 */
/* weir keys unified: the operator's own provider keys, which calls without one are made with (Unified
 * Billing). */
#include "base/dumps.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "providers/credential.h"
#include "store/key_book.h"
#include "store/master_key.h"
#include "store/provider_key.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

static const char help[] =
    "usage: weir keys unified list [--config FILE] [--data DIR]\n"
    "       weir keys unified set PROVIDER [--config FILE] [--data DIR] < SECRET\n"
    "       weir keys unified delete PROVIDER [--config FILE] [--data DIR]\n"
    "\nKeys of the operator, one for a provider, for the whole instance. A call that brings no key, and for "
    "which its\n"
    "gateway stores none, is made with it and charged to the account's credits: see weir credits --help.\n"
    "The secret is read from standard input and sealed under the master key. A running daemon knows of "
    "changes "
    "within\na second.\n\n"
    "  --config FILE  the daemon's settings; default: $WEIR_CONFIG, else weir.jsonc if it exists\n"
    "  --data DIR     the daemon's data directory, if the settings do not say it\n";

struct unified {
    struct conf *conf;
    const char *dir;
};

static int misuse(const char *what, const char *which)
{
    fprintf(stderr, "weir keys unified: %s%s\nweir keys unified --help tells more\n", what, which);
    return 2;
}

static int failure(const char *why)
{
    fprintf(stderr, "weir keys unified: %s\n", why);
    return 1;
}

static bool load_ring(const struct unified *u, struct keyring *ret, const char **ret_why)
{
    return master_key_load(u->dir, getenv("WEIR_MASTER_KEY"), u->conf->master_key_file.p, false, ret,
                           ret_why);
}

static int list(const struct unified *u, const char *word)
{
    (void)word;
    const char *why = NULL, *no_ring = NULL;
    struct keyring ring = {0};
    if (!load_ring(u, &ring, &no_ring))
        fprintf(stderr, "weir keys unified: master key: %s\n", no_ring);
    struct catalog *c = key_book_catalog(u->dir, ring.n ? &ring : NULL, &why);
    keyring_done(&ring);
    if (!c)
        return failure(why);
    printf("%-20s  %s\n", "PROVIDER", "STATE");
    for (const struct object *o = NULL;
         (o = catalog_next_object(c, KIND_UNIFIED_KEY, str_of(NULL, 0), -1, o)) != NULL;) {
        const struct provider_key *k = o->read;
        printf("%-20.*s  %s\n", STR_FMT(k->provider),
               k->readable ? "sealed" : "unreadable: no master key opens it");
    }
    catalog_unref(c);
    return fflush(stdout) != 0;
}

/* All of standard input but the white space around it. */
static enum err read_secret(struct buf *b)
{
    char *room;
    while ((room = buf_room(b, 4096)) != NULL) {
        ssize_t n = read(STDIN_FILENO, room, 4096);
        if (n <= 0)
            return n == 0 ? E_OK : E_IO;
        buf_grew(b, (size_t)n);
    }
    return E_FULL;
}

static int store_secret(const struct unified *u, struct str provider, struct secret secret)
{
    const char *why = NULL;
    struct keyring ring = {0};
    const struct provider *p = provider_find(provider);
    const char *wrong = p ? credential_check(p, secret) : NULL;
    if (!p)
        return failure("there is no such provider; docs/providers.md has their slugs");
    if (wrong || !secret_set(secret))
        return failure(wrong ? wrong : "no secret came on standard input");
    if (!load_ring(u, &ring, &why))
        return failure(why);
    enum err e = key_book_set_unified(u->dir, &ring, p->slug, secret, &why);
    keyring_done(&ring);
    if (e != E_OK)
        return failure(e == E_NOT_FOUND ? "there is no account yet: start weir serve once"
                       : why            ? why
                                        : err_phrase(e));
    fprintf(stderr, "The key for %.*s is stored.\n", STR_FMT(p->slug));
    return 0;
}

static int set(const struct unified *u, const char *word)
{
    struct buf b;
    buf_init(&b, MIB);
    int code = read_secret(&b) == E_OK
                   ? store_secret(u, str_c(word), secret_of(str_trim(buf_str(&b))))
                   : failure("the secret cannot be read from standard input, or is too long");
    explicit_bzero(b.p, b.n);
    buf_done(&b);
    return code;
}

static int delete (const struct unified *u, const char *word)
{
    const char *why = NULL;
    enum err e = key_book_delete_unified(u->dir, str_c(word), &why);
    if (e != E_OK)
        return failure(e == E_NOT_FOUND ? "there is no key for that provider" : why);
    fprintf(stderr, "The key for %s is deleted.\n", word);
    return 0;
}

static int parse(struct conf_options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'c': o->file = optarg; break;
        case 'd': o->data = optarg; break;
        case 'h': return fputs(help, stdout) < 0;
        default: return misuse("no such option, or its value is missing", "");
        }
    }
    return -1;
}

static const struct action {
    const char *name;
    int words; /* after its name */
    int (*run)(const struct unified *u, const char *word);
} actions[] = {{"list", 0, list}, {"set", 1, set}, {"delete", 1, delete}};

static int run(const struct action *a, const struct conf_options *o, const char *word)
{
    const char *why = NULL;
    struct unified u = {.conf = conf_load(o, (const char *const *)environ, &why)};
    if (!u.conf)
        return failure(why);
    dumps_forbid();
    u.dir = u.conf->data.p;
    int code = a->run(&u, word);
    conf_free(u.conf);
    return code;
}

int cli_keys_unified(int argc, char **argv)
{
    struct conf_options o = {0};
    int code = parse(&o, argc, argv);
    if (code >= 0)
        return code;
    const char *name = optind < argc ? argv[optind++] : "";
    for (size_t i = 0; i < countof(actions); i++) {
        if (strcmp(actions[i].name, name) != 0)
            continue;
        if (argc - optind != actions[i].words)
            return misuse(actions[i].words ? "takes one PROVIDER: " : "takes options only: ", name);
        return run(&actions[i], &o, actions[i].words ? argv[optind] : NULL);
    }
    return misuse("say list, set or delete", "");
}
