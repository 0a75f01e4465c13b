/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/cel: what expressions answer, and where a text stops being one. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "gateway/cel.h"

#include <stdio.h>

static const char who[] =
    "{\"cf\":{\"user\":{\"id\":\"u-7\",\"email\":\"ann@example.com\",\"groups\":[\"eng\",\"ops\"],\"age\":41,"
    "\"empty\":\"\"},"
    "\"custom\":{\"level\":3,\"flag\":true,\"none\":null,\"nested\":{\"a\":[1,[2]]}},\"country\":\"DE\"},"
    "\"metadata\":{\"team\":\"search\",\"env\":\"prod\",\"n\":1.5,\"on\":false,\"a-b\":\"x\"}}";

static enum cel_answer ask(const char *text, struct cel_fault *ret_fault)
{
    struct arena a;
    arena_init(&a, MIB);
    struct json_doc *doc = json_parse(STR(who));
    const struct json_val *root = json_root(doc);
    const struct cel_input in = {json_get(root, "cf"), json_get(root, "metadata"), STR("gpt-4o"),
                                 STR("openai")};
    const struct cel *e = cel_parse(&a, str_c(text), ret_fault);
    enum cel_answer got = e ? cel_ask(e, &in, &a) : CEL_UNKNOWN;
    if (e)
        ret_fault->says = NULL;
    json_free(doc);
    arena_done(&a);
    return got;
}

enum { NO = CEL_FALSE, YES = CEL_TRUE, DUNNO = CEL_UNKNOWN };

static void expressions_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        {"true", YES},
        {" false ", NO},
        {"cf.user.id == \"u-7\"", YES},
        {"cf.user.id == 'u-7'", YES},
        {"cf.user.id != 'u-7'", NO},
        {"\"eng\" in cf.user.groups", YES},
        {"'hr' in cf.user.groups", NO},
        {"!('hr' in cf.user.groups)", YES},
        {"metadata.team in ['search', 'ads']", YES},
        {"metadata.team in []", NO},
        {"'team' in metadata", YES},
        {"'none' in metadata", NO},
        {"1 in metadata", DUNNO},
        {"cf.country in ['US', 'CA'] || metadata.env == 'prod'", YES},
        {"metadata['a-b'] == 'x'", YES},
        {"cf['user']['groups'][1] == 'ops'", YES},
        {"cf.user.groups[2] == 'ops'", DUNNO},
        {"cf.user.groups[0.5] == 'ops'", DUNNO},
        {"cf.user.groups == ['eng', 'ops']", YES},
        {"cf.user.groups == ['eng']", NO},
        {"cf.user.groups + ['hr'] == ['eng', 'ops', 'hr']", YES},
        {"cf.custom.level >= 3 && cf.custom.level < 3.5", YES},
        {"cf.custom.level > 3", NO},
        {"cf.custom.level == -(-3)", YES},
        {"1 + 2 + cf.custom.level == 6e0", YES},
        {"cf.user.id + '!' == 'u-7!'", YES},
        {"'a' < 'b' && 'ab' > 'a'", YES},
        {"cf.custom.flag", YES},
        {"metadata.on", NO},
        {"cf.custom.none == null", YES},
        {"cf.user.id == null", NO},
        {"cf.user.id == 7", NO},
        {"model == 'gpt-4o' && provider == 'openai'", YES},
        {"model.startsWith('gpt-') && !model.endsWith('-mini')", YES},
        {"cf.user.email.endsWith('@example.com')", YES},
        {"cf.user.email.contains('@')", YES},
        {"size(cf.user.groups) == 2 && cf.user.groups.size() == 2", YES},
        {"size(metadata) == 5 && size('\xc3\xa4') == 1", YES},
        {"has(cf.user.id) && !has(cf.user.name) && !has(cf.device.id)", YES},
        {"has(metadata.nope.deep)", NO},
        {"'a\\'\\\"\\\\\\n' == \"a'\\\"\\\\\\n\"", YES},
        /* || binds less than &&, comparisons more than both */
        {"true || false && false", YES},
        {"(true || false) && false", NO},
        {"1 < 2 == true", YES},
        {"!false && !false", YES},
        /* what is not there, and what cannot be asked */
        {"cf.user.name == 'x'", DUNNO},
        {"cf.device.id == 'x'", DUNNO},
        {"metadata.nope != 'x'", DUNNO},
        {"!metadata.nope", DUNNO},
        {"!metadata.team", DUNNO},
        {"metadata.team", DUNNO},
        {"metadata.nope in ['x']", DUNNO},
        {"'x' in metadata.nope", DUNNO},
        {"['x', metadata.nope] == ['x']", DUNNO},
        {"1 < 'x'", DUNNO},
        {"true < false", DUNNO},
        {"cf.user.id + 1 == 'x'", DUNNO},
        {"cf.user.groups.startsWith('e')", DUNNO},
        {"size(1) == 1", DUNNO},
        {"cf.user.id.name == 'x'", DUNNO},
        /* one side that decides is enough */
        {"metadata.nope == 'x' || true", YES},
        {"true || metadata.nope == 'x'", YES},
        {"metadata.nope == 'x' && false", NO},
        {"false && metadata.nope == 'x'", NO},
        {"metadata.nope == 'x' || false", DUNNO},
        {"metadata.nope == 'x' && true", DUNNO},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct cel_fault fault = {0, NULL};
        int got = (int)ask(rows[i].text, &fault);
        if (fault.says)
            fail_msg("%s\n  at %zu: %s", rows[i].text, fault.at, fault.says);
        if (got != rows[i].want)
            fail_msg("%s: got %d, want %d", rows[i].text, got, rows[i].want);
    }
}

static void what_is_none_is_refused_where_it_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
        const char *says; /* part of it */
    } rows[] = {
        {"", 0, "too early"},
        {"  ", 2, "too early"},
        {"cf.user.id ==", 13, "too early"},
        {"cf.user.id == 'x", 14, "no end"},
        {"'a\nb' == 'x'", 0, "no end"},
        {"'\\q' == 'x'", 1, "escape"},
        {"true)", 4, "nothing more"},
        {"(true", 5, "closing bracket"},
        {"true true", 5, "nothing more"},
        {"user.id == 'x'", 0, "no such name"},
        {"x", 0, "no such name"},
        {"cf.user.id = 'x'", 11, "nothing more"},
        {"true & true", 5, "nothing more"},
        {"true ? false : true", 5, "nothing more"},
        {"1 - 1 == 0", 2, "nothing more"},
        {"[1, 2", 5, "comma"},
        {"[1 2]", 3, "comma"},
        {"[,]", 1, "value"},
        {"cf.", 3, "name behind the dot"},
        {"cf.'x'", 3, "name behind the dot"},
        {"cf[]", 3, "value"},
        {"metadata['a'", 12, "closing bracket"},
        {"model.matches('x')", 6, "no such method"},
        {"matches(model, 'x')", 0, "no such function"},
        {"startsWith(model, 'x')", 0, "no such function"},
        {"model.has(cf.x)", 6, "no such method"},
        {"model.startsWith()", 6, "number of arguments"},
        {"model.startsWith('a', 'b')", 6, "number of arguments"},
        {"size() == 1", 0, "number of arguments"},
        {"has(cf)", 0, "takes a field"},
        {"has('x')", 0, "takes a field"},
        {"1.2.3 == 1", 0, "no number"},
        {"1e999 == 1", 0, "no number"},
        {"1x == 1", 0, "no number"},
        {"'text'", 0, "never true or false"},
        {"1 + 1", 0, "never true or false"},
        {"[true]", 0, "never true or false"},
        {"size(model)", 0, "never true or false"},
        {"null", 0, "never true or false"},
        {"truex", 0, "no such name"},
        {"true ||", 7, "too early"},
        {"true inn [true]", 5, "nothing more"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct cel_fault fault = {0, NULL};
        (void)ask(rows[i].text, &fault);
        if (!fault.says || fault.at != rows[i].at || !strstr(fault.says, rows[i].says))
            fail_msg("%s: got %zu: %s", rows[i].text, fault.at, fault.says ? fault.says : "nothing wrong");
    }
}

/* A text made of n times `piece` between two others. */
static bool is_read(const char *head, const char *piece, size_t n, const char *tail)
{
    static char text[64 * 1024];
    struct cel_fault fault = {0, NULL};
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", head);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", piece);
    snprintf(text + at, sizeof(text) - at, "%s", tail);
    (void)ask(text, &fault);
    return !fault.says;
}

static void sizes_are_capped(void **state)
{
    (void)state;
    assert_true(is_read("true", "&&true", CEL_NODES / 2 - 1, ""));
    assert_false(is_read("true", "&&true", CEL_NODES / 2, ""));
    assert_true(is_read("", "!", CEL_DEPTH - 2, "true"));
    assert_false(is_read("", "!", CEL_DEPTH, "true"));
    assert_false(is_read("", "(", 20000, "true"));
    assert_false(is_read("", "[", 20000, "true"));
    assert_true(is_read("1 in [1", ",1", CEL_ITEMS - 1, "]"));
    assert_false(is_read("1 in [1", ",1", CEL_ITEMS, "]"));
    assert_true(is_read("true", " ", CEL_BYTES - 4, ""));
    assert_false(is_read("true", " ", CEL_BYTES - 3, ""));
}

static void fields_have_a_text(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text; /* NULL: none */
    } rows[] = {{"cf.user.id", "u-7"},       {"cf.user.age", "41"},    {"metadata.n", "1.5"},
                {"metadata.on", "false"},    {"metadata.a-b", "x"},    {"cf.custom.flag", "true"},
                {"cf.user.empty", NULL},     {"cf.user.groups", NULL}, {"cf.user", NULL},
                {"cf.custom.none", NULL},    {"cf.user.name", NULL},   {"cf.user.id.x", NULL},
                {"metadata.team.deep", NULL}};
    struct arena a;
    arena_init(&a, MIB);
    struct json_doc *doc = json_parse(STR(who));
    const struct cel_input in = {.cf = json_get(json_root(doc), "cf"),
                                 .metadata = json_get(json_root(doc), "metadata")};
    for (size_t i = 0; i < countof(rows); i++) {
        assert_true(cel_is_field(str_c(rows[i].path)));
        struct str got = cel_field_text(&a, &in, str_c(rows[i].path));
        if (!str_eq(got, str_c(rows[i].text)) || !got.p != !rows[i].text)
            fail_msg("%s: %.*s", rows[i].path, STR_FMT(got));
    }
    static const char *const wrong[] = {"",        "cf",           "cf.",         "metadata..x",
                                        "user.id", "metadata.a b", "cf.user.id.", ".cf"};
    for (size_t i = 0; i < countof(wrong); i++)
        assert_false(cel_is_field(str_c(wrong[i])));
    json_free(doc);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_answered),
        cmocka_unit_test(what_is_none_is_refused_where_it_ends),
        cmocka_unit_test(sizes_are_capped),
        cmocka_unit_test(fields_have_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
