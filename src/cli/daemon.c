/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/daemon.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/fetch.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { TOKEN_BYTES = 256 * KIB, ARENA_BYTES = 64 * KIB, ANSWER_MS = 60 * 1000 };

const char daemon_help[] =
    "  --url URL         the daemon, default $WEIR_BASE_URL, else http://127.0.0.1:8787\n"
    "  --account A       default $WEIR_ACCOUNT_ID\n"
    "  --token-file F    a file with the token, default: the token is in $WEIR_TOKEN\n";

static const char *variable(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

void daemon_init(struct daemon *d, const char *command)
{
    *d = (struct daemon){.command = command,
                         .url = variable("WEIR_BASE_URL", "http://127.0.0.1:8787"),
                         .account = variable("WEIR_ACCOUNT_ID", "")};
    buf_init(&d->token_text, TOKEN_BYTES);
}

void daemon_option(struct daemon *d, int option, const char *value)
{
    if (option == 'u')
        d->url = value;
    else if (option == 'a')
        d->account = value;
    else
        d->token_file = value;
}

static bool not_ready(const struct daemon *d, const char *what, const char *why)
{
    fprintf(stderr, "%s: %s%s\n", d->command, what, why);
    return false;
}

bool daemon_ready(struct daemon *d)
{
    enum err e = d->token_file ? file_read(d->token_file, &d->token_text)
                               : buf_append_c(&d->token_text, variable("WEIR_TOKEN", ""));
    if (e != E_OK)
        return not_ready(d, d->token_file ? d->token_file : "WEIR_TOKEN", ": cannot be read, or is too long");
    d->token = secret_of(str_trim(buf_str(&d->token_text)));
    if (!secret_set(d->token))
        return not_ready(d, "no token: --token-file or WEIR_TOKEN brings one; weir token create makes one",
                         "");
    if (!header_is_legal(STR("authorization"), secret_reveal(d->token)))
        return not_ready(d, "the token has bytes that no token has", "");
    for (const char *p = d->account; *p; p++)
        if (hex_digit(*p) < 0)
            return not_ready(d, d->account, ": not an account, which is 32 hex digits: weir account list");
    return *d->account ||
           not_ready(d, "which account? --account or WEIR_ACCOUNT_ID says; weir account list", "");
}

void daemon_done(struct daemon *d)
{
    if (d->token_text.n)
        explicit_bzero(d->token_text.p, d->token_text.n);
    buf_done(&d->token_text);
}

/* ---- a call ---- */

static void on_head(void *arg, const struct response_head *h)
{
    ((struct daemon_answer *)arg)->status = h->status;
}

static void on_body(void *arg, struct str piece)
{
    (void)buf_append(&((struct daemon_answer *)arg)->body, piece);
}

static bool unreachable(const struct daemon *d, enum err e)
{
    const char *hint =
        e == E_REFUSED ? "\nNo daemon listens there: start it with weir serve, or name it with --url."
        : e == E_TLS   ? "\nIs its certificate trusted here? SSL_CERT_FILE names other authorities."
                       : "\n--url or WEIR_BASE_URL names the daemon.";
    if (e == E_SYNTAX)
        return not_ready(d, "--url is scheme, host and port, such as http://127.0.0.1:8787", "");
    fprintf(stderr, "%s: %s: %s%s\n", d->command, d->url, e == E_TLS ? "TLS failed" : err_phrase(e), hint);
    return false;
}

static const char *hint(int status)
{
    return status == 401 || status == 403 ? "The token is not known, is over, or may not do this: reading "
                                            "needs `read`, changes need `write`, "
                                            "provider keys `secrets_write`: weir token list."
           : status == 404                ? "Is the account right? weir account list."
           : status == 429                ? "Later, it says."
                                          : NULL;
}

/* "body.provider_slug: There is no provider 'x'" */
static void put_error(struct buf *out, const struct json_val *error)
{
    const char *between = "";
    for (struct json_iter it = json_iter(json_get(error, "path")); json_next(&it);) {
        int64_t i;
        struct str name = json_str(it.val);
        if (name.p && (!name.n || str_eq(name, STR("body"))))
            continue;
        (void)buf_append_c(out, between);
        if (json_uint(it.val, &i))
            (void)buf_printf(out, "%lld", (long long)i);
        text_put(out, name);
        between = ".";
    }
    (void)buf_append_c(out, *between ? ": " : "");
    text_put(out, json_str(json_get(error, "message")));
}

static bool refused(const struct daemon *d, const char *method, struct str path,
                    const struct daemon_answer *a)
{
    struct buf out;
    buf_init(&out, MIB);
    (void)buf_printf(&out, "%s: %s %.*s was refused with %d\n", d->command, method, STR_FMT(path), a->status);
    for (struct json_iter it = json_iter(json_get(json_root(a->doc), "errors")); json_next(&it);) {
        (void)buf_append_c(&out, "  ");
        put_error(&out, it.val);
        (void)buf_append_c(&out, "\n");
    }
    const char *more = a->doc ? hint(a->status) : "Is this weir? --url names the daemon.";
    (void)buf_printf(&out, "%s%s", more ? more : "", more ? "\n" : "");
    fwrite(out.p, 1, out.n, stderr);
    buf_done(&out);
    return false;
}

bool daemon_call(const struct daemon *d, const char *method, struct str path, struct str body,
                 struct daemon_answer *ret)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    *ret = (struct daemon_answer){0};
    buf_init(&ret->body, API_ANSWER_BYTES);
    struct fetch f = {
        .url = str_c(d->url),
        .method = str_c(method),
        .target = arena_printf(&a, "/client/v4/accounts/%s/ai-gateway%.*s", d->account, STR_FMT(path)),
        .body = body,
        .first_byte_timeout_ms = ANSWER_MS,
        .on_head = on_head,
        .on_body = on_body,
        .arg = ret};
    struct str bearer = arena_join(&a, (const struct str[]){STR("Bearer "), secret_reveal(d->token)}, 2);
    enum err e = f.target.p && bearer.p ? headers_add(&f.headers, &a, STR("Authorization"), bearer) : E_FULL;
    if (e == E_OK && body.n)
        e = headers_add(&f.headers, &a, STR("Content-Type"), STR("application/json"));
    if (e == E_OK)
        e = fetch(&f);
    ret->doc = e == E_OK ? json_parse(buf_str(&ret->body)) : NULL;
    bool good = ret->doc && ret->status < 300 && json_bool(json_get(json_root(ret->doc), "success"), false);
    arena_wipe(&a);
    return good || (e == E_OK ? refused(d, method, path, ret) : unreachable(d, e));
}

void daemon_answer_done(struct daemon_answer *a)
{
    json_free(a->doc);
    buf_done(&a->body);
}
