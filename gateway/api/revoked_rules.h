// SPDX-License-Identifier: MIT
#pragma once
// The end of a revocation's answer: the rules of trust that the revoked tokens made, which go on
// unless they were removed with them. What removed rules gave ends, so many at once that the lock
// of the log is held no longer than for another revocation; then the request is answered. Embedded
// in the call of a handler, beside its gw_api_ending.

#include <stdbool.h>
#include <stdint.h>

#include "db/minted_end.h"
#include "db/token_revoke.h"
#include "gateway/api/ending.h"

struct gw_revoked_rules {
    struct gw_api_ending *ending;
    struct db_minted_end store_call;
    bool with_rules; // as the request asked: `tokensRevoked` is told, also when it is 0
    uint64_t wait_ms;
    uint64_t newest_seq;
    int64_t ended;
};

void gw_revoked_rules_init(struct gw_revoked_rules *call, struct gw_api_ending *ending);
// The call is over: answered or not.
void gw_revoked_rules_deinit(struct gw_revoked_rules *call);

// Writes `rules` and `tokensRevoked` into the answer, which is open, ends what is left, and answers
// as gw_api_ending_answer does; an error when the database fails before all have ended: the tokens
// are revoked and the rules removed then, and removing a rule again ends what is left of it.
// `newest_seq` is of the revoked tokens. `rules` is valid during this call alone.
void gw_revoked_rules_answer(struct gw_revoked_rules *call, const struct db_revoked_rules *rules,
                             uint64_t newest_seq);
