// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Intrusive doubly linked list. A `struct list` is both the head and the link: an empty list and
 * a link in no list point to themselves, so that taking out needs no list and may be done twice.
 */

#include <assert.h>
#include <stdbool.h>

#include "base/attr.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts `link` before `at`; with the head as `at`, that is the end. */
static inline void list_insert(struct list *at, struct list *link)
{
    link->next = at;
    link->prev = at->prev;
    at->prev->next = link;
    at->prev = link;
}

static inline void list_append(struct list *head, struct list *link)
{
    list_insert(head, link);
}

static inline void list_remove(struct list *link)
{
    link->next->prev = link->prev;
    link->prev->next = link->next;
    list_init(link);
}

/* The first link, taken out; NULL when empty. */
static inline struct list *list_pop(struct list *head)
{
    struct list *first = head->next;

    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

/* The first link, taken out of a list that is not empty. */
static inline struct list *list_take(struct list *head)
{
    struct list *first = head->next;

    assert(first != head);
    list_remove(first);
    return first;
}

/* Moves all links of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_each(link, head) \
    for (struct list *link = (head)->next; link != (head); link = link->next)

/* The body may take `link` out or free what it is in. */
#define list_each_safe(link, head)                                                    \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head); \
         link = link##_next, link##_next = link->next)
