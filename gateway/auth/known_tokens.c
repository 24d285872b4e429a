// SPDX-License-Identifier: MIT
// The start of a digest stands for the whole. Another secret with the same 64 bits would take 2^64
// tries, and would get nothing except a lookup that says no.
#include "gateway/auth/known_tokens.h"

#include <string.h>

static uint64_t start_of(const unsigned char digest[DB_DIGEST_LENGTH]) {
    uint64_t start;
    memcpy(&start, digest, sizeof(start));
    return start;
}

enum gw_status gw_known_tokens_init(struct gw_known_tokens *known) {
    known->added_count = 0;
    return gw_fixed_table_init(&known->table, GW_KNOWN_TOKENS_MAX);
}

void gw_known_tokens_deinit(struct gw_known_tokens *known) {
    gw_fixed_table_deinit(&known->table);
}

bool gw_known_tokens_has(const struct gw_known_tokens *known,
                         const unsigned char digest[DB_DIGEST_LENGTH]) {
    return gw_fixed_table_find(&known->table, start_of(digest)) != 0;
}

void gw_known_tokens_add(struct gw_known_tokens *known,
                         const unsigned char digest[DB_DIGEST_LENGTH]) {
    (void)gw_fixed_table_put(&known->table, start_of(digest), ++known->added_count);
}

void gw_known_tokens_remove(struct gw_known_tokens *known,
                            const unsigned char digest[DB_DIGEST_LENGTH]) {
    gw_fixed_table_remove(&known->table, start_of(digest));
}

void gw_known_tokens_note(struct gw_known_tokens *known,
                          const unsigned char digest[DB_DIGEST_LENGTH], enum gw_status outcome) {
    if (outcome == GW_OK)
        gw_known_tokens_add(known, digest);
    else if (outcome == GW_NOT_FOUND)
        gw_known_tokens_remove(known, digest);
}
