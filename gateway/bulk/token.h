// SPDX-License-Identifier: MIT
#pragma once
// The check of a row: the fields of a file become a token, by the rules of the API, or a sentence
// that says why they do not. The sentence holds nothing of the row's values: they may be secrets,
// or the file may be shifted by a column.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ip.h"
#include "base/str.h"
#include "db/token.h"
#include "gateway/bulk/fields.h"
#include "token/limits.h"
#include "token/scope.h"

// What holds for every row of a file.
struct gw_bulk_rules {
    struct gw_str org; // .at NULL: each row names its own
    int64_t now_ms;    // wall clock
};

// Slices are those of the fields, or in the arena.
struct gw_bulk_token {
    struct gw_str id; // .at NULL: it gets one
    struct gw_str org;
    struct gw_str name;
    struct gw_str prefix;
    unsigned char digest[DB_DIGEST_LENGTH];
    gw_scope_set scopes;
    int64_t created_ms;   // DB_NO_TIME: now
    int64_t last_used_ms; // DB_NO_TIME: never
    int64_t expires_ms;   // DB_NO_TIME: never
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    uint8_t allowed_ip_count; // 0: anywhere
    bool binds_children;
    bool rotates_itself;
    struct gw_str description; // .at NULL: none
    struct gw_str bound_san;   // .at NULL: it needs no certificate
};

// False: *why says why, static or in `arena`, which the caller resets for each row.
bool gw_bulk_token_read(const struct gw_bulk_fields *fields, const struct gw_bulk_rules *rules,
                        struct gw_arena *arena, struct gw_bulk_token *token,
                        const char **why) GW_MUST_USE;
