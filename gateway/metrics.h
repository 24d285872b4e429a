// SPDX-License-Identifier: MIT
#pragma once
// Counters of one process, and their Prometheus text form. Plain integers: one thread writes them.

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define GW_METRICS_MAP(X)                                                                          \
    X(connections_accepted_total, "counter", "Connections accepted.")                              \
    X(connections_refused_total, "counter", "Connections refused over the limit.")                 \
    X(connections_open, "gauge", "Connections open now.")                                          \
    X(tls_handshakes_total, "counter", "TLS handshakes completed.")                                \
    X(tls_handshakes_failed_total, "counter", "TLS handshakes failed.")                            \
    X(requests_total, "counter", "Requests whose head was read.")                                  \
    X(responses_2xx_total, "counter", "Responses by class.")                                       \
    X(responses_3xx_total, "counter", "Responses by class.")                                       \
    X(responses_4xx_total, "counter", "Responses by class.")                                       \
    X(responses_5xx_total, "counter", "Responses by class.")                                       \
    X(decisions_allowed_total, "counter", "Decisions: allowed.")                                   \
    X(decisions_unauthenticated_total, "counter", "Decisions: 401.")                               \
    X(decisions_forbidden_total, "counter", "Decisions: 403.")                                     \
    X(decisions_unknown_total, "counter", "Decisions: 503, the gateway could not know.")           \
    X(lookups_total, "counter", "Tokens looked up in the database.")                               \
    X(last_used_requests_total, "counter", "Uses covered by last-used writes.")                    \
    X(last_used_rows_written_total, "counter", "Rows written by last-used flushes.")               \
    X(last_used_flush_failures_total, "counter", "Last-used flushes that failed and were kept.")   \
    X(last_used_dropped_total, "counter", "Uses not noted because the table was full.")            \
    X(upstream_requests_total, "counter", "Requests sent to the registry.")                        \
    X(upstream_failures_total, "counter", "Requests the registry did not answer.")                 \
    X(upstream_connects_total, "counter", "Connections opened to the registry.")                   \
    X(timeouts_total, "counter", "Connections ended by a deadline.")

struct gw_metrics {
#define X(name, type, help) int64_t name;
    GW_METRICS_MAP(X)
#undef X
};

// Appends the text exposition format 0.0.4.
enum gw_status gw_metrics_write(const struct gw_metrics *metrics, struct gw_buf *out) GW_MUST_USE;
