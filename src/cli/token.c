/* SPDX-License-Identifier: Apache-2.0 */
/* weir token: makes, lists, renews and revokes tokens in a data directory, while the daemon runs or not. */
#include "base/clock.h"
#include "base/limits.h"
#include "cli/account_choice.h"
#include "cli/cli.h"
#include "store/store.h"
#include "store/token.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] = "usage: weir token create --name NAME [--account A] [--permissions LIST] "
                            "[--gateway G]... [--expires TIME]\n"
                            "                         [--data DIR]\n"
                            "       weir token list [--data DIR]\n"
                            "       weir token roll [--data DIR] ID\n"
                            "       weir token revoke [--data DIR] ID\n";
static const char help[] =
    "\ncreate and roll print the token's new text on standard output; it is stored hashed and never shown "
    "again.\n"
    "A running daemon knows of changes within a second.\n\n"
    "  --name NAME         what the token is for, such as \"ci\"\n"
    "  --account A         needed only if there are several\n"
    "  --permissions LIST  default run; any of these, or all:\n";
static const char more_help[] =
    "  --gateway G         for this gateway only; may be given several times; default: all of the account\n"
    "  --expires TIME      such as 90m, 12h, 30d, 8w; default: never\n"
    "  --data DIR          default: $WEIR_DATA, else ./data\n";

enum { GATEWAYS = 64 };

struct options {
    const char *data, *account, *name;
    unsigned permissions;
    int64_t expires_ms; /* 0: never */
    struct str gateways[GATEWAYS];
    size_t n_gateways;
};

static int print_help(void)
{
    printf("%s%s", usage, help);
    for (size_t i = 0; i < permission_count; i++)
        printf("                        %-16.*s%.*s\n", STR_FMT(permission_rows[i].word),
               STR_FMT(permission_rows[i].says));
    printf("%s", more_help);
    return 0;
}

static int misuse(const char *what, const char *which)
{
    fprintf(stderr, "weir token: %s%s\n%sweir token --help tells more\n", what, which, usage);
    return 2;
}

static int no_book(const struct options *o, const char *why)
{
    fprintf(stderr,
            "weir token: no accounts in %s: %s\n--data or WEIR_DATA names the daemon's data directory\n",
            o->data, why);
    return 1;
}

static int failure(const char *what, const char *why)
{
    fprintf(stderr, "weir token: %s: %s\n", what, why);
    return 1;
}

/* ---- options ---- */

static unsigned permission_bits(struct str name)
{
    for (size_t i = 0; i < permission_count; i++)
        if (str_eq(permission_rows[i].word, name))
            return permission_rows[i].bit;
    return str_eq(name, STR("all")) ? PERM_ALL : 0;
}

static bool parse_permissions(struct str list, unsigned *ret)
{
    *ret = 0;
    while (list.p) {
        unsigned bits = permission_bits(str_trim(str_cut(&list, ',')));
        if (!bits)
            return false;
        *ret |= bits;
    }
    return true;
}

static bool parse_expires(struct str text, int64_t *ret_ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'m', 60000}, {'h', 3600000}, {'d', 86400000}, {'w', 604800000}};
    static const int64_t longest = 100000; /* of any unit; beyond it "never" is meant */
    int64_t n;
    if (text.n < 2 || str_to_int(str_head(text, text.n - 1), &n) || n < 1 || n > longest)
        return false;
    for (size_t i = 0; i < countof(units); i++)
        if (text.p[text.n - 1] == units[i].unit) {
            *ret_ms = clock_wall_ms() + n * units[i].ms;
            return true;
        }
    return false;
}

static int parse(struct options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},    {"account", required_argument, NULL, 'a'},
        {"name", required_argument, NULL, 'n'},    {"permissions", required_argument, NULL, 'p'},
        {"gateway", required_argument, NULL, 'g'}, {"expires", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},          {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'd': o->data = optarg; break;
        case 'a': o->account = optarg; break;
        case 'n': o->name = optarg; break;
        case 'h': return print_help();
        case 'g':
            if (o->n_gateways == GATEWAYS)
                return misuse("too many gateways: ", optarg);
            o->gateways[o->n_gateways++] = str_c(optarg);
            break;
        case 'p':
            if (!parse_permissions(str_c(optarg), &o->permissions))
                return misuse("not a list of permissions: ", optarg);
            break;
        case 'e':
            if (!parse_expires(str_c(optarg), &o->expires_ms))
                return misuse("not a time such as 30d: ", optarg);
            break;
        default: return misuse("no such option, or its value is missing", "");
        }
    }
    return -1;
}

/* ---- actions ---- */

static int pick_account(struct token_book *book, const struct options *o, char ret[ACCOUNT_CHOICE])
{
    struct catalog *c = token_book_catalog(book);
    int code = 0;
    if (!c || c->n_accounts == 0)
        code = no_book(o, "start weir serve once");
    else
        code = account_choice(c, o->account, failure, ret);
    catalog_unref(c);
    return code;
}

/* `default` is made by its first use, so a token may come before it. */
static int check_gateways(struct token_book *book, const struct options *o, struct str account)
{
    struct catalog *c = token_book_catalog(book);
    int code = 0;
    for (size_t i = 0; c && i < o->n_gateways && !code; i++)
        if (!str_eq(o->gateways[i], STR("default")) && !catalog_gateway(c, account, o->gateways[i]))
            code = failure(o->gateways[i].p, "the account has no such gateway");
    catalog_unref(c);
    return code;
}

static int create(struct token_book *book, const struct options *o, const char *word)
{
    (void)word;
    char account[ACCOUNT_CHOICE], text[128];
    int64_t id;
    int code = pick_account(book, o, account);
    code = code ? code : check_gateways(book, o, str_c(account));
    if (code)
        return code;
    struct token spec = {.account = str_c(account),
                         .name = str_c(o->name),
                         .permissions = o->permissions,
                         .expires_ms = o->expires_ms,
                         .gateways = o->n_gateways ? o->gateways : NULL,
                         .n_gateways = o->n_gateways};
    enum err e = token_create(book, &spec, text, &id);
    if (e)
        return failure("creating the token", err_phrase(e));
    fprintf(stderr, "Token %lld, \"%s\". Its text, shown this once:\n", (long long)id, o->name);
    fflush(stderr);
    printf("%s\n", text);
    return fflush(stdout) != 0;
}

static void print_permissions(unsigned bits)
{
    char list[128] = "";
    size_t n = 0;
    if (bits == PERM_ALL)
        n = (size_t)snprintf(list, sizeof(list), "all");
    for (size_t i = 0; bits != PERM_ALL && i < permission_count; i++)
        if (bits & permission_rows[i].bit)
            n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%.*s", n ? "," : "",
                                  STR_FMT(permission_rows[i].word));
    must(n < sizeof(list));
    printf("%-24s  ", list);
}

static void print_gateways(const struct token *t)
{
    struct buf b;
    buf_init(&b, MIB);
    for (size_t i = 0; i < t->n_gateways; i++)
        (void)buf_printf(&b, "%s%.*s", i ? "," : "", STR_FMT(t->gateways[i]));
    struct str list = t->gateways ? buf_str(&b) : STR("all");
    printf("%-16.*s  ", STR_FMT(list));
    buf_done(&b);
}

static void print_day(int64_t ms, const char *when_zero)
{
    char text[TIME_TEXT] = "";
    if (ms)
        clock_rfc3339(ms, text);
    printf("%-24s  ", ms ? text : when_zero);
}

static int list(struct token_book *book, const struct options *o, const char *word)
{
    (void)word;
    struct catalog *c = token_book_catalog(book);
    if (!c)
        return no_book(o, err_phrase(E_DB));
    printf("%6s  %-32s  %-24s  %-16s  %-24s  %-24s  %s\n", "ID", "ACCOUNT", "PERMISSIONS", "GATEWAYS",
           "CREATED", "EXPIRES", "NAME");
    for (size_t i = 0; i < c->n_tokens; i++) {
        const struct token *t = &c->tokens[i];
        printf("%6lld  %.*s  ", (long long)t->id, STR_FMT(t->account));
        print_permissions(t->permissions);
        print_gateways(t);
        print_day(t->created_ms, "-");
        print_day(t->expires_ms, "never");
        printf("%.*s%s\n", STR_FMT(t->name), t->disabled ? " (disabled)" : "");
    }
    catalog_unref(c);
    return fflush(stdout) != 0;
}

static int roll(struct token_book *book, const struct options *o, const char *word)
{
    (void)o;
    int64_t id;
    char text[128];
    if (str_to_int(str_c(word), &id))
        return misuse("not an id of weir token list: ", word);
    enum err e = token_roll(book, id, text);
    if (e)
        return failure(word, e == E_NOT_FOUND ? "there is no such token" : err_phrase(e));
    fprintf(stderr, "Token %lld has a new text, shown this once; the old one opens nothing any more:\n",
            (long long)id);
    fflush(stderr);
    printf("%s\n", text);
    return fflush(stdout) != 0;
}

static int revoke(struct token_book *book, const struct options *o, const char *word)
{
    (void)o;
    int64_t id;
    if (str_to_int(str_c(word), &id))
        return misuse("not an id of weir token list: ", word);
    enum err e = token_revoke(book, id);
    if (e)
        return failure(word, e == E_NOT_FOUND ? "there is no such token" : err_phrase(e));
    fprintf(stderr, "Token %lld is revoked.\n", (long long)id);
    return 0;
}

static const struct action {
    const char *name;
    int words;  /* after its name */
    bool named; /* needs --name */
    int (*run)(struct token_book *book, const struct options *o, const char *word);
} actions[] = {
    {"create", 0, true, create},
    {"list", 0, false, list},
    {"roll", 1, false, roll},
    {"revoke", 1, false, revoke},
};

static int run(const struct action *a, const struct options *o, const char *word)
{
    const char *why = NULL;
    struct token_book *book = token_book_open(o->data, &why);
    if (!book)
        return no_book(o, why);
    int code = a->run(book, o, word);
    token_book_close(book);
    return code;
}

int cli_token(int argc, char **argv)
{
    const char *data = getenv("WEIR_DATA");
    struct options o = {.data = data && *data ? data : "data", .permissions = PERM_RUN};
    int code = parse(&o, argc, argv);
    if (code >= 0)
        return code;
    const char *name = optind < argc ? argv[optind++] : "";
    for (size_t i = 0; i < countof(actions); i++) {
        const struct action *a = &actions[i];
        if (strcmp(a->name, name) != 0)
            continue;
        if (argc - optind != a->words)
            return misuse(a->words ? "takes one ID: " : "takes options only: ", name);
        if (a->named && !o.name)
            return misuse("create needs --name", "");
        return run(a, &o, a->words ? argv[optind] : NULL);
    }
    return misuse("say create, list, roll or revoke", "");
}
