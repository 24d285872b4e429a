// SPDX-License-Identifier: MIT
#include "gateway/api/requests.h"

#include "base/clock.h"
#include "base/json.h"
#include "db/token.h"
#include "gateway/api/json_body.h"
#include "gateway/api/known_names.h"
#include "gateway/api/token_limits.h"
#include "gateway/api/token_text.h"
#include "token/limits.h"

#define CREATE_MEMBERS                                                                             \
    GW_STR("name, scopes, expiresAt, expiresIn, allowedIps, bindChildren, description, "           \
           "selfRotate, boundSan")
#define ROTATE_MEMBERS GW_STR("overlapSeconds, expiresAt, expiresIn")

static bool parse_name(struct gw_arena *arena, struct gw_json body, struct gw_str *name,
                       struct gw_refusal *refusal) {
    struct gw_json value;
    if (!gw_json_member(body, GW_STR("name"), &value))
        return gw_refuse_value(refusal, "name is required.");
    return gw_token_text_name(arena, value, name, refusal);
}

static bool parse_allowed_ips(struct gw_arena *arena, struct gw_json body,
                              struct gw_token_request *request, struct gw_refusal *refusal) {
    struct gw_token_addresses addresses;
    bool is_right = gw_token_limits_find_addresses(arena, body, &addresses, refusal);
    request->allowed_ips = addresses.ranges;
    request->allowed_ip_count = addresses.count;
    return is_right;
}

static bool parse_mark(struct gw_json body, struct gw_str name, const char *wrong, bool *is_set,
                       struct gw_refusal *refusal) {
    struct gw_json value;
    *is_set = false;
    return !gw_json_body_find(body, name, &value) || gw_json_boolean(value, is_set) == GW_OK ||
           gw_refuse_value(refusal, wrong);
}

static bool parse_binding(struct gw_json body, bool *binds_children, struct gw_refusal *refusal) {
    return parse_mark(body, GW_STR("bindChildren"), "bindChildren must be true or false.",
                      binds_children, refusal);
}

static bool parse_self_rotation(struct gw_json body, bool *rotates_itself,
                                struct gw_refusal *refusal) {
    return parse_mark(body, GW_STR("selfRotate"), "selfRotate must be true or false.",
                      rotates_itself, refusal);
}

static bool parse_description(struct gw_arena *arena, struct gw_json body,
                              struct gw_str *description, struct gw_refusal *refusal) {
    struct gw_json value;
    *description = gw_str(NULL, 0);
    return !gw_json_body_find(body, GW_STR("description"), &value) ||
           gw_token_text_description(arena, value, description, refusal);
}

static bool parse_bound_san(struct gw_arena *arena, struct gw_json body, struct gw_str *bound_san,
                            struct gw_refusal *refusal) {
    struct gw_json value;
    *bound_san = gw_str(NULL, 0);
    return !gw_json_body_find(body, GW_STR("boundSan"), &value) ||
           gw_token_text_bound_san(arena, value, bound_san, refusal);
}

bool gw_token_request_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                            struct gw_token_request *request, struct gw_refusal *refusal) {
    struct gw_json root;
    return gw_json_body_parse(arena, body, &root, refusal) &&
           gw_known_members_check(arena, root, CREATE_MEMBERS, refusal) &&
           parse_name(arena, root, &request->name, refusal) &&
           gw_token_limits_find_scopes(arena, root, GW_SCOPE_READ | GW_SCOPE_WRITE,
                                       &request->scopes, refusal) &&
           gw_token_limits_expiry(arena, root, now_ms, &request->expires_ms, refusal) &&
           parse_allowed_ips(arena, root, request, refusal) &&
           parse_binding(root, &request->binds_children, refusal) &&
           parse_description(arena, root, &request->description, refusal) &&
           parse_self_rotation(root, &request->rotates_itself, refusal) &&
           parse_bound_san(arena, root, &request->bound_san, refusal);
}

static bool parse_overlap(struct gw_json body, int64_t *overlap_s, struct gw_refusal *refusal) {
    struct gw_json value;
    *overlap_s = GW_ROTATE_OVERLAP_S_DEFAULT;
    if (!gw_json_body_find(body, GW_STR("overlapSeconds"), &value))
        return true;
    if (gw_json_integer(value, overlap_s) != GW_OK || *overlap_s < 0 ||
        *overlap_s > GW_ROTATE_OVERLAP_S_MAX)
        return gw_refuse_value(refusal, "overlapSeconds must be a whole number from 0 to 2592000.");
    return true;
}

bool gw_rotate_request_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                             struct gw_rotate_request *request, struct gw_refusal *refusal) {
    struct gw_json root;
    if (body.length == 0)
        body = GW_STR("{}");
    return gw_json_body_parse(arena, body, &root, refusal) &&
           gw_known_members_check(arena, root, ROTATE_MEMBERS, refusal) &&
           parse_overlap(root, &request->overlap_s, refusal) &&
           gw_token_limits_expiry(arena, root, now_ms, &request->expires_ms, refusal);
}

static bool is_visible_ascii(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    }
    return true;
}

bool gw_idempotency_key_read(const struct gw_http_head *request, struct gw_str *key,
                             struct gw_refusal *refusal) {
    *key = gw_str(NULL, 0);
    for (int i = 0; i < request->field_count; i++) {
        const struct gw_http_field *field = &request->fields[i];
        if (!gw_str_equal_nocase(field->name, GW_STR("idempotency-key")))
            continue;
        bool is_right = key->at == NULL && field->value.length > 0 &&
                        field->value.length <= GW_IDEMPOTENCY_KEY_LENGTH_MAX &&
                        is_visible_ascii(field->value);
        if (!is_right)
            return gw_refuse(refusal, GW_ERROR_BAD_REQUEST,
                             "Idempotency-Key must be 1 to 64 visible ASCII characters, once.");
        *key = field->value;
    }
    return true;
}
