// SPDX-License-Identifier: MIT
#include "gateway/net/handshake_queue.h"

#include "base/turn_part.h"

#define BUDGET_NS (GW_HANDSHAKE_BUDGET_US * UINT64_C(1000))

static void count_out(struct gw_handshake_queue *queue, struct gw_handshake_turn *turn) {
    gw_assert(!turn->is_newcomer || queue->metrics->tls_handshakes_waiting > 0);
    if (turn->is_newcomer)
        queue->metrics->tls_handshakes_waiting--;
    turn->is_newcomer = false;
}

// At least one turn, if a handshake waits.
static void give_turns(struct gw_handshake_queue *queue, enum gw_handshake_kind kind,
                       uint64_t until_ns) {
    do {
        struct gw_list *node = gw_list_pop_front(&queue->waiting[kind]);
        if (node == NULL)
            return;
        struct gw_handshake_turn *turn = gw_container_of(node, struct gw_handshake_turn, link);
        count_out(queue, turn);
        turn->on_turn(turn);
    } while (uv_hrtime() < until_ns);
}

static void on_idle(uv_idle_t *idle) {
    struct gw_handshake_queue *queue = gw_container_of(idle, struct gw_handshake_queue, idle);
    uint64_t began_ns = uv_hrtime();
    gw_turn_part_begin("tls_handshakes");
    give_turns(queue, GW_HANDSHAKE_SHORT, began_ns + BUDGET_NS / 2);
    give_turns(queue, GW_HANDSHAKE_FULL, began_ns + BUDGET_NS);
    gw_turn_part_end();
    if (gw_list_is_empty(&queue->waiting[GW_HANDSHAKE_SHORT]) &&
        gw_list_is_empty(&queue->waiting[GW_HANDSHAKE_FULL]))
        uv_idle_stop(idle);
}

void gw_handshake_queue_open(struct gw_handshake_queue *queue, uv_loop_t *loop, int newcomers_max,
                             struct gw_metrics *metrics) {
    *queue = (struct gw_handshake_queue){.metrics = metrics, .newcomers_max = newcomers_max};
    for (int i = 0; i < GW_HANDSHAKE_KINDS; i++)
        gw_list_init(&queue->waiting[i]);
    uv_idle_init(loop, &queue->idle);
}

void gw_handshake_queue_close(struct gw_handshake_queue *queue) {
    uv_close((uv_handle_t *)&queue->idle, NULL);
}

void gw_handshake_turn_init(struct gw_handshake_turn *turn,
                            void (*on_turn)(struct gw_handshake_turn *turn)) {
    *turn = (struct gw_handshake_turn){.on_turn = on_turn};
    gw_list_init(&turn->link);
}

static void join(struct gw_handshake_queue *queue, struct gw_handshake_turn *turn,
                 enum gw_handshake_kind kind) {
    gw_list_push_back(&queue->waiting[kind], &turn->link);
    uv_idle_start(&queue->idle, on_idle);
}

enum gw_status gw_handshake_queue_begin(struct gw_handshake_queue *queue,
                                        struct gw_handshake_turn *turn,
                                        enum gw_handshake_kind kind) {
    gw_assert(gw_list_is_empty(&turn->link));
    if (queue->metrics->tls_handshakes_waiting >= queue->newcomers_max) {
        queue->metrics->tls_handshakes_refused_total++;
        return GW_TOO_BIG;
    }
    queue->metrics->tls_handshakes_waiting++;
    turn->is_newcomer = true;
    join(queue, turn, kind);
    return GW_OK;
}

void gw_handshake_queue_go_on(struct gw_handshake_queue *queue, struct gw_handshake_turn *turn) {
    if (gw_list_is_empty(&turn->link))
        join(queue, turn, GW_HANDSHAKE_SHORT);
}

void gw_handshake_queue_leave(struct gw_handshake_queue *queue, struct gw_handshake_turn *turn) {
    gw_list_remove(&turn->link);
    count_out(queue, turn);
}
