// SPDX-License-Identifier: MIT
#pragma once
// What a change of a token or an organisation does to the memory of tokens (gateway/auth/cache.h),
// whether the log tells of it or it was made through this process.

#include "db/events.h"
#include "db/token.h"

struct gw_auth_cache;

// The callbacks of the memory's consumer of the log.
extern const struct db_events_consumer gw_auth_cache_changes;

// The token was revoked through this process: from here on it is refused, whatever lookup is still
// on its way. `event_seq` is the number of its event, by which an answer of a standby that has not
// replayed it is known; 0: not known.
void gw_auth_cache_revoke(struct gw_auth_cache *cache, const unsigned char digest[DB_DIGEST_LENGTH],
                          uint64_t event_seq);
// The token was given an end that has come, through this process: refused as a revoked one is.
void gw_auth_cache_end(struct gw_auth_cache *cache, const unsigned char digest[DB_DIGEST_LENGTH],
                       uint64_t event_seq);
// The token was changed through this process by the event of that number: its entry is outdated,
// and so is what a standby says that has not replayed it.
void gw_auth_cache_change(struct gw_auth_cache *cache, const unsigned char digest[DB_DIGEST_LENGTH],
                          uint64_t event_seq);
// The same where the number is not known.
void gw_auth_cache_forget(struct gw_auth_cache *cache,
                          const unsigned char digest[DB_DIGEST_LENGTH]);
