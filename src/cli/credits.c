/* SPDX-License-Identifier: Apache-2.0 */
/* weir credits: what accounts have for Unified Billing, in a data directory, while the daemon runs or not. */
#include "base/clock.h"
#include "cli/account_choice.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "providers/decimal.h"
#include "providers/prices.h"
#include "store/store.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] = "usage: weir credits show [--account A] [--data DIR]\n"
                            "       weir credits add --usd N [--account A] [--note TEXT] [--data DIR]\n"
                            "       weir credits correct --usd N --note TEXT [--account A] [--data DIR]\n";
static const char help[] =
    "\nshow prints the balance of an account and what was booked, newest first. add books a top-up. correct "
    "books\nany amount, also a negative one; nothing that was booked is ever changed or taken back "
    "otherwise.\n"
    "A running daemon knows of it within a second.\n\n"
    "  --account A  needed only if there are several\n"
    "  --usd N      dollars, such as 25 or 0.50\n"
    "  --note TEXT  why\n"
    "  --data DIR   default: $WEIR_DATA, else ./data\n";

enum { SHOWN = 50, NOTE_BYTES = 500 };

struct options {
    const char *data, *account, *usd, *note;
};

static int misuse(const char *what, const char *which)
{
    fprintf(stderr, "weir credits: %s%s\n%sweir credits --help tells more\n", what, which, usage);
    return 2;
}

static int failure(const char *what, const char *why)
{
    fprintf(stderr, "weir credits: %s: %s\n", what, why);
    return 1;
}

static int parse(struct options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'}, {"account", required_argument, NULL, 'a'},
        {"usd", required_argument, NULL, 'u'},  {"note", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},       {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'd': o->data = optarg; break;
        case 'a': o->account = optarg; break;
        case 'u': o->usd = optarg; break;
        case 'n': o->note = optarg; break;
        case 'h': printf("%s%s", usage, help); return 0;
        default: return misuse("no such option, or its value is missing", "");
        }
    }
    return -1;
}

static int pick_account(const struct options *o, char ret[ACCOUNT_CHOICE])
{
    const char *why = NULL;
    struct token_book *book = token_book_open(o->data, &why);
    struct catalog *c = book ? token_book_catalog(book) : NULL;
    int code = 0;
    if (!c || c->n_accounts == 0)
        code = failure(o->data, why ? why : "there are no accounts: start weir serve once");
    else
        code = account_choice(c, o->account, failure, ret);
    catalog_unref(c);
    token_book_close(book);
    return code;
}

/* ---- actions ---- */

/* Dollars as people write them. False: none, or more than an entry may have. */
static bool read_usd(struct str text, bool may_be_negative, int64_t *ret_pico)
{
    struct decimal d;
    bool negative = may_be_negative && str_starts(text, STR("-"));
    if (!decimal_read(negative ? str_from(text, 1) : text, &d))
        return false;
    int64_t pico = decimal_pico(&d, INT64_MAX);
    *ret_pico = negative ? -pico : pico;
    return pico > 0 && pico <= LEDGER_ENTRY_PICO;
}

static const char *who(void)
{
    const char *name = getlogin();
    return name ? name : "shell";
}

static int book(struct ledger_book *b, const struct options *o, struct str account, enum ledger_kind kind)
{
    char text[MONEY_TEXT];
    struct uuid_source ids = {0};
    struct ledger_entry e = {.id = uuid_v7(&ids),
                             .account = account,
                             .kind = kind,
                             .at_ms = clock_wall_ms(),
                             .actor = str_c(who()),
                             .note = str_c(o->note)};
    int64_t balance;
    if (!read_usd(str_c(o->usd), kind == LEDGER_CORRECTION, &e.amount_pico))
        return misuse("not an amount in dollars, at most a million: ", o->usd);
    enum err err = ledger_book_add(b, &e, &balance);
    if (err != E_OK)
        return failure("booking", err == E_FULL ? "the balance would be too large" : err_phrase(err));
    money_text(balance, text);
    printf("%.*s has %s USD now.\n", STR_FMT(account), text);
    return fflush(stdout) != 0;
}

static int add(struct ledger_book *b, const struct options *o, struct str account)
{
    return book(b, o, account, LEDGER_TOPUP);
}

static int correct(struct ledger_book *b, const struct options *o, struct str account)
{
    return book(b, o, account, LEDGER_CORRECTION);
}

static void print_entry(const struct ledger_entry *e)
{
    char at[TIME_TEXT], amount[MONEY_TEXT], balance[MONEY_TEXT];
    struct buf b;
    clock_rfc3339(e->at_ms, at);
    money_text(e->amount_pico, amount);
    money_text(e->balance_pico, balance);
    buf_init(&b, 4 * NOTE_BYTES);
    text_put(&b, e->actor.n ? e->actor : STR("-"));
    text_put(&b, STR("  "));
    text_put(&b, e->note);
    printf("%-24s  %-10s  %16s  %20s  %.*s\n", at, e->kind == LEDGER_TOPUP ? "top-up" : "correction", amount,
           balance, STR_FMT(buf_str(&b)));
    buf_done(&b);
}

static int show(struct ledger_book *b, const struct options *o, struct str account)
{
    (void)o;
    char balance[MONEY_TEXT];
    struct ledger_page *p =
        ledger_book_read(b, &(struct ledger_query){.account = account, .page = 1, .per_page = SHOWN});
    enum err err = p->err;
    if (err == E_OK) {
        money_text(p->balance_pico, balance);
        printf("%.*s has %s USD.\n", STR_FMT(account), balance);
        for (size_t i = 0; i < p->n_entries; i++)
            print_entry(&p->entries[i]);
        if ((int64_t)p->n_entries < p->total)
            printf("... and %lld older ones\n", (long long)(p->total - (int64_t)p->n_entries));
    }
    ledger_page_free(p);
    return err == E_OK ? fflush(stdout) != 0 : failure("reading the ledger", err_phrase(err));
}

static const struct action {
    const char *name;
    bool usd, note; /* needs them */
    int (*run)(struct ledger_book *b, const struct options *o, struct str account);
} actions[] = {{"show", false, false, show}, {"add", true, false, add}, {"correct", true, true, correct}};

static int run(const struct action *a, const struct options *o)
{
    char account[ACCOUNT_CHOICE];
    const char *why = NULL;
    int code = pick_account(o, account);
    if (code)
        return code;
    struct ledger_book *b = ledger_book_open(o->data, &why);
    if (!b)
        return failure(o->data, why);
    code = a->run(b, o, str_c(account));
    ledger_book_close(b);
    return code;
}

int cli_credits(int argc, char **argv)
{
    const char *data = getenv("WEIR_DATA");
    struct options o = {.data = data && *data ? data : "data"};
    int code = parse(&o, argc, argv);
    if (code >= 0)
        return code;
    const char *name = optind < argc ? argv[optind++] : "";
    for (size_t i = 0; i < countof(actions); i++) {
        const struct action *a = &actions[i];
        if (strcmp(a->name, name) != 0)
            continue;
        if (optind < argc)
            return misuse("what is this: ", argv[optind]);
        if ((a->usd && !o.usd) || (a->note && !o.note))
            return misuse(name, a->note ? " needs --usd and --note" : " needs --usd");
        if (o.note && strlen(o.note) > NOTE_BYTES)
            return misuse("--note is too long", "");
        return run(a, &o);
    }
    return misuse("say show, add or correct", "");
}
