// SPDX-License-Identifier: MIT
// The start of a digest stands for the whole. Another secret with the same 64 bits would take 2^64
// tries, and would get nothing but a lookup that says no.
#include "gateway/auth/known_tokens.h"

#include <string.h>

static uint64_t start_of(const unsigned char digest[DB_DIGEST_LENGTH]) {
    uint64_t start;
    memcpy(&start, digest, sizeof(start));
    return start;
}

static unsigned set_of(const unsigned char digest[DB_DIGEST_LENGTH]) {
    uint32_t other; // not of the bits that are compared
    memcpy(&other, digest + sizeof(uint64_t), sizeof(other));
    return other % GW_KNOWN_TOKENS_SETS;
}

bool gw_known_tokens_has(const struct gw_known_tokens *known,
                         const unsigned char digest[DB_DIGEST_LENGTH]) {
    const uint64_t *set = known->sets[set_of(digest)];
    uint64_t start = start_of(digest);
    bool has = false;
    for (int i = 0; i < GW_KNOWN_TOKENS_WAYS; i++)
        has |= set[i] == start;
    return has && start != 0;
}

void gw_known_tokens_remove(struct gw_known_tokens *known,
                            const unsigned char digest[DB_DIGEST_LENGTH]) {
    uint64_t *set = known->sets[set_of(digest)];
    uint64_t start = start_of(digest);
    int kept = 0;
    for (int i = 0; i < GW_KNOWN_TOKENS_WAYS; i++) {
        if (set[i] != start)
            set[kept++] = set[i];
    }
    while (kept < GW_KNOWN_TOKENS_WAYS)
        set[kept++] = 0;
}

void gw_known_tokens_add(struct gw_known_tokens *known,
                         const unsigned char digest[DB_DIGEST_LENGTH]) {
    uint64_t *set = known->sets[set_of(digest)];
    gw_known_tokens_remove(known, digest);
    memmove(set + 1, set, (GW_KNOWN_TOKENS_WAYS - 1) * sizeof(set[0]));
    set[0] = start_of(digest);
}
