/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of weir apply: JSON with comments and trailing commas,
 *
 *   {"version": 1, "gateways": {"team": {"cache_ttl": 300, "provider_keys": {"openai/default": {...}}}},
 *    "custom_providers": {"vllm": {...}}}
 *
 * Pure; the files that secrets are in are not looked at.
 */
#pragma once
#include "cli/code_set.h"

enum { CODE_FILE_BYTES = 4 * 1024 * 1024, CODE_FILE_MISTAKES = 20 };

/*
 * Reads all of it. What is wrong goes to `wrong` as lines, "name:line:column: what", up to CODE_FILE_MISTAKES
 * of them, and then the set is of no use. E_SYNTAX: something is wrong; E_FULL: the arena is too small.
 */
enum err code_file_read(struct code_set *ret, const char *name, struct str text,
                        struct buf *wrong) MUST_CHECK;
