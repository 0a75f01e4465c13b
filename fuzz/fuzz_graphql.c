/* SPDX-License-Identifier: Apache-2.0 */
/* GraphQL documents: what is read, printed and read again is the same; a fault is inside the text. */
#include "tests/unit/graphql_print.h"

#include "base/limits.h"

static enum err parse_and_print(struct arena *a, struct str source, struct buf *b)
{
    struct graphql_document d;
    struct graphql_fault fault = {STR(""), 0};
    enum err e = graphql_parse(a, source, &d, &fault);
    if (e == E_OK)
        print_document(b, &d);
    else
        must(e == E_FULL || (e == E_SYNTAX && fault.message.n && fault.at <= source.n));
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct buf first, second;
    arena_init(&a, 2 * GRAPHQL_ARENA_BYTES);
    buf_init(&first, 16 * MIB);
    buf_init(&second, 16 * MIB);
    /* what is no UTF-8 is printed with replacements, which are read as they are */
    if (parse_and_print(&a, str_of((const char *)data, size), &first) == E_OK && first.n <= GRAPHQL_BYTES) {
        must(parse_and_print(&a, buf_str(&first), &second) == E_OK);
        must(str_eq(buf_str(&first), buf_str(&second)));
    }
    buf_done(&first);
    buf_done(&second);
    arena_done(&a);
    return 0;
}
