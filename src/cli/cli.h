/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands of weir. Each gets its own name as argv[0], prints its own --help, and returns the
 * exit code: 0 done, 1 it failed and stderr says why, 2 it was called wrongly (apply has one more, 3).
 */
#pragma once
#include "base/base.h"

int cli_serve(int argc, char **argv);
int cli_mock(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_account(int argc, char **argv);
int cli_token(int argc, char **argv);
int cli_keys(int argc, char **argv);
int cli_keys_unified(int argc, char **argv); /* of cli_keys */
int cli_credits(int argc, char **argv);
int cli_logs(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_apply(int argc, char **argv);
int cli_docs(int argc, char **argv);
