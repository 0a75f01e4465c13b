/* SPDX-License-Identifier: Apache-2.0 */
/* What people say about a log row (control plane section 5.4): read and checked. */
#include "api/log_patch.h"
#include "api/fields.h"
#include "api/openapi.h"
#include "base/limits.h"

#include <math.h>

static const struct field fields[] = {
    {"feedback", FIELD_NUMBER, -1, 1, NULL, "", "null", 0, "1: good, -1: bad, 0 or null: not rated."},
    {"score", FIELD_NUMBER, 0, 100, NULL, "", "null", 0, "Any rating; null takes it back."},
    {"metadata", FIELD_OBJECT, 0, 0, NULL, "", "null", 0,
     "Strings, numbers and booleans. Replaces the entries that are there but for those whose keys begin with "
     "`cf.`; the "
     "first five are kept."},
    {"weir_note", FIELD_TEXT, 0, NOTE_BYTES, NULL, "", "null", 0,
     "Any text; null or an empty one takes it back."},
};
const struct fields_table log_patch_table = {"LogBody", fields, countof(fields)};

static void read_rating(const struct json_val *body, const char *key, bool *ret_has, double *ret)
{
    const struct json_val *v = json_get(body, key);
    *ret_has = v != NULL;
    *ret = json_num(v, (double)NAN);
}

/* The entries that are kept, as in the request's header (data plane section 25); p == NULL: none. */
static struct str read_metadata(const struct json_val *map, struct complaints *wrong)
{
    struct buf b;
    size_t n = 0;
    buf_init(&b, METADATA_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    for (struct json_iter it = json_iter(map); json_next(&it);) {
        enum json_type t = json_type(it.val);
        if (t != JSON_STRING && t != JSON_NUMBER && t != JSON_BOOL)
            complain(wrong, arena_printf(wrong->arena, "metadata.%.*s", STR_FMT(it.key)),
                     "Expected string, number or boolean, received %s", json_type_name(t));
        if (str_starts(it.key, STR("cf.")) || n == METADATA_ENTRIES)
            continue;
        json_key_str(&w, it.key);
        json_put_val(&w, it.val);
        n++;
    }
    json_close(&w, '}');
    if (b.full)
        complain(wrong, STR("metadata"), "Metadata may have %d bytes", METADATA_BYTES);
    struct str out = n && !b.full ? arena_dup(wrong->arena, buf_str(&b)) : (struct str){NULL, 0};
    buf_done(&b);
    return out;
}

bool log_patch_read(struct str body, struct log_patch *ret, struct complaints *wrong)
{
    struct json_doc *doc = NULL;
    const struct json_val *root = body_read(body, &doc, wrong);
    *ret = (struct log_patch){0};
    if (root) {
        fields_check(fields, countof(fields), root, true, wrong);
        read_rating(root, "feedback", &ret->has_feedback, &ret->feedback);
        read_rating(root, "score", &ret->has_score, &ret->score);
        const struct json_val *map = json_get(root, "metadata");
        ret->has_metadata = map != NULL;
        if (json_type(map) == JSON_OBJECT)
            ret->metadata = read_metadata(map, wrong);
        const struct json_val *note = json_get(root, "weir_note");
        ret->has_note = note != NULL;
        ret->note = arena_dup(wrong->arena, json_str(note));
    }
    json_free(doc);
    return !wrong->first;
}

void log_patch_document(struct buf *out)
{
    fields_document(out, fields, countof(fields));
}
