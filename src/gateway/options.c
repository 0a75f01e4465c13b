/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/options.h"
#include "base/json.h"
#include "base/limits.h"

static void read_authorization(struct arena *a, struct str value, struct options *o)
{
    (void)a;
    o->authorization = value;
}

static void read_event_id(struct arena *a, struct str value, struct options *o)
{
    (void)a;
    if (value.n <= EVENT_ID_BYTES)
        o->event_id = value;
}

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (hex_digit(s.p[i]) < 0)
            return false;
    return true;
}

static void read_trace_id(struct arena *a, struct str value, struct options *o)
{
    if (value.n != 32 || !is_hex(value))
        return;
    struct str copy = arena_dup(a, value);
    if (!copy.p)
        return;
    for (size_t i = 0; i < copy.n; i++)
        ((char *)(uintptr_t)copy.p)[i] |= 0x20; /* lower case; digits have the bit already */
    o->trace_id = copy;
}

static enum toggle toggle_of(struct str value, enum toggle before)
{
    bool on;
    if (str_to_bool(value, &on) != E_OK)
        return before;
    return on ? ON : OFF;
}

static void read_collect_log(struct arena *a, struct str value, struct options *o)
{
    (void)a;
    o->collect_log = toggle_of(value, o->collect_log);
}

static void read_collect_payload(struct arena *a, struct str value, struct options *o)
{
    (void)a;
    o->collect_payload = toggle_of(value, o->collect_payload);
}

struct str options_metadata(struct arena *a, struct str json)
{
    struct json_doc *doc = json_parse(json);
    const struct json_val *root = json_root(doc);
    struct str none = {NULL, 0}, out = none;
    struct buf b;
    size_t kept = 0;
    buf_init(&b, METADATA_BYTES);
    struct json_out w = json_out(&b);
    if (json_type(root) != JSON_OBJECT)
        goto out;
    json_open(&w, '{');
    for (struct json_iter it = json_iter(root); json_next(&it);) {
        enum json_type type = json_type(it.val);
        if (type != JSON_STRING && type != JSON_NUMBER && type != JSON_BOOL)
            goto out; /* one nested value and the whole map is void */
        if (kept == METADATA_ENTRIES || str_starts(it.key, STR("cf.")))
            continue;
        kept++;
        json_key_str(&w, it.key);
        json_put_val(&w, it.val);
    }
    json_close(&w, '}');
    if (kept && !b.full)
        out = arena_dup(a, buf_str(&b));
out:
    buf_done(&b);
    json_free(doc);
    return out;
}

static void read_metadata(struct arena *a, struct str value, struct options *o)
{
    o->metadata = options_metadata(a, value);
}

static const struct {
    struct str name; /* after "cf-aig-" */
    void (*read)(struct arena *a, struct str value, struct options *o);
} table[] = {
    {S("authorization"), read_authorization},
    {S("event-id"), read_event_id},
    {S("otel-trace-id"), read_trace_id},
    {S("collect-log"), read_collect_log},
    {S("collect-log-payload"), read_collect_payload},
    {S("metadata"), read_metadata},
};

void options_read(struct arena *a, const struct headers *h, struct options *ret)
{
    static const struct str prefix = S("cf-aig-");
    *ret = (struct options){0};
    for (unsigned i = 0; i < h->n; i++) {
        if (!str_istarts(h->v[i].name, prefix))
            continue;
        struct str name = str_from(h->v[i].name, prefix.n);
        for (size_t k = 0; k < countof(table); k++)
            if (str_ieq(name, table[k].name))
                table[k].read(a, str_trim(h->v[i].value), ret);
    }
}
