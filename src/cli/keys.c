/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir keys: the stored provider keys of a data directory, and the master key they are sealed under; while
 * the daemon runs or not.
 *
 * A rotation never leaves a moment at which a secret is sealed under a key that its source does not hold:
 *
 *   source: old ─ new, old ─ every secret is sealed again, one transaction ─ new
 *
 * Whatever ends it early, the next run goes on where it was. Where weir may not write the source, people do
 * the two steps at its ends.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "base/dumps.h"
#include "base/json.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "store/key_book.h"
#include "store/master_key.h"
#include "store/provider_key.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

extern char **environ;

static const char help[] =
    "usage: weir keys list [--config FILE] [--data DIR]\n"
    "       weir keys unified ...  the operator's own keys: weir keys unified --help\n"
    "       weir keys rotate [--to-file FILE] [--config FILE] [--data DIR]\n"
    "\nStored provider keys are sealed under a master key. It comes from the first of these that is there:\n"
    "the variable WEIR_MASTER_KEY, the file that master_key.file names, the systemd credential "
    "weir-master-key,\n"
    "master.key in the data directory.\n\n"
    "list    prints the stored keys: whose, which, when used last; no secret.\n"
    "rotate  makes a new master key and seals every stored key under it. The daemon may run. If something "
    "ends it\n"
    "        early, nothing is lost: run it again.\n"
    "        A variable or a systemd credential is yours to change, so there it takes three steps:\n"
    "          1. weir keys rotate --to-file FILE  writes the new key and the old one into a new FILE\n"
    "          2. put what is in FILE in the place of the old key, and restart weir\n"
    "          3. weir keys rotate                 seals everything under the new key; take the old one "
    "away\n\n"
    "  --config FILE   the daemon's settings; default: $WEIR_CONFIG, else weir.jsonc if it exists\n"
    "  --data DIR      the daemon's data directory, if the settings do not say it\n"
    "  --to-file FILE  where the keys go; it must not exist. The master key stays what it is until FILE is "
    "used\n";

struct keys {
    const char *to_file;
    struct conf *conf;
    const char *dir, *text, *file; /* data directory; WEIR_MASTER_KEY; master_key.file */
};

static int misuse(const char *what, const char *which)
{
    fprintf(stderr, "weir keys: %s%s\nweir keys --help tells more\n", what, which);
    return 2;
}

static int failure(const char *why)
{
    fprintf(stderr, "weir keys: %s\n", why);
    return 1;
}

static const char *source(const struct keys *k)
{
    return master_key_source(k->dir, k->text, k->file);
}

static bool load(const struct keys *k, struct keyring *ret, const char **ret_why)
{
    return master_key_load(k->dir, k->text, k->file, false, ret, ret_why);
}

/* ---- list ---- */

static void print_last_used(const struct object *o)
{
    char text[TIME_TEXT] = "";
    int64_t ms = 0;
    struct json_doc *doc = json_parse(o->settings);
    (void)json_uint(json_get(json_root(doc), "last_used_ms"), &ms);
    json_free(doc);
    if (ms)
        clock_rfc3339(ms, text);
    printf("%-24s  ", ms ? text : "-");
}

static const char *state_of(const struct provider_key *k, const struct keyring *ring)
{
    if (!k->readable)
        return "unreadable: no master key opens it";
    return seal_is_current(ring, k->object->secret) ? "sealed" : "sealed under an older master key";
}

static void print_key(const struct catalog *c, const struct provider_key *k, const struct keyring *ring)
{
    const struct gateway *g = catalog_gateway_id(c, k->object->gateway);
    struct str gateway = g ? g->slug : STR("-");
    printf("%.*s  %-20.*s  %-20.*s  %-20.*s  ", STR_FMT(k->object->account), STR_FMT(gateway),
           STR_FMT(k->provider), STR_FMT(k->alias));
    print_last_used(k->object);
    printf("%s\n", state_of(k, ring));
}

static int list(const struct keys *k)
{
    const char *why = NULL, *no_ring = NULL;
    struct keyring ring = {0};
    if (!load(k, &ring, &no_ring))
        fprintf(stderr, "weir keys: master key: %s\n", no_ring);
    struct catalog *c = key_book_catalog(k->dir, ring.n ? &ring : NULL, &why);
    if (!c)
        return failure(why);
    printf("%-32s  %-20s  %-20s  %-20s  %-24s  %s\n", "ACCOUNT", "GATEWAY", "PROVIDER", "ALIAS", "LAST USED",
           "STATE");
    for (const struct object *o = NULL;
         (o = catalog_next_object(c, KIND_PROVIDER_KEY, str_of(NULL, 0), -1, o)) != NULL;)
        print_key(c, o->read, &ring);
    catalog_unref(c);
    keyring_done(&ring);
    return fflush(stdout) != 0;
}

/* ---- rotate ---- */

static int no_new_file(const struct keys *k)
{
    fprintf(stderr,
            "weir keys: the master key is in %s, which weir does not write.\n"
            "Give --to-file FILE: the new key and the old one go there. weir keys --help has the steps.\n",
            source(k));
    return 1;
}

/* A new key in front of the only one. */
static void put_in_front(struct keyring *ring)
{
    memcpy(ring->keys[1], ring->keys[0], SEAL_KEY_BYTES);
    random_bytes(ring->keys[0], SEAL_KEY_BYTES);
    ring->n = 2;
}

static int write_to_file(const struct keys *k, struct keyring *ring)
{
    const char *why = NULL;
    if (access(k->to_file, F_OK) == 0)
        return misuse(k->to_file, " exists already: name a new file");
    if (ring->n > 1)
        return failure("a rotation has begun: finish it with `weir keys rotate`, without --to-file");
    put_in_front(ring);
    if (!master_key_save(k->to_file, ring, &why))
        return failure(why);
    printf("%s has the new master key and the old one. Nothing else has changed yet.\n"
           "Put what is in it in the place of %s, restart weir, then run `weir keys rotate` to finish.\n",
           k->to_file, source(k));
    return 0;
}

static int not_ours(const struct keys *k, const struct key_book_count *n)
{
    fprintf(stderr,
            "weir keys: %s opens none of the %zu stored keys: nothing was changed.\n"
            "Is it the daemon's? --config names its settings; WEIR_MASTER_KEY must be set as it is for the "
            "daemon.\n",
            source(k), n->sealed);
    return 1;
}

static void report(const struct key_book_count *n)
{
    printf("%zu of %zu stored keys were sealed again.\n", n->resealed, n->sealed);
    if (n->unreadable)
        fprintf(stderr,
                "weir keys: %zu of them cannot be read with any of the master keys and stay as they are\n",
                n->unreadable);
}

/* Everything is sealed under the first key: the others have done their work. */
static int forget_others(const struct keys *k, struct keyring *ring)
{
    const char *why = NULL;
    if (!master_key_is_ours(k->text, k->file)) {
        printf("Only the first key of %s is needed now: take the others away, and restart weir.\n",
               source(k));
        return 0;
    }
    ring->n = 1;
    if (!master_key_save(source(k), ring, &why))
        return failure(why);
    printf("%s holds the new master key, and it alone. Keep a copy of it apart from copies of the data.\n",
           source(k));
    return 0;
}

static int reseal(const struct keys *k, struct keyring *ring)
{
    const char *why = NULL;
    struct key_book_count n;
    if (key_book_reseal(k->dir, ring, &n, &why) != E_OK)
        return failure(why);
    if (n.sealed && n.unreadable == n.sealed)
        return not_ours(k, &n);
    report(&n);
    return forget_others(k, ring);
}

static bool opens_something(const struct keys *k, const struct keyring *ring, struct key_book_count *ret)
{
    const char *why = NULL;
    *ret = (struct key_book_count){0};
    struct catalog *c = key_book_catalog(k->dir, ring, &why);
    for (const struct object *o = NULL;
         c && (o = catalog_next_object(c, KIND_PROVIDER_KEY, str_of(NULL, 0), -1, o)) != NULL;) {
        const struct provider_key *key = o->read;
        ret->sealed++;
        ret->unreadable += !key->readable;
    }
    catalog_unref(c);
    return !ret->sealed || ret->unreadable < ret->sealed;
}

static int rotate_ring(const struct keys *k, struct keyring *ring)
{
    const char *why = NULL;
    struct key_book_count n;
    if (!opens_something(k, ring, &n))
        return not_ours(k, &n);
    if (k->to_file)
        return write_to_file(k, ring);
    if (ring->n > 1) { /* begun before, by weir or by hand */
        printf("%s holds %zu keys: finishing the rotation to the first of them.\n", source(k), ring->n);
        return reseal(k, ring);
    }
    if (!master_key_is_ours(k->text, k->file))
        return no_new_file(k);
    put_in_front(ring);
    return master_key_save(source(k), ring, &why) ? reseal(k, ring) : failure(why);
}

static int rotate(const struct keys *k)
{
    const char *why = NULL;
    struct keyring ring = {0};
    int lock = open(k->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0)
        return failure(lock < 0 ? "the data directory cannot be opened" : "another rotation is under way");
    int code = 1;
    if (load(k, &ring, &why))
        code = rotate_ring(k, &ring);
    else
        fprintf(stderr,
                "weir keys: master key: %s\n"
                "--config names the daemon's settings; a systemd credential is not here, but its text may be "
                "in the\n"
                "variable WEIR_MASTER_KEY.\n",
                why);
    keyring_done(&ring);
    close(lock); /* and let the next one in */
    return code;
}

/* ---- the command line ---- */

static int parse(struct keys *k, struct conf_options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"to-file", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'c': o->file = optarg; break;
        case 'd': o->data = optarg; break;
        case 't': k->to_file = optarg; break;
        case 'h': return fputs(help, stdout) < 0;
        default: return misuse("no such option, or its value is missing", "");
        }
    }
    return -1;
}

static int run(struct keys *k, const struct conf_options *o, int (*action)(const struct keys *k))
{
    const char *why = NULL;
    k->conf = conf_load(o, (const char *const *)environ, &why);
    if (!k->conf)
        return failure(why);
    dumps_forbid();
    k->dir = k->conf->data.p;
    k->file = k->conf->master_key_file.p;
    k->text = getenv("WEIR_MASTER_KEY");
    int code = action(k);
    conf_free(k->conf);
    return code;
}

int cli_keys(int argc, char **argv)
{
    struct keys k = {0};
    struct conf_options o = {0};
    if (argc > 1 && strcmp(argv[1], "unified") == 0)
        return cli_keys_unified(argc - 1, argv + 1);
    int code = parse(&k, &o, argc, argv);
    if (code >= 0)
        return code;
    const char *name = optind < argc ? argv[optind++] : "";
    if (optind < argc)
        return misuse("what is this: ", argv[optind]);
    if (strcmp(name, "list") == 0 && !k.to_file)
        return run(&k, &o, list);
    if (strcmp(name, "rotate") == 0)
        return run(&k, &o, rotate);
    return misuse(name[0] ? "no such action: " : "say list or rotate", name);
}
