/* SPDX-License-Identifier: Apache-2.0 */
/* Header lists, and the tables of HTTP: reason phrases, hop-by-hop fields, legal bytes. */
#include "http/http.h"
#include "base/limits.h"

enum { FIRST_LINES = 16 };

/* RFC 9110 section 5.6.2 */
static const bool token_char[256] = {
    ['!'] = true,         ['#'] = true,         ['$'] = true,         ['%'] = true, ['&'] = true,
    ['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true, ['.'] = true,
    ['^'] = true,         ['_'] = true,         ['`'] = true,         ['|'] = true, ['~'] = true,
    ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true,
};

static const struct str hop_by_hop[] = {
    S("Connection"), S("Keep-Alive"), S("Proxy-Connection"),  S("TE"),
    S("Trailer"),    S("Upgrade"),    S("Transfer-Encoding"),
};

static const struct {
    int status;
    struct str phrase;
} reasons[] = {
    {200, S("OK")},
    {100, S("Continue")},
    {101, S("Switching Protocols")},
    {102, S("Processing")},
    {103, S("Early Hints")},
    {201, S("Created")},
    {202, S("Accepted")},
    {203, S("Non-Authoritative Information")},
    {204, S("No Content")},
    {205, S("Reset Content")},
    {206, S("Partial Content")},
    {207, S("Multi-Status")},
    {208, S("Already Reported")},
    {226, S("IM Used")},
    {300, S("Multiple Choices")},
    {301, S("Moved Permanently")},
    {302, S("Found")},
    {303, S("See Other")},
    {304, S("Not Modified")},
    {305, S("Use Proxy")},
    {307, S("Temporary Redirect")},
    {308, S("Permanent Redirect")},
    {400, S("Bad Request")},
    {401, S("Unauthorized")},
    {402, S("Payment Required")},
    {403, S("Forbidden")},
    {404, S("Not Found")},
    {405, S("Method Not Allowed")},
    {406, S("Not Acceptable")},
    {407, S("Proxy Authentication Required")},
    {408, S("Request Timeout")},
    {409, S("Conflict")},
    {410, S("Gone")},
    {411, S("Length Required")},
    {412, S("Precondition Failed")},
    {413, S("Content Too Large")},
    {414, S("URI Too Long")},
    {415, S("Unsupported Media Type")},
    {416, S("Range Not Satisfiable")},
    {417, S("Expectation Failed")},
    {421, S("Misdirected Request")},
    {422, S("Unprocessable Content")},
    {423, S("Locked")},
    {424, S("Failed Dependency")},
    {425, S("Too Early")},
    {426, S("Upgrade Required")},
    {428, S("Precondition Required")},
    {429, S("Too Many Requests")},
    {431, S("Request Header Fields Too Large")},
    {451, S("Unavailable For Legal Reasons")},
    {499, S("Client Closed Request")},
    {500, S("Internal Server Error")},
    {501, S("Not Implemented")},
    {502, S("Bad Gateway")},
    {503, S("Service Unavailable")},
    {504, S("Gateway Timeout")},
    {505, S("HTTP Version Not Supported")},
    {506, S("Variant Also Negotiates")},
    {507, S("Insufficient Storage")},
    {508, S("Loop Detected")},
    {511, S("Network Authentication Required")},
    {529, S("Site is Overloaded")},
};

static bool grow(struct headers *h, struct arena *a, unsigned cap)
{
    struct header *v = arena_alloc(a, cap * sizeof(*v));
    if (!v)
        return false;
    if (h->n)
        memcpy(v, h->v, h->n * sizeof(*v));
    h->v = v;
    h->cap = cap;
    return true;
}

void headers_reserve(struct headers *h, struct arena *a, unsigned n)
{
    if (n > HTTP_HEADERS)
        n = HTTP_HEADERS;
    if (n > h->cap)
        (void)grow(h, a, n);
}

enum err headers_add(struct headers *h, struct arena *a, struct str name, struct str value)
{
    if (h->n == h->cap) {
        if (h->n >= HTTP_HEADERS)
            return E_FULL;
        unsigned cap = h->cap ? h->cap * 2 : FIRST_LINES;
        if (!grow(h, a, cap < HTTP_HEADERS ? cap : HTTP_HEADERS))
            return E_FULL;
    }
    h->v[h->n++] = (struct header){name, value};
    return E_OK;
}

struct str headers_first(const struct headers *h, struct str name)
{
    for (unsigned i = 0; i < h->n; i++)
        if (str_ieq(h->v[i].name, name))
            return h->v[i].value;
    return (struct str){NULL, 0};
}

struct str headers_last(const struct headers *h, struct str name)
{
    for (unsigned i = h->n; i > 0; i--)
        if (str_ieq(h->v[i - 1].name, name))
            return h->v[i - 1].value;
    return (struct str){NULL, 0};
}

unsigned headers_remove(struct headers *h, struct str name)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < h->n; i++)
        if (!str_ieq(h->v[i].name, name))
            h->v[kept++] = h->v[i];
    unsigned removed = h->n - kept;
    h->n = kept;
    return removed;
}

static bool list_has(struct str list, struct str token)
{
    while (list.p)
        if (str_ieq(str_trim(str_cut(&list, ',')), token))
            return true;
    return false;
}

bool headers_has_token(const struct headers *h, struct str name, struct str token)
{
    for (unsigned i = 0; i < h->n; i++)
        if (str_ieq(h->v[i].name, name) && list_has(h->v[i].value, token))
            return true;
    return false;
}

bool header_is_hop_by_hop(struct str name)
{
    /* asked for every line of every head: the length rules out nearly all */
    const unsigned lengths = 1u << 2 | 1u << 7 | 1u << 10 | 1u << 16 | 1u << 17;
    if (name.n > 17 || !(lengths >> name.n & 1))
        return false;
    for (size_t i = 0; i < countof(hop_by_hop); i++)
        if (str_ieq(name, hop_by_hop[i]))
            return true;
    return false;
}

bool header_is_legal(struct str name, struct str value)
{
    for (size_t i = 0; i < name.n; i++)
        if (!token_char[(unsigned char)name.p[i]])
            return false;
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return name.n > 0;
}

struct str http_reason(int status)
{
    for (size_t i = 0; i < countof(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].phrase;
    return STR("Unknown");
}

bool http_status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

struct str percent_encode(struct arena *a, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, 3 * text.n + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (is_unreserved(text.p[i])) {
            out[n++] = text.p[i];
        } else {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        }
    }
    return str_of(out, n);
}

struct str percent_decode(struct arena *a, struct str raw, bool plus_is_space)
{
    char *out = arena_alloc(a, raw.n + 1);
    if (!out)
        return str_of(NULL, 0);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '%' && raw.n - i > 2 && hex_digit(raw.p[i + 1]) >= 0 && hex_digit(raw.p[i + 2]) >= 0) {
            c = (char)(hex_digit(raw.p[i + 1]) * 16 + hex_digit(raw.p[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return str_of(out, n);
}
