// SPDX-License-Identifier: MIT
#include "gateway/api/hand_over_request.h"

#include "base/json.h"
#include "gateway/api/json_body.h"
#include "gateway/api/known_names.h"
#include "gateway/api/token_limits.h"
#include "gateway/api/token_text.h"
#include "gateway/auth/secret.h"
#include "token/syntax.h"

#define MEMBERS GW_STR("prefix, sha256, name, scopes, expiresAt, description")

// ---- what it is known by ----

static bool read_prefix(struct gw_arena *arena, struct gw_json body,
                        const struct gw_hand_over_rules *rules, struct gw_str *prefix,
                        struct gw_refusal *refusal) {
    enum gw_token_kind other = rules->is_test_environment ? GW_TOKEN_LIVE : GW_TOKEN_TEST;
    enum gw_token_kind kind;
    struct gw_json value;
    if (!gw_json_member(body, GW_STR("prefix"), &value) ||
        gw_json_string(value, arena, prefix) != GW_OK ||
        gw_token_syntax_parse_prefix(*prefix, &kind) != GW_OK)
        return gw_refuse_value(refusal, "prefix must be the first 12 characters of the token, "
                                        "sr_live_, sr_test_ or sk_ and what follows.");
    return kind != other ||
           gw_refuse_value(refusal, "prefix is of the other environment: tokens with it are not "
                                    "accepted here.");
}

static bool read_digest(struct gw_arena *arena, struct gw_json body,
                        unsigned char digest[DB_DIGEST_LENGTH], struct gw_refusal *refusal) {
    struct gw_json value;
    struct gw_str hex;
    return (gw_json_member(body, GW_STR("sha256"), &value) &&
            gw_json_string(value, arena, &hex) == GW_OK &&
            gw_token_digest_parse(hex, digest) == GW_OK) ||
           gw_refuse_value(refusal, "sha256 must be the SHA-256 of the whole token, 64 hexadecimal "
                                    "digits; the token itself is not to be sent.");
}

// ---- what it is called ----

static bool read_name(struct gw_arena *arena, struct gw_json body, struct gw_str *name,
                      struct gw_refusal *refusal) {
    struct gw_json value;
    if (!gw_json_member(body, GW_STR("name"), &value))
        return gw_refuse_value(refusal, "name is required.");
    return gw_token_text_name(arena, value, name, refusal);
}

static bool read_description(struct gw_arena *arena, struct gw_json body,
                             struct gw_str *description, struct gw_refusal *refusal) {
    struct gw_json value;
    *description = gw_str(NULL, 0);
    return !gw_json_body_find(body, GW_STR("description"), &value) ||
           gw_token_text_description(arena, value, description, refusal);
}

// ---- what it may ----

static bool read_scopes(struct gw_arena *arena, struct gw_json body, gw_scope_set *scopes,
                        struct gw_refusal *refusal) {
    struct gw_json value;
    if (!gw_json_member(body, GW_STR("scopes"), &value))
        return gw_refuse_value(refusal, "scopes is required.");
    if (!gw_token_limits_scopes(arena, value, scopes, refusal))
        return false;
    return !(*scopes & GW_SCOPE_ADMIN) ||
           gw_refuse_value(refusal, "scopes must be of read and write: no token with the scope "
                                    "admin is handed over.");
}

static bool read_end(struct gw_arena *arena, struct gw_json body,
                     const struct gw_hand_over_rules *rules, int64_t *expires_ms,
                     struct gw_refusal *refusal) {
    struct gw_json value;
    if (!gw_json_member(body, GW_STR("expiresAt"), &value))
        return gw_refuse_value(refusal, "expiresAt is required: null for a token without an end.");
    return gw_token_limits_expiry(arena, body, rules->now_ms, expires_ms, refusal);
}

bool gw_hand_over_request_parse(struct gw_arena *arena, struct gw_str body,
                                const struct gw_hand_over_rules *rules,
                                struct gw_hand_over_request *request, struct gw_refusal *refusal) {
    struct gw_json root;
    return gw_json_body_parse(arena, body, &root, refusal) &&
           gw_known_members_check(arena, root, MEMBERS, refusal) &&
           read_prefix(arena, root, rules, &request->prefix, refusal) &&
           read_digest(arena, root, request->digest, refusal) &&
           read_name(arena, root, &request->name, refusal) &&
           read_scopes(arena, root, &request->scopes, refusal) &&
           read_end(arena, root, rules, &request->expires_ms, refusal) &&
           read_description(arena, root, &request->description, refusal);
}
