// SPDX-License-Identifier: MIT
#include "gateway/exchange/pool_metrics.h"

#include "db/pool.h"

void gw_pool_metrics_publish(struct gw_services *services) {
    const struct gw_metrics *before = &services->metrics_at_start;
    struct gw_metrics *metrics = services->metrics;
    struct db_pool_stats stats;
    db_pool_stats(services->pool, &stats);
    const struct db_blockers_stats *locks = &stats.locks;
    metrics->database_connections_ready = stats.connections_ready;
    metrics->database_queries_waiting = stats.queries_in_flight + stats.queries_queued;
    metrics->changes_waiting = locks->waiting;
    metrics->changes_waiting_ms = (int64_t)locks->waiting_ms;
    metrics->changes_blocker_pid = locks->blocker_pid;
#define COUNT(name, total) metrics->name = before->name + (int64_t)(total)
    COUNT(database_queries_total, stats.queries_total);
    COUNT(database_disconnects_total, stats.disconnects_total);
    COUNT(changes_held_up_total, locks->waited_total);
    COUNT(changes_held_up_ms_total, locks->waited_ms_total);
    COUNT(changes_busy_total, stats.changes_busy_total);
    COUNT(changes_repeated_total, stats.repeated_total);
#undef COUNT
}
