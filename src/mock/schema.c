/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance of a JSON schema: arguments of tools and structured answers that pass the client's
 * own validation. Knows what tool and answer schemas are made of (type, properties, enum, const,
 * items, anyOf, $ref into the same document), in JSON Schema's spelling, Gemini's and Cohere's.
 */
#include "base/limits.h"
#include "mock/shape.h"

struct making {
    struct json_out *w;
    const struct json_val *document; /* where $ref points into */
    struct str said;
    unsigned left; /* values it may still write: schemas can refer to themselves, and more than once */
};

static void make(struct making *m, const struct json_val *schema);

static const struct json_val *resolve(const struct json_val *document, struct str ref)
{
    if (!str_starts(ref, STR("#/")))
        return NULL;
    ref = str_from(ref, 2);
    const struct json_val *at = document;
    while (ref.p && at) {
        char key[128];
        struct str step = str_cut(&ref, '/');
        if (step.n >= sizeof(key))
            return NULL;
        memcpy(key, step.p, step.n);
        key[step.n] = '\0';
        at = json_get(at, key);
    }
    return at;
}

static void make_object(struct making *m, const struct json_val *properties)
{
    json_open(m->w, '{');
    for (struct json_iter it = json_iter(properties); json_next(&it);) {
        json_key_str(m->w, it.key);
        make(m, it.val);
    }
    json_close(m->w, '}');
}

static void make_array(struct making *m, const struct json_val *schema)
{
    json_open(m->w, '[');
    if (json_get(schema, "items"))
        make(m, json_get(schema, "items"));
    json_close(m->w, ']');
}

static void make_number(struct making *m, const struct json_val *schema)
{
    double least = json_num(json_get(schema, "minimum"), 1);
    json_put_num(m->w, least > 1 ? least : json_num(json_get(schema, "maximum"), 1) < 1 ? least : 1);
}

static void make_typed(struct making *m, const struct json_val *schema)
{
    const struct json_val *type_val = json_get(schema, "type");
    struct str type = json_str(json_type(type_val) == JSON_ARRAY ? json_at(type_val, 0) : type_val);
    if (str_ieq(type, STR("object")) || (type.n == 0 && json_get(schema, "properties")))
        make_object(m, json_get(schema, "properties"));
    else if (str_ieq(type, STR("array")))
        make_array(m, schema);
    else if (str_ieq(type, STR("number")) || str_istarts(type, STR("int")) || str_eq(type, STR("float")))
        make_number(m, schema);
    else if (str_istarts(type, STR("bool")))
        json_put_bool(m->w, true);
    else if (str_ieq(type, STR("null")))
        json_put_null(m->w);
    else
        json_put_str(m->w, m->said);
}

static void make(struct making *m, const struct json_val *schema)
{
    static const char *const fixed[] = {"const", "default"};
    static const char *const choice[] = {"enum", "examples"};
    static const char *const combined[] = {"anyOf", "oneOf", "allOf"};

    if (m->left == 0) {
        json_put_null(m->w);
        return;
    }
    m->left--;
    const struct json_val *ready = NULL, *instead = NULL;
    for (size_t i = 0; i < countof(fixed) && !ready; i++)
        ready = json_get(schema, fixed[i]);
    for (size_t i = 0; i < countof(choice) && !ready; i++)
        ready = json_at(json_get(schema, choice[i]), 0);
    for (size_t i = 0; i < countof(combined) && !instead; i++)
        instead = json_at(json_get(schema, combined[i]), 0);
    if (!instead && json_get(schema, "$ref"))
        instead = resolve(m->document, json_str(json_get(schema, "$ref")));
    if (ready)
        json_put_val(m->w, ready);
    else if (instead)
        make(m, instead);
    else
        make_typed(m, schema);
}

void schema_instance(struct json_out *w, const struct json_val *schema, struct str said)
{
    struct making m = {.w = w, .document = schema, .said = said, .left = MOCK_SCHEMA_VALUES};
    make(&m, schema);
}

void schema_object(struct json_out *w, const struct json_val *properties, struct str said)
{
    struct making m = {.w = w, .document = properties, .said = said, .left = MOCK_SCHEMA_VALUES};
    make_object(&m, properties);
}
