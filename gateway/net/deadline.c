// SPDX-License-Identifier: MIT
#include "gateway/net/deadline.h"

#include "base/status.h"
#include "base/turn_part.h"

void gw_deadline_kind_init(struct gw_deadline_kind *kind, uint64_t duration_ms) {
    gw_list_init(&kind->waiting);
    kind->duration_ms = duration_ms;
}

// Deadlines that are due leave the list first, so that one set again inside its callback waits for
// the next tick. Returns how many expired, at most `most`.
static int expire_kind(struct gw_deadline_kind *kind, uint64_t now_ms, int most) {
    int count = 0;
    struct gw_list due;
    gw_list_init(&due);
    for (; count < most && !gw_list_is_empty(&kind->waiting); count++) {
        struct gw_deadline *first = gw_container_of(kind->waiting.next, struct gw_deadline, link);
        if (first->expires_ms > now_ms)
            break;
        gw_list_remove(&first->link);
        gw_list_push_back(&due, &first->link);
    }
    for (struct gw_list *node; (node = gw_list_pop_front(&due)) != NULL;) {
        struct gw_deadline *deadline = gw_container_of(node, struct gw_deadline, link);
        deadline->on_expired(deadline);
    }
    return count;
}

static void put_off(struct gw_deadline_kind *kind, uint64_t by_ms) {
    for (struct gw_list *node = kind->waiting.next; node != &kind->waiting; node = node->next)
        gw_container_of(node, struct gw_deadline, link)->expires_ms += by_ms;
}

// One set between the gap and this tick is put off, too, so that the lists stay in order.
static void skip_gap(struct gw_deadlines *deadlines, uint64_t now_ms) {
    uint64_t passed_ms = now_ms - deadlines->ticked_ms;
    deadlines->ticked_ms = now_ms;
    for (int i = 0; passed_ms > GW_DEADLINE_GAP_MS && i < deadlines->kind_count; i++)
        put_off(&deadlines->kinds[i], passed_ms - GW_DEADLINE_GAP_MS);
}

static void on_tick(uv_timer_t *timer) {
    struct gw_deadlines *deadlines = gw_container_of(timer, struct gw_deadlines, timer);
    uint64_t now_ms = uv_now(timer->loop);
    skip_gap(deadlines, now_ms);
    int left = GW_DEADLINE_EXPIRED_PER_TURN;
    gw_turn_part_begin("deadlines");
    for (int i = 0; i < deadlines->kind_count; i++)
        left -= expire_kind(&deadlines->kinds[i], now_ms, left);
    gw_turn_part_end();
    // With less than a millisecond, libuv would call again within this turn.
    if (left == 0)
        uv_timer_start(timer, on_tick, 1, GW_DEADLINE_TICK_MS);
}

void gw_deadlines_open(struct gw_deadlines *deadlines, uv_loop_t *loop,
                       struct gw_deadline_kind *kinds, int kind_count) {
    deadlines->kinds = kinds;
    deadlines->kind_count = kind_count;
    deadlines->on_closed = NULL;
    deadlines->ticked_ms = uv_now(loop);
    int failure = uv_timer_init(loop, &deadlines->timer);
    gw_assert(failure == 0);
    failure = uv_timer_start(&deadlines->timer, on_tick, GW_DEADLINE_TICK_MS, GW_DEADLINE_TICK_MS);
    gw_assert(failure == 0);
    uv_unref((uv_handle_t *)&deadlines->timer);
}

static void on_timer_closed(uv_handle_t *handle) {
    struct gw_deadlines *deadlines =
        gw_container_of((uv_timer_t *)handle, struct gw_deadlines, timer);
    if (deadlines->on_closed != NULL)
        deadlines->on_closed(deadlines);
}

void gw_deadlines_close(struct gw_deadlines *deadlines,
                        void (*on_closed)(struct gw_deadlines *deadlines)) {
    deadlines->on_closed = on_closed;
    uv_close((uv_handle_t *)&deadlines->timer, on_timer_closed);
}

void gw_deadline_init(struct gw_deadline *deadline,
                      void (*on_expired)(struct gw_deadline *deadline)) {
    gw_list_init(&deadline->link);
    deadline->expires_ms = 0;
    deadline->on_expired = on_expired;
}

void gw_deadline_set(struct gw_deadline *deadline, struct gw_deadline_kind *kind, uint64_t now_ms) {
    gw_assert(deadline->on_expired != NULL);
    gw_list_remove(&deadline->link);
    deadline->expires_ms = now_ms + kind->duration_ms;
    gw_list_push_back(&kind->waiting, &deadline->link);
}

void gw_deadline_clear(struct gw_deadline *deadline) {
    gw_list_remove(&deadline->link);
}
