// SPDX-License-Identifier: MIT
#include "gateway/process/readiness.h"

#include "db/pool.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"

static bool can_decide(const struct gw_services *services) {
    enum gw_auth_means means = gw_auth_cache_means(services->auth->cache);
    return means == GW_AUTH_BY_DATABASE || means == GW_AUTH_BY_MEMORY;
}

static void let_listen(struct gw_readiness *readiness) {
    uv_timer_stop(&readiness->patience);
    readiness->on_may_listen(readiness);
}

static void on_turn(uv_check_t *turn) {
    struct gw_readiness *readiness = gw_container_of(turn, struct gw_readiness, turn);
    gw_readiness_note(readiness);
    if (readiness->services->has_decided && uv_is_active((uv_handle_t *)&readiness->patience))
        let_listen(readiness);
}

static bool has_hope(const struct gw_readiness *readiness) {
    const struct gw_services *services = readiness->services;
    bool is_reached;
    uint64_t waited_ms = uv_now(services->loop) - readiness->opened_ms;
    return gw_services_is_any_ready(services) ||
           (waited_ms < GW_LISTEN_PATIENCE_MAX_MS &&
            db_pool_trouble(services->pool, &is_reached) == NULL);
}

static void on_patience_over(uv_timer_t *patience) {
    struct gw_readiness *readiness = gw_container_of(patience, struct gw_readiness, patience);
    if (!has_hope(readiness))
        let_listen(readiness);
}

void gw_readiness_open(struct gw_readiness *readiness, struct gw_services *services,
                       void (*on_may_listen)(struct gw_readiness *readiness)) {
    gw_assert(!readiness->is_open && services->auth != NULL);
    *readiness = (struct gw_readiness){.services = services,
                                       .on_may_listen = on_may_listen,
                                       .opened_ms = uv_now(services->loop),
                                       .is_open = true};
    uv_check_init(services->loop, &readiness->turn);
    uv_check_start(&readiness->turn, on_turn);
    uv_unref((uv_handle_t *)&readiness->turn);
    uv_timer_init(services->loop, &readiness->patience);
    uv_timer_start(&readiness->patience, on_patience_over, GW_LISTEN_PATIENCE_MS,
                   GW_LISTEN_LOOK_MS);
}

void gw_readiness_note(struct gw_readiness *readiness) {
    gw_assert(readiness->is_open);
    struct gw_services *services = readiness->services;
    bool is_able = can_decide(services);
    services->has_decided = services->has_decided || is_able;
    services->metrics->workers_listening = services->is_listening ? 1 : 0;
    services->metrics->workers_ready =
        is_able && services->is_listening && !services->is_draining ? 1 : 0;
}

void gw_readiness_close(struct gw_readiness *readiness) {
    if (!readiness->is_open)
        return;
    readiness->is_open = false;
    readiness->services->metrics->workers_ready = 0;
    readiness->services->metrics->workers_listening = 0;
    uv_close((uv_handle_t *)&readiness->turn, NULL);
    uv_close((uv_handle_t *)&readiness->patience, NULL);
}
