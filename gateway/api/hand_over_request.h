// SPDX-License-Identifier: MIT
#pragma once
// The body of a hand-over: a token that the registry made. Pure. The sentence of a refusal names
// the member.
//
// prefix       the first 12 characters of the token: of the gateway's environment, or sk_
// sha256       of the whole token, 64 hexadecimal digits; the secret itself is never sent, so the
//              rest of its syntax cannot be checked here: it is as it is first used
// name         as of any token
// scopes       of read and write
// expiresAt    a time in the future, or null: never. It must be said: nothing lives for ever
//              because a member was forgotten
// description  may be missing: for people, such as whose login it is

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/token.h"
#include "gateway/http/errors.h"

struct gw_hand_over_request {
    struct gw_str name;
    struct gw_str prefix;
    unsigned char digest[DB_DIGEST_LENGTH];
    gw_scope_set scopes;
    int64_t expires_ms;        // DB_NO_TIME: never
    struct gw_str description; // .at NULL: none
};

// What holds for every request.
struct gw_hand_over_rules {
    bool is_test_environment;
    int64_t now_ms; // wall clock
};

// True: fills *request; slices point into `body` or `arena`. False: fills *refusal, whose message
// is static or in `arena`: 400 for a body that is not JSON, 422 for a wrong member, one that is
// missing, or one that is not known.
bool gw_hand_over_request_parse(struct gw_arena *arena, struct gw_str body,
                                const struct gw_hand_over_rules *rules,
                                struct gw_hand_over_request *request,
                                struct gw_refusal *refusal) GW_MUST_USE;
