// SPDX-License-Identifier: MIT
#include "gateway/client/idle.h"

#include <stdlib.h>

#include "base/hash.h"

#define EXACT_BITS 6 // counts below 2^6 have a rank of their own

// Above, 2^5 ranks to each doubling.
static int rank_of(int count) {
    gw_assert(count > 0);
    int bits = 32 - __builtin_clz((unsigned)count);
    int shift = bits > EXACT_BITS ? bits - EXACT_BITS : 0;
    return (shift << (EXACT_BITS - 1)) + (count >> shift);
}

enum gw_status gw_idle_init(struct gw_idle *idle, uint64_t seed) {
    idle->classes = calloc(GW_IDLE_CLASSES, sizeof(*idle->classes));
    if (idle->classes == NULL)
        return GW_NO_MEMORY;
    for (int i = 0; i < GW_IDLE_RANKS; i++)
        gw_list_init(&idle->ranks[i]);
    idle->top = 0;
    idle->seed = seed;
    return GW_OK;
}

void gw_idle_deinit(struct gw_idle *idle) {
    free(idle->classes);
    idle->classes = NULL;
}

// Classes of a rank follow each other in the order in which they came to it.
static void count_waiting(struct gw_idle *idle, struct gw_idle_class *of, int change) {
    int before = of->waiting_count > 0 ? rank_of(of->waiting_count) : 0;
    of->waiting_count += change;
    int after = of->waiting_count > 0 ? rank_of(of->waiting_count) : 0;
    if (after == before)
        return;
    gw_list_remove(&of->link);
    if (after > 0)
        gw_list_push_back(&idle->ranks[after], &of->link);
    if (after > idle->top)
        idle->top = after;
}

void gw_idle_join(struct gw_idle *idle, struct gw_idle_member *member, uint64_t client_key) {
    gw_idle_leave(idle, member);
    if (idle->classes == NULL)
        return;
    struct gw_idle_class *of =
        &idle->classes[gw_hash_number(idle->seed, client_key) % GW_IDLE_CLASSES];
    if (of->member_count++ == 0) { // memory of a class is not touched before its first member
        gw_list_init(&of->waiting);
        gw_list_init(&of->link);
    }
    member->of = of;
}

void gw_idle_leave(struct gw_idle *idle, struct gw_idle_member *member) {
    gw_idle_exit(idle, member);
    if (member->of != NULL)
        member->of->member_count--;
    member->of = NULL;
}

void gw_idle_enter(struct gw_idle *idle, struct gw_idle_member *member) {
    if (member->is_waiting || member->of == NULL)
        return;
    member->is_waiting = true;
    gw_list_push_back(&member->of->waiting, &member->link);
    count_waiting(idle, member->of, 1);
}

void gw_idle_exit(struct gw_idle *idle, struct gw_idle_member *member) {
    if (!member->is_waiting)
        return;
    gw_assert(member->of->waiting_count > 0);
    member->is_waiting = false;
    gw_list_remove(&member->link);
    count_waiting(idle, member->of, -1);
}

static struct gw_idle_class *find_most(struct gw_idle *idle) {
    while (idle->top > 0 && gw_list_is_empty(&idle->ranks[idle->top]))
        idle->top--;
    return idle->top == 0
               ? NULL
               : gw_container_of(idle->ranks[idle->top].next, struct gw_idle_class, link);
}

struct gw_idle_member *gw_idle_pick(struct gw_idle *idle, const struct gw_idle_member *newcomer) {
    const struct gw_idle_class *own = newcomer->of;
    const struct gw_idle_class *most = own != NULL ? find_most(idle) : NULL;
    if (most == NULL)
        return NULL;
    if (own->member_count > GW_IDLE_FEW && own->member_count > most->member_count)
        most = own;
    return gw_list_is_empty(&most->waiting)
               ? NULL
               : gw_container_of(most->waiting.next, struct gw_idle_member, link);
}
