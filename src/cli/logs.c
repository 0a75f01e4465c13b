/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir logs: rows of the log in a terminal, read from the data directory, while the daemon runs or not.
 *
 * Rows are printed oldest first, the newest stands at the bottom. Following asks for what arrived after
 * the last row, in order of arrival: a call that began earlier may end later.
 */
#include "api/log_csv.h"
#include "api/log_filters.h"
#include "api/log_json.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/log_line.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FOLLOW_MS = 250, ROWS_DEFAULT = 20, FILTERS = 32 };
enum format { FORMAT_TEXT, FORMAT_NDJSON, FORMAT_CSV };

struct logs {
    const char *data, *gateway;
    enum format format;
    bool once, colours, heading, ascending;
    int64_t rows;
    struct str search;
    struct str words[FILTERS]; /* of --filter */
    size_t n_words;
    struct log_filter filter;
    struct arena arena; /* of the filter */
    int64_t gateway_id; /* 0: all */
    struct log_reader *reader;
    struct uuid *shown; /* of the first page: what arrived late among them is not new */
    size_t n_shown;
    struct uuid last;
    struct buf line;
};

static const char usage[] = "usage: weir logs tail [options]\n"
                            "       weir logs search [options] [TEXT]\n"
                            "       weir logs export [options] [TEXT]\n";
static const char help[] =
    "\ntail shows the last rows of the log, then each new one as it comes. search shows the newest rows "
    "whose id,\n"
    "event id, provider, model, path or metadata contain TEXT, export writes all of them, newest first. All "
    "three\n"
    "work on the data directory, beside a running daemon.\n\n"
    "  --data DIR       default: $WEIR_DATA, else ./data\n"
    "  --gateway G      rows of one gateway only; ACCOUNT/G where several accounts have one of that name\n"
    "  --filter F       only rows that meet it, such as 'success eq false', 'cost gt 0.01' or\n"
    "                   'model eq gpt-4o, o3'; several: all of them. docs/api.md has the keys and operators\n"
    "  --format F       text (default), ndjson or csv; export: ndjson (default) or csv\n"
    "  --json           the same as --format ndjson\n"
    "  -n, --rows N     tail, search: how many rows (default 20)\n"
    "  --oldest-first   export: the other way round\n"
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

static void put_heading(struct logs *k)
{
    if (k->heading && k->format == FORMAT_CSV)
        log_csv_heading(&k->line);
    else if (k->heading)
        log_line_heading(&k->line);
    k->heading = false;
}

static void show(struct logs *k, const struct log_row *row)
{
    buf_clear(&k->line);
    put_heading(k);
    if (k->format == FORMAT_CSV) {
        log_csv_row(&k->line, row);
    } else if (k->format == FORMAT_NDJSON) {
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

static void tell_how_many(const struct logs *k, const struct log_page *page)
{
    if (!k->once || page->err != E_OK)
        return;
    if (page->n == 0 && k->search.n)
        fprintf(stderr, "nothing in the log has \"%.*s\"\n", STR_FMT(k->search));
    else if (page->n == 0 && k->n_words)
        fprintf(stderr, "nothing in the log is like that\n");
    else if (page->total > (int64_t)page->n && (k->search.n || k->n_words))
        fprintf(stderr, "the last %zu of %s%lld rows; -n shows more\n", page->n,
                page->estimated ? "about " : "", (long long)page->total);
}

/* The newest rows, oldest of them first. */
static enum err show_newest(struct logs *k)
{
    struct log_query q = {.gateway = k->gateway_id,
                          .page = 1,
                          .per_page = k->rows ? k->rows : 1,
                          .search = k->search,
                          .filter = k->filter};
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
    tell_how_many(k, &page);
    log_page_free(&page);
    return e;
}

/* What has arrived since; tells how many rows that were. */
static enum err show_new(struct logs *k, size_t *ret_n)
{
    struct log_query q = {.gateway = k->gateway_id,
                          .page = 1,
                          .per_page = LOG_PAGE_ROWS,
                          .after = k->last,
                          .filter = k->filter};
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

/* Everything, some rows at a time. */
static enum err export_all(struct logs *k)
{
    const struct log_query q = {
        .gateway = k->gateway_id, .search = k->search, .filter = k->filter, .ascending = k->ascending};
    struct log_walk *walk = log_reader_walk(k->reader, &q);
    enum err e = E_AGAIN;
    while (e == E_AGAIN) {
        struct log_page page;
        e = log_walk_next(walk, &page);
        for (size_t i = 0; i < page.n; i++)
            show(k, &page.rows[i]);
        log_page_free(&page);
        if (ferror(stdout))
            e = E_EOF;
    }
    log_walk_free(walk);
    return e == E_OK && fflush(stdout) != 0 ? E_EOF : e;
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

enum command { TAIL, SEARCH, EXPORT };

static int run(struct logs *k, enum command command)
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
    enum err e = command == EXPORT ? export_all(k) : show_newest(k);
    if (e == E_OK && command == TAIL && !k->once)
        e = follow(k);
    /* whoever reads our output has enough: no failure */
    return e == E_OK || e == E_EOF ? 0 : no_log(k, err_phrase(e));
}

static int read_filters(struct logs *k)
{
    struct complaints wrong;
    arena_init(&k->arena, LOG_PAGE_BYTES);
    complaints_init(&wrong, &k->arena, "--filter");
    if (log_filters_words(k->words, k->n_words, &wrong, &k->filter))
        return 0;
    struct str part = wrong.first->key;
    str_cut(&part, '.');
    str_cut(&part, '.');
    fprintf(stderr, "weir logs: --filter: %.*s: %.*s\n", STR_FMT(part), STR_FMT(wrong.first->message));
    return 2;
}

static int take_format(struct logs *k, const char *name)
{
    static const char *const names[] = {"text", "ndjson", "csv"};
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(name, names[i]) == 0) {
            k->format = (enum format)i;
            return -1;
        }
    return misuse("--format is text, ndjson or csv");
}

static int take_filter(struct logs *k, const char *text)
{
    if (k->n_words == countof(k->words))
        return misuse("that is too many filters");
    k->words[k->n_words++] = str_c(text);
    return -1;
}

static int take_rows(struct logs *k, const char *text)
{
    if (str_to_int(str_c(text), &k->rows) || k->rows > LOG_PAGE_ROWS)
        return misuse("-n takes a number up to 10000");
    return -1;
}

/* -1: go on. */
static int take(struct logs *k, int option)
{
    switch (option) {
    case 'd': k->data = optarg; return -1;
    case 'g': k->gateway = optarg; return -1;
    case 'j': k->format = FORMAT_NDJSON; return -1;
    case 'o': return take_format(k, optarg);
    case 'w': return take_filter(k, optarg);
    case 'f': k->once = false; return -1;
    case '1': k->once = true; return -1;
    case 'a': k->ascending = true; return -1;
    case 'n': return take_rows(k, optarg);
    case 'h': printf("%s%s", usage, help); return 0;
    default: return misuse("no such option, or its value is missing");
    }
}

static int parse(struct logs *k, int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},
        {"gateway", required_argument, NULL, 'g'},
        {"rows", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},
        {"filter", required_argument, NULL, 'w'},
        {"format", required_argument, NULL, 'o'},
        {"follow", no_argument, NULL, 'f'},
        {"once", no_argument, NULL, '1'},
        {"oldest-first", no_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int code = -1;
    for (int c; code < 0 && (c = getopt_long(argc, argv, "n:fh", options, NULL)) != -1;)
        code = take(k, c);
    return code;
}

/* The words behind the options: a command, and maybe a text. -1: go on. */
static int read_words(struct logs *k, int n, char **words, enum command *ret)
{
    static const char *const names[] = {"tail", "search", "export"};
    *ret = TAIL;
    while (n > 0 && *ret < countof(names) && strcmp(words[0], names[*ret]) != 0)
        (*ret)++;
    if (n == 0 || *ret == countof(names))
        return misuse("say tail, search or export");
    if (*ret == TAIL && n > 1)
        return misuse("tail takes options only");
    if (n > 2)
        return misuse("there is one TEXT; quote it if it has spaces");
    if (*ret == SEARCH && n == 1 && k->n_words == 0)
        return misuse("search for what? A TEXT, or --filter");
    k->search = n == 2 ? str_c(words[1]) : STR("");
    k->once |= *ret != TAIL;
    if (*ret == EXPORT && k->format == FORMAT_TEXT)
        k->format = FORMAT_NDJSON;
    return -1;
}

int cli_logs(int argc, char **argv)
{
    const char *data = getenv("WEIR_DATA");
    struct logs k = {.data = data && *data ? data : "data", .rows = ROWS_DEFAULT};
    enum command command;
    int code = parse(&k, argc, argv);
    if (code < 0)
        code = read_words(&k, argc - optind, argv + optind, &command);
    if (code >= 0)
        return code;
    bool terminal = isatty(STDOUT_FILENO) && k.format == FORMAT_TEXT;
    k.heading = terminal || k.format == FORMAT_CSV;
    k.colours = terminal && !getenv("NO_COLOR");
    k.shown = mem_alloc(((size_t)k.rows + 1) * sizeof(struct uuid));
    buf_init(&k.line, LOG_PAGE_BYTES);
    code = read_filters(&k);
    if (code == 0)
        code = run(&k, command);
    log_reader_close(k.reader);
    arena_done(&k.arena);
    buf_done(&k.line);
    mem_free(k.shown);
    return code;
}
