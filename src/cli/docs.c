/* SPDX-License-Identifier: Apache-2.0 */
/* weir docs: the reference pages, printed from the tables the program itself works by. */
#include "api/api.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "gateway/options.h"
#include "gateway/stats.h"
#include "mock/mock.h"
#include "store/error_kind.h"

#include <stdio.h>

static const char errors_intro[] =
    "# Errors\n\n"
    "Printed by `weir docs errors`. What a provider answers is passed on as it is; these are the gateway's\n"
    "own answers.\n\n"
    "## Data plane\n\n"
    "Below `/v1/`: `{\"success\": false, \"error\": [{\"code\", \"message\"}], \"description\", ...}`. The "
    "message\n"
    "goes with the code; the description says which of the causes below it was. Where the last column says\n"
    "yes, the same call may well succeed a moment later.\n\n"
    "| Status | Code | Description | Try again |\n| --- | --- | --- | --- |\n";

static const char api_errors_intro[] =
    "\n## Management API\n\n"
    "Below `" API_PREFIX "`: `{\"success\": false, \"errors\": [{\"code\", "
    "\"message\", \"path\"}], ...}`.\n\n";

static const char kinds_intro[] = "\n## Kinds of failures\n\n"
                                  "Each attempt that failed is of one kind: `weir.error_kind` of its row in "
                                  "the [log](logs.md), `errorKind` in\n"
                                  "[analytics](analytics.md).\n\n"
                                  "| Kind | What happened |\n| --- | --- |\n";

/* Several causes may look the same to a client. */
static bool listed_before(enum err e)
{
    for (enum err i = 0; i < e; i++)
        if (err_code(i) == err_code(e) && err_http(i) == err_http(e) &&
            strcmp(err_phrase(i), err_phrase(e)) == 0)
            return true;
    return false;
}

static void errors_document(struct buf *out)
{
    (void)buf_append_c(out, errors_intro);
    for (enum err e = 0; e < E_COUNT; e++)
        if (err_code(e) && e != E_NOT_FOUND /* the management API's */ && !listed_before(e))
            (void)buf_printf(out, "| %d | %d | %s | %s |\n", err_http(e), err_code(e), err_phrase(e),
                             err_retryable(e) ? "yes" : "");
    (void)buf_append_c(out, kinds_intro);
    error_kinds_document(out);
    (void)buf_append_c(out, api_errors_intro);
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
    {"openapi", "the same as an OpenAPI document, in JSON", openapi_page},
    {"headers", "what a request may ask of the gateway", options_document},
    {"mock", "what the mock provider can be made to do", mock_document},
};

static int usage(FILE *out, int code)
{
    fputs("usage: weir docs PAGE\n\nPrints a reference page as Markdown, or the OpenAPI document.\n\n", out);
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
