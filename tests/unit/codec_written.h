/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of one codec each share: a request is built, written by that codec, and what was written is
 * compared to the letter. The file that includes it says which codec:
 *
 *   static const struct codec *const tested = &codec_gemini;
 */
#pragma once
#include "tests/unit/golden.h"
#include "tests/unit/ir_dump.h"

static const struct codec *const tested;

static struct arena arena;
static struct buf out; /* what was written last */
static struct str why; /* it was refused */

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 * MIB);
    buf_init(&out, 16 * MIB);
    why = str_of(NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_done(&out);
    arena_done(&arena);
    return 0;
}

/* ---- a request, built ---- */

static inline struct ir_request request_to(const char *model)
{
    struct ir_request r = ir_request_none();
    r.model = str_c(model);
    return r;
}

/* A message with one part. */
static inline struct ir_part *add(struct ir_request *r, enum ir_role role, enum ir_kind kind)
{
    return ir_add_part(&arena, &ir_add_message(&arena, r, role)->parts, kind);
}

static inline struct ir_part *say(struct ir_request *r, enum ir_role role, const char *text)
{
    struct ir_part *p = add(r, role, IR_TEXT);
    p->text = str_c(text);
    return p;
}

static inline struct ir_part *call(struct ir_request *r, const char *id, const char *arguments)
{
    struct ir_part *p = add(r, IR_ASSISTANT, IR_TOOL_CALL);
    p->id = str_c(id);
    p->name = STR("look");
    p->arguments = str_c(arguments);
    return p;
}

static inline struct ir_part *result(struct ir_request *r, const char *id, const char *text)
{
    struct ir_part *p = add(r, IR_TOOL, IR_TOOL_RESULT);
    p->id = str_c(id);
    ir_add_part(&arena, &p->parts, IR_TEXT)->text = str_c(text);
    return p;
}

/* ---- and written ---- */

static inline enum err write_with(struct ir_request *r, struct codec_ask ask)
{
    buf_clear(&out);
    return tested->write_request(&arena, r, &ask, &out, &why);
}

static inline enum err write_it(struct ir_request *r)
{
    return write_with(r, (struct codec_ask){.model = r->model});
}

static inline void write_well(struct ir_request *r)
{
    enum err e = write_it(r);
    if (e != E_OK)
        fail_msg("%s: %.*s", err_name(e), STR_FMT(why));
}

static inline void writes(struct ir_request *r, const char *want)
{
    write_well(r);
    assert_str(buf_str(&out), str_c(want));
}

/* The member `key` of what is written; "" when there is none. */
static inline void writes_member(struct ir_request *r, const char *key, const char *want)
{
    write_well(r);
    struct json_doc *doc = json_parse(buf_str(&out));
    assert_non_null(doc);
    assert_str(codec_raw(&arena, json_get(json_root(doc), key)), str_c(want));
    json_free(doc);
}

static inline void refuses(struct ir_request *r, const char *want)
{
    assert_int_equal(write_it(r), E_SYNTAX);
    assert_str(why, str_c(want));
}

/* The names of what could not be said, a blank between them. */
static inline void drops(const struct ir_request *r, const char *want)
{
    struct str names[2 * IR_DROPPED];
    size_t n = 0;
    for (size_t i = 0; i < r->dropped.n; i++) {
        if (i)
            names[n++] = STR(" ");
        names[n++] = r->dropped.v[i];
    }
    assert_str(arena_join(&arena, names, n), str_c(want));
}
