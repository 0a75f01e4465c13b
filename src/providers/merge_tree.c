/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/merge_tree.h"
#include "base/limits.h"

struct piece {
    struct piece *next;
    struct str text;
};

struct kept_doc {
    struct kept_doc *next;
    struct json_doc *doc;
};

void tree_init(struct tree *t)
{
    *t = (struct tree){.full = false};
    arena_init(&t->arena, MERGE_TREE_BYTES);
}

void tree_done(struct tree *t)
{
    for (struct kept_doc *k = t->docs; k; k = k->next)
        json_free(k->doc);
    arena_done(&t->arena);
}

const struct json_val *tree_parse(struct tree *t, struct str text)
{
    struct json_doc *doc = json_parse(text);
    struct kept_doc *k = doc ? arena_alloc(&t->arena, sizeof(*k)) : NULL;
    if (doc && !k) {
        t->full = true;
        json_free(doc);
    }
    if (!k)
        return NULL;
    *k = (struct kept_doc){.next = t->docs, .doc = doc};
    t->docs = k;
    return json_root(doc);
}

void tree_empty(struct node *n)
{
    *n = (struct node){.next = n->next, .key = n->key, .index = n->index};
}

static void become(struct node *n, enum node_kind kind)
{
    if (n->kind != kind)
        tree_empty(n);
    n->kind = kind;
}

/* A new child behind `after`; in front of all when that is NULL. */
static struct node *add_child(struct tree *t, struct node *parent, struct node *after)
{
    struct node *n = parent->n < MERGE_CHILDREN ? arena_new(&t->arena, struct node) : NULL;
    if (!n) {
        t->full = t->full || parent->n < MERGE_CHILDREN;
        t->scrap = (struct node){.kind = NODE_EMPTY};
        return &t->scrap;
    }
    n->next = after ? after->next : parent->first;
    *(after ? &after->next : &parent->first) = n;
    if (!n->next)
        parent->last = n;
    parent->n++;
    return n;
}

struct node *tree_find(const struct node *object, struct str key)
{
    struct node *n = object->kind == NODE_OBJECT ? object->first : NULL;
    while (n && !str_eq(n->key, key))
        n = n->next;
    return n;
}

struct node *tree_member(struct tree *t, struct node *object, struct str key)
{
    become(object, NODE_OBJECT);
    struct node *n = tree_find(object, key);
    if (!n) {
        n = add_child(t, object, object->last);
        n->key = key;
    }
    return n;
}

struct node *tree_element(struct tree *t, struct node *array, int64_t index)
{
    become(array, NODE_ARRAY);
    struct node *after = NULL;
    /* nearly always the last one again, or one behind it */
    if (array->last && array->last->index <= index)
        after = array->last;
    else
        for (struct node *n = array->first; n && n->index <= index; n = n->next)
            after = n;
    if (after && after->index == index)
        return after;
    struct node *n = add_child(t, array, after);
    n->index = index;
    return n;
}

struct node *tree_append(struct tree *t, struct node *array)
{
    become(array, NODE_ARRAY);
    return tree_element(t, array, array->last ? array->last->index + 1 : 0);
}

void tree_set(struct node *n, const struct json_val *v)
{
    if (!v || (json_type(v) == JSON_NULL && n->kind != NODE_EMPTY))
        return;
    tree_empty(n);
    n->kind = NODE_LEAF;
    n->leaf = v;
}

void tree_add_text(struct tree *t, struct node *n, enum node_kind kind, const struct json_val *v)
{
    struct str text = json_str(v);
    if (!text.p)
        return;
    become(n, kind);
    struct piece *p = arena_new(&t->arena, struct piece);
    if (!p) {
        t->full = true;
        return;
    }
    p->text = text;
    *(n->last_piece ? &n->last_piece->next : &n->pieces) = p;
    n->last_piece = p;
}

/* ---- writing ------------------------------------------------------------------------------------- */

static void write_text(struct tree *t, const struct node *n, struct json_out *w)
{
    struct buf joined;
    buf_init(&joined, MERGE_TREE_BYTES);
    for (const struct piece *p = n->pieces; p; p = p->next)
        t->full = buf_append(&joined, p->text) != E_OK || t->full;
    struct str text = joined.n ? buf_str(&joined) : STR("");
    struct json_doc *doc = n->kind == NODE_JSON_TEXT ? json_parse(text) : NULL;
    if (doc)
        json_put_raw(w, text);
    else if (n->kind == NODE_JSON_TEXT && !text.n)
        json_put_raw(w, STR("{}")); /* a tool that was called without arguments */
    else
        json_put_str(w, text);
    json_free(doc);
    buf_done(&joined);
}

void tree_write(struct tree *t, const struct node *n, struct json_out *w)
{
    switch (n->kind) {
    case NODE_EMPTY: json_put_null(w); break;
    case NODE_LEAF: json_put_val(w, n->leaf); break;
    case NODE_TEXT:
    case NODE_JSON_TEXT: write_text(t, n, w); break;
    case NODE_OBJECT:
    case NODE_ARRAY: {
        bool object = n->kind == NODE_OBJECT;
        json_open(w, object ? '{' : '[');
        for (const struct node *c = n->first; c; c = c->next) {
            if (object)
                json_key_str(w, c->key);
            tree_write(t, c, w);
        }
        json_close(w, object ? '}' : ']');
        break;
    }
    }
}
