// SPDX-License-Identifier: MIT
#pragma once
// A token as it stands in the database.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"
#include "db/time.h"
#include "token/scope.h"

#define DB_ID_LENGTH_MAX 32
#define DB_SLUG_LENGTH_MAX 48
#define DB_DIGEST_LENGTH 32    // SHA-256 of the whole secret
#define DB_OPERATOR "operator" // the actor of a change that no token asked for
#define DB_REGISTRY "registry" // the actor of tokens that were handed over
#define DB_GITLAB "gitlab"     // the actor of tokens that its scanner has found

// Times in milliseconds of wall clock, DB_NO_TIME = null. Slices are those of the result that the
// row was read from: valid during the callback that has it.
struct db_token_row {
    struct gw_str id;
    struct gw_str name;
    struct gw_str prefix;
    struct gw_str description; // .at NULL: none; a lookup leaves it out
    gw_scope_set scopes;
    bool binds_children;      // its children are bound to its addresses; a lookup leaves it false
    bool rotates_itself;      // it may make its own successor
    uint8_t allowed_ip_count; // 0: it may be used from anywhere
    const struct gw_ip_range *allowed_ips;
    struct gw_str bound_san; // the certificate's name that it is bound to; empty: to none
    int64_t created_ms;
    int64_t last_used_ms;
    int64_t expires_ms;
    struct gw_str org_id; // the organisation of a lookup alone; else empty
    struct gw_str org_slug;
    struct gw_str org_name;
};
