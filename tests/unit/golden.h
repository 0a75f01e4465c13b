/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden cases: a directory each, under tests/golden/<what>/. Streams of AWS frames are kept as lines:
 *
 *   event-type JSON        an event; the JSON of a "chunk" is wrapped into {"bytes": base64} here
 *   !exception-type JSON   an exception
 *   ?error-code message    an error, which has no payload
 */
#pragma once
#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "providers/aws_stream.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* The file's bytes in b, to be freed with buf_done; p == NULL when there is no such file. */
static inline struct str golden_read(const char *what, const char *name, const char *file, struct buf *b)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/golden/%s/%s/%s", TEST_DATA, what, name, file);
    buf_init(b, 16 * MIB);
    FILE *f = fopen(path, "rb");
    if (!f)
        return (struct str){NULL, 0};
    for (size_t n = 1; n > 0; buf_grew(b, n)) {
        char *room = buf_room(b, 4 * KIB);
        assert_non_null(room);
        n = fread(room, 1, 4 * KIB, f);
    }
    fclose(f);
    return buf_str(b);
}

/* In every locale. */
static inline int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static inline int golden_is_case(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Calls `run` with each case's name, in alphabetical order. Tells how many there were. */
static inline unsigned golden_each(const char *what, void (*run)(const char *name))
{
    char path[512];
    struct dirent **cases;
    snprintf(path, sizeof(path), "%s/golden/%s", TEST_DATA, what);
    int n = scandir(path, &cases, golden_is_case, by_bytes);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        run(cases[i]->d_name);
        free(cases[i]);
    }
    free(cases);
    return (unsigned)n;
}

static inline struct str golden_chunk(struct arena *a, struct str json)
{
    struct str coded = base64_encode(a, json);
    return arena_printf(a, "{\"bytes\":\"%.*s\",\"p\":\"abcd\"}", STR_FMT(coded));
}

static inline void golden_frame(struct buf *out, struct str line)
{
    struct arena a;
    arena_init(&a, MIB);
    struct str payload = line, word = str_cut(&payload, ' ');
    struct str name = str_from(word, word.p[0] == '!' || word.p[0] == '?');
    if (str_eq(name, STR("chunk")))
        payload = golden_chunk(&a, payload);
    const struct str event[][2] = {{S(":event-type"), name},
                                   {S(":content-type"), S("application/json")},
                                   {S(":message-type"), S("event")}};
    const struct str exception[][2] = {{S(":exception-type"), name}, {S(":message-type"), S("exception")}};
    const struct str error[][2] = {
        {S(":error-code"), name}, {S(":error-message"), payload}, {S(":message-type"), S("error")}};
    if (word.p[0] == '!')
        assert_int_equal(aws_frame_write(out, exception, countof(exception), payload), E_OK);
    else if (word.p[0] == '?')
        assert_int_equal(aws_frame_write(out, error, countof(error), STR("")), E_OK);
    else
        assert_int_equal(aws_frame_write(out, event, countof(event), payload), E_OK);
    arena_done(&a);
}

static inline struct str golden_frames(struct str lines, struct buf *b)
{
    buf_init(b, MIB);
    while (lines.n) {
        struct str line = str_trim(str_cut(&lines, '\n'));
        if (line.n)
            golden_frame(b, line);
    }
    return buf_str(b);
}
