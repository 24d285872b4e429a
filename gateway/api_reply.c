// SPDX-License-Identifier: MIT
#include "gateway/api_reply.h"

#include <string.h>

#include "gateway/exchange.h"
#include "gateway/token_request.h"

void gw_api_reply_json(struct gw_exchange *exchange, int status, struct gw_json_writer *json) {
    const struct gw_response_field field = {GW_STR("Cache-Control"), GW_STR("no-store")};
    if (gw_json_writer_finish(json) == GW_OK)
        gw_exchange_respond(exchange, status, &field, 1, "application/json",
                            gw_buf_bytes(json->out));
    else
        gw_api_reply_no_memory(exchange);
}

void gw_api_reply_refusal(struct gw_exchange *exchange, const struct gw_refusal *refusal) {
    gw_exchange_fail(exchange, refusal->status, refusal->code, refusal->message);
}

void gw_api_reply_no_memory(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, 503, "unavailable", "The gateway is out of memory.");
}

void gw_api_reply_database(struct gw_exchange *exchange, enum gw_status status) {
    gw_exchange_fail(exchange, 503, "unavailable",
                     status == GW_BUSY
                         ? "The change waited for another one for too long, and was not made. Try "
                           "again shortly."
                         : "The token database cannot be reached now. Try again shortly.");
}

void gw_api_reply_no_token(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, 404, "not_found", "There is no live token with this id here.");
}

void *gw_api_reply_start_call(struct gw_exchange *exchange, size_t size) {
    void *call = gw_arena_allocate(&exchange->arena, size);
    if (call == NULL)
        gw_api_reply_no_memory(exchange);
    else
        memset(call, 0, size);
    return call;
}
