// SPDX-License-Identifier: MIT
// An open-addressing table of slugs, at most half full, and for each worker an array of counters by
// place; the last place is that of all other organisations.
#include "gateway/settings/org_metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "token/slug.h"

#define NAME "skillreg_gateway_org_decisions_total"

enum place_state { PLACE_FREE, PLACE_CLAIMED, PLACE_NAMED };

struct place {
    atomic_int state;
    uint32_t length;
    char slug[GW_ORG_SLUG_LENGTH_MAX];
};

struct gw_org_metrics {
    size_t bytes; // of the whole mapping
    int orgs_max;
    int worker_count;
    uint32_t place_count;  // a power of two
    atomic_int claimed;    // places
    struct place places[]; // then, for each worker, the counters of each place and of the others
};

#define X(member, text) text,
static const char *const kinds[] = {GW_DECISIONS_MAP(X)};
#undef X

static int64_t *counters_of(const struct gw_org_metrics *orgs, int worker, uint32_t place) {
    int64_t *first = (int64_t *)(void *)(uintptr_t)&orgs->places[orgs->place_count];
    size_t row = (size_t)worker * (orgs->place_count + 1) + place;
    return first + row * GW_DECISION_COUNT;
}

static uint32_t places_for(int orgs_max) {
    uint32_t count = 2;
    while (count < 2 * (uint32_t)orgs_max)
        count *= 2;
    return count;
}

enum gw_status gw_org_metrics_open(int orgs_max, int worker_count, struct gw_org_metrics **out) {
    gw_assert(orgs_max > 0 && orgs_max <= GW_ORG_METRICS_MAX && worker_count > 0);
    uint32_t place_count = places_for(orgs_max);
    size_t counters = (size_t)worker_count * (place_count + 1) * GW_DECISION_COUNT;
    size_t bytes = sizeof(struct gw_org_metrics) + place_count * sizeof(struct place) +
                   counters * sizeof(int64_t);
    struct gw_org_metrics *orgs =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (orgs == MAP_FAILED)
        return GW_NO_MEMORY;
    orgs->bytes = bytes;
    orgs->orgs_max = orgs_max;
    orgs->worker_count = worker_count;
    orgs->place_count = place_count;
    *out = orgs;
    return GW_OK;
}

void gw_org_metrics_close(struct gw_org_metrics *orgs) {
    if (orgs != NULL)
        munmap(orgs, orgs->bytes);
}

// ---- places ----

static uint32_t home_of(const struct gw_org_metrics *orgs, struct gw_str slug) {
    return (uint32_t)gw_hash_bytes(0, slug.at, slug.length) & (orgs->place_count - 1);
}

static bool is_named(const struct place *place, struct gw_str slug) {
    return atomic_load_explicit(&place->state, memory_order_acquire) == PLACE_NAMED &&
           gw_str_equal(gw_str(place->slug, place->length), slug);
}

// False: all that are allowed are taken, or another worker was faster.
static bool claim(struct gw_org_metrics *orgs, struct place *place, struct gw_str slug) {
    int expected = PLACE_FREE;
    if (atomic_fetch_add(&orgs->claimed, 1) >= orgs->orgs_max ||
        !atomic_compare_exchange_strong(&place->state, &expected, PLACE_CLAIMED)) {
        atomic_fetch_sub(&orgs->claimed, 1);
        return false;
    }
    memcpy(place->slug, slug.at, slug.length);
    place->length = (uint32_t)slug.length;
    atomic_store_explicit(&place->state, PLACE_NAMED, memory_order_release);
    return true;
}

// The place of the slug, or that of the others. At least half of the places are free.
static uint32_t find_place(struct gw_org_metrics *orgs, struct gw_str slug) {
    uint32_t at = home_of(orgs, slug);
    if (slug.length > GW_ORG_SLUG_LENGTH_MAX)
        return orgs->place_count;
    while (!is_named(&orgs->places[at], slug)) {
        struct place *place = &orgs->places[at];
        if (atomic_load_explicit(&place->state, memory_order_acquire) != PLACE_FREE)
            at = (at + 1) & (orgs->place_count - 1);
        else if (atomic_load(&orgs->claimed) >= orgs->orgs_max)
            return orgs->place_count;
        else if (claim(orgs, place, slug))
            return at;
    }
    return at;
}

void gw_org_metrics_count(struct gw_org_metrics *orgs, int worker, struct gw_str slug,
                          enum gw_decision_kind kind) {
    gw_assert(worker >= 0 && worker < orgs->worker_count);
    counters_of(orgs, worker, find_place(orgs, slug))[kind]++;
}

// ---- text ----

static void add_place(const struct gw_org_metrics *orgs, uint32_t place,
                      int64_t sums[GW_DECISION_COUNT]) {
    for (int worker = 0; worker < orgs->worker_count; worker++) {
        const int64_t *counters = counters_of(orgs, worker, place);
        for (int kind = 0; kind < GW_DECISION_COUNT; kind++)
            sums[kind] += counters[kind];
    }
}

static enum gw_status write_org(struct gw_str slug, const int64_t sums[GW_DECISION_COUNT],
                                struct gw_buf *out) {
    enum gw_status status = GW_OK;
    for (int kind = 0; kind < GW_DECISION_COUNT && status == GW_OK; kind++)
        status = gw_buf_printf(out, NAME "{org=\"%.*s\",decision=\"%s\"} %" PRId64 "\n",
                               GW_STR_ARG(slug), kinds[kind], sums[kind]);
    return status;
}

// All places of the slug, from its home on: true if `place` is the first of them.
static bool sum_of(const struct gw_org_metrics *orgs, uint32_t place, struct gw_str slug,
                   int64_t sums[GW_DECISION_COUNT]) {
    bool is_first = true;
    bool is_found = false;
    uint32_t at = home_of(orgs, slug);
    while (atomic_load_explicit(&orgs->places[at].state, memory_order_acquire) != PLACE_FREE) {
        if (is_named(&orgs->places[at], slug)) {
            is_first = is_found ? is_first : at == place;
            is_found = true;
            add_place(orgs, at, sums);
        }
        at = (at + 1) & (orgs->place_count - 1);
    }
    return is_first;
}

enum gw_status gw_org_metrics_write(const struct gw_org_metrics *orgs, struct gw_buf *out) {
    enum gw_status status =
        gw_buf_append_str(out, GW_STR("# HELP " NAME " Decisions about tokens of an organisation; "
                                      "_other: of all that came after the first.\n"
                                      "# TYPE " NAME " counter\n"));
    for (uint32_t at = 0; at < orgs->place_count && status == GW_OK; at++) {
        const struct place *place = &orgs->places[at];
        int64_t sums[GW_DECISION_COUNT] = {0};
        if (atomic_load_explicit(&place->state, memory_order_acquire) != PLACE_NAMED)
            continue;
        struct gw_str slug = gw_str(place->slug, place->length);
        if (sum_of(orgs, at, slug, sums))
            status = write_org(slug, sums, out);
    }
    int64_t others[GW_DECISION_COUNT] = {0};
    add_place(orgs, orgs->place_count, others);
    return status == GW_OK ? write_org(GW_STR("_other"), others, out) : status;
}
