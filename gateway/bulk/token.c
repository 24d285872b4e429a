// SPDX-License-Identifier: MIT
#include "gateway/bulk/token.h"

#include <string.h>

#include "base/clock.h"
#include "base/san.h"
#include "gateway/auth/secret.h"
#include "token/id.h"
#include "token/name.h"
#include "token/slug.h"
#include "token/syntax.h"

#define CLOCK_DIFFERENCE_MS 5000 // between two good clocks

static bool refuse(const char **why, const char *sentence) {
    *why = sentence;
    return false;
}

static struct gw_str field(const struct gw_bulk_fields *fields, enum gw_bulk_field which) {
    return fields->text[which];
}

// ---- what it is known by ----

static bool read_secret(struct gw_str secret, struct gw_bulk_token *token, const char **why) {
    enum gw_token_kind kind;
    if (gw_token_syntax_parse(secret, &kind) != GW_OK)
        return refuse(why, "token must be sr_live_, sr_test_ or sk_ and then 20 to 255 of A-Z a-z "
                           "0-9 _ -");
    token->prefix = gw_str_slice(secret, 0, GW_TOKEN_PREFIX_LENGTH);
    gw_token_digest(secret, token->digest);
    return true;
}

static bool read_identity(const struct gw_bulk_fields *fields, struct gw_bulk_token *token,
                          const char **why) {
    struct gw_str secret = field(fields, GW_BULK_TOKEN);
    struct gw_str prefix = field(fields, GW_BULK_PREFIX);
    struct gw_str digest = field(fields, GW_BULK_SHA256);
    enum gw_token_kind kind;
    if (secret.at != NULL && (prefix.at != NULL || digest.at != NULL))
        return refuse(why, "give the token, or its prefix and sha256, not both");
    if (secret.at != NULL)
        return read_secret(secret, token, why);
    if (prefix.at == NULL || digest.at == NULL)
        return refuse(why, "there is no token, nor a prefix and sha256 of one");
    if (gw_token_syntax_parse_prefix(prefix, &kind) != GW_OK)
        return refuse(why, "prefix must be the first 12 characters of the token, sr_live_, "
                           "sr_test_ or sk_ and what follows");
    token->prefix = prefix;
    return gw_token_digest_parse(digest, token->digest) == GW_OK ||
           refuse(why, "sha256 must be the SHA-256 of the whole token, 64 hexadecimal digits");
}

// ---- what it is called ----

static bool read_org(const struct gw_bulk_fields *fields, const struct gw_bulk_rules *rules,
                     struct gw_bulk_token *token, const char **why) {
    struct gw_str own = field(fields, GW_BULK_ORG);
    token->org = own.at != NULL ? own : rules->org;
    if (token->org.at == NULL)
        return refuse(why, "org is missing: give the slug of the organisation, or --org for all");
    if (!gw_org_slug_valid(token->org))
        return refuse(why, "org must be a slug, 2 to 48 of a-z 0-9 -, first and last no hyphen");
    return rules->org.at == NULL || gw_str_equal(token->org, rules->org) ||
           refuse(why, "org is another one than that of --org");
}

// The sentence of a text that is not taken.
static bool refuse_text(struct gw_arena *arena, const char *name, enum gw_status status,
                        const char *wrong, const char **why) {
    if (status == GW_INVALID) {
        struct gw_str sentence = gw_arena_printf(arena, "%s %s", name, wrong);
        if (sentence.at != NULL)
            return refuse(why, sentence.at);
    }
    return refuse(why, "there is no memory for it");
}

static bool read_name(const struct gw_bulk_fields *fields, struct gw_arena *arena,
                      struct gw_bulk_token *token, const char **why) {
    struct gw_str given = field(fields, GW_BULK_NAME);
    const char *wrong = "";
    if (given.at == NULL)
        return refuse(why, "name is missing");
    enum gw_status status = gw_token_name_normalise(arena, given, &token->name, &wrong);
    return status == GW_OK || refuse_text(arena, "name", status, wrong, why);
}

static bool read_description(const struct gw_bulk_fields *fields, struct gw_arena *arena,
                             struct gw_bulk_token *token, const char **why) {
    struct gw_str given = field(fields, GW_BULK_DESCRIPTION);
    const char *wrong = "";
    token->description = given;
    if (given.at == NULL)
        return true;
    enum gw_status status =
        gw_token_description_normalise(arena, given, &token->description, &wrong);
    return status == GW_OK || refuse_text(arena, "description", status, wrong, why);
}

static bool read_id(const struct gw_bulk_fields *fields, struct gw_bulk_token *token,
                    const char **why) {
    token->id = field(fields, GW_BULK_ID);
    return token->id.at == NULL || gw_id_valid(token->id) ||
           refuse(why, "id must be 1 to 32 of a-z 0-9");
}

// ---- what it may ----

static bool read_scopes(const struct gw_bulk_fields *fields, struct gw_bulk_token *token,
                        const char **why) {
    struct gw_str list = field(fields, GW_BULK_SCOPES);
    token->scopes = GW_SCOPE_READ | GW_SCOPE_WRITE;
    return list.at == NULL || gw_scope_parse_list(list, &token->scopes, NULL) == GW_OK ||
           refuse(why, "scopes must be of read, write and admin, separated by commas");
}

static bool read_allowed_ips(const struct gw_bulk_fields *fields, struct gw_bulk_token *token,
                             const char **why) {
    struct gw_str rest = field(fields, GW_BULK_ALLOWED_IPS);
    struct gw_str part;
    token->allowed_ip_count = 0;
    if (rest.at == NULL)
        return true;
    while (gw_str_next(&rest, ',', &part)) {
        if (token->allowed_ip_count == GW_ALLOWED_IPS_MAX)
            return refuse(why, "allowedIps must be at most 32 addresses or ranges");
        if (gw_ip_range_parse(gw_str_trim(part), &token->allowed_ips[token->allowed_ip_count]) !=
            GW_OK)
            return refuse(why, "allowedIps must be addresses, or ranges that begin at their first "
                               "one, such as 10.0.0.0/8, separated by commas");
        token->allowed_ip_count++;
    }
    return true;
}

static bool read_boolean(struct gw_str text, bool *truth) {
    *truth = gw_str_equal(text, GW_STR("true"));
    return text.at == NULL || *truth || gw_str_equal(text, GW_STR("false"));
}

static bool read_marks(const struct gw_bulk_fields *fields, struct gw_bulk_token *token,
                       const char **why) {
    if (!read_boolean(field(fields, GW_BULK_BIND_CHILDREN), &token->binds_children))
        return refuse(why, "bindChildren must be true or false");
    return read_boolean(field(fields, GW_BULK_SELF_ROTATE), &token->rotates_itself) ||
           refuse(why, "selfRotate must be true or false");
}

static bool read_bound_san(const struct gw_bulk_fields *fields, struct gw_bulk_token *token,
                           const char **why) {
    token->bound_san = field(fields, GW_BULK_BOUND_SAN);
    return token->bound_san.at == NULL || gw_san_kind(token->bound_san) != GW_SAN_NONE ||
           refuse(why, "boundSan must be " GW_SAN_RULE);
}

// ---- times ----

static bool read_time(struct gw_str text, int64_t *wall_ms) {
    *wall_ms = DB_NO_TIME;
    return text.at == NULL ||
           (gw_clock_parse_iso(text, wall_ms) == GW_OK && *wall_ms >= DB_TIME_FIRST_MS);
}

static bool read_times(const struct gw_bulk_fields *fields, const struct gw_bulk_rules *rules,
                       struct gw_bulk_token *token, const char **why) {
    int64_t latest = rules->now_ms + CLOCK_DIFFERENCE_MS;
    if (!read_time(field(fields, GW_BULK_CREATED_AT), &token->created_ms))
        return refuse(why, "createdAt must be a time such as 2026-12-31T00:00:00Z");
    if (!read_time(field(fields, GW_BULK_LAST_USED_AT), &token->last_used_ms))
        return refuse(why, "lastUsedAt must be a time such as 2026-12-31T00:00:00Z");
    if (!read_time(field(fields, GW_BULK_EXPIRES_AT), &token->expires_ms))
        return refuse(why, "expiresAt must be a time such as 2026-12-31T00:00:00Z");
    if (token->created_ms > latest || token->last_used_ms > latest)
        return refuse(why, "createdAt and lastUsedAt must not be in the future");
    return token->expires_ms == DB_NO_TIME || token->expires_ms > rules->now_ms ||
           refuse(why, "expiresAt is over: an expired token cannot be used any more");
}

bool gw_bulk_token_read(const struct gw_bulk_fields *fields, const struct gw_bulk_rules *rules,
                        struct gw_arena *arena, struct gw_bulk_token *token, const char **why) {
    memset(token, 0, sizeof(*token));
    return read_identity(fields, token, why) && read_id(fields, token, why) &&
           read_org(fields, rules, token, why) && read_name(fields, arena, token, why) &&
           read_description(fields, arena, token, why) && read_scopes(fields, token, why) &&
           read_allowed_ips(fields, token, why) && read_marks(fields, token, why) &&
           read_bound_san(fields, token, why) && read_times(fields, rules, token, why);
}
