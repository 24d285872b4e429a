// SPDX-License-Identifier: MIT
#include "gateway/api/admin.h"

#include "base/buf.h"
#include "db/pool.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "gateway/settings/metrics.h"

#define METRICS_BYTES_MAX (256 * 1024)

static void respond_text(struct gw_exchange *exchange, int status, struct gw_str text) {
    const struct gw_response_field field = {GW_STR("Cache-Control"), GW_STR("no-store")};
    gw_exchange_respond(exchange, status, &field, 1, "text/plain; charset=utf-8", text);
}

static void respond_ready(struct gw_exchange *exchange) {
    const struct gw_services *services = exchange->services;
    if (services->is_draining)
        respond_text(exchange, 503, GW_STR("draining\n"));
    else if (!db_pool_is_ready(services->pool))
        respond_text(exchange, 503, GW_STR("the database does not answer\n"));
    else
        respond_text(exchange, 200, GW_STR("ready\n"));
}

static enum gw_status write_pool_metrics(const struct db_pool *pool, struct gw_buf *out) {
    struct db_pool_stats stats;
    db_pool_stats(pool, &stats);
    return gw_buf_printf(
        out,
        "# HELP skillreg_gateway_database_connections_ready Database connections that are up.\n"
        "# TYPE skillreg_gateway_database_connections_ready gauge\n"
        "skillreg_gateway_database_connections_ready %d\n"
        "# HELP skillreg_gateway_database_queries_waiting Database queries queued or in flight.\n"
        "# TYPE skillreg_gateway_database_queries_waiting gauge\n"
        "skillreg_gateway_database_queries_waiting %d\n"
        "# HELP skillreg_gateway_database_queries_total Database queries sent.\n"
        "# TYPE skillreg_gateway_database_queries_total counter\n"
        "skillreg_gateway_database_queries_total %llu\n"
        "# HELP skillreg_gateway_database_disconnects_total Database connections lost.\n"
        "# TYPE skillreg_gateway_database_disconnects_total counter\n"
        "skillreg_gateway_database_disconnects_total %llu\n",
        stats.connections_ready, stats.queries_in_flight + stats.queries_queued,
        (unsigned long long)stats.queries_total, (unsigned long long)stats.disconnects_total);
}

// Changes, and writes of last-used times, that wait for another transaction.
static enum gw_status write_lock_metrics(const struct db_pool *pool, struct gw_buf *out) {
    struct db_pool_stats stats;
    db_pool_stats(pool, &stats);
    return gw_buf_printf(
        out,
        "# HELP skillreg_gateway_changes_waiting Changes held up for half a second or longer.\n"
        "# TYPE skillreg_gateway_changes_waiting gauge\n"
        "skillreg_gateway_changes_waiting %d\n"
        "# HELP skillreg_gateway_changes_waiting_ms For how long, the longest of them.\n"
        "# TYPE skillreg_gateway_changes_waiting_ms gauge\n"
        "skillreg_gateway_changes_waiting_ms %llu\n"
        "# HELP skillreg_gateway_changes_blocker_pid PostgreSQL process in their way; 0: unknown.\n"
        "# TYPE skillreg_gateway_changes_blocker_pid gauge\n"
        "skillreg_gateway_changes_blocker_pid %d\n"
        "# HELP skillreg_gateway_changes_held_up_total Changes that were held up.\n"
        "# TYPE skillreg_gateway_changes_held_up_total counter\n"
        "skillreg_gateway_changes_held_up_total %llu\n"
        "# HELP skillreg_gateway_changes_held_up_ms_total For how long, all together.\n"
        "# TYPE skillreg_gateway_changes_held_up_ms_total counter\n"
        "skillreg_gateway_changes_held_up_ms_total %llu\n"
        "# HELP skillreg_gateway_changes_busy_total Changes not made because another one held.\n"
        "# TYPE skillreg_gateway_changes_busy_total counter\n"
        "skillreg_gateway_changes_busy_total %llu\n"
        "# HELP skillreg_gateway_changes_repeated_total Changes tried again after a deadlock.\n"
        "# TYPE skillreg_gateway_changes_repeated_total counter\n"
        "skillreg_gateway_changes_repeated_total %llu\n",
        stats.locks.waiting, (unsigned long long)stats.locks.waiting_ms, stats.locks.blocker_pid,
        (unsigned long long)stats.locks.waited_total,
        (unsigned long long)stats.locks.waited_ms_total,
        (unsigned long long)stats.changes_busy_total, (unsigned long long)stats.repeated_total);
}

static void respond_metrics(struct gw_exchange *exchange) {
    struct gw_buf body;
    gw_buf_init(&body, METRICS_BYTES_MAX);
    const struct gw_services *services = exchange->services;
    struct gw_metrics sum;
    gw_metrics_sum(services->all_metrics, services->worker_count, &sum);
    enum gw_status status = gw_metrics_write(&sum, &body);
    if (status == GW_OK)
        status = write_pool_metrics(exchange->services->pool, &body);
    if (status == GW_OK)
        status = write_lock_metrics(exchange->services->pool, &body);
    if (status == GW_OK)
        gw_exchange_respond(exchange, 200, NULL, 0, "text/plain; version=0.0.4; charset=utf-8",
                            gw_buf_bytes(&body));
    else
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
    gw_buf_deinit(&body);
}

void gw_admin_start(struct gw_exchange *exchange) {
    struct gw_str target = exchange->request->target;
    struct gw_str path = gw_str_slice(target, 0, gw_str_find(target, '?'));
    bool is_read = exchange->request->method == HTTP_GET || exchange->request->method == HTTP_HEAD;
    const struct gw_response_field allow = {GW_STR("Allow"), GW_STR("GET, HEAD")};
    if (!is_read)
        gw_exchange_fail_with(exchange, GW_ERROR_METHOD_NOT_ALLOWED, "Only GET and HEAD.", &allow);
    else if (gw_str_equal(path, GW_STR("/healthz")))
        respond_text(exchange, 200, GW_STR("ok\n"));
    else if (gw_str_equal(path, GW_STR("/readyz")))
        respond_ready(exchange);
    else if (gw_str_equal(path, GW_STR("/metrics")))
        respond_metrics(exchange);
    else
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND,
                         "There are /healthz, /readyz and /metrics here.");
}
