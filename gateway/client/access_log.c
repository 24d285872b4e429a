// SPDX-License-Identifier: MIT
#include "gateway/client/access_log.h"

#include "base/log.h"

void gw_access_log_write(const struct gw_exchange *exchange) {
    const struct gw_services *services = exchange->services;
    if (!services->config->access_log || exchange->request == NULL)
        return;
    struct gw_log_quote path;
    struct gw_str id = exchange->has_identity ? exchange->identity.id : GW_STR("-");
    struct gw_str target = exchange->request->target;
    // Without the query, which may hold a token.
    gw_log_quoted(&path, gw_str_slice(target, 0, gw_str_find(target, '?')));
    gw_log(GW_LOG_INFO, "request",
           "method=%.*s path=%s status=%d bytes=%llu ms=%llu client=%.*s token=%.*s id=%s",
           GW_STR_ARG(exchange->request->method_name), path.text, exchange->status,
           (unsigned long long)exchange->body_bytes,
           (unsigned long long)(uv_now(services->loop) - exchange->started_ms),
           GW_STR_ARG(gw_client_name(&exchange->client)), GW_STR_ARG(id), exchange->request_id);
}
