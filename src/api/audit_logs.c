/* SPDX-License-Identifier: Apache-2.0 */
/* Handler of .../audit_logs (control plane section 24). */
#include "api/objects.h"
#include "base/clock.h"

enum { ROWS_MAX = 1000, ROWS_DEFAULT = 100 };

/* ---- a row ---- */

static void put_uuid(struct json_out *w, const char *key, struct uuid id)
{
    char text[UUID_TEXT];
    uuid_text(id, text);
    json_add_str(w, key, str_of(text, UUID_TEXT));
}

/* As the rest of the API has it: ids of tokens have no hyphens. */
static void put_resource(struct json_out *w, const struct audit_row *r)
{
    char text[2 * sizeof(r->resource_id)];
    json_key(w, "resource");
    json_open(w, '{');
    json_add_str(w, "type", r->resource);
    if (str_eq(r->resource, kind_resource(KIND_TOKEN))) {
        hex_encode(text, r->resource_id.b, sizeof(r->resource_id.b));
        json_add_str(w, "id", str_of(text, sizeof(text)));
    } else {
        put_uuid(w, "id", r->resource_id);
    }
    json_close(w, '}');
}

/* "provider config updated" for ai_gateway.provider_config. */
static void put_action(struct json_out *w, struct api_call *c, const struct audit_row *r)
{
    struct str noun = r->resource, rest = r->resource;
    while (rest.p)
        noun = str_cut(&rest, '.');
    struct str info = STR("");
    while (noun.p) {
        struct str word = str_cut(&noun, '_');
        info = arena_printf(c->arena, "%.*s%.*s ", STR_FMT(info), STR_FMT(word));
    }
    info = arena_printf(c->arena, "%.*s%.*sd", STR_FMT(info), STR_FMT(r->action));
    json_key(w, "action");
    json_open(w, '{');
    json_add_str(w, "type", r->action);
    json_add_bool(w, "result", true);
    json_add_str(w, "info", info);
    json_close(w, '}');
}

/* Tokens are users to clients of this API: their names stand where a person's address would. */
static void put_actor(struct json_out *w, const struct audit_row *r)
{
    struct json_doc *doc = json_parse(r->actor);
    const struct json_val *who = json_root(doc);
    struct str type = json_str(json_get(who, "type")), name = json_str(json_get(who, "name"));
    bool person = str_eq(type, STR("person")) || str_eq(type, STR("token")) || str_eq(type, STR("session"));
    json_key(w, "actor");
    json_open(w, '{');
    json_add_str(w, "type", person ? STR("user") : str_eq(type, STR("shell")) ? STR("admin") : type);
    if (json_get(who, "id"))
        json_add_str(w, "id", json_str(json_get(who, "id")));
    json_add_str(w, "email", name.p ? name : STR(""));
    if (json_get(who, "ip"))
        json_add_str(w, "ip", json_str(json_get(who, "ip")));
    json_close(w, '}');
    json_free(doc);
}

static void put_value(struct json_out *w, const char *text_key, const char *key, const struct audit_row *r,
                      struct str value)
{
    json_add_str(w, text_key, STR(""));
    json_key(w, key);
    json_open(w, '{');
    if (value.n && r->name.n)
        json_add_str(w, str_eq(r->resource, kind_resource(KIND_GATEWAY)) ? "id" : "name", r->name);
    put_members(w, value);
    json_close(w, '}');
}

static void put_row(struct json_out *w, struct api_call *c, const struct audit_row *r)
{
    json_open(w, '{');
    put_uuid(w, "id", r->id);
    put_time_ms(w, "when", r->at_ms);
    json_add_str(w, "interface", r->interface);
    put_action(w, c, r);
    put_actor(w, r);
    json_key(w, "owner");
    json_open(w, '{');
    json_add_str(w, "id", c->params[PARAM_ACCOUNT]);
    json_close(w, '}');
    put_resource(w, r);
    json_key(w, "metadata");
    json_open(w, '{');
    if (r->gateway.n)
        json_add_str(w, "gateway", r->gateway);
    json_close(w, '}');
    put_value(w, "oldValue", "oldValueJson", r, r->before);
    put_value(w, "newValue", "newValueJson", r, r->after);
    json_close(w, '}');
}

/* ---- the list ---- */

static void on_page(void *arg, struct audit_page *page)
{
    struct api_call *c = arg;
    if (!api_call_resume(c)) {
        audit_page_free(page);
        return;
    }
    if (page->err != E_OK) {
        reply_error(c, API_INTERNAL);
        audit_page_free(page);
        return;
    }
    struct paging p = {
        .page = c->page, .per_page = c->per_page, .count = (int64_t)page->n, .total = page->total};
    struct json_out w = reply_open(c);
    json_open(&w, '[');
    for (size_t i = 0; i < page->n; i++)
        put_row(&w, c, &page->rows[i]);
    json_close(&w, ']');
    audit_page_free(page);
    reply_close_page(c, &w, &p);
}

static int64_t ask_time(struct ask *k, const char *name)
{
    struct str text = ask_text(k, name);
    int64_t ms = 0;
    if (text.n && clock_parse(text, &ms) != E_OK)
        complain(&k->wrong, str_c(name), "Expected a time such as 2026-12-31T23:59:59Z, or a date");
    return ms;
}

void audit_list(struct api_call *c)
{
    static const struct str directions[] = {S("desc"), S("asc")};
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct audit_query q = {.account = c->params[PARAM_ACCOUNT],
                            .since_ms = ask_time(&k, "since"),
                            .before_ms = ask_time(&k, "before"),
                            .action = ask_text(&k, "action.type"),
                            .actor = ask_text(&k, "actor.email"),
                            .actor_id = ask_text(&k, "actor.id"),
                            .actor_ip = ask_text(&k, "actor.ip"),
                            .resource = ask_text(&k, "resource.type"),
                            .page = ask_int(&k, "page", 1, API_PAGE_MAX, 1),
                            .per_page = ask_int(&k, "per_page", 1, ROWS_MAX, ROWS_DEFAULT),
                            .ascending =
                                ask_choice(&k, "direction", directions, countof(directions), 0) == 1};
    if (k.wrong.first) {
        reply_invalid(c, &k.wrong);
        return;
    }
    c->page = q.page;
    c->per_page = q.per_page;
    api_call_wait(c);
    store_list_audit(api_call_store(c), &q, api_call_loop(c), on_page, c);
}
