// SPDX-License-Identifier: MIT
#include "gateway/process/heartbeat.h"

#include "gateway/exchange/pool_metrics.h"
#include "gateway/process/descriptors.h"

static void on_beat(uv_timer_t *timer) {
    struct gw_heartbeat *heartbeat = gw_container_of(timer, struct gw_heartbeat, timer);
    struct gw_services *services = heartbeat->services;
    services->metrics->heartbeats_total++;
    gw_notify_beat(heartbeat->notify);
    if (services->pool != NULL)
        gw_pool_metrics_publish(services);
    gw_vitals_publish(&heartbeat->vitals, services);
    services->descriptors_max = gw_descriptors_max_for_clients();
    if (!gw_descriptors_are_left())
        services->metrics->descriptor_shortages_total++;
    gw_shortages_look(&heartbeat->shortages, services->metrics, uv_now(services->loop));
}

void gw_heartbeat_open(struct gw_heartbeat *heartbeat, struct gw_services *services,
                       const struct gw_notify *notify) {
    heartbeat->services = services;
    heartbeat->notify = notify;
    services->descriptors_max = gw_descriptors_max_for_clients();
    gw_vitals_start(&heartbeat->vitals, services);
    gw_shortages_start(&heartbeat->shortages, services->metrics);
    uv_timer_init(services->loop, &heartbeat->timer);
    uv_timer_start(&heartbeat->timer, on_beat, 0, GW_HEARTBEAT_MS);
    uv_unref((uv_handle_t *)&heartbeat->timer);
}

void gw_heartbeat_close(struct gw_heartbeat *heartbeat) {
    uv_close((uv_handle_t *)&heartbeat->timer, NULL);
}
