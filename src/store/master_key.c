/* SPDX-License-Identifier: Apache-2.0 */
#include "store/master_key.h"
#include "base/crypto.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

bool master_key_is_ours(const char *text, const char *file)
{
    return !(text && text[0]) && ((file && file[0]) || !other_file(file));
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

static size_t write_text(char *text, size_t size, const struct keyring *k)
{
    size_t n = (size_t)snprintf(text, size,
                                "# weir's master key. Without it stored provider keys cannot be read.\n");
    for (size_t i = 0; i < k->n; i++) {
        hex_encode(text + n, k->keys[i], SEAL_KEY_BYTES);
        n += (size_t)2 * SEAL_KEY_BYTES;
        text[n++] = '\n';
    }
    return n;
}

/* Whoever could read the file before can read the new one: a daemon that runs as somebody else. */
static bool keep_owner(int fd, const char *path)
{
    struct stat before;
    if (stat(path, &before) != 0)
        return true;
    return fchown(fd, before.st_uid, before.st_gid) == 0 && fchmod(fd, before.st_mode & 0777) == 0;
}

/* A name in a directory is on disk once the directory is. */
static bool sync_directory(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool master_key_save(const char *path, const struct keyring *k, const char **ret_why)
{
    char fresh[PATH_MAX + 8], text[1024];
    size_t n = write_text(text, sizeof(text), k);
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && keep_owner(fd, path) && write_all(fd, str_of(text, n));
    if (fd >= 0)
        close(fd);
    explicit_bzero(text, sizeof(text));
    if (ok && rename(fresh, path) == 0 && sync_directory(path))
        return true;
    unlink(fresh);
    return refuse("cannot be written", path, ret_why);
}

static bool make_key(const char *path, const char **ret_why)
{
    struct keyring k = {.n = 1};
    random_bytes(k.keys[0], SEAL_KEY_BYTES);
    bool ok = master_key_save(path, &k, ret_why);
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
    if (own && access(where, F_OK) != 0 && (!make || !make_key(where, ret_why)))
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
