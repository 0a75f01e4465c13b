/* SPDX-License-Identifier: Apache-2.0 */
#include "store/master_key.h"
#include "base/crypto.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX = 256 * 1024 };

static _Thread_local char why[PATH_MAX + 256], source[PATH_MAX];

static bool refuse(const char *what, const char *where, const char **ret_why)
{
    snprintf(why, sizeof(why), "%s: %s", where, what);
    *ret_why = why;
    return false;
}

/* ---- which ---- */

/* The file that is not in the data directory; NULL: none is named. */
static const char *other_file(const char *file)
{
    if (file && file[0])
        return file;
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (!credentials ||
        snprintf(source, sizeof(source), "%s/" MASTER_KEY_CREDENTIAL, credentials) >= (int)sizeof(source))
        return NULL;
    return access(source, F_OK) == 0 ? source : NULL;
}

const char *master_key_source(const char *dir, const char *text, const char *file)
{
    if (text && text[0])
        return "WEIR_MASTER_KEY";
    const char *other = other_file(file);
    if (other)
        return other;
    snprintf(source, sizeof(source), "%s/" MASTER_KEY_FILE, dir);
    return source;
}

/* ---- writing ---- */

static bool write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n <= 0)
            return false;
        text = str_from(text, (size_t)n);
    }
    return fsync(fd) == 0;
}

bool master_key_save(const char *dir, const struct keyring *k, const char **ret_why)
{
    char path[PATH_MAX], fresh[PATH_MAX + 8], text[1024];
    int n = snprintf(text, sizeof(text),
                     "# weir's master key. Without it stored provider keys cannot be read.\n");
    for (size_t i = 0; i < k->n; i++) {
        hex_encode(text + n, k->keys[i], SEAL_KEY_BYTES);
        n += 2 * SEAL_KEY_BYTES;
        text[n++] = '\n';
    }
    snprintf(path, sizeof(path), "%s/" MASTER_KEY_FILE, dir);
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, str_of(text, (size_t)n));
    if (fd >= 0)
        close(fd);
    explicit_bzero(text, sizeof(text));
    return (ok && rename(fresh, path) == 0) || refuse("cannot be written", path, ret_why);
}

static bool make_key(const char *dir, const char **ret_why)
{
    struct keyring k = {.n = 1};
    random_bytes(k.keys[0], SEAL_KEY_BYTES);
    bool ok = master_key_save(dir, &k, ret_why);
    keyring_done(&k);
    return ok;
}

/* ---- reading ---- */

static bool read_text(struct str text, const char *where, struct keyring *ret, const char **ret_why)
{
    return keyring_read(text, ret) == E_OK ||
           refuse("holds no master key (32 bytes as 64 hex digits or base64; at most 4 of them)", where,
                  ret_why);
}

bool master_key_load(const char *dir, const char *text, const char *file, bool make, struct keyring *ret,
                     const char **ret_why)
{
    const char *where = master_key_source(dir, text, file);
    if (text && text[0])
        return read_text(str_c(text), where, ret, ret_why);
    bool own = !other_file(file);
    where = master_key_source(dir, text, file);
    if (own && access(where, F_OK) != 0 && (!make || !make_key(dir, ret_why)))
        return make ? false : refuse("is missing", where, ret_why);
    struct buf b;
    buf_init(&b, FILE_MAX);
    bool ok = file_read(where, &b) == E_OK ? read_text(buf_str(&b), where, ret, ret_why)
                                           : refuse("cannot be read", where, ret_why);
    if (b.n)
        explicit_bzero(b.p, b.n);
    buf_done(&b);
    return ok;
}
