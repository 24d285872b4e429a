// SPDX-License-Identifier: MIT
#include "gateway/auth/flights.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    uint64_t hash;
    unsigned char digest[DB_DIGEST_LENGTH];
    struct gw_flight *flight;
};

struct gw_flight *gw_flight_create(const char *prefix,
                                   const unsigned char digest[DB_DIGEST_LENGTH]) {
    struct gw_flight *flight = calloc(1, sizeof(*flight));
    if (flight == NULL)
        return NULL;
    gw_list_init(&flight->questions);
    gw_list_init(&flight->late);
    gw_list_init(&flight->lookup.link);
    memcpy(flight->lookup.prefix, prefix, GW_TOKEN_PREFIX_LENGTH);
    memcpy(flight->lookup.digest, digest, DB_DIGEST_LENGTH);
    return flight;
}

enum gw_status gw_flights_init(struct gw_flights *flights) {
    flights->epoch = 0;
    return gw_table_init(&flights->by_digest, sizeof(struct slot), DB_DIGEST_LENGTH);
}

void gw_flights_deinit(struct gw_flights *flights) {
    gw_assert(gw_table_count(&flights->by_digest) == 0);
    gw_table_clear(&flights->by_digest);
}

struct gw_flight *gw_flights_find(const struct gw_flights *flights,
                                  const unsigned char digest[DB_DIGEST_LENGTH]) {
    const struct slot *slot = gw_table_find(&flights->by_digest, digest);
    return slot != NULL ? slot->flight : NULL;
}

enum gw_status gw_flights_add(struct gw_flights *flights, struct gw_flight *flight) {
    struct slot *slot = gw_table_put(&flights->by_digest, flight->lookup.digest);
    if (slot == NULL)
        return GW_NO_MEMORY;
    gw_assert(slot->flight == NULL);
    slot->flight = flight;
    return GW_OK;
}

void gw_flights_remove(struct gw_flights *flights, struct gw_flight *flight) {
    struct slot *slot = gw_table_find(&flights->by_digest, flight->lookup.digest);
    gw_assert(slot != NULL && slot->flight == flight);
    gw_table_remove(&flights->by_digest, slot);
}

void gw_flights_note_sent(const struct gw_flights *flights, struct gw_flight *flight) {
    flight->epoch = flights->epoch;
    flight->is_outdated = false;
}

void gw_flights_outdate_all(struct gw_flights *flights) {
    flights->epoch++;
}

bool gw_flights_is_outdated(const struct gw_flights *flights, const struct gw_flight *flight) {
    return flight->is_outdated || flight->epoch != flights->epoch;
}
