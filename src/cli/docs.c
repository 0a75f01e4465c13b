/* SPDX-License-Identifier: Apache-2.0 */
/* weir docs: the reference pages, printed from the tables the program itself works by. */
#include "api/api.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "gateway/stats.h"
#include "mock/mock.h"

#include <stdio.h>

static void put_errors(struct buf *out)
{
    static const struct {
        const char *name, *phrase;
        int http, code;
    } rows[] = {
#define ERR(name, http, code, retry, phrase) {#name, phrase, http, code},
#include "base/err.def"
#undef ERR
    };
    for (size_t i = 0; i < countof(rows); i++)
        if (rows[i].code && rows[i].code != 7002) /* the management API's */
            (void)buf_printf(out, "| %d | %d | %s | %s |\n", rows[i].http, rows[i].code, rows[i].phrase,
                             rows[i].name);
}

static void errors_document(struct buf *out)
{
    (void)buf_append_c(
        out, "# Errors\n\n"
             "Printed by `weir docs errors`. What providers answer is passed on as it is; these are the "
             "gateway's own.\n\n"
             "## Data plane\n\n"
             "Answers below `/v1/`: `{\"success\": false, \"error\": [{\"code\", \"message\"}], "
             "\"internalCode\", ...}`. Several\n"
             "causes may share a code; the name is what diagnostics and the log's error text go by.\n\n"
             "| Status | Code | Message | Name |\n| --- | --- | --- | --- |\n");
    put_errors(out);
    (void)buf_append_c(out, "\n## Management API\n\n"
                            "Answers below `" API_PREFIX
                            "`: `{\"success\": false, \"errors\": [{\"code\", \"message\"}], ...}`.\n\n");
    api_errors_document(out);
}

static const struct {
    const char *name, *what;
    void (*print)(struct buf *out);
} pages[] = {
    {"config", "every setting, with default and variable", conf_document},
    {"metrics", "what /metrics shows", stats_document},
    {"errors", "codes and messages of refusals", errors_document},
    {"api", "calls of the management API", api_document},
    {"mock", "what the mock provider can be made to do", mock_document},
};

static int usage(FILE *out, int code)
{
    fputs("usage: weir docs PAGE\n\nPrints a reference page as Markdown.\n\n", out);
    for (size_t i = 0; i < countof(pages); i++)
        fprintf(out, "  %-8s  %s\n", pages[i].name, pages[i].what);
    return code;
}

int cli_docs(int argc, char **argv)
{
    if (argc != 2)
        return usage(stderr, 2);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return usage(stdout, 0);
    for (size_t i = 0; i < countof(pages); i++) {
        if (strcmp(argv[1], pages[i].name) != 0)
            continue;
        struct buf page;
        buf_init(&page, MIB);
        pages[i].print(&page);
        fwrite(page.p, 1, page.n, stdout);
        buf_done(&page);
        return fflush(stdout) != 0;
    }
    fprintf(stderr, "weir docs: there is no page \"%s\"\n\n", argv[1]);
    return usage(stderr, 2);
}
