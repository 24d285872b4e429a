// SPDX-License-Identifier: MIT
#pragma once
// The room of authorisation as its process opens it: the parts that decide, one of each, all on one
// loop. The order of a life: open_limits, open, follow, close, and destroy when the loop has ended.
// After a failure close and destroy take what there is.

#include <stdint.h>

#include "base/status.h"

struct db_events;
struct db_lookups;
struct db_pool;
struct gw_auth_cache;
struct gw_config;
struct gw_device_limits;
struct gw_failed_tokens;
struct gw_last_used;
struct gw_rate_limit;
struct gw_services;
struct gw_transfers;

// All zero before it is opened.
struct gw_auth {
    struct gw_failed_tokens *failed_tokens; // NULL: no limit
    struct gw_rate_limit *rate_limit;       // NULL: no limit
    struct gw_device_limits *device_limits; // NULL: no --device-login
    struct db_lookups *lookups;
    struct gw_last_used *last_used;
    struct gw_auth_cache *cache;
    struct gw_transfers *transfers; // NULL: a transfer may outlive its token
};

enum gw_status gw_auth_open_limits(struct gw_auth *auth,
                                   const struct gw_services *services) GW_MUST_USE;
// The rates of the settings have changed: they count from now on, and nothing is remembered of what
// clients did before. On failure the old ones stay.
enum gw_status gw_auth_change_rates(struct gw_auth *auth,
                                    const struct gw_services *services) GW_MUST_USE;
enum gw_status gw_auth_open(struct gw_auth *auth, const struct gw_services *services,
                            struct db_pool *pool) GW_MUST_USE;
// The event log that has the cache's consumer. `services` has this room, and stays.
enum gw_status gw_auth_follow(struct gw_auth *auth, struct gw_services *services,
                              const struct db_events *events) GW_MUST_USE;
void gw_auth_close(struct gw_auth *auth);
void gw_auth_destroy(struct gw_auth *auth);

// How long a process with these settings may decide from memory after it last read the log:
// gateway/auth/cache.h.
uint64_t gw_auth_memory_ms(const struct gw_config *config);
