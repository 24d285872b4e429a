// SPDX-License-Identifier: MIT
#pragma once
// Counters of one process, and their Prometheus text form. Plain integers: one thread writes them.
// With several workers they lie in memory that all share, one struct a worker, and any worker shows
// the sum; a reader may see a number a moment old.

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define GW_METRICS_MAP(X)                                                                          \
    X(connections_accepted_total, "counter", "Connections accepted.")                              \
    X(connections_refused_total, "counter", "Connections refused over a limit, or for memory.")    \
    X(connections_refused_address_total, "counter",                                                \
      "Connections refused to an address with many.")                                              \
    X(connections_open, "gauge", "Connections open now.")                                          \
    X(proxy_headers_missing_total, "counter", "Connections without the PROXY header they need.")   \
    X(clients_unknown_total, "counter", "Requests of trusted proxies without a readable client.")  \
    X(tls_handshakes_full_total, "counter", "TLS handshakes completed, full ones.")                \
    X(tls_handshakes_resumed_total, "counter", "TLS handshakes completed by resumption.")          \
    X(tls_handshakes_failed_total, "counter", "TLS handshakes failed, refused or timed out.")      \
    X(tls_handshakes_refused_total, "counter", "TLS handshakes refused because too many waited.")  \
    X(tls_handshakes_waiting, "gauge", "TLS handshakes that wait to be begun.")                    \
    X(cert_not_after_seconds, "gauge", "When the first certificate ends, seconds since 1970.")     \
    X(requests_total, "counter", "Requests whose head was read.")                                  \
    X(responses_2xx_total, "counter", "Responses with a status of 2xx.")                           \
    X(responses_3xx_total, "counter", "Responses with a status of 3xx.")                           \
    X(responses_4xx_total, "counter", "Responses with a status of 4xx.")                           \
    X(responses_5xx_total, "counter", "Responses with a status of 5xx.")                           \
    X(decisions_allowed_total, "counter", "Decisions: allowed.")                                   \
    X(decisions_unauthenticated_total, "counter", "Decisions: 401.")                               \
    X(decisions_forbidden_total, "counter", "Decisions: 403.")                                     \
    X(decisions_unknown_total, "counter", "Decisions: 503, the gateway could not know.")           \
    X(decisions_limited_total, "counter", "Decisions: 429.")                                       \
    X(rate_limited_total, "counter", "Requests refused over a rate limit.")                        \
    X(failed_tokens_total, "counter", "Tokens tried that were malformed, unknown or revoked.")     \
    X(rate_entries_displaced_total, "counter",                                                     \
      "Clients and tokens whose use was forgotten early.")                                         \
    X(lookups_total, "counter", "Tokens looked up in the database.")                               \
    X(lookups_joined_total, "counter", "Requests that joined a lookup on its way.")                \
    X(lookups_behind_total, "counter", "Answers of a standby that lagged, not believed.")          \
    X(cache_hits_total, "counter", "Decisions from the authentication cache.")                     \
    X(cache_misses_total, "counter", "Decisions that the authentication cache could not give.")    \
    X(cache_refreshes_total, "counter", "Background lookups of entries in use.")                   \
    X(cache_stale_total, "counter", "Decisions by the stale policy, the database being away.")     \
    X(cache_entries, "gauge", "Live tokens in the authentication cache.")                          \
    X(cache_negative_entries, "gauge", "Absent and revoked tokens in the authentication cache.")   \
    X(cache_bytes, "gauge", "Memory of the authentication cache.")                                 \
    X(events_applied_total, "counter", "Changes heard of through the event log.")                  \
    X(last_used_requests_total, "counter", "Uses covered by last-used writes.")                    \
    X(last_used_rows_written_total, "counter", "Rows written by last-used flushes.")               \
    X(last_used_flush_failures_total, "counter", "Last-used flushes that failed and were kept.")   \
    X(last_used_dropped_total, "counter", "Uses not noted because the table was full.")            \
    X(upstream_requests_total, "counter", "Requests sent to the registry.")                        \
    X(upstream_failures_total, "counter", "Requests the registry did not answer.")                 \
    X(upstream_connects_total, "counter", "Connections opened to the registry.")                   \
    X(transfers_ended_total, "counter",                                                            \
      "Requests to the registry broken off because their token ended.")                            \
    X(upstreams_ejected, "gauge", "Addresses of the registry left out because they fail.")         \
    X(timeouts_total, "counter", "Connections ended by a deadline.")

struct gw_metrics {
#define X(name, type, help) int64_t name;
    GW_METRICS_MAP(X)
#undef X
};

// A worker starts: gauges are 0 again, counters go on.
void gw_metrics_reset_gauges(struct gw_metrics *metrics);
// cert_not_after_seconds is the earliest instead of the sum; 0 is left out.
void gw_metrics_sum(const struct gw_metrics *all, int count, struct gw_metrics *sum);
// Appends the text exposition format 0.0.4.
enum gw_status gw_metrics_write(const struct gw_metrics *metrics, struct gw_buf *out) GW_MUST_USE;
