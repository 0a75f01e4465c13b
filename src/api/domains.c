/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of .../gateways/{G}/custom-domains (control plane section 10). */
#include "api/fields.h"
#include "api/openapi.h"
#include "api/objects.h"
#include "store/domain.h"

#include <ctype.h>

#define FIELD(key, kind, min, max, choices, omitted, null, flags, doc)                                       \
    {                                                                                                        \
#key, FIELD_##kind, min, max, choices, omitted, null, flags, doc                                     \
    }
static const struct field fields[] = {
    FIELD(domain, TEXT, 3, 253, NULL, "", NULL, FIELD_REQUIRED, "The host name."),
    FIELD(zone_id, TEXT, 0, 64, NULL, "", NULL, FIELD_REQUIRED, "Kept for clients that send one."),
    FIELD(minTLS, ENUM, 0, 0, "1.0 1.1 1.2 1.3", "", NULL, 0, "The least version of TLS that is served."),
};
const struct fields_table domain_table = {"CustomDomainBody", fields, countof(fields)};
#undef FIELD

static struct str lower(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);
    for (size_t i = 0; out && i < s.n; i++)
        out[i] = (char)tolower((unsigned char)s.p[i]);
    return str_of(out, out ? s.n : 0);
}

/* The host of the gateway's own address: what a CNAME record has to name. */
static struct str own_host(struct api_call *c)
{
    struct str url = api_call_public_url(c), rest = str_from(url, str_search(url, STR("://")) + 3);
    struct str authority = str_cut(&rest, '/');
    return str_cut(&authority, ':');
}

/* What a client that asks for the host by TLS is shown here; null: connections to weir are plain. */
static void put_certificate(struct json_out *w, struct api_call *c, struct str host)
{
    const struct tls_server *tls = api_call_tls(c);
    json_key(w, "weir_certificate");
    if (!tls) {
        json_put_null(w);
        return;
    }
    struct tls_certificate shown = tls_server_certificate(tls, host);
    json_open(w, '{');
    json_add_bool(w, "named", shown.named);
    put_time_ms(w, "expires_at", shown.ends_ms);
    json_close(w, '}');
}

static void put_domain(struct json_out *w, struct api_call *c, const struct object *o)
{
    const struct gateway *g = catalog_gateway_id(c->catalog, o->gateway);
    json_open(w, '{');
    json_add_str(w, "hostname", o->name);
    json_add_str(w, "gateway_id", g ? g->slug : c->params[PARAM_GATEWAY]);
    json_add_str(w, "status", STR("active"));
    json_add_str(w, "cname_target", own_host(c));
    json_add_int(w, "created_at", o->created_ms);
    json_add_int(w, "modified_at", o->modified_ms);
    put_members(w, o->settings);
    put_certificate(w, c, o->name);
    json_close(w, '}');
}

static bool matches(struct api_call *c, const struct object *o, const void *arg)
{
    (void)c;
    const struct str *search = arg;
    return str_has(o->name, *search);
}

static bool none(struct api_call *c, const struct object *o, const void *arg)
{
    (void)c;
    (void)o;
    (void)arg;
    return false;
}

void domains_list(struct api_call *c)
{
    static const struct str statuses[] = {S("active"), S("initializing"), S("pending_dcv"), S("blocked"),
                                          S("error")};
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct str search = lower(c->arena, ask_text(&k, "search"));
    bool active = ask_choice(&k, "status", statuses, countof(statuses), 0) == 0; /* all of them are */
    struct object_list l = {
        .kind = KIND_DOMAIN, .match = active ? matches : none, .arg = &search, .put = put_domain};
    list_objects(c, &k, l);
}

/* The host is the object's name; the rest its settings. */
static struct str settings_of(struct api_call *c, const struct json_val *body)
{
    return fields_object(fields + 1, countof(fields) - 1, body, NULL, c->arena);
}

void domains_create(struct api_call *c)
{
    struct complaints wrong;
    struct json_doc *doc;
    complaints_init(&wrong, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    struct change change = object_change(c, CHANGE_CREATE, KIND_DOMAIN);
    if (body)
        fields_check(fields, countof(fields), body, false, &wrong);
    if (!wrong.first) {
        change.name = lower(c->arena, json_str(json_get(body, "domain")));
        if (!domain_is_valid(change.name))
            complain(&wrong, STR("domain"), "Expected a host name such as ai.example.com");
        change.settings = settings_of(c, body);
        change.uuid = api_call_uuid(c);
    }
    json_free(doc);
    if (wrong.first)
        reply_invalid(c, &wrong);
    else
        save_object(c, &change, put_domain, "domain");
}

/* By its host, in any letter case: the segment becomes the object's id. */
static void find_by_host(struct api_call *c)
{
    struct str host = lower(c->arena, c->params[PARAM_ID]);
    const struct object *o =
        catalog_object(c->catalog, KIND_DOMAIN, c->params[PARAM_ACCOUNT], c->gateway->id, host);
    c->params[PARAM_ID] = o ? object_id(c, o) : STR("");
}

void domains_fetch(struct api_call *c)
{
    find_by_host(c);
    fetch_object(c, KIND_DOMAIN, PARAM_ID, put_domain);
}

void domains_delete(struct api_call *c)
{
    find_by_host(c);
    delete_object(c, KIND_DOMAIN, PARAM_ID, put_domain);
}
