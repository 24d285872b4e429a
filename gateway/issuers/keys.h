// SPDX-License-Identifier: MIT
#pragma once
// The keys of one issuer, as this process has them: which one has an id, whether they have become
// too old, and whether it is time to ask the issuer for others. No I/O and no clock of its own.
//
// An id that the keys do not have is unknown until a fetch that began after it was first seen has
// not brought it either. The issuer's keys change at any moment, so that holds for a minute; then
// the id asks again. How often a fetch is made is not decided here: ids only ask.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "gateway/issuers/unknown_kids.h"
#include "gateway/oidc/jwk.h"

#define GW_ISSUER_ASK_AGAIN_MS 60000

// Times are of the loop (uv_now).

struct gw_issuer_keys {
    struct gw_jwk_set *set; // NULL: none yet
    int64_t
        fetched_ms; // when the fetch began that brought them last; perhaps before the machine ran
    int64_t max_age_ms; // 0: they do not age, being those of a file
    uint64_t seed;      // of the hashes
    uint64_t unknown_total;
    struct gw_unknown_kids unknown;
    bool is_asked; // an id waits for a fetch
    int64_t asked_ms;
};

void gw_issuer_keys_init(struct gw_issuer_keys *keys, int64_t max_age_ms, uint64_t seed);
void gw_issuer_keys_deinit(struct gw_issuer_keys *keys);
// GW_INVALID, GW_NO_MEMORY: the text is no usable set, `report` says why, and the old keys stay.
enum gw_status gw_issuer_keys_take(struct gw_issuer_keys *keys, struct gw_str text,
                                   struct gw_jwk_set_report *report) GW_MUST_USE;
// The keys are those of a fetch that began then. An older one changes nothing.
void gw_issuer_keys_note_fetch(struct gw_issuer_keys *keys, int64_t began_ms);
// There are keys, and they count.
bool gw_issuer_keys_are_fresh(const struct gw_issuer_keys *keys, int64_t now_ms);
// As gw_issuer_find_key of gateway/issuers/issuers.h. `is_asked` may become true.
enum gw_status gw_issuer_keys_find(struct gw_issuer_keys *keys, struct gw_str key_id,
                                   int64_t now_ms, const struct gw_jwk **key) GW_MUST_USE;
