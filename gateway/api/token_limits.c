// SPDX-License-Identifier: MIT
#include "gateway/api/token_limits.h"

#include "base/clock.h"
#include "db/time.h"
#include "gateway/api/json_body.h"
#include "token/limits.h"

static bool parse_scope(struct gw_arena *arena, struct gw_json value, gw_scope_set *scopes,
                        struct gw_refusal *refusal) {
    struct gw_str text;
    enum gw_scope scope;
    if (gw_json_string(value, arena, &text) != GW_OK || gw_scope_parse(text, &scope) != GW_OK)
        return gw_refuse_value(refusal, "scopes must be of read, write and admin.");
    *scopes |= (gw_scope_set)scope;
    return true;
}

bool gw_token_limits_scopes(struct gw_arena *arena, struct gw_json value, gw_scope_set *scopes,
                            struct gw_refusal *refusal) {
    if (gw_json_type(value) != GW_JSON_ARRAY || gw_json_count(value) == 0)
        return gw_refuse_value(refusal,
                               "scopes must be a list of at least one of read, write, admin.");
    *scopes = 0;
    for (int i = 0; i < gw_json_count(value); i++) {
        if (!parse_scope(arena, gw_json_element(value, i), scopes, refusal))
            return false;
    }
    return true;
}

static bool parse_expires_at(struct gw_arena *arena, struct gw_json value, int64_t now_ms,
                             int64_t *expires_ms, struct gw_refusal *refusal) {
    struct gw_str text;
    if (gw_json_string(value, arena, &text) != GW_OK ||
        gw_clock_parse_iso(text, expires_ms) != GW_OK)
        return gw_refuse_value(refusal, "expiresAt must be a time such as 2026-12-31T00:00:00Z.");
    if (*expires_ms <= now_ms)
        return gw_refuse_value(refusal, "expiresAt must be in the future.");
    return true;
}

static bool parse_expires_in(struct gw_json value, int64_t now_ms, int64_t *expires_ms,
                             struct gw_refusal *refusal) {
    int64_t seconds;
    if (gw_json_integer(value, &seconds) != GW_OK || seconds < 1 ||
        seconds > (DB_TIME_LAST_MS - now_ms) / 1000)
        return gw_refuse_value(refusal, "expiresIn must be a whole number of seconds, at least 1, "
                                        "that ends before the year 10000.");
    *expires_ms = now_ms + seconds * 1000;
    return true;
}

bool gw_token_limits_expiry(struct gw_arena *arena, struct gw_json body, int64_t now_ms,
                            int64_t *expires_ms, struct gw_refusal *refusal) {
    struct gw_json at;
    struct gw_json in;
    bool has_at = gw_json_body_find(body, GW_STR("expiresAt"), &at);
    bool has_in = gw_json_body_find(body, GW_STR("expiresIn"), &in);
    *expires_ms = DB_NO_TIME;
    if (has_at && has_in)
        return gw_refuse_value(refusal, "expiresAt and expiresIn both say when it ends: send one.");
    if (has_at)
        return parse_expires_at(arena, at, now_ms, expires_ms, refusal);
    return !has_in || parse_expires_in(in, now_ms, expires_ms, refusal);
}

static bool refuse_range(struct gw_arena *arena, int index, struct gw_refusal *refusal) {
    struct gw_str message = gw_arena_printf(arena,
                                            "allowedIps[%d] must be an address, or a range that "
                                            "begins at its first one, such as 10.0.0.0/8.",
                                            index);
    return gw_refuse_value(refusal, message.at != NULL ? message.at : "allowedIps is wrong.");
}

bool gw_token_limits_addresses(struct gw_arena *arena, struct gw_json value,
                               struct gw_token_addresses *addresses, struct gw_refusal *refusal) {
    struct gw_str text;
    int count = gw_json_count(value);
    if (gw_json_type(value) != GW_JSON_ARRAY || count > GW_ALLOWED_IPS_MAX)
        return gw_refuse_value(refusal,
                               "allowedIps must be a list of at most 32 addresses or ranges.");
    struct gw_ip_range *ranges = gw_arena_allocate(arena, (size_t)count * sizeof(*ranges) + 1);
    if (ranges == NULL)
        return gw_refuse_no_memory(refusal);
    for (int i = 0; i < count; i++) {
        if (gw_json_string(gw_json_element(value, i), arena, &text) != GW_OK ||
            gw_ip_range_parse(text, &ranges[i]) != GW_OK)
            return refuse_range(arena, i, refusal);
    }
    *addresses = (struct gw_token_addresses){.ranges = ranges, .count = (uint8_t)count};
    return true;
}

// ---- members that may be missing ----

bool gw_token_limits_find_scopes(struct gw_arena *arena, struct gw_json body,
                                 gw_scope_set otherwise, gw_scope_set *scopes,
                                 struct gw_refusal *refusal) {
    struct gw_json value;
    *scopes = otherwise;
    return !gw_json_member(body, GW_STR("scopes"), &value) ||
           gw_token_limits_scopes(arena, value, scopes, refusal);
}

bool gw_token_limits_find_addresses(struct gw_arena *arena, struct gw_json body,
                                    struct gw_token_addresses *addresses,
                                    struct gw_refusal *refusal) {
    struct gw_json value;
    *addresses = (struct gw_token_addresses){.count = 0};
    return !gw_json_body_find(body, GW_STR("allowedIps"), &value) ||
           gw_token_limits_addresses(arena, value, addresses, refusal);
}
