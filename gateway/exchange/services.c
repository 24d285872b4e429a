// SPDX-License-Identifier: MIT
#include "gateway/exchange/services.h"

#include "base/big_endian.h"
#include "base/hex.h"
#include "base/str.h"

#define NS_PER_US 1000
#define US_PER_MS 1000

void gw_services_touch(struct gw_services *services) {
    gw_assert(services->loop != NULL);
    uint64_t now_ms = uv_now(services->loop);
    if (now_ms == services->touched_ms)
        return;
    services->touched_ms = now_ms;
    services->touched_ns = uv_hrtime();
    services->wall_us = gw_clock_wall_us();
    services->wall_ms = services->wall_us / US_PER_MS;
    int64_t second = services->wall_ms / 1000;
    if (second == services->http_date_second)
        return;
    services->http_date_second = second;
    gw_clock_format_http(services->wall_ms, services->http_date);
}

int64_t gw_services_wall_ms_at(const struct gw_services *services, uint64_t now_ns) {
    int64_t passed_ns = (int64_t)(now_ns - services->touched_ns); // negative, if it came before
    return (services->wall_us + passed_ns / NS_PER_US) / US_PER_MS;
}

bool gw_services_is_any_ready(const struct gw_services *services) {
    for (int i = 0; i < services->worker_count; i++) {
        if (services->all_metrics[i].workers_ready > 0)
            return true;
    }
    return false;
}

void gw_services_make_request_id(struct gw_services *services, char out[GW_REQUEST_ID_LENGTH + 1]) {
    unsigned char number[GW_REQUEST_ID_LENGTH / 2];
    gw_put_big_endian(number, 8, services->request_id_base);
    gw_put_big_endian(number + 8, 8, services->request_id_next++);
    gw_hex_encode(number, sizeof(number), out);
    out[GW_REQUEST_ID_LENGTH] = '\0';
}
