/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/web.h"
#include "cli/web_files.h"

/* Nothing from anywhere else, nothing inline, in nobody's frame. */
static const struct str policy =
    S("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
      "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
      "frame-ancestors 'none'");

static const char without[] =
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
    "<title>weir</title><h1>weir is running</h1>"
    "<p>This binary was built without the dashboard. Build it with Node.js 20 or newer at hand (<code>./dev "
    "setup</code>, then "
    "<code>./dev build</code>), or use the management API and <code>weir logs</code>, which are all "
    "here.</p>";

static const struct web_file *find(struct str path)
{
    for (size_t i = 0; i < web_n_files; i++)
        if (str_eq(path, web_files[i].path))
            return &web_files[i];
    return NULL;
}

static bool takes_gzip(const struct request_head *h)
{
    return headers_has_token(&h->headers, STR("accept-encoding"), STR("gzip"));
}

/* Files below assets/ have their content's hash in their name: they never change. */
static void send_file(struct exchange *x, const struct web_file *f)
{
    bool gzip = f->gzip.n && takes_gzip(exchange_request(x));
    bool html = str_istarts(f->type, STR("text/html"));
    struct header lines[8] = {
        {STR("Content-Type"), f->type},
        {STR("Cache-Control"), html ? STR("no-cache") : STR("public, max-age=31536000, immutable")},
        {STR("X-Content-Type-Options"), STR("nosniff")},
        {STR("Referrer-Policy"), STR("no-referrer")},
        {STR("Vary"), STR("Accept-Encoding")},
    };
    struct headers h = {.v = lines, .n = 5, .cap = countof(lines)};
    if (html)
        lines[h.n++] = (struct header){STR("Content-Security-Policy"), policy};
    if (gzip)
        lines[h.n++] = (struct header){STR("Content-Encoding"), STR("gzip")};
    struct str body = gzip ? f->gzip : f->bytes;
    exchange_head(x, 200, &h, (int64_t)body.n);
    (void)exchange_write(x, body);
    exchange_end(x);
}

static bool wants_page(const struct request_head *h)
{
    struct str accept = headers_last(&h->headers, STR("accept"));
    return str_has(accept, STR("text/html"));
}

bool web_answer(struct exchange *x)
{
    const struct request_head *h = exchange_request(x);
    const struct web_file *f = find(h->path);
    bool page = wants_page(h) && !str_starts(h->path, STR("/assets/"));
    if (!f && page)
        f = find(STR("/index.html"));
    if (f)
        send_file(x, f);
    else if (page)
        exchange_reply(x, 200, STR("text/html; charset=utf-8"), str_of(without, sizeof(without) - 1));
    return f || page;
}
