/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir logs: rows of the log in a terminal, read from the data directory, while the daemon runs or not.
 *
 * Rows are printed oldest first, the newest stands at the bottom. Following asks for what arrived after
 * the last row, in order of arrival: a call that began earlier may end later.
 */
#include "api/log_json.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/log_line.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FOLLOW_MS = 250, ROWS_DEFAULT = 20 };

struct logs {
    const char *data, *gateway;
    bool json, once, colours, heading;
    int64_t rows;
    struct str search;
    int64_t gateway_id; /* 0: all */
    struct log_reader *reader;
    struct uuid *shown; /* of the first page: what arrived late among them is not new */
    size_t n_shown;
    struct uuid last;
    struct buf line;
};

static const char usage[] = "usage: weir logs tail [options]\n"
                            "       weir logs search [options] TEXT\n";
static const char help[] =
    "\ntail shows the last rows of the log, then each new one as it comes. search shows rows whose id, event "
    "id,\n"
    "provider, model, path or metadata contain TEXT. Works on the data directory, beside a running "
    "daemon.\n\n"
    "  --data DIR       default: $WEIR_DATA, else ./data\n"
    "  --gateway G      rows of one gateway only; ACCOUNT/G where several accounts have one of that name\n"
    "  -n, --rows N     how many rows (default 20)\n"
    "  --json           one JSON object a line, as the API has them\n"
    "  -f, --follow     tail: go on with new rows (the default)\n"
    "  --once           tail: do not\n";

static int misuse(const char *what)
{
    fprintf(stderr, "weir logs: %s\n%sweir logs --help tells more\n", what, usage);
    return 2;
}

static int no_log(const struct logs *k, const char *why)
{
    fprintf(stderr, "weir logs: no log in %s: %s\n--data or WEIR_DATA names the daemon's data directory\n",
            k->data, why);
    return 1;
}

/* ---- output ---- */

static void show(struct logs *k, const struct log_row *row)
{
    buf_clear(&k->line);
    if (k->heading)
        log_line_heading(&k->line);
    k->heading = false;
    if (k->json) {
        struct json_out w = json_out(&k->line);
        log_json_item(&w, row);
        (void)buf_append_byte(&k->line, '\n');
    } else {
        log_line_put(&k->line, row, k->colours);
    }
    fwrite(k->line.p, 1, k->line.n, stdout);
}

static bool was_shown(const struct logs *k, struct uuid id)
{
    for (size_t i = 0; i < k->n_shown; i++)
        if (memcmp(&k->shown[i], &id, sizeof(id)) == 0)
            return true;
    return false;
}

static bool is_set(struct uuid id)
{
    static const struct uuid none;
    return memcmp(&id, &none, sizeof(id)) != 0;
}

/* ---- reading ---- */

/* The newest rows, oldest of them first. */
static enum err show_newest(struct logs *k)
{
    struct log_query q = {
        .gateway = k->gateway_id, .page = 1, .per_page = k->rows ? k->rows : 1, .search = k->search};
    struct log_page page;
    log_reader_list(k->reader, &q, &page);
    enum err e = page.err;
    if (page.n)
        k->last = page.rows[0].r.id;
    k->n_shown = 0;
    for (size_t i = page.n; k->rows && i-- > 0;) {
        k->shown[k->n_shown++] = page.rows[i].r.id;
        show(k, &page.rows[i]);
    }
    if (k->search.p && page.n == 0 && e == E_OK)
        fprintf(stderr, "nothing in the log has \"%.*s\"\n", STR_FMT(k->search));
    if (k->search.p && page.total > (int64_t)page.n)
        fprintf(stderr, "the last %zu of %lld rows; -n shows more\n", page.n, (long long)page.total);
    log_page_free(&page);
    return e;
}

/* What has arrived since; tells how many rows that were. */
static enum err show_new(struct logs *k, size_t *ret_n)
{
    struct log_query q = {.gateway = k->gateway_id, .page = 1, .per_page = LOG_PAGE_ROWS, .after = k->last};
    struct log_page page;
    log_reader_list(k->reader, &q, &page);
    enum err e = page.err;
    for (size_t i = 0; i < page.n; i++)
        if (!was_shown(k, page.rows[i].r.id))
            show(k, &page.rows[i]);
    if (page.n)
        k->last = page.rows[page.n - 1].r.id;
    *ret_n = page.n;
    log_page_free(&page);
    return e;
}

static enum err follow(struct logs *k)
{
    static const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000L};
    enum err e = E_OK;
    while (e == E_OK) {
        size_t n = 0;
        /* a log that was empty has no row to go on from */
        e = is_set(k->last) ? show_new(k, &n) : show_newest(k);
        if (fflush(stdout) != 0)
            return E_EOF;
        if (n < LOG_PAGE_ROWS)
            nanosleep(&pause, NULL);
    }
    return e;
}

/* ---- the gateway's name ---- */

/* How many gateways a name means; *ret_id is one of them. "ACCOUNT/SLUG" and "SLUG" are names. */
static size_t find_gateway(const struct catalog *c, struct str name, int64_t *ret_id)
{
    size_t found = 0;
    struct str slug = name, account = str_cut(&slug, '/');
    if (!slug.p) {
        slug = account;
        account = STR("");
    }
    for (size_t i = 0; i < c->n_gateways; i++) {
        const struct gateway *g = &c->gateways[i];
        if (!str_eq(g->slug, slug) || (account.n && !str_eq(g->account, account)))
            continue;
        *ret_id = g->id;
        found++;
    }
    return found;
}

static int resolve_gateway(struct logs *k)
{
    const char *why = NULL;
    struct token_book *book = token_book_open(k->data, &why);
    if (!book)
        return no_log(k, why);
    struct catalog *c = token_book_catalog(book);
    size_t found = c ? find_gateway(c, str_c(k->gateway), &k->gateway_id) : 0;
    catalog_unref(c);
    token_book_close(book);
    if (found == 1)
        return 0;
    fprintf(stderr, "weir logs: %s gateway \"%s\"%s\n", found ? "more than one" : "there is no", k->gateway,
            found ? ": write ACCOUNT/GATEWAY" : "");
    return 1;
}

/* ---- command line ---- */

static int run(struct logs *k, bool tail)
{
    const char *why = NULL;
    k->reader = log_reader_open(k->data, &why);
    if (!k->reader)
        return no_log(k, why);
    if (k->gateway) {
        int code = resolve_gateway(k);
        if (code)
            return code;
    }
    enum err e = show_newest(k);
    if (e == E_OK && tail && !k->once)
        e = follow(k);
    /* whoever reads our output has enough: no failure */
    return e == E_OK || e == E_EOF ? 0 : no_log(k, err_phrase(e));
}

static int parse(struct logs *k, int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'}, {"gateway", required_argument, NULL, 'g'},
        {"rows", required_argument, NULL, 'n'}, {"json", no_argument, NULL, 'j'},
        {"follow", no_argument, NULL, 'f'},     {"once", no_argument, NULL, '1'},
        {"help", no_argument, NULL, 'h'},       {0},
    };
    for (int c; (c = getopt_long(argc, argv, "n:fh", options, NULL)) != -1;) {
        switch (c) {
        case 'd': k->data = optarg; break;
        case 'g': k->gateway = optarg; break;
        case 'j': k->json = true; break;
        case 'f': k->once = false; break;
        case '1': k->once = true; break;
        case 'h': printf("%s%s", usage, help); return 0;
        case 'n':
            if (str_to_int(str_c(optarg), &k->rows) || k->rows > LOG_PAGE_ROWS)
                return misuse("-n takes a number up to 10000");
            break;
        default: return misuse("no such option, or its value is missing");
        }
    }
    return -1;
}

int cli_logs(int argc, char **argv)
{
    const char *data = getenv("WEIR_DATA");
    struct logs k = {.data = data && *data ? data : "data", .rows = ROWS_DEFAULT};
    int code = parse(&k, argc, argv);
    if (code >= 0)
        return code;
    int words = argc - optind;
    bool tail = words > 0 && strcmp(argv[optind], "tail") == 0;
    if (!tail && (words == 0 || strcmp(argv[optind], "search") != 0))
        return misuse("say tail or search");
    if (words != (tail ? 1 : 2))
        return misuse(tail ? "tail takes options only" : "search takes one TEXT; quote it if it has spaces");
    if (!tail)
        k.search = str_c(argv[optind + 1]);
    bool terminal = isatty(STDOUT_FILENO) && !k.json;
    k.heading = terminal;
    k.colours = terminal && !getenv("NO_COLOR");
    k.shown = mem_alloc(((size_t)k.rows + 1) * sizeof(struct uuid));
    buf_init(&k.line, LOG_PAGE_BYTES);
    code = run(&k, tail);
    log_reader_close(k.reader);
    buf_done(&k.line);
    mem_free(k.shown);
    return code;
}
