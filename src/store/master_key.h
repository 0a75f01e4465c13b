/* SPDX-License-Identifier: Apache-2.0 */
/* Where the keys come from that stored provider keys are sealed under (base/seal.h). */
#pragma once
#include "base/seal.h"

/* The file in the data directory, made when no other source is named. */
#define MASTER_KEY_FILE "master.key"
/* A systemd credential of this name (LoadCredential=) is a source. */
#define MASTER_KEY_CREDENTIAL "weir-master-key"

/*
 * Reads the ring from the first source there is: `text` (the variable WEIR_MASTER_KEY; may be NULL), `file`
 * (a setting; NULL or empty: none), $CREDENTIALS_DIRECTORY/weir-master-key, DIR/master.key. The last is
 * made, of mode 0600, when `make` and it is missing. False with *ret_why set (thread-local) when the source
 * cannot be read or holds no key.
 */
bool master_key_load(const char *dir, const char *text, const char *file, bool make, struct keyring *ret,
                     const char **ret_why);
/*
 * Replaces or makes the file by one of these keys, first the current one; owner and mode stay as they were, a
 * new file has mode 0600. It is on disk when this returns; a crash leaves the old one or the new one. False:
 * *ret_why is set.
 */
bool master_key_save(const char *path, const struct keyring *k, const char **ret_why);
/* Is the source a file that weir may replace: the data directory's, or the one that the setting names? */
bool master_key_is_ours(const char *text, const char *file);
/* The path of the ring's source, or the variable's name: for messages. Thread-local. */
const char *master_key_source(const char *dir, const char *text, const char *file);
