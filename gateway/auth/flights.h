// SPDX-License-Identifier: MIT
#pragma once
// The lookups of the cache that are on their way, found by digest: one flight for a digest, however
// many questions wait for it.

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"
#include "base/table.h"
#include "db/lookup.h"

struct gw_auth_cache;

// With no question at all it is a refresh in the background.
struct gw_flight {
    struct db_token_lookup lookup;
    struct gw_auth_cache *cache;
    struct gw_list questions; // asked before it was sent
    struct gw_list late;      // asked since
    uint64_t sent_ms;
    uint64_t sent_ns;    // of uv_hrtime
    uint64_t heard_ms;   // the log's, when it was sent
    uint64_t needed_seq; // the newest event that was known then
    int attempts;
    uint64_t epoch;   // of the flights, when it was sent
    bool is_outdated; // an event for the digest came after it was sent
};

struct gw_flights {
    struct gw_table by_digest;
    uint64_t epoch; // rises when all of them are outdated
};

// Without questions, callback and cache; to be freed. NULL: no memory.
struct gw_flight *gw_flight_create(const char *prefix,
                                   const unsigned char digest[DB_DIGEST_LENGTH]);

enum gw_status gw_flights_init(struct gw_flights *flights) GW_MUST_USE;
// Every flight was removed.
void gw_flights_deinit(struct gw_flights *flights);
struct gw_flight *gw_flights_find(const struct gw_flights *flights,
                                  const unsigned char digest[DB_DIGEST_LENGTH]);
// By the digest of its lookup, which has no flight yet. GW_NO_MEMORY.
enum gw_status gw_flights_add(struct gw_flights *flights, struct gw_flight *flight) GW_MUST_USE;
void gw_flights_remove(struct gw_flights *flights, struct gw_flight *flight);
// Its lookup is sent now: what the answer says is true at least from here on.
void gw_flights_note_sent(const struct gw_flights *flights, struct gw_flight *flight);
// Any of their answers may be older than what has changed.
void gw_flights_outdate_all(struct gw_flights *flights);
bool gw_flights_is_outdated(const struct gw_flights *flights, const struct gw_flight *flight);
