/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON tree that grows: what the chunks of a stream add up to. Leaves are views of the parsed
 * chunks, which the tree keeps until tree_done; texts are chains of pieces until they are written.
 *
 * Past the memory cap nodes come from a scrap node and `full` is set, so that callers need no checks
 * of their own.
 */
#pragma once
#include "base/arena.h"
#include "base/json.h"

struct piece;

struct node {
    struct node *next; /* of the same parent; members in order of appearance, elements by index */
    struct str key;    /* in an object */
    int64_t index;     /* in an array */
    enum node_kind {
        NODE_EMPTY,
        NODE_LEAF,
        NODE_TEXT,      /* pieces, written as a string */
        NODE_JSON_TEXT, /* pieces of JSON, written as what they say */
        NODE_OBJECT,
        NODE_ARRAY,
    } kind;
    const struct json_val *leaf;
    struct piece *pieces, *last_piece;
    struct node *first, *last;
    unsigned n;
};

struct tree {
    struct arena arena;
    struct node root;
    struct node scrap;
    struct kept_doc *docs;
    bool full;
};

void tree_init(struct tree *t);
void tree_done(struct tree *t);

/* Parses and keeps text; NULL when it is not JSON or the tree is full. */
const struct json_val *tree_parse(struct tree *t, struct str text);

/* The member or element, made when it is not there; a node of another kind is emptied first. */
struct node *tree_member(struct tree *t, struct node *object, struct str key);
struct node *tree_element(struct tree *t, struct node *array, int64_t index);
struct node *tree_append(struct tree *t, struct node *array);
/* NULL when not there. */
struct node *tree_find(const struct node *object, struct str key);

void tree_empty(struct node *n);
/* v takes the place of what is there; null never does. */
void tree_set(struct node *n, const struct json_val *v);
/* Adds to a text (`kind` NODE_TEXT or NODE_JSON_TEXT); v other than a string changes nothing. */
void tree_add_text(struct tree *t, struct node *n, enum node_kind kind, const struct json_val *v);

void tree_write(struct tree *t, const struct node *n, struct json_out *w);
