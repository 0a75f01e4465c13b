/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a gateway path to an upstream URL (data plane section 33). A row's rule decides on the origin
 * and on what stands in front of the rest of the path; the rest itself is never rewritten, only
 * refused. What becomes part of a host is a label or the request fails: nothing in a path may send a
 * stored key to another machine.
 */
#include "base/limits.h"
#include "providers/provider.h"

enum { PLACE_PARTS = 4, HTTP_PORT = 80, HTTPS_PORT = 443 };

/* What a rule finds out. The target is: path parts, "/" and tail, "?" and query. */
struct place {
    struct arena *a;
    struct str origin; /* unless the operator overrides it */
    struct str path[PLACE_PARTS];
    unsigned n;
    struct str tail;  /* p == NULL: nothing follows the parts, not even a slash */
    struct str query; /* p == NULL: none */
    bool overridden, from_request;
};

static void add(struct place *pl, struct str part)
{
    must(pl->n < PLACE_PARTS);
    if (part.n)
        pl->path[pl->n++] = part;
}

/* Takes `lead` off the front of *rest if it is its first segments. */
static bool drop(struct str *rest, struct str lead)
{
    if (!str_starts(*rest, lead) || (rest->n > lead.n && rest->p[lead.n] != '/'))
        return false;
    *rest = rest->n > lead.n ? str_from(*rest, lead.n + 1) : (struct str){NULL, 0};
    return true;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_label(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    return s.n > 0 && s.n <= HOST_LABEL_BYTES;
}

static bool is_account(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
            return false;
    return s.n > 0;
}

/* "v1", "v1beta", "v2", ... */
static bool is_version(struct str segment)
{
    return segment.n >= 2 && segment.p[0] == 'v' && segment.p[1] >= '0' && segment.p[1] <= '9';
}

static struct str before_brace(struct str template)
{
    return str_head(template, str_find(template, '{'));
}

static struct str after_brace(struct str template)
{
    return str_from(template, str_find(template, '}') + 1);
}

/* The origin is `template` with a label from the request in its braces. */
static enum err fill_host(struct place *pl, struct str template, struct str label)
{
    if (!is_label(label))
        return E_NO_PROVIDER;
    pl->from_request = true;
    if (pl->overridden)
        return E_OK;
    const struct str parts[] = {before_brace(template), label, after_brace(template)};
    pl->origin = arena_join(pl->a, parts, countof(parts));
    return pl->origin.p ? E_OK : E_FULL;
}

static enum err verbatim(const struct upstream_ask *ask, struct place *pl)
{
    add(pl, ask->provider->base);
    return E_OK;
}

static enum err flex_v1(const struct upstream_ask *ask, struct place *pl)
{
    add(pl, ask->provider->base);
    /* groq-sdk puts the whole base, "openai/v1", into its paths; others only its last segment */
    if (!drop(&pl->tail, str_from(ask->provider->base, 1)))
        drop(&pl->tail, STR("v1"));
    return E_OK;
}

static enum err add_v1(const struct upstream_ask *ask, struct place *pl)
{
    (void)ask;
    if (!is_version(str_head(pl->tail, str_find(pl->tail, '/'))))
        add(pl, STR("/v1"));
    return E_OK;
}

static enum err cohere(const struct upstream_ask *ask, struct place *pl)
{
    return str_starts(pl->tail, STR("compatibility/")) ? E_OK : add_v1(ask, pl);
}

static enum err workers_ai(const struct upstream_ask *ask, struct place *pl)
{
    if (!is_account(ask->account))
        return E_BAD_PATH;
    add(pl, before_brace(ask->provider->base));
    add(pl, ask->account);
    add(pl, after_brace(ask->provider->base));
    struct str first = str_head(pl->tail, str_find(pl->tail, '/'));
    if (!str_eq(first, STR("v1")) && !str_eq(first, STR("run")))
        add(pl, STR("/run"));
    return E_OK;
}

static enum err azure(const struct upstream_ask *ask, struct place *pl)
{
    enum err e = fill_host(pl, ask->provider->origin, str_cut(&pl->tail, '/'));
    if (e)
        return e;
    struct str deployment = str_head(pl->tail, str_find(pl->tail, '/'));
    if (deployment.n == 0)
        return E_BAD_PATH;
    /* a resource's own paths: /openai/v1/..., /openai/deployments/... */
    if (str_eq(deployment, str_from(ask->provider->base, 1)))
        return E_OK;
    add(pl, ask->provider->base);
    add(pl, STR("/deployments"));
    return E_OK;
}

static enum err bedrock(const struct upstream_ask *ask, struct place *pl)
{
    (void)ask;
    static const struct {
        struct str service, origin;
    } services[] = {
        {S("bedrock-runtime"), S("https://bedrock-runtime.{region}.amazonaws.com")},
        {S("bedrock-mantle"), S("https://bedrock-mantle.{region}.api.aws")},
    };
    struct str service = str_cut(&pl->tail, '/');
    for (size_t i = 0; i < countof(services); i++)
        if (str_eq(service, services[i].service))
            return fill_host(pl, services[i].origin, str_cut(&pl->tail, '/'));
    return E_NO_PROVIDER;
}

/* Hosts of locations that are not a region. A path without a location (express mode) is global. */
static enum err vertex(const struct upstream_ask *ask, struct place *pl)
{
    static const struct {
        struct str location, origin;
    } wide[] = {
        {S("global"), S("https://aiplatform.googleapis.com")},
        {S("us"), S("https://aiplatform.us.rep.googleapis.com")},
        {S("eu"), S("https://aiplatform.eu.rep.googleapis.com")},
    };
    struct str rest = ask->rest, location = wide[0].location;
    while (rest.p)
        if (str_eq(str_cut(&rest, '/'), STR("locations"))) {
            location = str_cut(&rest, '/');
            break;
        }
    for (size_t i = 0; i < countof(wide); i++)
        if (str_eq(location, wide[i].location)) {
            pl->origin = wide[i].origin;
            return E_OK;
        }
    return fill_host(pl, ask->provider->origin, location);
}

static enum err baseten(const struct upstream_ask *ask, struct place *pl)
{
    if (!drop(&pl->tail, STR("model")))
        return add_v1(ask, pl);
    enum err e = fill_host(pl, STR("https://model-{id}.api.baseten.co"), str_cut(&pl->tail, '/'));
    if (!e && pl->tail.n == 0)
        pl->tail = STR("production/predict");
    return e;
}

/* fal's JavaScript client sends every call to one URL and says in a header where it is to go. */
static enum err fal(const struct upstream_ask *ask, struct place *pl)
{
    static const struct str domains[] = {S("fal.run"), S(".fal.run"), S(".fal.ai")};
    struct str url = ask->headers ? str_trim(headers_last(ask->headers, STR("x-fal-target-url"))) : STR("");
    if (url.n == 0)
        return E_OK;
    struct foreign_url f;
    enum err e = provider_foreign_url(url, domains, countof(domains), &f);
    if (e)
        return e;
    pl->origin = f.origin;
    pl->tail = f.path;
    pl->query = f.query;
    pl->from_request = true;
    return E_OK;
}

static enum err (*const rules[])(const struct upstream_ask *ask, struct place *pl) = {
    [PATH_VERBATIM] = verbatim, [PATH_FLEX_V1] = flex_v1,       [PATH_ADD_V1] = add_v1,
    [PATH_COHERE] = cohere,     [PATH_WORKERS_AI] = workers_ai, [PATH_AZURE] = azure,
    [PATH_BEDROCK] = bedrock,   [PATH_VERTEX] = vertex,         [PATH_BASETEN] = baseten,
    [PATH_FAL] = fal,
};

/* A byte of a request target (RFC 9112 section 3.2); bytes above 0x7f are passed on as they came. */
static bool is_target_byte(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7f && c != '#';
}

/* The byte at *i, decoded if it is an escape of '.', '/' or '\'; *i moves to its last character. */
static char dot_or_slash(struct str path, size_t *i)
{
    size_t at = *i;
    if (path.p[at] != '%' || path.n - at < 3)
        return path.p[at];
    int high = hex_digit(path.p[at + 1]), low = hex_digit(path.p[at + 2]);
    int value = high < 0 || low < 0 ? 0 : high * 16 + low;
    if (value != '.' && value != '/' && value != '\\')
        return '%';
    *i += 2;
    return (char)value;
}

/*
 * May this path go out? Dot segments may not, in any spelling that some server would still take for
 * one: weir would send them unresolved, and what they resolve to is outside the provider's API.
 */
static bool is_clean_path(struct str path)
{
    size_t dots = 0, others = 0;
    for (size_t i = 0; i < path.n; i++) {
        char c = dot_or_slash(path, &i);
        if (!is_target_byte(c) || c == '?')
            return false;
        if (c == '/' || c == '\\') {
            if (others == 0 && (dots == 1 || dots == 2))
                return false;
            dots = others = 0;
        } else if (c == '.') {
            dots++;
        } else {
            others++;
        }
    }
    return others > 0 || (dots != 1 && dots != 2);
}

static bool is_clean_query(struct str query)
{
    for (size_t i = 0; i < query.n; i++)
        if (!is_target_byte(query.p[i]))
            return false;
    return true;
}

static enum err join_target(const struct place *pl, struct str prefix, struct str *ret)
{
    struct str parts[PLACE_PARTS + 5] = {prefix};
    size_t n = 1;
    for (unsigned i = 0; i < pl->n; i++)
        parts[n++] = pl->path[i];
    if (pl->tail.p || (prefix.n == 0 && pl->n == 0)) {
        parts[n++] = STR("/");
        parts[n++] = pl->tail;
    }
    if (pl->query.p) {
        parts[n++] = STR("?");
        parts[n++] = pl->query;
    }
    *ret = arena_join(pl->a, parts, n);
    return ret->p ? E_OK : E_FULL;
}

enum err provider_url(struct arena *a, const struct upstream_ask *ask, struct upstream_url *ret)
{
    const struct provider *row = ask->provider;
    if (!is_clean_path(ask->rest) || !is_clean_query(ask->query))
        return E_BAD_PATH;
    struct place pl = {.a = a,
                       .origin = row->origin,
                       .tail = ask->rest.n ? ask->rest : (struct str){NULL, 0},
                       .query = ask->query,
                       .overridden = ask->override.n > 0};
    enum err e = rules[row->rule](ask, &pl);
    if (e)
        return e;
    struct upstream_url u;
    struct str prefix;
    if (provider_parse_origin(pl.overridden ? ask->override : pl.origin, &u, &prefix))
        return E_INTERNAL;
    u.trusted = pl.overridden;
    u.from_request = pl.from_request && !pl.overridden;
    e = join_target(&pl, prefix, &u.target);
    if (!e)
        *ret = u;
    return e;
}

static bool parse_port(struct str text, uint16_t *ret)
{
    int64_t port;
    if (str_to_int(text, &port) || port < 1 || port > UINT16_MAX)
        return false;
    *ret = (uint16_t)port;
    return true;
}

static bool is_host_byte(char c, bool literal6)
{
    if (literal6)
        return hex_digit(c) >= 0 || c == ':' || c == '.';
    return is_alnum(c) || c == '-' || c == '.' || c == '_';
}

static bool is_host(struct str host, bool literal6)
{
    for (size_t i = 0; i < host.n; i++)
        if (!is_host_byte(host.p[i], literal6))
            return false;
    return host.n > 0 && host.n <= HOST_NAME_BYTES && host.p[0] != '.';
}

/* authority = host [":" port], where host may be an IPv6 literal in brackets */
static enum err parse_authority(struct str authority, struct upstream_url *u)
{
    bool literal6 = authority.n > 0 && authority.p[0] == '[';
    size_t end = literal6 ? str_find(authority, ']') : str_find(authority, ':');
    u->host = literal6 ? str_head(str_from(authority, 1), end - 1) : str_head(authority, end);
    if (literal6)
        end++;
    if (end > authority.n || !is_host(u->host, literal6))
        return E_SYNTAX;
    uint16_t usual = u->tls ? HTTPS_PORT : HTTP_PORT;
    u->port = usual;
    struct str port = str_from(authority, end);
    if (port.n > 0 && (port.p[0] != ':' || !parse_port(str_from(port, 1), &u->port)))
        return E_SYNTAX;
    u->authority = u->port == usual ? str_head(authority, end) : authority;
    return E_OK;
}

enum err provider_parse_origin(struct str origin, struct upstream_url *ret, struct str *ret_prefix)
{
    static const struct {
        struct str text;
        bool tls;
    } schemes[] = {{S("https://"), true}, {S("http://"), false}, {S("wss://"), true}, {S("ws://"), false}};
    for (size_t i = 0; i < countof(schemes); i++) {
        if (!str_istarts(origin, schemes[i].text))
            continue;
        struct str rest = str_from(origin, schemes[i].text.n);
        size_t slash = str_find(rest, '/');
        struct upstream_url u = {.tls = schemes[i].tls};
        struct str prefix = str_from(rest, slash);
        while (prefix.n > 0 && prefix.p[prefix.n - 1] == '/')
            prefix.n--;
        if (parse_authority(str_head(rest, slash), &u) || !is_clean_path(prefix))
            return E_SYNTAX;
        *ret = u;
        *ret_prefix = prefix;
        return E_OK;
    }
    return E_SYNTAX;
}

static bool in_domain(struct str host, struct str domain)
{
    if (domain.p[0] != '.')
        return str_ieq(host, domain);
    return host.n > domain.n && str_ieq(str_from(host, host.n - domain.n), domain);
}

/* The scheme, host and port of a foreign URL, checked. */
static enum err foreign_origin(struct str origin, const struct str *domains, size_t n_domains,
                               struct str *ret_host)
{
    struct upstream_url u;
    struct str prefix;
    if (provider_parse_origin(origin, &u, &prefix) || u.port != HTTPS_PORT)
        return E_NO_PROVIDER;
    for (size_t i = 0; i < n_domains; i++)
        if (in_domain(u.host, domains[i])) {
            *ret_host = u.host;
            return E_OK;
        }
    return E_NO_PROVIDER;
}

enum err provider_foreign_url(struct str url, const struct str *domains, size_t n_domains,
                              struct foreign_url *ret)
{
    const struct str scheme = S("https://");
    if (!str_istarts(url, scheme))
        return E_NO_PROVIDER;
    size_t end = scheme.n;
    while (end < url.n && url.p[end] != '/' && url.p[end] != '?')
        end++;
    struct foreign_url f = {.origin = str_head(url, end)};
    enum err e = foreign_origin(f.origin, domains, n_domains, &f.host);
    if (e)
        return e;
    struct str query = str_from(url, end), path = str_cut(&query, '?');
    if (!is_clean_path(path) || !is_clean_query(query))
        return E_BAD_PATH;
    f.path = path.n > 0 ? str_from(path, 1) : (struct str){NULL, 0};
    f.query = query;
    *ret = f;
    return E_OK;
}
