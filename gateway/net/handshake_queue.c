// SPDX-License-Identifier: MIT
#include "gateway/net/handshake_queue.h"

#define BUDGET_NS (GW_ADMISSION_BUDGET_US * UINT64_C(1000))

static void count_out(struct gw_admission *admission, struct gw_admission_turn *turn) {
    if (turn->is_newcomer)
        admission->metrics->tls_handshakes_waiting--;
    turn->is_newcomer = false;
}

// At least one, if one waits.
static void give_turns(struct gw_admission *admission, enum gw_admission_queue queue,
                       uint64_t until_ns) {
    do {
        struct gw_list *node = gw_list_pop_front(&admission->queues[queue]);
        if (node == NULL)
            return;
        struct gw_admission_turn *turn = gw_container_of(node, struct gw_admission_turn, link);
        count_out(admission, turn);
        turn->on_turn(turn);
    } while (uv_hrtime() < until_ns);
}

static void on_idle(uv_idle_t *idle) {
    struct gw_admission *admission = gw_container_of(idle, struct gw_admission, idle);
    uint64_t began_ns = uv_hrtime();
    give_turns(admission, GW_ADMISSION_SHORT, began_ns + BUDGET_NS / 2);
    give_turns(admission, GW_ADMISSION_FULL, began_ns + BUDGET_NS);
    if (gw_list_is_empty(&admission->queues[GW_ADMISSION_SHORT]) &&
        gw_list_is_empty(&admission->queues[GW_ADMISSION_FULL]))
        uv_idle_stop(idle);
}

void gw_admission_open(struct gw_admission *admission, uv_loop_t *loop, int newcomers_max,
                       struct gw_metrics *metrics) {
    *admission = (struct gw_admission){.metrics = metrics, .newcomers_max = newcomers_max};
    for (int i = 0; i < GW_ADMISSION_QUEUES; i++)
        gw_list_init(&admission->queues[i]);
    uv_idle_init(loop, &admission->idle);
}

void gw_admission_close(struct gw_admission *admission) {
    uv_close((uv_handle_t *)&admission->idle, NULL);
}

void gw_admission_turn_init(struct gw_admission_turn *turn,
                            void (*on_turn)(struct gw_admission_turn *turn)) {
    *turn = (struct gw_admission_turn){.on_turn = on_turn};
    gw_list_init(&turn->link);
}

static void join(struct gw_admission *admission, struct gw_admission_turn *turn,
                 enum gw_admission_queue queue) {
    gw_list_push_back(&admission->queues[queue], &turn->link);
    uv_idle_start(&admission->idle, on_idle);
}

enum gw_status gw_admission_begin(struct gw_admission *admission, struct gw_admission_turn *turn,
                                  enum gw_admission_queue queue) {
    gw_assert(gw_list_is_empty(&turn->link));
    if (admission->metrics->tls_handshakes_waiting >= admission->newcomers_max) {
        admission->metrics->tls_handshakes_refused_total++;
        return GW_TOO_BIG;
    }
    admission->metrics->tls_handshakes_waiting++;
    turn->is_newcomer = true;
    join(admission, turn, queue);
    return GW_OK;
}

void gw_admission_go_on(struct gw_admission *admission, struct gw_admission_turn *turn) {
    if (gw_list_is_empty(&turn->link))
        join(admission, turn, GW_ADMISSION_SHORT);
}

void gw_admission_leave(struct gw_admission *admission, struct gw_admission_turn *turn) {
    gw_list_remove(&turn->link);
    count_out(admission, turn);
}
