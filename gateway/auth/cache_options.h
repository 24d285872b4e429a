// SPDX-License-Identifier: MIT
#pragma once
// How the memory of tokens (gateway/auth/cache.h) is set up, and who is told of changes.

#include <stdint.h>

#include "base/str.h"
#include "db/token.h"

struct gw_auth_cache_options {
    uint32_t entries_max;          // live ones; 0: nothing is kept except which tokens were live
    uint32_t negative_entries_max; // absent and revoked
    uint64_t ttl_ms;
    uint64_t negative_ttl_ms;
    uint64_t lease_ms;
    uint64_t stale_read_ms;
    uint64_t stale_write_ms;
};

// Called at every change, by the log or through this process: what was allowed before it may have
// to stop. May not ask the cache inside.
struct gw_auth_watcher {
    void (*on_token)(struct gw_auth_watcher *watcher, const unsigned char digest[DB_DIGEST_LENGTH]);
    void (*on_org)(struct gw_auth_watcher *watcher, struct gw_str org_id);
    void (*on_all)(struct gw_auth_watcher *watcher);
};
