/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of GraphQL queries: what is read, and where what is wrong is. */
#include "tests/unit/test.h"

#include "tests/unit/graphql_print.h"

#include "base/limits.h"

static void assert_read(const char *source, const char *want)
{
    struct arena a;
    struct buf b;
    struct graphql_document d;
    struct graphql_fault fault = {STR(""), 0};
    arena_init(&a, GRAPHQL_ARENA_BYTES);
    buf_init(&b, MIB);
    if (graphql_parse(&a, str_c(source), &d, &fault) != E_OK)
        fail_msg("%s: %.*s", source, STR_FMT(fault.message));
    print_document(&b, &d);
    assert_str(buf_str(&b), str_c(want));
    buf_done(&b);
    arena_done(&a);
}

static void documents_are_read(void **state)
{
    (void)state;
    assert_read("{a}", "query {a}");
    assert_read("\xef\xbb\xbfquery Q{a,b , c}# the end", "query Q{a b c}");
    assert_read("query Q($a: string!, $b: [Time!]! = [\"x\"] $c:[[uint64]]=null){a}",
                "query Q($a:string! $b:[Time]!=[\"x\"] $c:[uint64]=null){a}");
    assert_read("mutation{a}subscription S{b}", "mutation {a}subscription S{b}");
    assert_read("{x:a(n:1 m:-0.5e+3,s:\"t\" e:UP b:true n0:null l:[1 2 []]o:{k:$v,j:{}}){b{c}}}",
                "query {x:a(n:1 m:-0.5e+3 s:\"t\" e:UP b:true n0:null l:[1 2 []] o:{k:$v j:{}}){b{c}}}");
    assert_read(
        "{...F ...on T@include(if:true){a}...@skip(if:$x){b}... {c}}fragment F on on @d{on query fragment}",
        "query {...F ...on T @include(if:true){a} ... @skip(if:$x){b} ...{c}}"
        "fragment F on on @d{on query fragment}");
    assert_read("query query @a @b(c:1){type}", "query query @a @b(c:1){type}");
}

static void strings_have_values(void **state)
{
    (void)state;
    static const struct {
        const char *source, *value;
    } rows[] = {
        {"\"\"", ""},
        {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\xf0\x9f\x98\x80 # no comment\"", "\xf0\x9f\x98\x80 # no comment"},
        {"\"\"\"\"\"\"", ""},
        {"\"\"\"a \"quoted\" \\\"\"\" b\\n\"\"\"", "a \"quoted\" \"\"\" b\\n"},
        {"\"\"\"\n    Hello,\n      World!\r\n\r    Yours,\n      GraphQL.\n  \"\"\"",
         "Hello,\n  World!\n\nYours,\n  GraphQL."},
        {"\"\"\"first\n    second\n   third\"\"\"", "first\n second\nthird"},
        {"\"\"\"  \n\n  \"\"\"", ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct arena a;
        struct graphql_document d;
        struct graphql_fault fault;
        arena_init(&a, GRAPHQL_ARENA_BYTES);
        struct str parts[] = {STR("{f(a:"), str_c(rows[i].source), STR(")}")};
        assert_int_equal(graphql_parse(&a, arena_join(&a, parts, 3), &d, &fault), E_OK);
        assert_int_equal(d.operations->first->arguments->kind, GRAPHQL_VALUE_STRING);
        assert_str(d.operations->first->arguments->text, str_c(rows[i].value));
        arena_done(&a);
    }
}

static void faults_have_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        size_t at;
        const char *message;
    } rows[] = {
        {"", 0, "expected an operation or a fragment, found \"the end\""},
        {"{", 1, "expected a name, found \"the end\""},
        {"{}", 1, "expected a field, found \"}\""},
        {"{a", 2, "expected a name, found \"the end\""},
        {"{a}}", 3, "expected an operation or a fragment, found \"}\""},
        {"{a(}", 3, "expected a name, found \"}\""},
        {"{a()}", 3, "expected an argument, found \")\""},
        {"{a(b)}", 4, "expected \":\", found \")\""},
        {"{a(b:1 b:2)}", 7, "\"b\" is given twice"},
        {"{a(b:{c:1 c:2})}", 10, "\"c\" is given twice"},
        {"{a(b:01)}", 5, "no zero before others"},
        {"{a(b:-)}", 6, "has a digit here"},
        {"{a(b:1.)}", 7, "behind the point"},
        {"{a(b:1e)}", 7, "in the exponent"},
        {"{a(b:1x)}", 6, "ends with a digit"},
        {"{a(b:1.2.3)}", 8, "ends with a digit"},
        {"{a(b:\"x)}", 5, "no end on its line"},
        {"{a(b:\"x\ny\")}", 5, "no end on its line"},
        {"{a(b:\"\\q\")}", 6, "no such escape"},
        {"{a(b:\"\\u12\")}", 6, "four hex digits"},
        {"{a(b:\"\\ud800x\")}", 6, "four hex digits"},
        {"{a(b:\"\x01\")}", 6, "control character"},
        {"{a(b:\"\"\"x\"\")}", 5, "block string has no end"},
        {"{a(b:\"\"\"x\\\"\"\")}", 5, "block string has no end"},
        {"{a ? b}", 3, "means nothing"},
        {"{a .. b}", 3, "means nothing"},
        {"query ($a){b}", 9, "expected \":\", found \")\""},
        {"query ($a:[b){b}", 12, "expected \"]\", found \")\""},
        {"query ($a:b=$c){b}", 12, "a value without variables"},
        {"query ($a:b @x){b}", 12, "no directive is known for variables"},
        {"fragment on on T{a}", 9, "expected the fragment's name"},
        {"fragment F T{a}", 11, "expected \"on\""},
        {"type T{a:b}", 0, "expected an operation or a fragment"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct arena a;
        struct graphql_document d;
        struct graphql_fault fault = {STR(""), 0};
        arena_init(&a, GRAPHQL_ARENA_BYTES);
        assert_int_equal(graphql_parse(&a, str_c(rows[i].source), &d, &fault), E_SYNTAX);
        if (fault.at != rows[i].at || !str_has(fault.message, str_c(rows[i].message)))
            fail_msg("%s: %zu: %.*s", rows[i].source, fault.at, STR_FMT(fault.message));
        arena_done(&a);
    }
}

/* n times open, then n times close. */
static enum err nested(const char *head, const char *open, const char *middle, const char *close,
                       const char *tail, int n)
{
    struct arena a;
    struct buf b;
    struct graphql_document d;
    struct graphql_fault fault;
    arena_init(&a, GRAPHQL_ARENA_BYTES);
    buf_init(&b, 16 * MIB);
    (void)buf_append_c(&b, head);
    for (int i = 0; i < n; i++)
        (void)buf_append_c(&b, open);
    (void)buf_append_c(&b, middle);
    for (int i = 0; i < n; i++)
        (void)buf_append_c(&b, close);
    (void)buf_append_c(&b, tail);
    enum err e = graphql_parse(&a, buf_str(&b), &d, &fault);
    buf_done(&b);
    arena_done(&a);
    return e;
}

static void size_and_depth_are_capped(void **state)
{
    (void)state;
    assert_int_equal(nested("", "{a", "", "}", "", GRAPHQL_DEPTH), E_OK);
    assert_int_equal(nested("", "{a", "", "}", "", GRAPHQL_DEPTH + 1), E_SYNTAX);
    assert_int_equal(nested("", "{a", "", "}", "", 10000), E_SYNTAX);
    assert_int_equal(nested("{a(b:", "[", "", "]", ")}", GRAPHQL_DEPTH - 1), E_OK);
    assert_int_equal(nested("{a(b:", "[", "", "]", ")}", GRAPHQL_DEPTH), E_SYNTAX);
    assert_int_equal(nested("query($a:", "[", "T", "]", "){a}", 10000), E_SYNTAX);
    /* many strings need no more room than they have */
    assert_int_equal(nested("{a(b:[", "\"x\" ", "", "", "])}", 15000), E_OK);
    assert_int_equal(nested("{", "a ", "", "", "}", GRAPHQL_BYTES / 2), E_SYNTAX);
}

static void a_full_arena_is_told(void **state)
{
    (void)state;
    struct arena a;
    struct graphql_document d;
    struct graphql_fault fault;
    arena_init(&a, 64);
    assert_int_equal(graphql_parse(&a, STR("{a b c d e f g h i j k l m n}"), &d, &fault), E_FULL);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read),   cmocka_unit_test(strings_have_values),
        cmocka_unit_test(faults_have_a_place),  cmocka_unit_test(size_and_depth_are_capped),
        cmocka_unit_test(a_full_arena_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
