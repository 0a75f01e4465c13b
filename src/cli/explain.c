/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir explain FILE: what would become of a request, and what did. The file is the request; a running daemon
 * is asked about it, either to plan it (weir-trace: explain, nothing is called), or to carry it out and tell
 * (weir-trace: true).
 */
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/explain_text.h"
#include "cli/fetch.h"
#include "cli/request_file.h"
#include "cli/text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FILE_BYTES = 64 * MIB,
    ARENA_BYTES = FILE_BYTES + MIB,
    ANSWER_BYTES = 16 * MIB, /* of a plan, or of a refusal */
    PLAN_MS = 30 * 1000,     /* a plan waits for nobody */
};

static const char usage[] = "usage: weir explain [options] FILE\n";
static const char help[] =
    "\nSays what a running gateway would do with a request: where it would go, whether the cache knows it,\n"
    "limits, retries, fallbacks. Nothing is called, counted or logged.\n\n"
    "FILE (- is standard input) is JSON, comments allowed:\n\n"
    "  {\"method\": \"POST\", \"path\": \"/v1/ACCOUNT/GATEWAY/openai/chat/completions\",\n"
    "   \"headers\": {\"cf-aig-cache-ttl\": \"300\"}, \"body\": {\"model\": \"gpt-4o\", \"messages\": "
    "[]}}\n\n"
    "  --url URL      the gateway, default $WEIR_BASE_URL, else http://127.0.0.1:8787\n"
    "  --token T      a gateway token, default $WEIR_TOKEN\n"
    "  --send         really send the request, and say what became of it\n"
    "  --body         with --send: the answer's body, too\n"
    "  --json         what the gateway said, as it said it\n";

struct explain {
    const char *url, *token, *file;
    bool send, body, json;
    struct arena arena;
    struct request_file request;

    int status; /* 0: no answer yet */
    struct buf answer;
    int64_t bytes;  /* of its body */
    bool explained; /* with what was asked for */
    bool refused;   /* by the gateway itself */
};

static int misuse(const char *what)
{
    fprintf(stderr, "weir explain: %s\n%sweir explain --help tells more\n", what, usage);
    return 2;
}

/* ---- the request ---- */

static int read_request(struct explain *k)
{
    char why[REQUEST_FILE_WHY];
    struct buf text;
    buf_init(&text, FILE_BYTES);
    enum err e = file_read_named(k->file, &text);
    const char *name = strcmp(k->file, "-") == 0 ? "standard input" : k->file;
    if (e != E_OK)
        (void)snprintf(why, sizeof(why), "%s: %s", name, e == E_FULL ? "too large" : "cannot be read");
    else
        e = request_file_read(&k->arena, name, buf_str(&text), &k->request, why);
    buf_done(&text);
    if (e == E_OK)
        return 0;
    fprintf(stderr, "weir explain: %s\n", why);
    return 2;
}

/* Does a line of the file bring the token already, where a provider's key would stand? */
static bool brings_token(const struct headers *h, struct str token)
{
    for (unsigned i = 0; i < h->n; i++)
        if (str_ieq(h->v[i].name, STR("cf-aig-authorization")) || str_has(h->v[i].value, token))
            return true;
    return false;
}

static int add_lines(struct explain *k)
{
    struct headers *h = &k->request.headers;
    struct str token = str_c(k->token),
               value = arena_join(&k->arena, (struct str[]){STR("Bearer "), token}, 2);
    enum err e = E_OK;
    if (token.n && !brings_token(h, token)) {
        if (!header_is_legal(STR("cf-aig-authorization"), value))
            return misuse("the token (--token, else WEIR_TOKEN) has bytes that no token has");
        e = headers_add(h, &k->arena, STR("cf-aig-authorization"), value);
    }
    (void)headers_remove(h, STR("weir-trace"));
    if (e == E_OK)
        e = headers_add(h, &k->arena, STR("weir-trace"), k->send ? STR("true") : STR("explain"));
    return e == E_OK ? 0 : misuse("the request has too many headers");
}

/* ---- the answer ---- */

static void print(struct buf *b)
{
    fwrite(b->p, 1, b->n, stdout);
    buf_done(b);
}

/* JSON as it came, or for people. */
static bool show(const struct explain *k, struct str text)
{
    struct buf out;
    struct json_doc *doc = json_parse(text);
    const struct json_val *root = json_root(doc);
    bool known = json_get(root, k->send ? "steps_us" : "targets") != NULL;
    buf_init(&out, SIZE_MAX / 2);
    if (known && k->json)
        (void)buf_append(&out, text), (void)buf_append_c(&out, "\n");
    else if (known && k->send)
        explain_trace_text(&out, k->status, root);
    else if (known)
        explain_plan_text(&out, root);
    print(&out);
    json_free(doc);
    return known;
}

static void show_log_id(struct str id)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    (void)buf_append_c(&out, "log           ");
    text_put(&out, id);
    (void)buf_append_c(&out, "\n");
    print(&out);
}

static void on_head(void *arg, const struct response_head *h)
{
    struct explain *k = arg;
    struct str id = headers_last(&h->headers, STR("cf-aig-log-id"));
    k->status = h->status;
    if (!k->send)
        return;
    struct str trace = headers_last(&h->headers, STR("weir-trace"));
    struct json_doc *doc = json_parse(trace);
    k->refused = json_get(json_root(doc), "error") != NULL;
    json_free(doc);
    k->explained = show(k, trace);
    if (k->explained && !k->json && id.n)
        show_log_id(id);
    if (k->explained && k->body)
        fputs(k->json ? "" : "\n", stdout);
    fflush(stdout); /* the body may take its time */
}

static void on_body(void *arg, struct str piece)
{
    struct explain *k = arg;
    k->bytes += (int64_t)piece.n;
    if (!k->send || k->refused || !k->explained)
        (void)buf_append(&k->answer, piece);
    if (k->explained && k->body) {
        fwrite(piece.p, 1, piece.n, stdout);
        fflush(stdout);
    }
}

/* ---- what went wrong ---- */

static int unreachable(const struct explain *k, enum err e)
{
    static const char *const hints[E_COUNT] = {
        [E_REFUSED] = "No daemon listens there: start it with weir serve, or name it with --url.",
        [E_DNS] = "--url names the gateway's host.",
        [E_CONNECT_TIMEOUT] = "--url names the gateway.",
        [E_UNREACHABLE] = "--url names the gateway.",
        [E_TLS] = "Is its certificate trusted here? SSL_CERT_FILE names other authorities. Without TLS, "
                  "--url begins with http.",
        [E_BAD_ANSWER] = "Is this weir? --url names the gateway; with TLS it begins with https.",
        [E_EOF] = "Is this weir? --url names the gateway; with TLS it begins with https.",
    };
    if (e == E_SYNTAX)
        return misuse("--url is scheme, host and port, such as http://127.0.0.1:8787");
    fprintf(stderr, "weir explain: %s: %s\n", k->url, e == E_TLS ? "TLS failed" : err_phrase(e));
    if (hints[e])
        fprintf(stderr, "%s\n", hints[e]);
    return 1;
}

/* The envelope of a refusal says what; here is what to do about it. */
static const char *hint(const struct explain *k, int64_t code)
{
    bool had = headers_last(&k->request.headers, STR("cf-aig-authorization")).p != NULL;
    if (code == err_code(E_UNAUTHORIZED))
        return had ? "The token is not known, is over, or may not run requests of this account: weir token "
                     "list."
                   : "--token or WEIR_TOKEN is a gateway token: weir token create --name NAME makes one.";
    if (code == err_code(E_NO_GATEWAY))
        return "\"path\" is /v1/ACCOUNT/GATEWAY/...: there is no such gateway in that account, or no such "
               "account.";
    if (code == err_code(E_NO_PROVIDER))
        return "\"path\" goes on behind the gateway with a provider and its own path: docs/providers.md.";
    return NULL;
}

static int refused(const struct explain *k)
{
    int64_t code = 0;
    struct buf out;
    struct json_doc *doc = json_parse(buf_str(&k->answer));
    const struct json_val *root = json_root(doc);
    struct str message = json_str(json_get(root, "message")),
               detail = json_str(json_get(root, "description"));
    (void)json_uint(json_get(root, "internalCode"), &code);
    buf_init(&out, SIZE_MAX / 2);
    (void)buf_printf(&out, "weir explain: refused with %d", k->status);
    if (message.n)
        (void)buf_append_c(&out, ": "), text_put(&out, message);
    if (detail.n && !str_eq(detail, message))
        (void)buf_append_c(&out, ". "), text_put(&out, detail);
    const char *what_to_do = code ? hint(k, code) : "Is this weir? --url names the gateway.";
    (void)buf_printf(&out, "\n%s%s", what_to_do ? what_to_do : "", what_to_do ? "\n" : "");
    fwrite(out.p, 1, out.n, stderr);
    buf_done(&out);
    json_free(doc);
    return 1;
}

static int strange(const struct explain *k)
{
    fprintf(
        stderr,
        "weir explain: %s answered with %d, and does not explain itself: is this weir, of this version?\n",
        k->url, k->status);
    return 1;
}

/* ---- the command ---- */

static int finish(struct explain *k, enum err e)
{
    if (e != E_OK && !k->status)
        return unreachable(k, e);
    if (e != E_OK) {
        fprintf(stderr, "weir explain: the answer is incomplete: %s\n", err_phrase(e));
        return 1;
    }
    if (!k->send && k->status == 200)
        k->explained = show(k, buf_str(&k->answer));
    if (k->refused || (!k->explained && k->status >= 400))
        return refused(k);
    if (!k->explained)
        return strange(k);
    if (k->send && !k->body && !k->json)
        printf("body          %lld bytes\n", (long long)k->bytes);
    return fflush(stdout) != 0;
}

static int run(struct explain *k)
{
    int code = read_request(k);
    if (code == 0)
        code = add_lines(k);
    if (code != 0)
        return code;
    struct fetch f = {.url = str_c(k->url),
                      .method = k->request.method,
                      .target = k->request.path,
                      .headers = k->request.headers,
                      .body = k->request.body,
                      .first_byte_timeout_ms = k->send ? 0 : PLAN_MS,
                      .on_head = on_head,
                      .on_body = on_body,
                      .arg = k};
    return finish(k, fetch(&f));
}

static int parse(struct explain *k, int argc, char **argv)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'},
        {"token", required_argument, NULL, 't'},
        {"send", no_argument, NULL, 's'},
        {"body", no_argument, NULL, 'b'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'u': k->url = optarg; break;
        case 't': k->token = optarg; break;
        case 's': k->send = true; break;
        case 'b': k->body = true; break;
        case 'j': k->json = true; break;
        case 'h': printf("%s%s", usage, help); return 0;
        default: return misuse("no such option, or its value is missing");
        }
    }
    if (argc - optind != 1)
        return misuse("name one FILE, or - for standard input");
    if (k->body && !k->send)
        return misuse("there is a body only with --send");
    k->file = argv[optind];
    return -1;
}

static const char *variable(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

int cli_explain(int argc, char **argv)
{
    struct explain k = {.url = variable("WEIR_BASE_URL", "http://127.0.0.1:8787"),
                        .token = variable("WEIR_TOKEN", "")};
    int code = parse(&k, argc, argv);
    if (code >= 0)
        return code;
    arena_init(&k.arena, ARENA_BYTES);
    buf_init(&k.answer, ANSWER_BYTES);
    code = run(&k);
    buf_done(&k.answer);
    arena_done(&k.arena);
    return code;
}
