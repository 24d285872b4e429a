// SPDX-License-Identifier: MIT
#pragma once
// An intrusive doubly linked list with a sentinel. A node not on a list points at itself once
// gw_list_init was called on it, so removing twice is harmless.

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct gw_list {
    struct gw_list *next;
    struct gw_list *previous;
};

static inline void gw_list_init(struct gw_list *list) {
    list->next = list->previous = list;
}
static inline bool gw_list_is_empty(const struct gw_list *list) {
    return list->next == list;
}
static inline void gw_list_remove(struct gw_list *node) {
    node->previous->next = node->next;
    node->next->previous = node->previous;
    gw_list_init(node);
}
static inline void gw_list_push_back(struct gw_list *list, struct gw_list *node) {
    node->previous = list->previous;
    node->next = list;
    list->previous->next = node;
    list->previous = node;
}
static inline void gw_list_push_front(struct gw_list *list, struct gw_list *node) {
    gw_list_push_back(list->next, node);
}
// NULL when empty.
static inline struct gw_list *gw_list_pop_front(struct gw_list *list) {
    if (gw_list_is_empty(list))
        return NULL;
    struct gw_list *node = list->next;
    gw_list_remove(node);
    return node;
}
// Moves all of `from` to the end of `to`.
static inline void gw_list_append_all(struct gw_list *to, struct gw_list *from) {
    if (gw_list_is_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    gw_list_init(from);
}
