// SPDX-License-Identifier: MIT
#include "gateway/exchange/services.h"

#include "base/str.h"

void gw_services_touch(struct gw_services *services) {
    gw_assert(services->loop != NULL);
    uint64_t now_ms = uv_now(services->loop);
    if (now_ms == services->touched_ms)
        return;
    services->touched_ms = now_ms;
    services->wall_ms = gw_clock_wall_ms();
    int64_t second = services->wall_ms / 1000;
    if (second == services->http_date_second)
        return;
    services->http_date_second = second;
    gw_clock_format_http(services->wall_ms, services->http_date);
}

static void put_hex(char *out, uint64_t number) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 15; i >= 0; i--, number >>= 4)
        out[i] = digits[number & 15];
}

void gw_services_make_request_id(struct gw_services *services, char out[GW_REQUEST_ID_LENGTH + 1]) {
    put_hex(out, services->request_id_base);
    put_hex(out + 16, services->request_id_next++);
    out[GW_REQUEST_ID_LENGTH] = '\0';
}
