// SPDX-License-Identifier: MIT
#include "gateway/api/trust_request.h"

#include "db/trust.h"
#include "gateway/api/json_body.h"
#include "gateway/api/known_names.h"
#include "gateway/api/query.h"
#include "gateway/oidc/rule.h"
#include "token/id.h"
#include "token/limits.h"

#define MEMBERS                                                                                    \
    GW_STR("kind, issuer, conditions, scopes, expiresIn, allowedIps, exchangesPerMinute")
#define TEXT_OF(number) #number
#define TEXT_OF_VALUE(macro) TEXT_OF(macro)

// ---- the issuer ----

static bool is_text(struct gw_str text, const char *name) {
    return gw_str_equal(text, gw_str_from(name));
}

static bool read_text(struct gw_arena *arena, struct gw_json body, struct gw_str name,
                      struct gw_str *text) {
    struct gw_json value;
    *text = gw_str(NULL, 0);
    return !gw_json_body_find(body, name, &value) || gw_json_string(value, arena, text) == GW_OK;
}

// The sentence ends with the issuers that there are.
static bool refuse_issuer(struct gw_arena *arena, const struct gw_issuer_settings *issuers,
                          const char *reason, struct gw_refusal *refusal) {
    struct gw_str message = gw_arena_printf(arena, "%s", reason);
    for (int i = 0; i < issuers->count && message.at != NULL; i++)
        message = gw_arena_printf(arena, "%.*s%s%s (%s)", GW_STR_ARG(message), i > 0 ? ", " : " ",
                                  issuers->at[i].name, issuers->at[i].kind);
    if (message.at != NULL)
        message = gw_arena_printf(arena, "%.*s.", GW_STR_ARG(message));
    if (message.at != NULL)
        return gw_refuse_value(refusal, message.at);
    *refusal = gw_refusal_no_memory;
    return false;
}

static bool parse_issuer(struct gw_arena *arena, struct gw_json body,
                         const struct gw_issuer_settings *issuers,
                         const struct gw_issuer_setting **found, struct gw_refusal *refusal) {
    struct gw_str kind;
    struct gw_str issuer;
    int count = 0;
    if (!read_text(arena, body, GW_STR("kind"), &kind) ||
        !read_text(arena, body, GW_STR("issuer"), &issuer))
        return gw_refuse_value(refusal, "kind and issuer must be strings.");
    if (issuers->count == 0)
        return gw_refuse_value(refusal, "This gateway trusts no issuer of identities: its operator "
                                        "names them, by --oidc-issuer.");
    for (int i = 0; i < issuers->count; i++) {
        const struct gw_issuer_setting *setting = &issuers->at[i];
        if ((kind.at != NULL && !is_text(kind, setting->kind)) ||
            (issuer.at != NULL && !is_text(issuer, setting->name) &&
             !is_text(issuer, setting->issuer)))
            continue;
        *found = setting;
        count++;
    }
    if (count == 1)
        return true;
    return refuse_issuer(arena, issuers,
                         count == 0 ? "kind and issuer name no issuer of this gateway; there are:"
                                    : "issuer must say which one of this gateway is meant:",
                         refusal);
}

// ---- the other members ----

static bool parse_conditions(struct gw_arena *arena, struct gw_json body,
                             struct gw_trust_request *request, struct gw_refusal *refusal) {
    struct gw_json value;
    const char *wrong = NULL;
    if (!gw_json_body_find(body, GW_STR("conditions"), &value))
        return gw_refuse_value(refusal, "conditions is required.");
    enum gw_status status = gw_trust_conditions_read(arena, gw_str_from(request->issuer->kind),
                                                     value, &request->conditions, &wrong);
    if (status == GW_INVALID)
        return gw_refuse_value(refusal, wrong);
    *refusal = gw_refusal_no_memory;
    return status == GW_OK;
}

struct number {
    struct gw_str name;
    int64_t min;
    int64_t max;
    int64_t otherwise;
    const char *wrong;
};

static bool parse_number(struct gw_json body, const struct number *number, uint32_t *out,
                         struct gw_refusal *refusal) {
    struct gw_json value;
    int64_t given = number->otherwise;
    if (gw_json_body_find(body, number->name, &value) &&
        (gw_json_integer(value, &given) != GW_OK || given < number->min || given > number->max))
        return gw_refuse_value(refusal, number->wrong);
    *out = (uint32_t)given;
    return true;
}

static bool parse_numbers(struct gw_json body, struct gw_trust_request *request,
                          struct gw_refusal *refusal) {
    static const struct number life = {
        GW_STR_INIT("expiresIn"), GW_OIDC_LIFE_S_MIN, GW_OIDC_LIFE_S_MAX, GW_OIDC_LIFE_S_DEFAULT,
        "expiresIn must be a whole number of seconds from " TEXT_OF_VALUE(
            GW_OIDC_LIFE_S_MIN) " to " TEXT_OF_VALUE(GW_OIDC_LIFE_S_MAX) "."};
    static const struct number rate = {
        GW_STR_INIT("exchangesPerMinute"), 1, DB_TRUST_EXCHANGES_PER_MINUTE_MAX,
        DB_TRUST_EXCHANGES_PER_MINUTE_DEFAULT,
        "exchangesPerMinute must be a whole number from 1 to " TEXT_OF_VALUE(
            DB_TRUST_EXCHANGES_PER_MINUTE_MAX) "."};
    return parse_number(body, &life, &request->life_s, refusal) &&
           parse_number(body, &rate, &request->exchanges_per_minute, refusal);
}

bool gw_trust_request_parse(struct gw_arena *arena, struct gw_str body,
                            const struct gw_issuer_settings *issuers,
                            struct gw_trust_request *request, struct gw_refusal *refusal) {
    struct gw_json root;
    return gw_json_body_parse(arena, body, &root, refusal) &&
           gw_known_members_check(arena, root, MEMBERS, refusal) &&
           parse_issuer(arena, root, issuers, &request->issuer, refusal) &&
           parse_conditions(arena, root, request, refusal) &&
           gw_token_limits_find_scopes(arena, root, GW_SCOPE_READ, &request->scopes, refusal) &&
           parse_numbers(root, request, refusal) &&
           gw_token_limits_find_addresses(arena, root, &request->addresses, refusal);
}

// ---- the list ----

bool gw_trust_list_request_parse(struct gw_str query, struct gw_trust_list_request *request,
                                 struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    *request = (struct gw_trust_list_request){.limit = GW_LIST_LIMIT_DEFAULT};
    while (gw_query_next(&query, &name, &value)) {
        if (gw_str_equal(name, GW_STR("after"))) {
            request->after = value;
            if (!gw_id_valid(value))
                return gw_refuse_value(refusal, "after must be the id of a rule.");
        } else if (gw_str_equal(name, GW_STR("limit")) &&
                   !gw_query_number(value, GW_LIST_LIMIT_MAX, &request->limit)) {
            return gw_refuse_value(
                refusal, "limit must be a number from 1 to " TEXT_OF_VALUE(GW_LIST_LIMIT_MAX) ".");
        }
    }
    return true;
}
