/* SPDX-License-Identifier: Apache-2.0 */
/* weir export: the gateways of a running daemon as a file for weir apply. */
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/code_export.h"
#include "cli/code_state.h"

#include <stdio.h>

enum { ARENA_BYTES = 256 * MIB, FILE_BYTES = 256 * MIB };

static const char usage[] = "usage: weir export [options]\n";
static const char help[] = "\nWrites the gateways and custom providers of an account, as a running daemon "
                           "has them, in the form that\n"
                           "weir apply takes. Settings that have their default are left out. Secrets are not "
                           "in it: each is the name\n"
                           "of a variable.\n\n"
                           "  --gateway G       this gateway alone, and no custom providers\n"
                           "  --output F        a file instead of standard output\n";

struct export
{
    struct daemon daemon;
    const char *gateway, *output;
    struct arena arena;
    struct code_set set;
};

static int misuse(const char *what)
{
    fprintf(stderr, "weir export: %s\n%sweir export --help tells more\n", what, usage);
    return 2;
}

static int failure(const char *what, const char *why)
{
    fprintf(stderr, "weir export: %s: %s\n", what, why);
    return 1;
}

static int write_out(const struct export *x, const struct buf *text)
{
    FILE *f = x->output ? fopen(x->output, "w") : stdout;
    if (!f)
        return failure(x->output, "cannot be written");
    bool good = fwrite(text->p, 1, text->n, f) == text->n && fflush(f) == 0;
    if (x->output)
        good &= fclose(f) == 0;
    return good ? 0 : failure(x->output ? x->output : "standard output", "cannot be written");
}

static int run(struct export *x)
{
    struct buf text;
    if (!daemon_ready(&x->daemon))
        return 2;
    if (!code_state_read(&x->set, &x->daemon, NULL, x->gateway))
        return 1;
    if (x->gateway && !x->set.first)
        return failure(x->gateway, "there is no such gateway");
    buf_init(&text, FILE_BYTES);
    code_export(&text, &x->set);
    int code = text.full ? failure("the gateways", "more than fits in a file") : write_out(x, &text);
    buf_done(&text);
    return code;
}

static int parse(struct export *x, int argc, char **argv)
{
    static const struct option options[] = {
        DAEMON_OPTIONS,
        {"gateway", required_argument, NULL, 'g'},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'g': x->gateway = optarg; break;
        case 'o': x->output = optarg; break;
        case 'h': printf("%s%s%s", usage, help, daemon_help); return 0;
        case '?': return misuse("no such option, or its value is missing");
        default: daemon_option(&x->daemon, c, optarg);
        }
    }
    return optind == argc ? -1 : misuse("takes options only");
}

int cli_export(int argc, char **argv)
{
    struct export x = {0};
    daemon_init(&x.daemon, "weir export");
    arena_init(&x.arena, ARENA_BYTES);
    code_set_init(&x.set, &x.arena);
    int code = parse(&x, argc, argv);
    if (code < 0)
        code = run(&x);
    code_set_done(&x.set);
    arena_wipe(&x.arena);
    daemon_done(&x.daemon);
    return code;
}
