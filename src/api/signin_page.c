/* SPDX-License-Identifier: Apache-2.0 */
#include "api/signin_page.h"
#include "base/limits.h"
#include "gateway/signin.h"

static const char style[] =
    ":root{color-scheme:light dark}body{font:16px/1.5 "
    "system-ui,sans-serif;margin:0;display:grid;min-height:100vh;"
    "place-items:center}main{max-width:32rem;padding:1.5rem;overflow-wrap:anywhere}h1{font-size:1.4rem}"
    "a{color:inherit;margin-right:1.5rem}";

static const struct {
    int status;
    const char *title, *text;
} faults[] = {
    [SIGNIN_OFF] = {404, "There is no such way in", "The operator has not set up an identity provider."},
    [SIGNIN_UNREACHABLE] = {502, "The identity provider cannot be reached",
                            "weir asked it how to sign in, and got no answer that will do. Try again later."},
    [SIGNIN_STALE] =
        {400, "This sign-in cannot be finished",
         "It was finished before, took more than ten minutes, or began in another browser or tab."},
    [SIGNIN_REFUSED] = {403, "The identity provider refused", "It did not let you go on to weir."},
    [SIGNIN_MIXED_UP] = {400, "The answer is from another identity provider",
                         "weir asked one provider, and the answer names another. Do not go on if you did not "
                         "expect this."},
    [SIGNIN_NO_ANSWER] = {502, "The identity provider did not say who you are",
                          "weir asked it, and got no answer that will do. The operator finds more in weir's "
                          "diagnostics."},
    [SIGNIN_BAD_TOKEN] = {403, "What the identity provider says does not hold",
                          "Its answer is not one to this sign-in. The operator finds more in weir's "
                          "diagnostics."},
    [SIGNIN_NOBODY] = {403, "You may not use this dashboard",
                       "The identity provider says who you are, but none of the operator's rules "
                       "(dashboard.oidc.rules) is about you. Ask for access."},
    [SIGNIN_NO_ACCOUNT] =
        {500, "It is not clear where you would get in",
         "There are several accounts, or the one that is set is none. The operator has to set "
         "dashboard.oidc.account."},
    [SIGNIN_TOO_LONG] = {500, "What is known of you does not fit",
                         "Your name and the claims that rules are about are longer than a cookie may be."},
};

static void put_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
            (void)buf_printf(out, "&#%d;", c);
        else
            (void)buf_append_byte(out, c);
    }
}

/* Of itself only the style, named by its hash; and links. */
static struct str policy(struct api_call *c)
{
    unsigned char hash[SHA256_BYTES];
    sha256(STR(style), hash);
    struct str text = base64_encode(c->arena, str_of((char *)hash, sizeof(hash)));
    return arena_printf(c->arena,
                        "default-src 'none'; style-src 'sha256-%.*s'; base-uri 'none'; form-action 'none'; "
                        "frame-ancestors 'none'",
                        STR_FMT(text));
}

static void open_page(struct buf *out, const char *title)
{
    buf_clear(out);
    (void)buf_printf(out,
                     "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport "
                     "content=\"width=device-width\"><title>%s · weir</title><style>%s</style>",
                     title, style);
}

static void send_page(struct api_call *c, int status)
{
    api_call_header(c, "content-security-policy", policy(c));
    api_call_header(c, "referrer-policy", STR("no-referrer")); /* the address has the code */
    api_call_send(c, status, STR("text/html; charset=utf-8"), buf_str(&c->answer));
}

void signin_page_go(struct api_call *c, struct str path)
{
    struct buf *out = &c->answer;
    open_page(out, "Signed in");
    (void)buf_append_c(out, "<meta http-equiv=refresh content=\"0;url=");
    put_text(out, path);
    (void)buf_append_c(out, "\"></head><body><main><h1>Signed in</h1><p><a href=\"");
    put_text(out, path);
    (void)buf_append_c(out, "\">On to the dashboard</a></p></main></body></html>");
    send_page(c, 200);
}

void signin_page_fault(struct api_call *c, enum signin_fault fault, struct str detail, struct str path)
{
    struct buf *out = &c->answer;
    open_page(out, faults[fault].title);
    (void)buf_printf(out, "</head><body><main><h1>%s</h1><p>%s</p>", faults[fault].title, faults[fault].text);
    if (detail.n) {
        (void)buf_append_c(out, "<p>");
        put_text(out, detail);
        (void)buf_append_c(out, "</p>");
    }
    (void)buf_append_c(out, "<p>");
    if (fault != SIGNIN_OFF) {
        (void)buf_append_c(out, "<a href=\"" API_PREFIX "/weir/signin?to=");
        put_text(out, percent_encode(c->arena, path));
        (void)buf_append_c(out, "\">Try again</a>");
    }
    (void)buf_append_c(out, "<a href=\"");
    put_text(out, path);
    (void)buf_append_c(out, "\">Sign in with a token</a></p></main></body></html>");
    send_page(c, faults[fault].status);
}
