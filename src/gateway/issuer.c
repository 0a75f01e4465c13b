/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fetch at a time: the issuer's description of itself, unless the settings say where the keys are
 * (OpenID Connect Discovery 1.0 section 4), then the keys. Who needs it waits in a list; others go on with
 * what is there.
 *
 *   keys    fresh ── an hour, or as the issuer says ── due: fetched beside the requests
 *           ── DUE_US more ── outdated: a request waits for the fetch; if that fails they serve on
 */
#include "gateway/issuer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "http/gather.h"

enum { SECOND_US = 1000 * 1000, FETCH_MS = 5 * 1000 };

/* How long keys are good for, in seconds. */
enum { LIFE_LEAST = 5 * 60, LIFE_USUAL = 60 * 60, LIFE_MOST = 24 * 60 * 60 };
/* Keys that are due are used for so long beside the fetch; older ones may have been taken back long ago. */
static const uint64_t DUE_US = UINT64_C(300) * SECOND_US;
/* After a fetch; and between two for the sake of an unknown key, since strangers can make up key ids. Without
 * any key nobody gets in, so sooner. */
static const uint64_t PAUSE_US = UINT64_C(30) * SECOND_US, PAUSE_WITHOUT_KEYS_US = SECOND_US;

struct issuer {
    struct worker *w;
    size_t refs;
    struct str url, jwks_url; /* owned */

    struct jwk_set *keys;
    uint64_t version, due_us;
    struct issuer_description description;
    bool described;
    struct arena said; /* the description's strs */

    /* the fetch under way */
    struct gather fetch;
    uint64_t until_ms; /* of the loop's clock, for all of it */
    struct arena arena;
    struct headers headers;
    int64_t life_s;
    bool discovering;
    struct list waits;

    /* of clock_us, 0: never */
    uint64_t ended_us;   /* a fetch */
    uint64_t looked_us;  /* began one for a key that the keys at hand did not have */
    const char *trouble; /* and the diagnostics say so */
};

struct issuer_wait {
    struct node node;
    struct task task;
    struct issuer *issuer;
    void (*on_ready)(void *arg);
    void *arg;
};

static bool is_query(struct str query)
{
    for (size_t i = 0; i < query.n; i++)
        if ((unsigned char)query.p[i] <= 0x20 || query.p[i] == 0x7f || query.p[i] == '#')
            return false;
    return true;
}

bool issuer_read_url(struct str text, struct upstream_url *ret)
{
    struct str prefix, query = text, head = str_cut(&query, '?');
    struct upstream_url u;
    if (text.n > HTTP_TARGET_BYTES || !str_istarts(head, STR("http")) ||
        provider_parse_origin(head, &u, &prefix) != E_OK || !is_query(query))
        return false;
    size_t host = str_search(head, STR("://")) + 3;
    size_t path = host + str_find(str_from(head, host), '/');
    if (path == head.n && query.p)
        return false;
    u.target = path < head.n ? str_from(text, path) : STR("/");
    *ret = u;
    return true;
}

/* ---- the fetch ---- */

static void end_fetch(struct issuer *i)
{
    i->ended_us = clock_us();
    for (struct node *n; (n = list_pop(&i->waits)) != NULL;)
        loop_post(i->w->loop, &container_of(n, struct issuer_wait, node)->task);
}

static void fetch_failed(struct issuer *i, const char *why)
{
    if (!i->trouble)
        log_warn("oidc: the keys of %.*s cannot be had: %s%s", STR_FMT(i->url), why,
                 i->keys ? "; the old ones stay" : "");
    i->trouble = why;
    stat_add(&i->w->stats.oidc_failed, 1);
    end_fetch(i);
}

static void take_keys(struct issuer *i)
{
    struct jwk_set *keys = jwk_set_parse(buf_str(&i->fetch.body));
    if (!keys) {
        fetch_failed(i, "the answer is no key set, or has no key that can be used");
        return;
    }
    jwk_set_free(i->keys);
    i->keys = keys;
    i->version++;
    i->due_us = clock_us() + (uint64_t)i->life_s * SECOND_US;
    if (i->trouble)
        log_info("oidc: the keys of %.*s are there again", STR_FMT(i->url));
    i->trouble = NULL;
    end_fetch(i);
}

struct origin *issuer_origin(const struct issuer *i, const struct upstream_url *u)
{
    struct upstream_url own;
    bool at_home = issuer_read_url(i->url, &own) && str_ieq(own.host, u->host);
    struct origin_name name = {.tls = u->tls, .host = u->host, .port = u->port, .trusted = at_home};
    return client_origin(i->w->client, &name);
}

static void get(struct issuer *i, const struct upstream_url *u)
{
    uint64_t now = loop_ms(i->w->loop);
    struct origin_name set = {.tls = u->tls, .host = u->host, .port = u->port, .trusted = true};
    struct call_request req = {
        .origin = i->jwks_url.n ? client_origin(i->w->client, &set) : issuer_origin(i, u),
        .method = STR("GET"),
        .target = u->target,
        .host = u->authority,
        .headers = &i->headers,
    };
    gather_start(&i->fetch, i->w->client, &req, i->until_ms > now ? i->until_ms - now : 0);
}

/* A URL among its members; empty: none that will do. It must not lead from TLS to plain text. */
static struct str told_url(struct arena *a, struct str issuer, const struct json_val *root, const char *name)
{
    struct upstream_url u;
    struct str url = json_str(json_get(root, name));
    bool good = url.p && issuer_read_url(url, &u) && (u.tls || !str_istarts(issuer, STR("https:")));
    struct str copy = good ? arena_dup(a, url) : STR("");
    return copy.p ? copy : STR("");
}

/* Without the member: client_secret_basic (section 3). */
static bool takes(const struct json_val *root, struct str method)
{
    const struct json_val *all = json_get(root, "token_endpoint_auth_methods_supported");
    for (struct json_iter it = json_iter(all); json_next(&it);)
        if (str_eq(json_str(it.val), method))
            return true;
    return !all && str_eq(method, STR("client_secret_basic"));
}

bool issuer_read_description(struct arena *a, struct str issuer, struct str text,
                             struct issuer_description *ret)
{
    struct json_doc *doc = json_parse(text);
    const struct json_val *root = json_root(doc);
    bool own = str_eq(json_str(json_get(root, "issuer")), issuer); /* section 4.3 */
    if (own)
        *ret = (struct issuer_description){
            .keys = told_url(a, issuer, root, "jwks_uri"),
            .authorization = told_url(a, issuer, root, "authorization_endpoint"),
            .token = told_url(a, issuer, root, "token_endpoint"),
            .end_session = told_url(a, issuer, root, "end_session_endpoint"),
            .takes_basic = takes(root, STR("client_secret_basic")),
            .takes_post = takes(root, STR("client_secret_post")),
            .names_itself =
                json_bool(json_get(root, "authorization_response_iss_parameter_supported"), false),
        };
    json_free(doc);
    return own && ret->keys.n > 0;
}

static void take_description(struct issuer *i)
{
    struct upstream_url u;
    arena_reset(&i->said);
    i->described = issuer_read_description(&i->said, i->url, buf_str(&i->fetch.body), &i->description);
    i->discovering = false;
    if (i->described && issuer_read_url(i->description.keys, &u))
        get(i, &u);
    else
        fetch_failed(i, "its openid-configuration names another issuer, or no place of keys that will do");
}

/* Cache-Control: max-age (RFC 9111 section 5.2.2.1), within bounds. */
static int64_t life_of(const struct headers *h)
{
    static const struct str max_age = S("max-age=");
    struct str rest = headers_last(h, STR("cache-control"));
    int64_t s;
    while (rest.n) {
        struct str word = str_trim(str_cut(&rest, ','));
        if (str_istarts(word, max_age) && str_to_int(str_from(word, max_age.n), &s) == E_OK)
            return s < LIFE_LEAST ? LIFE_LEAST : s > LIFE_MOST ? LIFE_MOST : s;
    }
    return LIFE_USUAL;
}

static void on_head(void *arg, const struct response_head *h)
{
    ((struct issuer *)arg)->life_s = life_of(&h->headers);
}

static void on_answer(void *arg, enum err why)
{
    struct issuer *i = arg;
    if (why != E_OK)
        fetch_failed(i, why == E_TIMED_OUT ? "it took too long" : err_phrase(why));
    else if (i->fetch.status != 200)
        fetch_failed(i, "the answer's status is not 200");
    else if (i->fetch.body.full)
        fetch_failed(i, "the answer is too long");
    else if (i->discovering)
        take_description(i);
    else
        take_keys(i);
}

/* Section 4.1: below the issuer, a slash at its end counting once. */
static struct str description_url(struct issuer *i)
{
    struct str at = i->url;
    while (str_ends(at, STR("/")))
        at.n--;
    const struct str parts[] = {at, STR("/.well-known/openid-configuration")};
    return arena_join(&i->arena, parts, countof(parts));
}

static void fetch(struct issuer *i)
{
    struct upstream_url u;
    arena_reset(&i->arena);
    i->headers = (struct headers){0};
    struct str url = i->jwks_url;
    i->discovering = url.n == 0;
    if (i->discovering)
        url = description_url(i);
    /* settings were checked, and the arena is larger than they can be */
    must(url.p && issuer_read_url(url, &u) &&
         headers_add(&i->headers, &i->arena, STR("Accept"), STR("application/json")) == E_OK);
    i->until_ms = loop_ms(i->w->loop) + FETCH_MS;
    get(i, &u);
}

static void fetch_after(struct issuer *i, uint64_t last_us, uint64_t pause_us)
{
    if (!i->fetch.call && (last_us == 0 || clock_us() - last_us >= pause_us))
        fetch(i);
}

static void look_for_key(struct issuer *i)
{
    if (!i->keys) {
        fetch_after(i, i->ended_us, PAUSE_WITHOUT_KEYS_US);
    } else if (!i->fetch.call) {
        fetch_after(i, i->looked_us, PAUSE_US);
        i->looked_us = i->fetch.call ? clock_us() : i->looked_us;
    }
}

/* ---- waits ---- */

static void run_wait(struct task *task)
{
    struct issuer_wait *w = container_of(task, struct issuer_wait, task);
    void (*on_ready)(void *arg) = w->on_ready;
    void *arg = w->arg;
    mem_free(w);
    on_ready(arg);
}

struct issuer_wait *issuer_await(struct issuer *i, void (*on_ready)(void *arg), void *arg)
{
    must(i->fetch.call);
    struct issuer_wait *w = mem_zalloc(sizeof(*w));
    *w = (struct issuer_wait){.task.run = run_wait, .issuer = i, .on_ready = on_ready, .arg = arg};
    list_push(&i->waits, &w->node);
    return w;
}

void issuer_cancel(struct issuer_wait *w)
{
    if (node_linked(&w->node))
        list_remove(&w->issuer->waits, &w->node);
    loop_unpost(w->issuer->w->loop, &w->task);
    mem_free(w); /* the fetch goes on: the next request will want the keys */
}

/* ---- asking ---- */

bool issuer_refresh(struct issuer *i)
{
    if (!i->keys)
        fetch_after(i, i->ended_us, PAUSE_WITHOUT_KEYS_US);
    else if (clock_us() >= i->due_us)
        fetch_after(i, i->ended_us, PAUSE_US);
    return i->fetch.call && (!i->keys || clock_us() >= i->due_us + DUE_US);
}

enum jwt_verdict issuer_verify(struct issuer *i, struct arena *a, struct str token,
                               const struct jwt_rules *rules, struct identity *ret, bool *ret_later)
{
    bool outdated = i->keys && issuer_refresh(i);
    enum jwt_verdict v = jwt_verify(a, token, i->keys, rules, ret);
    if (v == JWT_UNKNOWN_KEY)
        look_for_key(i);
    *ret_later = i->fetch.call && (v == JWT_UNKNOWN_KEY || (v == JWT_GOOD && outdated));
    return v;
}

const struct issuer_description *issuer_description(const struct issuer *i)
{
    return i->described ? &i->description : NULL;
}

uint64_t issuer_version(const struct issuer *i)
{
    return i->version;
}

const char *issuer_trouble(const struct issuer *i)
{
    return i->trouble;
}

struct str issuer_url(const struct issuer *i)
{
    return i->url;
}

/* ---- life ---- */

static struct str own(struct str s)
{
    char *copy = mem_alloc(s.n + 1);
    if (s.n)
        memcpy(copy, s.p, s.n);
    return str_of(copy, s.n);
}

struct issuer *issuer_new(struct worker *w, struct str url, struct str jwks_url)
{
    struct issuer *i = mem_zalloc(sizeof(*i));
    i->w = w;
    i->refs = 1;
    i->url = own(url);
    i->jwks_url = own(jwks_url);
    list_init(&i->waits);
    /* a place that was told, and one that is set */
    arena_init(&i->arena, 2 * JWKS_BYTES + 2 * CONF_FILE_BYTES);
    arena_init(&i->said, JWKS_BYTES);
    gather_init(&i->fetch, w->loop, JWKS_BYTES, on_answer, i);
    i->fetch.on_head = on_head;
    return i;
}

struct issuer *issuer_ref(struct issuer *i)
{
    i->refs++;
    return i;
}

void issuer_unref(struct issuer *i)
{
    if (!i || --i->refs > 0)
        return;
    must(i->waits.count == 0);
    gather_done(&i->fetch);
    jwk_set_free(i->keys);
    arena_done(&i->arena);
    arena_done(&i->said);
    mem_free((char *)(uintptr_t)i->url.p);
    mem_free((char *)(uintptr_t)i->jwks_url.p);
    mem_free(i);
}
