// SPDX-License-Identifier: MIT
#include "gateway/auth/flights.h"

struct slot {
    uint64_t hash;
    unsigned char digest[DB_DIGEST_LENGTH];
    struct gw_flight *flight;
};

enum gw_status gw_flights_init(struct gw_flights *flights) {
    gw_list_init(&flights->all);
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
    gw_list_push_back(&flights->all, &flight->link);
    return GW_OK;
}

void gw_flights_remove(struct gw_flights *flights, struct gw_flight *flight) {
    struct slot *slot = gw_table_find(&flights->by_digest, flight->lookup.digest);
    gw_assert(slot != NULL && slot->flight == flight);
    gw_table_remove(&flights->by_digest, slot);
    gw_list_remove(&flight->link);
}

void gw_flights_outdate_all(struct gw_flights *flights) {
    for (struct gw_list *node = flights->all.next; node != &flights->all; node = node->next)
        gw_container_of(node, struct gw_flight, link)->is_outdated = true;
}
