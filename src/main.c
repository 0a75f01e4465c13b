/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's first word picks a subcommand; each lives in a file of cli/. */
#include "cli/cli.h"

#include <stdio.h>

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "run the gateway", cli_serve},
    {"mock", "run the mock provider", cli_mock},
    {"check", "check a configuration file", cli_check},
    {"account", "create and list accounts", cli_account},
    {"token", "create, list, renew and revoke tokens", cli_token},
    {"keys", "list stored provider keys, rotate their master key", cli_keys},
    {"credits", "show and book what accounts have for Unified Billing", cli_credits},
    {"logs", "follow or search the log", cli_logs},
    {"explain", "say what the gateway would do with a request, and why", cli_explain},
    {"export", "write the gateways of a running daemon to a file", cli_export},
    {"apply", "make the gateways of a running daemon what a file says", cli_apply},
    {"docs", "print the reference pages: config, metrics, errors, api, mock", cli_docs},
};

static int usage(FILE *out, int code)
{
    fprintf(out, "weir %s, a self-hosted AI gateway\n\nusage: weir COMMAND [options]\n\n", WEIR_VERSION);
    for (size_t i = 0; i < countof(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nweir COMMAND --help tells more. weir --version prints the version.\n");
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr, 2);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0)
        return printf("weir %s\n", WEIR_VERSION) < 0;
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout, 0);
    for (size_t i = 0; i < countof(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "weir: there is no command \"%s\"\n\n", argv[1]);
    return usage(stderr, 2);
}
