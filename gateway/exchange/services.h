// SPDX-License-Identifier: MIT
#pragma once
// What a request needs of its worker: made by the server at start, lent to every connection and
// exchange. One loop uses it, so there are no locks.

#include <uv.h>

#include "base/clock.h"
#include "base/random.h"
#include "gateway/net/deadline.h"
#include "gateway/settings/config.h"
#include "gateway/settings/metrics.h"

struct db_events;
struct db_mints;
struct db_pool;
struct gw_auth;
struct gw_issuers;
struct gw_leak_secret;
struct gw_org_metrics;
struct gw_registry_credentials;
struct gw_transport_shared;
struct gw_upstream;

// Deadline kinds, one list each.
enum gw_deadline_id {
    GW_DEADLINE_HANDSHAKE,
    GW_DEADLINE_HEAD,
    GW_DEADLINE_BODY,
    GW_DEADLINE_WRITE,
    GW_DEADLINE_REFUSAL, // delay of a refusal to a client over its budget
    GW_DEADLINE_TRIM,    // idle, until the memory of the last request is freed
    GW_DEADLINE_IDLE,    // after that
    GW_DEADLINE_LINGER,
    GW_DEADLINE_UPSTREAM_CONNECT,     // to one address
    GW_DEADLINE_UPSTREAM_CONNECT_ALL, // to all addresses that a request tries
    GW_DEADLINE_UPSTREAM_RESPONSE,    // first byte, and progress after it
    GW_DEADLINE_UPSTREAM_IDLE,
    GW_DEADLINE_UPSTREAM_CONTINUE, // of the registry, to say 100 Continue before the gateway does
    GW_DEADLINE_COUNT
};

struct gw_services {
    uv_loop_t *loop;
    const struct gw_config *config;
    struct gw_metrics *metrics;           // of this worker
    struct gw_metrics metrics_at_start;   // what workers before it had counted
    const struct gw_metrics *all_metrics; // of every worker
    int worker_count;
    int worker_index;
    struct gw_org_metrics *org_metrics; // of every worker; NULL: none
    int descriptors_max; // those of clients and to the registry have lower numbers; 0: no limit
    bool has_decided;    // could decide once, since the start
    bool is_listening;   // to clients
    bool is_draining;
    bool has_warned_of_field; // gateway/client/forwarded.h
    // The clock, set by gw_services_touch at the start of each request.
    uint64_t touched_ms; // uv_now, which is never 0
    uint64_t touched_ns; // uv_hrtime
    int64_t wall_us;     // at that time
    int64_t wall_ms;
    int64_t http_date_second;
    char http_date[GW_CLOCK_HTTP_LENGTH];
    uint64_t request_id_base; // random, of this process
    uint64_t request_id_next;
    struct gw_random_sequence random; // for ids of traces
    // The rooms that handlers use, as the server opened them.
    struct gw_transport_shared *transport_shared;
    struct gw_deadline_kind *deadlines; // GW_DEADLINE_COUNT of them
    struct db_pool *pool;
    struct db_events *events;
    struct db_mints *mints;
    struct gw_auth *auth;
    struct gw_issuers *issuers; // NULL: no --oidc-issuer
    // Lent by the server; without one nobody hands tokens over.
    struct gw_registry_credentials *registry_credentials;
    struct gw_leak_secret *leak_secret; // likewise; unset: GitLab reports nothing
    struct gw_upstream *upstream;       // NULL: no registry configured
};

#define GW_REQUEST_ID_LENGTH 32

// Brings wall_ms and http_date up to now, once a turn of the loop (uv_now): the requests of one
// turn share one reading of the clock.
void gw_services_touch(struct gw_services *services);
// The wall time at `now_ns` of uv_hrtime, without another reading of the clock: after a touch in
// this turn.
int64_t gw_services_wall_ms_at(const struct gw_services *services, uint64_t now_ns);
// A worker, this one or another, listens and can decide: it takes its part of the newcomers.
bool gw_services_is_any_ready(const struct gw_services *services);
// Unique without coordination: the process's random half, then a counter; hexadecimal, terminated.
void gw_services_make_request_id(struct gw_services *services, char out[GW_REQUEST_ID_LENGTH + 1]);
