/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Providers: rows of providers.def, how a gateway path becomes an upstream URL (data plane section
 * 33), where a provider expects its credential, and what kind of call a path is. Pure functions on
 * immutable tables; any thread.
 */
#pragma once
#include "http/http.h"

/* How the rest of the path joins the row's base. One function each in url.c. */
enum path_rule {
    PATH_VERBATIM, /* base + rest */
    PATH_FLEX_V1,  /* base ends in a version: a leading "v1/" of rest is dropped */
    PATH_ADD_V1,   /* base has none: "v1/" is put in front unless rest starts with a version */
    PATH_COHERE,   /* the same, and "compatibility/" is left alone too */
    PATH_WORKERS_AI,
    PATH_AZURE,
    PATH_BEDROCK,
    PATH_VERTEX,
    PATH_BASETEN,
    PATH_FAL,
};

enum auth_kind {
    AUTH_BEARER, /* Authorization: Bearer KEY */
    AUTH_TOKEN,  /* Authorization: Token KEY */
    AUTH_KEY,    /* Authorization: Key KEY */
    AUTH_HEADER, /* a header of its own, named by auth_header */
    AUTH_SIGV4,
    AUTH_GCP,
};

/* What a call's bodies look like: decides how usage is read and streams are merged. */
enum dialect {
    D_OPAQUE, /* not known: bytes in, bytes out */
    D_OPENAI_CHAT,
    D_OPENAI_COMPLETIONS, /* legacy text completions */
    D_OPENAI_RESPONSES,
    D_OPENAI_EMBEDDINGS,
    D_OPENAI_IMAGES,
    D_OPENAI_AUDIO,
    D_ANTHROPIC,
    D_GEMINI,
    D_VERTEX_PREDICT, /* embeddings in Vertex AI's :predict */
    D_BEDROCK_INVOKE,
    D_BEDROCK_CONVERSE,
    D_COHERE_V1,
    D_COHERE_V2,
    D_WORKERS_AI, /* /ai/run: {"result":{..., "usage":{...}}} or its SSE form */
};

enum {
    Q_ASK_USAGE = 1,       /* streams report usage only when stream_options.include_usage asks */
    Q_REASONING_APART = 2, /* completion_tokens do not include reasoning tokens (xAI, Perplexity) */
    Q_REPORTS_COST = 4,    /* usage.cost is what was charged, in USD (OpenRouter) */
};

/* Whose path shapes a provider's paths have; the shapes stand in operation.c. */
enum {
    API_OPENAI = 1,
    API_ANTHROPIC = 2,
    API_GEMINI = 4, /* Vertex AI included */
    API_BEDROCK = 8,
    API_COHERE = 16,
    API_WORKERS_AI = 32, /* run/{model} */
    API_RUN = 64,        /* any other path is a Workers AI model */
    API_REPLICATE = 128,
    API_MODEL_PATH = 256, /* the path is the model: Hugging Face, fal */
    API_SPEECH = 512,
    API_PICTURE = 1024,
};

struct provider {
    struct str slug;
    struct str origin; /* "https://api.openai.com"; {region} and the like for templated hosts */
    struct str base;   /* "/v1"; "" when rest is joined to the root */
    enum path_rule rule;
    enum auth_kind auth;
    struct str auth_header;  /* AUTH_HEADER: its name in the provider's spelling */
    const struct str *lines; /* headers a client may put its key in, ended by p == NULL */
    unsigned apis;           /* API_... */
    unsigned quirks;         /* Q_... */
    struct str prices;       /* key in data/prices.json */
};

/* NULL for an unknown slug ("compat", "run", "custom-..." are not rows). */
const struct provider *provider_find(struct str slug);
const struct provider *provider_at(size_t i); /* NULL past the end: for listings */
/* The row of the sandbox, slug "mock". Without an override its origin names no host at all: the process
 * answers by itself. */
const struct provider *provider_mock(void);

/* Where a request goes. Strs live in the arena or are static. */
struct upstream_url {
    bool tls;
    struct str host; /* without port or brackets */
    uint16_t port;
    struct str authority; /* Host line: host, and port when not the scheme's own */
    struct str target;    /* "/path?query" */
    bool trusted;         /* the origin is the operator's: no egress check */
    bool from_request;    /* parts of host, or all of it, came from the request */
};

struct upstream_ask {
    const struct provider *provider;
    struct str account;            /* of the URL (Workers AI) */
    struct str rest;               /* raw path after "/{provider}/", without leading slash */
    struct str query;              /* raw; p == NULL when absent */
    const struct headers *headers; /* of the client: x-fal-target-url */
    struct str override; /* origin from the settings; empty: the row's. scheme://host[:port][/prefix] */
};

/*
 * The URL of a call. `rest` and `query` go out byte for byte. E_BAD_PATH for bytes that may not stand
 * in a request target, for dot segments ("." and ".." in any %2e, %2f, %5c spelling) and for a path
 * that lacks a piece its rule needs; E_NO_PROVIDER where a piece of the host is not a label (section
 * 33) or x-fal-target-url is not fal's; E_INTERNAL for an override that is not an origin; E_FULL past
 * the arena.
 */
enum err provider_url(struct arena *a, const struct upstream_ask *ask, struct upstream_url *ret) MUST_CHECK;

/* Splits an origin as in the settings; E_SYNTAX says it is not http(s)/ws(s)://host[:port][/prefix]. */
enum err provider_parse_origin(struct str origin, struct upstream_url *ret,
                               struct str *ret_prefix) MUST_CHECK;

/* An https URL that came in a request, in pieces of itself. */
struct foreign_url {
    struct str origin; /* "https://host" or "https://host:443" */
    struct str host;
    struct str path;  /* without its leading slash; p == NULL when there is none */
    struct str query; /* p == NULL when absent */
};
/*
 * Takes such a URL apart if it may be called at all: https, port 443, no user, and a host among
 * `domains` ("fal.run" is itself, ".fal.run" anything below it). E_NO_PROVIDER for another host or
 * scheme, E_BAD_PATH for a path that provider_url would refuse.
 */
enum err provider_foreign_url(struct str url, const struct str *domains, size_t n_domains,
                              struct foreign_url *ret) MUST_CHECK;

/* What a call is, read from method and path alone. */
struct operation {
    enum dialect dialect;
    const char *type; /* log column model_type: "chat", "embeddings", "image", "audio", ... NULL */
    struct str model; /* decoded model id when the path holds it (Gemini, Bedrock, Workers AI, Azure's
                       * deployment, HF); empty otherwise. In the arena. */
    bool stream;      /* the path says that the answer is a stream */
};
void provider_operation(struct arena *a, const struct provider *p, struct str method, struct str rest,
                        struct operation *ret);

/*
 * Should a stream of this call be asked for its usage with stream_options.include_usage? True for
 * rows with Q_ASK_USAGE, but not where the question would break the call: a body that the client
 * has signed, or an api-version of Azure older than the option. (Azure also refuses it beside
 * `data_sources`: that is in the body, and the caller's to see.)
 */
bool provider_asks_usage(const struct provider *p, const struct headers *h, struct str query);

/*
 * The provider's credential positions (data plane 3.2): which header lines may carry a key for it.
 * `i` counts from 0 and goes on until the answer's name has p == NULL. Value is the key without its
 * scheme word (Bearer, Token, Key, Api-Key), empty when absent; a SigV4 signature and schemes that
 * carry no key (Basic) count as empty. Anthropic has two positions, the first being Authorization.
 */
struct secret_ref {
    struct str name;  /* header name */
    struct str value; /* key, scheme stripped; a secret: hand it on as struct secret */
};
struct secret_ref provider_credential(const struct provider *p, const struct headers *h, unsigned i);

/* Does a call bring a credential of its own, in whatever form: a line of a credential position that is not
 * just a scheme word, or a query key where the provider takes one (data plane section 4)? */
bool provider_has_credential(const struct provider *p, const struct headers *h, struct str query);

/*
 * Sets the header line that a stored or minted credential is sent as, in place of any of that name.
 * E_CREDENTIAL for a key that cannot stand in a header, E_FULL past the arena.
 */
enum err provider_put_credential(struct arena *a, const struct provider *p, struct str key,
                                 struct headers *h) MUST_CHECK;

/*
 * The last word on outgoing headers, once credentials are settled: Bedrock's Anthropic-shaped route
 * takes an API key as x-api-key only, so a Bearer one moves there (data plane 33.4). Nothing
 * elsewhere.
 */
enum err provider_settle_headers(struct arena *a, const struct provider *p, struct str rest,
                                 struct headers *h) MUST_CHECK;

/* The upstream path relative to the provider, for the log's `path` column: rest without query. */
struct str provider_log_path(struct str rest);
