/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list with a count. A node is in one list at a time, or in none. */
#pragma once
#include "base/base.h"

struct node {
    struct node *prev, *next;
};

struct list {
    struct node head;
    size_t count;
};

static inline void list_init(struct list *l)
{
    l->head.prev = l->head.next = &l->head;
    l->count = 0;
}

static inline bool node_linked(const struct node *n)
{
    return n->next != NULL;
}

static inline void list_push(struct list *l, struct node *n)
{
    n->prev = l->head.prev;
    n->next = &l->head;
    n->prev->next = n;
    l->head.prev = n;
    l->count++;
}

static inline void list_remove(struct list *l, struct node *n)
{
    must(node_linked(n) && l->count > 0);
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = NULL;
    l->count--;
}

static inline struct node *list_first(struct list *l)
{
    return l->count ? l->head.next : NULL;
}

/* Takes the oldest node, or NULL. */
static inline struct node *list_pop(struct list *l)
{
    struct node *n = list_first(l);
    if (n)
        list_remove(l, n);
    return n;
}

/* Takes the newest node, or NULL. */
static inline struct node *list_pop_back(struct list *l)
{
    struct node *n = l->count ? l->head.prev : NULL;
    if (n)
        list_remove(l, n);
    return n;
}
