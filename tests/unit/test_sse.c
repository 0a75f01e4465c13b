/* SPDX-License-Identifier: Apache-2.0 */
/* http/sse: what an event is, whatever the line ends and the cuts. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "http/sse.h"

/* Everything the splitter said, as one text, and the raw bytes back to back. */
struct heard {
    struct buf said, raw;
    unsigned events;
    struct str piece;
};

static void heard_init(struct heard *h)
{
    *h = (struct heard){0};
    buf_init(&h->said, 64 * MIB);
    buf_init(&h->raw, 64 * MIB);
}

static void heard_done(struct heard *h)
{
    buf_done(&h->said);
    buf_done(&h->raw);
}

static void on_event(void *arg, const struct sse_event *ev)
{
    struct heard *h = arg;
    h->events++;
    assert_true(ev->raw.n > 0);
    bool inside = ev->raw.p >= h->piece.p && ev->raw.p < h->piece.p + h->piece.n;
    assert_int_equal(inside, !ev->carried);
    buf_append(&h->raw, ev->raw);
    buf_printf(&h->said, "%zu <%.*s> ", ev->raw.n, STR_FMT(ev->name));
    if (ev->data.p)
        buf_printf(&h->said, "{%.*s}\n", STR_FMT(ev->data));
    else
        buf_printf(&h->said, "-\n");
}

/* Feeds the pieces of s that end at each of the cuts, and the rest. */
static void hear(struct heard *h, struct str s, const size_t *cuts, size_t n_cuts)
{
    struct sse sse;
    heard_init(h);
    sse_init(&sse);
    size_t from = 0;
    for (size_t i = 0; i <= n_cuts; i++) {
        size_t to = i < n_cuts ? cuts[i] : s.n;
        /* a copy of its own, so that the sanitizer sees a read past its end */
        char *copy = mem_alloc(to - from + 1);
        memcpy(copy, s.p + from, to - from);
        h->piece = str_of(copy, to - from);
        assert_int_equal(sse_feed(&sse, h->piece, on_event, h), E_OK);
        memset(copy, 'x', to - from);
        mem_free(copy);
        from = to;
    }
    h->piece = STR("");
    sse_flush(&sse, on_event, h);
    sse_done(&sse);
    assert_str(buf_str(&h->raw), s);
}

static void says_the_same_however_cut(struct str s, const char *want)
{
    struct heard whole, cut;
    hear(&whole, s, NULL, 0);
    assert_str(buf_str(&whole.said), str_c(want));
    for (size_t a = 0; a <= s.n; a++)
        for (size_t b = a; b <= s.n; b++) {
            hear(&cut, s, (size_t[]){a, b}, 2);
            assert_str(buf_str(&cut.said), str_c(want));
            heard_done(&cut);
        }
    size_t each[512];
    must(s.n <= countof(each));
    for (size_t i = 0; i < s.n; i++)
        each[i] = i;
    hear(&cut, s, each, s.n);
    assert_str(buf_str(&cut.said), str_c(want));
    heard_done(&cut);
    heard_done(&whole);
}

static void lines_end_in_lf(void **state)
{
    (void)state;
    says_the_same_however_cut(STR("data: a\n\ndata: b\n\n"), "9 <> {a}\n9 <> {b}\n");
    says_the_same_however_cut(STR("event: message_start\ndata: {\"x\":1}\n\n"),
                              "36 <message_start> {{\"x\":1}}\n");
}

static void lines_end_in_crlf(void **state)
{
    (void)state;
    says_the_same_however_cut(STR("data: a\r\n\r\ndata: b\r\n\r\n"), "11 <> {a}\n11 <> {b}\n");
}

static void lines_end_in_cr(void **state)
{
    (void)state;
    says_the_same_however_cut(STR("data: a\r\rdata: b\r\r"), "9 <> {a}\n9 <> {b}\n");
}

static void a_lone_cr_event_is_not_kept_waiting(void **state)
{
    (void)state;
    struct heard h;
    struct sse sse;
    heard_init(&h);
    sse_init(&sse);
    h.piece = STR("data: a\r\r");
    assert_int_equal(sse_feed(&sse, h.piece, on_event, &h), E_OK);
    assert_int_equal(h.events, 1);
    sse_done(&sse);
    heard_done(&h);
}

static void line_ends_may_be_mixed(void **state)
{
    (void)state;
    says_the_same_however_cut(
        STR("data: a\n\r\ndata: b\r\n\ndata: c\r\n\rdata: d\n\rdata: e\r\r\ndata: f\n\n"),
        "10 <> {a}\n10 <> {b}\n10 <> {c}\n9 <> {d}\n9 <> {e}\n10 <> {f}\n");
}

static void data_lines_are_joined(void **state)
{
    (void)state;
    says_the_same_however_cut(STR("data: a\ndata:b\ndata\ndata:  c\n\n"), "30 <> {a\nb\n\n c}\n");
    says_the_same_however_cut(STR("data:\ndata:\n\n"), "13 <> {\n}\n");
    says_the_same_however_cut(STR("data:\n\n"), "7 <> {}\n");
}

static void comments_and_other_fields_are_passed_over(void **state)
{
    (void)state;
    says_the_same_however_cut(STR(": keep-alive\n\n"), "14 <> -\n");
    says_the_same_however_cut(STR(":x\nid: 7\nretry: 10\nfoo\nevent: a\nevent: b\ndata: :y\ndatax: z\n\n"),
                              "60 <b> {:y}\n");
    says_the_same_however_cut(STR("\n\n\ndata: a\n\n"), "1 <> -\n1 <> -\n1 <> -\n9 <> {a}\n");
}

static void characters_of_several_bytes_survive(void **state)
{
    (void)state;
    says_the_same_however_cut(
        STR("data: gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x99\x82\n\ndata: \xe2\x82\xac\r\n\r\n"),
        "24 <> {gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x99\x82}\n13 <> {\xe2\x82\xac}\n");
}

static void a_bom_is_passed_on_but_not_read(void **state)
{
    (void)state;
    says_the_same_however_cut(STR("\xef\xbb\xbf"
                                  "data: a\n\n\xef\xbb\xbf"
                                  "data: b\n\n"),
                              "12 <> {a}\n12 <> -\n");
}

static void the_last_blank_line_may_be_missing(void **state)
{
    (void)state;
    says_the_same_however_cut(STR("data: a\n\ndata: b\n"), "9 <> {a}\n8 <> {b}\n");
    says_the_same_however_cut(STR("data: a\n\ndata: [DONE]"), "9 <> {a}\n12 <> {[DONE]}\n");
    says_the_same_however_cut(STR("data: a\r\n\r"), "10 <> {a}\n");
    says_the_same_however_cut(STR(""), "");
}

static void an_endless_event_is_cut(void **state)
{
    (void)state;
    struct heard h;
    struct sse sse;
    heard_init(&h);
    sse_init(&sse);
    struct buf s;
    buf_init(&s, 16 * MIB);
    buf_append_c(&s, "data: ");
    memset(buf_room(&s, SSE_EVENT_BYTES), 'x', SSE_EVENT_BYTES);
    buf_grew(&s, SSE_EVENT_BYTES);
    buf_append_c(&s, "\ndata: tail\n\ndata: next\n\n");
    unsigned full = 0;
    for (size_t at = 0; at < s.n; at += 100000) {
        h.piece = str_head(str_from(buf_str(&s), at), 100000);
        full += sse_feed(&sse, h.piece, on_event, &h) == E_FULL;
    }
    assert_int_equal(full, 1);
    assert_str(buf_str(&h.said), STR("4194304 <> -\n19 <> -\n12 <> {next}\n"));
    assert_str(buf_str(&h.raw), buf_str(&s));
    struct heard at_once;
    heard_init(&at_once);
    struct sse again;
    sse_init(&again);
    at_once.piece = buf_str(&s);
    assert_int_equal(sse_feed(&again, at_once.piece, on_event, &at_once), E_FULL);
    assert_str(buf_str(&at_once.said), buf_str(&h.said));
    sse_done(&again);
    heard_done(&at_once);
    sse_done(&sse);
    heard_done(&h);
    buf_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_lf),
        cmocka_unit_test(lines_end_in_crlf),
        cmocka_unit_test(lines_end_in_cr),
        cmocka_unit_test(a_lone_cr_event_is_not_kept_waiting),
        cmocka_unit_test(line_ends_may_be_mixed),
        cmocka_unit_test(data_lines_are_joined),
        cmocka_unit_test(comments_and_other_fields_are_passed_over),
        cmocka_unit_test(characters_of_several_bytes_survive),
        cmocka_unit_test(a_bom_is_passed_on_but_not_read),
        cmocka_unit_test(the_last_blank_line_may_be_missing),
        cmocka_unit_test(an_endless_event_is_cut),
    };
    return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
