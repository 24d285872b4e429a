// SPDX-License-Identifier: MIT
#include "gateway/api/admin.h"

#include "base/buf.h"
#include "db/pool.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/pool_metrics.h"
#include "gateway/exchange/services.h"
#include "gateway/settings/metrics_text.h"
#include "gateway/settings/org_metrics.h"

#define METRICS_BYTES_MAX (1024 * 1024) // with GW_ORG_METRICS_MAX organisations

static void respond_text(struct gw_exchange *exchange, int status, struct gw_str text) {
    const struct gw_response_field field = {GW_STR("Cache-Control"), GW_STR("no-store")};
    gw_exchange_respond(exchange, status, &field, 1, "text/plain; charset=utf-8", text);
}

static void respond_alive(struct gw_exchange *exchange) {
    respond_text(exchange, 200, GW_STR("ok\n"));
}

// One that stands still takes its part of the new connections, and none is answered.
static bool is_any_worker_silent(const struct gw_services *services) {
    for (int i = 0; i < services->worker_count; i++) {
        if (services->all_metrics[i].workers_silent > 0)
            return true;
    }
    return false;
}

static struct gw_str why_not_ready(const struct gw_services *services, enum gw_auth_means means) {
    if (!services->has_decided)
        return GW_STR("not ready: the database has not answered yet\n");
    if (means == GW_AUTH_BY_NOTHING)
        return GW_STR("not ready: the database does not answer, and no token is known\n");
    if (means == GW_AUTH_TOO_LATE)
        return GW_STR("not ready: the database has not answered for longer than --stale-read\n");
    return GW_STR("not ready: not listening yet\n");
}

static void respond_ready(struct gw_exchange *exchange) {
    const struct gw_services *services = exchange->services;
    enum gw_auth_means means = gw_auth_cache_means(services->auth->cache);
    if (services->is_draining)
        respond_text(exchange, 503, GW_STR("draining\n"));
    else if (is_any_worker_silent(services))
        respond_text(exchange, 503, GW_STR("not ready: a worker stands still\n"));
    else if (services->is_listening && means == GW_AUTH_BY_DATABASE)
        respond_text(exchange, 200, GW_STR("ready\n"));
    else if (services->is_listening && means == GW_AUTH_BY_MEMORY)
        respond_text(exchange, 200,
                     GW_STR("ready for known tokens: the database does not answer\n"));
    else if (gw_services_is_any_ready(services))
        respond_text(exchange, 200, GW_STR("ready through another worker\n"));
    else
        respond_text(exchange, 503, why_not_ready(services, means));
}

static void respond_started(struct gw_exchange *exchange) {
    if (exchange->services->has_decided || gw_services_is_any_ready(exchange->services))
        respond_text(exchange, 200, GW_STR("started\n"));
    else
        respond_text(exchange, 503, GW_STR("the database has not answered yet\n"));
}

static void respond_metrics(struct gw_exchange *exchange) {
    struct gw_buf body;
    gw_buf_init(&body, METRICS_BYTES_MAX);
    struct gw_services *services = exchange->services;
    gw_pool_metrics_publish(services);
    enum gw_status status = gw_metrics_write(services->all_metrics, services->worker_count, &body);
    if (status == GW_OK && services->org_metrics != NULL)
        status = gw_org_metrics_write(services->org_metrics, &body);
    if (status == GW_OK)
        gw_exchange_respond(exchange, 200, NULL, 0, "text/plain; version=0.0.4; charset=utf-8",
                            gw_buf_bytes(&body));
    else
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
    gw_buf_deinit(&body);
}

static const struct page {
    struct gw_str path;
    void (*respond)(struct gw_exchange *exchange);
} pages[] = {{GW_STR("/healthz"), respond_alive},
             {GW_STR("/livez"), respond_alive},
             {GW_STR("/readyz"), respond_ready},
             {GW_STR("/startupz"), respond_started},
             {GW_STR("/metrics"), respond_metrics}};

static const struct page *find_page(struct gw_str path) {
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (gw_str_equal(path, pages[i].path))
            return &pages[i];
    }
    return NULL;
}

void gw_admin_start(struct gw_exchange *exchange) {
    struct gw_str target = exchange->request->target;
    const struct page *page = find_page(gw_str_slice(target, 0, gw_str_find(target, '?')));
    bool is_read = exchange->request->method == HTTP_GET || exchange->request->method == HTTP_HEAD;
    const struct gw_response_field allow = {GW_STR("Allow"), GW_STR("GET, HEAD")};
    if (!is_read)
        gw_exchange_fail_with(exchange, GW_ERROR_METHOD_NOT_ALLOWED, "Only GET and HEAD.", &allow);
    else if (page == NULL)
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND,
                         "There are /healthz, /livez, /readyz, /startupz and /metrics here.");
    else
        page->respond(exchange);
}
