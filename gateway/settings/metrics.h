// SPDX-License-Identifier: MIT
#pragma once
// Counters of one process, and their Prometheus text form. Plain integers: one thread writes them.
// With several workers they lie in memory that all share, one struct a worker, and any worker shows
// the sum; a reader may see a number a moment old.

#include <stdint.h>

#include "base/buf.h"
#include "base/histogram.h"
#include "base/status.h"

#define GW_METRICS_MAP(X)                                                                          \
    X(workers_ready, "gauge", "Processes that listen and can decide.")                             \
    X(workers_listening, "gauge", "Processes that listen.")                                        \
    X(connections_accepted_total, "counter", "Connections accepted.")                              \
    X(connections_refused_total, "counter", "Connections refused over a limit, or for memory.")    \
    X(connections_made_room_total, "counter", "Idle connections closed to make room.")             \
    X(connections_refused_address_total, "counter",                                                \
      "Connections refused to an address with many.")                                              \
    X(descriptor_shortages_total, "counter",                                                       \
      "Times that a descriptor was missing, or was not to be taken from the reserve.")             \
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
    X(memory_held_bytes, "gauge", "Memory in which bytes wait for clients and the registry.")      \
    X(memory_ended_total, "counter", "Connections ended because too many bytes waited in all.")    \
    X(timeouts_total, "counter", "Connections ended by a deadline.")                               \
    X(log_lines_lost_total, "counter", "Lines of the log that stderr did not take.")               \
    X(workers_silent, "gauge", "Workers whose loop has stood still for five seconds.")             \
    X(worker_restarts_total, "counter", "Workers started again after they ended unasked.")         \
    X(heartbeats_total, "counter", "Seconds in which the loop of a worker turned.")                \
    X(loop_turns_long_total, "counter", "Turns of the loop that took 100 ms and longer.")          \
    X(database_connections_ready, "gauge", "Database connections that are up.")                    \
    X(database_queries_waiting, "gauge", "Database queries queued or in flight.")                  \
    X(database_queries_total, "counter", "Database queries sent.")                                 \
    X(database_disconnects_total, "counter", "Database connections lost.")                         \
    X(changes_waiting, "gauge", "Changes held up for half a second or longer.")                    \
    X(changes_blocker_pid, "gauge", "PostgreSQL process in the way of the longest; 0: unknown.")   \
    X(changes_held_up_total, "counter", "Changes that were held up.")                              \
    X(changes_busy_total, "counter", "Changes not made because another one held.")                 \
    X(changes_repeated_total, "counter", "Changes tried again after a deadlock.")

// Held in milliseconds, written in seconds.
#define GW_METRICS_TIMES_MAP(X)                                                                    \
    X(changes_waiting_ms, "changes_waiting_seconds", "gauge",                                      \
      "How long the change has waited that waits longest.")                                        \
    X(loop_turn_longest_ms, "loop_turn_longest_seconds", "gauge",                                  \
      "Longest turn of the loop in the last minutes, of all workers.")                             \
    X(changes_held_up_ms_total, "changes_held_up_seconds_total", "counter",                        \
      "How long changes were held up, all together.")

// Those of one name stand together; their labels tell them apart.
#define GW_METRICS_HISTOGRAMS_MAP(X)                                                               \
    X(requests_relayed, "request_duration_seconds", "route_class=\"registry\"",                    \
      "From the head of a request, read, to the last byte of its response, put out.")              \
    X(requests_api, "request_duration_seconds", "route_class=\"api\"", "")                         \
    X(requests_authz, "request_duration_seconds", "route_class=\"authz\"", "")                     \
    X(requests_unrouted, "request_duration_seconds", "route_class=\"none\"", "")                   \
    X(decisions, "decision_duration_seconds", "",                                                  \
      "Decisions about requests, from memory or by the database.")                                 \
    X(lookups, "lookup_duration_seconds", "",                                                      \
      "Lookups of tokens in the database, with their wait for a connection.")                      \
    X(registry_heads, "registry_first_byte_seconds", "",                                           \
      "From the call to the registry to the head of its answer.")                                  \
    X(tls_handshakes, "tls_handshake_duration_seconds", "",                                        \
      "TLS handshakes of clients, from the connection on.")

struct gw_metrics {
#define X(name, type, help) int64_t name;
    GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help) int64_t member;
    GW_METRICS_TIMES_MAP(X)
#undef X
#define X(member, name, labels, help) struct gw_histogram member;
    GW_METRICS_HISTOGRAMS_MAP(X)
#undef X
};

// A worker has ended, or starts: gauges are 0 again, counters go on.
void gw_metrics_reset_gauges(struct gw_metrics *metrics);
// Instead of a sum cert_not_after_seconds is the earliest, 0 left out, the turn of a loop the
// longest, and the wait of a change the longest, with the process in its way.
void gw_metrics_sum(const struct gw_metrics *all, int count, struct gw_metrics *sum);
// Appends the text exposition format 0.0.4.
enum gw_status gw_metrics_write(const struct gw_metrics *metrics, struct gw_buf *out) GW_MUST_USE;
