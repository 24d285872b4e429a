// SPDX-License-Identifier: MIT
#include "gateway/issuers/unknown_kids.h"

#include "base/status.h"

int64_t gw_unknown_kids_note(struct gw_unknown_kids *kids, uint64_t hash, int64_t now_ms) {
    gw_assert(kids->next >= 0 && kids->next < GW_UNKNOWN_KIDS_MAX);
    for (int i = 0; i < kids->count; i++) {
        if (kids->at[i].hash == hash)
            return kids->at[i].seen_ms;
    }
    kids->at[kids->next] = (struct gw_unknown_kid){.hash = hash, .seen_ms = now_ms};
    kids->next = (kids->next + 1) % GW_UNKNOWN_KIDS_MAX;
    kids->count += kids->count < GW_UNKNOWN_KIDS_MAX ? 1 : 0;
    return now_ms;
}
