/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of .../gateways/{G}/evaluations (control plane section 6.2). The store works them off
 * (store/evaluation.h). */
#include "api/evaluations.h"
#include "api/fields.h"
#include "api/log_filters.h"
#include "api/openapi.h"
#include "base/clock.h"
#include "base/limits.h"
#include "store/evaluation.h"

#define FIELD(key, kind, min, max, doc)                                                                      \
    {                                                                                                        \
#key, FIELD_##kind, min, max, NULL, "", NULL, FIELD_REQUIRED, doc                                    \
    }
static const struct field fields[] = {
    FIELD(name, TEXT, 1, 255, "What people call it."),
    FIELD(dataset_ids, LIST, 1, EVALUATION_DATASETS, "The datasets; a log that is in several counts once."),
    FIELD(evaluation_type_ids, LIST, 1, 20, "What is to be found out: ids of `GET .../evaluation-types`."),
};
const struct fields_table evaluation_table = {"EvaluationBody", fields, countof(fields)};
#undef FIELD

void evaluations_document(struct buf *out)
{
    (void)buf_append_c(out, "\n## Keys of an evaluation\n\n");
    fields_document(out, fields, countof(fields));
}

/* ---- answers ---- */

static void put_number(struct json_out *w, const char *key, const struct json_val *v)
{
    json_add_int(w, key, (int64_t)json_num(v, 0));
}

static void put_result(struct json_out *w, struct api_call *c, const struct object *o,
                       const struct json_val *r)
{
    json_open(w, '{');
    json_add_str(w, "id", json_str(json_get(r, "id")));
    json_add_str(w, "evaluation_id", object_id(c, o));
    json_add_str(w, "evaluation_type_id", json_str(json_get(r, "evaluation_type_id")));
    json_add_str(w, "result", json_str(json_get(r, "result")));
    put_number(w, "status", json_get(r, "status"));
    json_add_str(w, "status_description", evaluation_status_word((int)json_num(json_get(r, "status"), -1)));
    put_number(w, "total_logs", json_get(r, "total_logs"));
    put_time_ms(w, "created_at", o->created_ms);
    put_time_ms(w, "modified_at", (int64_t)json_num(json_get(r, "modified_ms"), 0));
    json_close(w, '}');
}

static void put_evaluation(struct json_out *w, struct api_call *c, const struct object *o)
{
    struct json_doc *doc = json_parse(o->settings);
    const struct json_val *root = json_root(doc);
    json_open(w, '{');
    json_add_str(w, "id", object_id(c, o));
    json_add_str(w, "name", json_str(json_get(root, "name")));
    json_add_str(w, "gateway_id", c->params[PARAM_GATEWAY]);
    json_add_bool(w, "processed", json_bool(json_get(root, "processed"), false));
    put_number(w, "total_logs", json_get(root, "total_logs"));
    json_key(w, "datasets");
    json_put_val(w, json_get(root, "datasets"));
    json_key(w, "results");
    json_open(w, '[');
    for (struct json_iter it = json_iter(json_get(root, "results")); json_next(&it);)
        put_result(w, c, o, it.val);
    json_close(w, ']');
    put_time_ms(w, "created_at", o->created_ms);
    put_time_ms(w, "modified_at", o->modified_ms);
    json_close(w, '}');
    json_free(doc);
}

void evaluations_list(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct named_filter f = named_filter_read(&k, "processed");
    struct object_list l = {
        .kind = KIND_EVALUATION, .match = named_filter_match, .arg = &f, .put = put_evaluation};
    list_objects(c, &k, l);
}

void evaluations_fetch(struct api_call *c)
{
    fetch_object(c, KIND_EVALUATION, PARAM_ID, put_evaluation);
}

void evaluations_delete(struct api_call *c)
{
    delete_object(c, KIND_EVALUATION, PARAM_ID, put_evaluation);
}

/* ---- a new one: what it is about ---- */

struct creation {
    struct api_call *call;
    struct str name;
    const struct object *datasets[EVALUATION_DATASETS];
    struct log_filter filters[EVALUATION_DATASETS];
    size_t n;
    bool wanted[EVALUATOR_COUNT];
};

static const struct object *find_dataset(struct api_call *c, struct str id)
{
    struct uuid uuid;
    const struct object *o =
        object_uuid(id, &uuid) == E_OK ? catalog_object_uuid(c->catalog, KIND_DATASET, uuid) : NULL;
    return o && o->gateway == c->gateway->id ? o : NULL;
}

static bool has_dataset(const struct creation *n, const struct object *o)
{
    for (size_t i = 0; i < n->n; i++)
        if (n->datasets[i] == o)
            return true;
    return false;
}

/* The filters of a dataset were checked when it was saved. */
static void add_dataset(struct creation *n, const struct object *o, struct str key, struct complaints *wrong)
{
    struct json_doc *doc = json_parse(o->settings);
    if (!json_bool(json_get(json_root(doc), "enable"), false)) {
        complain(wrong, key, "This dataset is not enabled");
    } else {
        n->filters[n->n] = log_filters_dataset(json_get(json_root(doc), "filters"), wrong);
        n->datasets[n->n++] = o;
    }
    json_free(doc);
}

static void read_datasets(struct creation *n, const struct json_val *ids, struct complaints *wrong)
{
    size_t i = 0;
    for (struct json_iter it = json_iter(ids); json_next(&it); i++) {
        struct str key = complaint_nth(wrong, STR("dataset_ids"), i);
        const struct object *o = find_dataset(n->call, json_str(it.val));
        if (!o)
            complain(wrong, key, "No dataset of this gateway has this id");
        else if (!has_dataset(n, o))
            add_dataset(n, o, key, wrong);
    }
}

static void read_types(struct creation *n, const struct json_val *ids, struct complaints *wrong)
{
    size_t i = 0;
    for (struct json_iter it = json_iter(ids); json_next(&it); i++) {
        struct uuid uuid;
        enum evaluator e =
            object_uuid(json_str(it.val), &uuid) == E_OK ? evaluator_of(uuid) : EVALUATOR_COUNT;
        if (e == EVALUATOR_COUNT)
            complain(wrong, complaint_nth(wrong, STR("evaluation_type_ids"), i),
                     "No evaluation type has this id");
        else
            n->wanted[e] = true;
    }
}

static void read_creation(struct creation *n, const struct json_val *body, struct complaints *wrong)
{
    fields_check(fields, countof(fields), body, false, wrong);
    if (wrong->first)
        return;
    n->name = arena_dup(wrong->arena, json_str(json_get(body, "name")));
    read_datasets(n, json_get(body, "dataset_ids"), wrong);
    read_types(n, json_get(body, "evaluation_type_ids"), wrong);
    if (!wrong->first && count_objects(n->call, KIND_EVALUATION) >= EVALUATIONS_MAX)
        complain(wrong, STR(""), "A gateway has at most %d evaluations: delete one first", EVALUATIONS_MAX);
}

/* ---- a new one: its settings ---- */

static void put_wanted(struct json_out *w, struct creation *n)
{
    char id[UUID_TEXT];
    json_open(w, '[');
    for (int i = 0; i < EVALUATOR_COUNT; i++) {
        if (!n->wanted[i])
            continue;
        uuid_text(api_call_uuid(n->call), id);
        json_open(w, '{');
        json_add_str(w, "id", str_of(id, UUID_TEXT));
        json_add_str(w, "evaluation_type_id", evaluators[i].id);
        json_close(w, '}');
    }
    json_close(w, ']');
}

/* The datasets are shown as they are now, and looked through as they are now. */
static struct str settings_of(struct creation *n, int64_t last_row)
{
    struct buf b;
    struct evaluation about = {last_row, n->filters, n->n};
    buf_init(&b, EVALUATION_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_add_str(&w, "name", n->name);
    json_add_bool(&w, "processed", false);
    json_add_int(&w, "total_logs", 0);
    json_key(&w, "datasets");
    json_open(&w, '[');
    for (size_t i = 0; i < n->n; i++)
        put_dataset(&w, n->call, n->datasets[i]);
    json_close(&w, ']');
    json_key(&w, "results");
    put_wanted(&w, n);
    json_key(&w, "snapshot");
    evaluation_put(&w, &about);
    json_close(&w, '}');
    struct evaluation_sums none = {0};
    struct str text =
        b.full ? str_of(NULL, 0)
               : evaluation_update(n->call->arena, buf_str(&b), &none, EVALUATION_PENDING, clock_wall_ms());
    buf_done(&b);
    return text;
}

static void on_last_row(void *arg, int64_t row)
{
    struct creation *n = arg;
    struct api_call *c = n->call;
    if (!api_call_resume(c))
        return;
    struct change change = object_change(c, CHANGE_CREATE, KIND_EVALUATION);
    char *name = arena_alloc(c->arena, UUID_TEXT);
    change.settings = row < 0 || !name ? str_of(NULL, 0) : settings_of(n, row);
    if (!change.settings.p) {
        reply_error(c, API_INTERNAL);
        return;
    }
    change.uuid = api_call_uuid(c);
    uuid_text(change.uuid, name);
    change.name = str_of(name, UUID_TEXT);
    save_object(c, &change, put_evaluation, "name");
}

void evaluations_create(struct api_call *c)
{
    struct complaints wrong;
    struct json_doc *doc;
    complaints_init(&wrong, c->arena, "body");
    struct creation *n = arena_new(c->arena, struct creation);
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    if (n)
        *n = (struct creation){.call = c};
    if (n && body)
        read_creation(n, body, &wrong);
    json_free(doc);
    if (wrong.first) {
        reply_invalid(c, &wrong);
    } else if (!n) {
        reply_error(c, API_INTERNAL);
    } else {
        api_call_wait(c);
        store_last_row(api_call_store(c), api_call_loop(c), on_last_row, n);
    }
}
