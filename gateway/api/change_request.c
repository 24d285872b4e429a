// SPDX-License-Identifier: MIT
#include "gateway/api/change_request.h"

#include "db/time.h"
#include "gateway/api/json_body.h"
#include "gateway/api/known_names.h"
#include "gateway/api/token_text.h"

#define MEMBERS GW_STR("name, description, expiresAt, expiresIn, scopes, allowedIps")

static bool parse_name(struct gw_arena *arena, struct gw_json body, struct gw_str *name,
                       struct gw_refusal *refusal) {
    struct gw_json value;
    return !gw_json_member(body, GW_STR("name"), &value) ||
           gw_token_text_name(arena, value, name, refusal);
}

static bool parse_description(struct gw_arena *arena, struct gw_json body,
                              struct gw_str *description, struct gw_refusal *refusal) {
    struct gw_json value;
    if (!gw_json_member(body, GW_STR("description"), &value))
        return true;
    if (gw_json_type(value) != GW_JSON_NULL)
        return gw_token_text_description(arena, value, description, refusal);
    *description = GW_STR("");
    return true;
}

// Null would be no end at all.
static bool parse_expiry(struct gw_arena *arena, struct gw_json body, int64_t now_ms,
                         int64_t *expires_ms, struct gw_refusal *refusal) {
    struct gw_json value;
    if (!gw_token_limits_expiry(arena, body, now_ms, expires_ms, refusal))
        return false;
    if (*expires_ms != DB_NO_TIME)
        return true;
    if (gw_json_member(body, GW_STR("expiresAt"), &value))
        return gw_refuse_value(refusal, "expiresAt must be a time: an end can only come earlier.");
    if (gw_json_member(body, GW_STR("expiresIn"), &value))
        return gw_refuse_value(refusal,
                               "expiresIn must be a number of seconds: an end can only come "
                               "earlier.");
    return true;
}

static bool parse_addresses(struct gw_arena *arena, struct gw_json body,
                            struct gw_change_request *request, struct gw_refusal *refusal) {
    struct gw_json value;
    request->has_addresses = gw_json_member(body, GW_STR("allowedIps"), &value);
    return !request->has_addresses || gw_json_type(value) == GW_JSON_NULL ||
           gw_token_limits_addresses(arena, value, &request->addresses, refusal);
}

bool gw_change_request_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                             struct gw_change_request *request, struct gw_refusal *refusal) {
    struct gw_json root;
    *request = (struct gw_change_request){.expires_ms = DB_NO_TIME};
    if (!gw_json_body_parse(arena, body, &root, refusal) ||
        !gw_known_members_check(arena, root, MEMBERS, refusal))
        return false;
    if (gw_json_count(root) == 0)
        return gw_refuse_value(refusal, "There is nothing to change; known are: name, description, "
                                        "expiresAt, expiresIn, scopes, allowedIps.");
    return parse_name(arena, root, &request->name, refusal) &&
           parse_description(arena, root, &request->description, refusal) &&
           parse_expiry(arena, root, now_ms, &request->expires_ms, refusal) &&
           gw_token_limits_find_scopes(arena, root, 0, &request->scopes, refusal) &&
           parse_addresses(arena, root, request, refusal);
}
