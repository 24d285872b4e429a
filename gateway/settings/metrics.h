// SPDX-License-Identifier: MIT
#pragma once
// Counters of one process. Plain integers: one thread writes them. With several workers they lie in
// memory that all share, one struct a worker, and any worker shows the sum; a reader may see a
// number a moment old. What has labels is an array, its index the enum of the label's values; the
// text is made at a scrape (metrics_text.h).

#include <stdint.h>

#include "base/histogram.h"

#define GW_METRICS_MAP(X)                                                                          \
    X(workers_ready, "gauge", "Processes that listen and can decide.")                             \
    X(workers_listening, "gauge", "Processes that listen.")                                        \
    X(connections_accepted_total, "counter", "Connections accepted.")                              \
    X(connections_refused_total, "counter", "Connections refused over a limit, or for memory.")    \
    X(connections_made_room_total, "counter", "Idle connections closed to make room.")             \
    X(connections_refused_address_total, "counter",                                                \
      "Connections refused to an address with many.")                                              \
    X(connections_refused_proxy_total, "counter",                                                  \
      "Connections refused, with --proxy-protocol, to who is not in --trusted-proxies.")           \
    X(descriptor_shortages_total, "counter",                                                       \
      "Times that a descriptor was missing, or was not to be taken from the reserve.")             \
    X(connections_open, "gauge", "Connections open now.")                                          \
    X(proxy_headers_missing_total, "counter", "Connections without the PROXY header they need.")   \
    X(clients_unknown_total, "counter", "Requests of trusted proxies without a readable client.")  \
    X(tls_handshakes_refused_total, "counter", "TLS handshakes refused because too many waited.")  \
    X(tls_handshakes_waiting, "gauge", "TLS handshakes that wait to be begun.")                    \
    X(cert_not_after_seconds, "gauge", "When the first certificate ends, seconds since 1970.")     \
    X(requests_total, "counter", "Requests whose head was read.")                                  \
    X(decisions_expiring_total, "counter", "Decisions about live tokens that end within 14 days.") \
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
    X(changes_repeated_total, "counter", "Changes tried again after a deadlock.")                  \
    X(oidc_issuers_without_keys, "gauge",                                                          \
      "Issuers of identity tokens whose keys are missing or too old.")                             \
    X(oidc_unknown_keys_total, "counter",                                                          \
      "Identity tokens that named a key which their issuer does not have.")                        \
    X(oidc_verifications_waiting, "gauge", "Identity tokens that wait to be verified.")            \
    X(oidc_verifications_refused_total, "counter",                                                 \
      "Identity tokens not verified because too many waited.")

// Held in milliseconds, written in seconds.
#define GW_METRICS_TIMES_MAP(X)                                                                    \
    X(database_silent_ms, "database_silent_seconds", "gauge",                                      \
      "How long the log of changes was not read, by the worker that is behind most.")              \
    X(changes_waiting_ms, "changes_waiting_seconds", "gauge",                                      \
      "How long the change has waited that waits longest.")                                        \
    X(loop_turn_longest_ms, "loop_turn_longest_seconds", "gauge",                                  \
      "Longest turn of the loop in the last minutes, of all workers.")                             \
    X(oidc_keys_age_ms, "oidc_keys_age_seconds", "gauge",                                          \
      "Since the keys of the issuer were fetched whose keys are the oldest.")                      \
    X(changes_held_up_ms_total, "changes_held_up_seconds_total", "counter",                        \
      "How long changes were held up, all together.")

// The values of labels: member of the enum, text. They are few, and no client can add one.
#define GW_ROUTE_CLASSES_MAP(X)                                                                    \
    X(GW_ROUTE_CLASS_REGISTRY, "registry") /* forwarded */                                         \
    X(GW_ROUTE_CLASS_API, "api")           /* answered by the gateway */                           \
    X(GW_ROUTE_CLASS_AUTHZ, "authz")       /* forward-auth */                                      \
    X(GW_ROUTE_CLASS_NONE, "none")         /* no route, an unreadable request for example */       \
    X(GW_ROUTE_CLASS_ADMIN, "admin")       /* the admin port */
#define GW_CODE_CLASSES_MAP(X)                                                                     \
    X(GW_CODE_2XX, "2xx") X(GW_CODE_3XX, "3xx") X(GW_CODE_4XX, "4xx") X(GW_CODE_5XX, "5xx")
#define GW_VERIFICATIONS_MAP(X)                                                                    \
    X(GW_VERIFICATION_GOOD, "good")                                                                \
    X(GW_VERIFICATION_BAD, "bad")                                                                  \
    X(GW_VERIFICATION_UNDECIDED, "undecided") /* its key is not known, or not any more */
#define GW_KEY_FETCHES_MAP(X)                                                                      \
    X(GW_KEY_FETCH_CHANGED, "changed")                                                             \
    X(GW_KEY_FETCH_SAME, "same")                                                                   \
    X(GW_KEY_FETCH_FAILED, "failed") /* or brought nothing that can be used */
#define GW_TOKEN_EXCHANGES_MAP(X)                                                                  \
    X(GW_TOKEN_EXCHANGE_MINTED, "minted")                                                          \
    X(GW_TOKEN_EXCHANGE_UNTRUSTED, "untrusted") /* forged, of a strange issuer, or of no rule */   \
    X(GW_TOKEN_EXCHANGE_DIFFERS, "differs")     /* not in all that a rule for it says */           \
    X(GW_TOKEN_EXCHANGE_REPLAYED, "replayed")                                                      \
    X(GW_TOKEN_EXCHANGE_LIMITED, "limited") /* by the rule, 429 */                                 \
    X(GW_TOKEN_EXCHANGE_UNKNOWN, "unknown") /* 503 */
#define GW_DECISIONS_MAP(X)                                                                        \
    X(GW_DECISION_ALLOWED, "allowed")                                                              \
    X(GW_DECISION_UNAUTHENTICATED, "unauthenticated") /* 401, or 400 */                            \
    X(GW_DECISION_FORBIDDEN, "forbidden")             /* 403 */                                    \
    X(GW_DECISION_LIMITED, "limited")                 /* 429 */                                    \
    X(GW_DECISION_UNKNOWN, "unknown")                 /* 503 */
#define GW_TLS_RESULTS_MAP(X)                                                                      \
    X(GW_TLS_FULL, "full") X(GW_TLS_RESUMED, "resumed") X(GW_TLS_FAILED, "failed")

#define GW_LEAK_REPORTS_MAP(X)                                                                     \
    X(GW_LEAK_REPORT_TAKEN, "taken")     /* 204 */                                                 \
    X(GW_LEAK_REPORT_REFUSED, "refused") /* 400, 401, 429 */                                       \
    X(GW_LEAK_REPORT_FAILED, "failed")   /* 503 */
#define GW_LEAKED_TOKENS_MAP(X)                                                                    \
    X(GW_LEAKED_REVOKED, "revoked")                                                                \
    X(GW_LEAKED_ENDED, "ended")     /* before the report */                                        \
    X(GW_LEAKED_UNKNOWN, "unknown") /* none of ours */

#define X(member, text) member,
enum gw_route_class { GW_ROUTE_CLASSES_MAP(X) GW_ROUTE_CLASS_COUNT };
enum gw_code_class { GW_CODE_CLASSES_MAP(X) GW_CODE_CLASS_COUNT };
enum gw_verification { GW_VERIFICATIONS_MAP(X) GW_VERIFICATION_COUNT };
enum gw_key_fetch { GW_KEY_FETCHES_MAP(X) GW_KEY_FETCH_COUNT };
enum gw_token_exchange_outcome { GW_TOKEN_EXCHANGES_MAP(X) GW_TOKEN_EXCHANGE_COUNT };
enum gw_leak_report_outcome { GW_LEAK_REPORTS_MAP(X) GW_LEAK_REPORT_COUNT };
enum gw_leaked_outcome { GW_LEAKED_TOKENS_MAP(X) GW_LEAKED_COUNT };
enum gw_decision_kind { GW_DECISIONS_MAP(X) GW_DECISION_COUNT };
enum gw_tls_result { GW_TLS_RESULTS_MAP(X) GW_TLS_RESULT_COUNT };
#undef X

#define GW_METRICS_HISTOGRAMS_MAP(X)                                                               \
    X(decisions, "decision_duration_seconds",                                                      \
      "Decisions about requests; one from memory takes microseconds, and counts as 0.")            \
    X(lookups, "lookup_duration_seconds",                                                          \
      "Lookups of tokens in the database, with their wait for a connection.")                      \
    X(registry_heads, "registry_first_byte_seconds",                                               \
      "From the call to the registry to the head of its answer.")                                  \
    X(event_lags, "event_lag_seconds",                                                             \
      "From a change, written by the database, to its use here, by each worker.")                  \
    X(tls_handshakes, "tls_handshake_duration_seconds",                                            \
      "TLS handshakes of clients, from the connection on.")

// Of one worker, by the names that each Prometheus client has for them.
struct gw_process_metrics {
    int64_t processor_ns; // of the workers before it, too
    int64_t resident_bytes;
    int64_t virtual_bytes;
    int64_t open_fds;
    int64_t max_fds;
    int64_t start_ms; // since 1970; 0: no worker runs
};

struct gw_metrics {
#define X(name, type, help) int64_t name;
    GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help) int64_t member;
    GW_METRICS_TIMES_MAP(X)
#undef X
    int64_t responses_total[GW_ROUTE_CLASS_COUNT][GW_CODE_CLASS_COUNT];
    int64_t decisions_total[GW_DECISION_COUNT];
    int64_t tls_handshakes_total[GW_TLS_RESULT_COUNT];
    int64_t oidc_verifications_total[GW_VERIFICATION_COUNT];
    int64_t oidc_key_fetches_total[GW_KEY_FETCH_COUNT];
    int64_t token_exchanges_total[GW_TOKEN_EXCHANGE_COUNT];
    int64_t leak_reports_total[GW_LEAK_REPORT_COUNT];
    int64_t leaked_tokens_total[GW_LEAKED_COUNT];
#define X(member, name, help) struct gw_histogram member;
    GW_METRICS_HISTOGRAMS_MAP(X)
#undef X
    struct gw_histogram requests[GW_ROUTE_CLASS_COUNT]; // that of the admin port stays empty
    struct gw_process_metrics process;                  // has no sum
};

// Of the status of a response; one of no class counts as the nearest.
enum gw_code_class gw_metrics_code_class(int status);
// A worker has ended, or starts: gauges are 0 again, counters go on.
void gw_metrics_reset_gauges(struct gw_metrics *metrics);
// Instead of a sum cert_not_after_seconds is the earliest, 0 left out, the turn of a loop the
// longest, the silence of the database and the age of keys too, issuers without keys are those of
// the worker that lacks most, and the wait of a change the longest, with the process in its way.
// What is of a process is not summed.
void gw_metrics_sum(const struct gw_metrics *all, int count, struct gw_metrics *sum);
