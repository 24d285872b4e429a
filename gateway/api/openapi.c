// SPDX-License-Identifier: MIT
#include "gateway/api/openapi.h"

#include "gateway/api/openapi_document.h"
#include "gateway/exchange/exchange.h"

// A client may keep it, and asks again before it goes by it: another version of the program may
// answer by then.
void gw_openapi_start(struct gw_exchange *exchange) {
    const struct gw_response_field field = {GW_STR("Cache-Control"), GW_STR("no-cache")};
    gw_exchange_respond(exchange, 200, &field, 1, "application/json",
                        gw_str_from(gw_openapi_document));
}
