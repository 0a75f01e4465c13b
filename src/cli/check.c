/* SPDX-License-Identifier: Apache-2.0 */
/* weir check FILE: says whether weir serve would take these settings. */
#include "cli/cli.h"
#include "gateway/settings.h"

#include <stdio.h>

int cli_check(int argc, char **argv)
{
    static const char *const no_env[] = {NULL};
    static const char help[] =
        "usage: weir check FILE\n\nChecks a configuration file: every key, every value, the price "
        "catalogue and provider origins it names.\n";
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(help, stdout) < 0;
    if (argc != 2 || argv[1][0] == '-') {
        fputs(help, stderr);
        return 2;
    }
    const char *why = NULL;
    struct conf *conf = conf_load(&(struct conf_options){.file = argv[1]}, no_env, &why);
    struct settings *s = conf ? settings_new(conf, &why) : NULL;
    if (!s) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    settings_unref(s);
    printf("%s: fine\n", argv[1]);
    return 0;
}
