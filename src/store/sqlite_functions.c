/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_functions.h"
#include "base/json.h"
#include "base/limits.h"
#include "store/histogram.h"

static struct str text_of(sqlite3_value *v)
{
    const char *p = (const char *)sqlite3_value_text(v);
    return str_of(p, p ? (size_t)sqlite3_value_bytes(v) : 0);
}

static struct str blob_of(sqlite3_value *v)
{
    const char *p = sqlite3_value_blob(v);
    return str_of(p, p ? (size_t)sqlite3_value_bytes(v) : 0);
}

static void result_times(sqlite3_context *ctx, const struct histogram *h)
{
    char out[HISTOGRAM_BLOB];
    sqlite3_result_blob64(ctx, out, histogram_write(h, out), SQLITE_TRANSIENT);
}

/* ---- aggregates ---- */

static void sums_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    int64_t *sum = sqlite3_aggregate_context(ctx, sizeof(*sum));
    (void)argc;
    if (sum && __builtin_add_overflow(*sum, sqlite3_value_int64(argv[0]), sum))
        *sum = INT64_MAX;
}

static void sums_final(sqlite3_context *ctx)
{
    const int64_t *sum = sqlite3_aggregate_context(ctx, 0);
    sqlite3_result_int64(ctx, sum ? *sum : 0);
}

static void times_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct histogram *h = sqlite3_aggregate_context(ctx, sizeof(*h));
    (void)argc;
    if (!h)
        return;
    if (sqlite3_value_type(argv[0]) == SQLITE_INTEGER)
        h->counts[histogram_bucket(sqlite3_value_int64(argv[0]))]++;
    else
        (void)histogram_add_blob(h, blob_of(argv[0])); /* of a damaged one, what is left */
}

static void times_final(sqlite3_context *ctx)
{
    const struct histogram *h = sqlite3_aggregate_context(ctx, 0);
    if (h)
        result_times(ctx, h);
}

/* ---- times ---- */

static void time_share(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct histogram h = {0};
    (void)argc;
    (void)histogram_add_blob(&h, blob_of(argv[0]));
    int64_t us = histogram_quantile(&h, sqlite3_value_double(argv[1]));
    if (us >= 0)
        sqlite3_result_int64(ctx, us);
}

/* ---- texts ---- */

/* The byte the pattern wants at its beginning; 256: any. Its length goes to ret_n. */
static unsigned wanted(struct str pattern, size_t *ret_n)
{
    bool escaped = pattern.p[0] == '\\' && pattern.n > 1;
    *ret_n = 1 + escaped;
    return !escaped && pattern.p[0] == '_' ? 256U : (unsigned char)pattern.p[escaped];
}

static size_t character(struct str text)
{
    size_t n = 1;
    while (n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Goes back to the last % only, so that patterns cost length times length at most. */
static bool like(struct str pattern, struct str text)
{
    struct str after_any = {NULL, 0}, tried = {NULL, 0}; /* behind the last %, and where it was tried */
    size_t n;
    while (text.n || pattern.n) {
        if (pattern.n && pattern.p[0] == '%') {
            after_any = pattern = str_from(pattern, 1);
            tried = text;
            continue;
        }
        unsigned want = pattern.n ? wanted(pattern, &n) : 257;
        if (text.n && (want == 256 || want == (unsigned char)text.p[0])) {
            pattern = str_from(pattern, n);
            text = str_from(text, want == 256 ? character(text) : 1);
        } else if (after_any.p && tried.n) {
            tried = text = str_from(tried, 1);
            pattern = after_any;
        } else {
            return false;
        }
    }
    return true;
}

static void matches(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    sqlite3_result_int(ctx, like(text_of(argv[0]), text_of(argv[1])));
}

/* ---- metadata ---- */

/* A key, or a value as text: strings without their quotes. b is space for it. */
static struct str entry(const struct json_iter *it, bool value, struct buf *b)
{
    struct str s = value ? json_str(it->val) : it->key;
    if (s.p)
        return s;
    buf_clear(b);
    struct json_out w = json_out(b);
    json_put_val(&w, it->val);
    return buf_str(b);
}

static void entries(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct json_doc *doc = json_parse(text_of(argv[0]));
    bool values = sqlite3_value_int(argv[1]);
    struct buf out, space;
    (void)argc;
    buf_init(&out, 8 * METADATA_BYTES);
    buf_init(&space, METADATA_BYTES);
    struct json_out w = json_out(&out);
    json_open(&w, '[');
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);)
        json_put_str(&w, entry(&it, values, &space));
    json_close(&w, ']');
    if (out.full)
        sqlite3_result_text(ctx, "[]", -1, SQLITE_STATIC);
    else
        sqlite3_result_text64(ctx, out.p, out.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_done(&out);
    buf_done(&space);
    json_free(doc);
}

static void has_entry(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct json_doc *doc = json_parse(text_of(argv[0]));
    struct buf space;
    bool found = false;
    (void)argc;
    buf_init(&space, METADATA_BYTES);
    for (struct json_iter it = json_iter(json_root(doc)); !found && json_next(&it);)
        found = str_eq(entry(&it, sqlite3_value_int(argv[1]), &space), text_of(argv[2]));
    sqlite3_result_int(ctx, found);
    buf_done(&space);
    json_free(doc);
}

int sqlite_analytics_functions(struct sqlite3 *db)
{
    static const struct {
        const char *name;
        int args;
        void (*run)(sqlite3_context *ctx, int argc, sqlite3_value **argv);
        void (*step)(sqlite3_context *ctx, int argc, sqlite3_value **argv);
        void (*final)(sqlite3_context *ctx);
    } rows[] = {
        {"sums", 1, NULL, sums_step, sums_final},  {"all_times", 1, NULL, times_step, times_final},
        {"time_share", 2, time_share, NULL, NULL}, {"matches", 2, matches, NULL, NULL},
        {"entries", 2, entries, NULL, NULL},       {"has_entry", 3, has_entry, NULL, NULL},
    };
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < countof(rows); i++)
        code = sqlite3_create_function(db, rows[i].name, rows[i].args, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                       NULL, rows[i].run, rows[i].step, rows[i].final);
    return code;
}
