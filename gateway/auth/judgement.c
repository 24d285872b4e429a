// SPDX-License-Identifier: MIT
#include "gateway/auth/judgement.h"

#include "base/san.h"

const struct gw_judgement gw_judgement_allowed = {.verdict = GW_VERDICT_ALLOW};
const struct gw_judgement gw_judgement_invalid = {
    GW_VERDICT_UNAUTHENTICATED,
    {GW_ERROR_INVALID_TOKEN, "The token is malformed, unknown, revoked or expired."}};
const struct gw_judgement gw_judgement_unknown = {
    GW_VERDICT_UNKNOWN,
    {GW_ERROR_UNAVAILABLE, "The gateway cannot check the token now. Try again shortly."}};
const struct gw_judgement gw_judgement_other_org = {
    GW_VERDICT_FORBIDDEN, {GW_ERROR_ORG_MISMATCH, "The token belongs to another organisation."}};
const struct gw_judgement gw_judgement_needs_admin = {
    GW_VERDICT_FORBIDDEN,
    {GW_ERROR_INSUFFICIENT_SCOPE, "This needs a token with the scope admin."}};

static struct gw_judgement forbid(enum gw_error error, const char *message) {
    return (struct gw_judgement){GW_VERDICT_FORBIDDEN, {error, message}};
}

static bool may_be_used_by(const struct db_token_row *row, const struct gw_client *client) {
    return row->allowed_ip_count == 0 ||
           gw_client_is_in(client, row->allowed_ips, row->allowed_ip_count);
}

static struct gw_judgement forbid_address(const struct gw_client *client) {
    return forbid(GW_ERROR_ADDRESS_NOT_ALLOWED,
                  client->is_known ? "The token may not be used from this address."
                                   : "The token may be used from certain addresses alone, and the "
                                     "proxy did not say readably which one this is.");
}

static struct gw_judgement refuse_certificate(struct gw_str names) {
    const char *message =
        names.length == 0
            ? "The token is bound to a name of a client certificate, and this connection shows "
              "none; one of a proxy does not count."
            : "The token is bound to a name that the client certificate of this connection does "
              "not have.";
    return (struct gw_judgement){GW_VERDICT_UNAUTHENTICATED,
                                 {GW_ERROR_CERTIFICATE_REQUIRED, message}};
}

struct gw_judgement gw_judge_token(const struct db_token_row *row,
                                   const struct gw_judged_use *use) {
    if (row->expires_ms != DB_NO_TIME && row->expires_ms <= use->now_ms)
        return gw_judgement_invalid;
    if (!may_be_used_by(row, use->client))
        return forbid_address(use->client);
    if (row->bound_san.length > 0 && !gw_san_list_has(use->certificate_names, row->bound_san))
        return refuse_certificate(use->certificate_names);
    return gw_judgement_allowed;
}

static struct gw_judgement forbid_scope(enum gw_scope scope) {
    if (scope == GW_SCOPE_READ)
        return forbid(GW_ERROR_INSUFFICIENT_SCOPE, "This needs a token with the scope read.");
    if (scope == GW_SCOPE_WRITE)
        return forbid(GW_ERROR_INSUFFICIENT_SCOPE, "This needs a token with the scope write.");
    return gw_judgement_needs_admin;
}

struct gw_judgement gw_judge_reach(const struct db_token_row *row,
                                   const struct gw_route_match *match) {
    gw_assert(match->route->access != GW_ACCESS_ORG || match->org.at != NULL);
    if (match->org.at != NULL && !gw_str_equal(match->org, row->org_slug))
        return gw_judgement_other_org;
    if (match->route->access != GW_ACCESS_TOKEN &&
        !gw_scope_allows(row->scopes, match->route->scope))
        return forbid_scope(match->route->scope);
    return gw_judgement_allowed;
}

struct gw_judgement gw_judge(const struct db_token_row *row, const struct gw_judged_use *use) {
    const struct gw_judgement judgement = gw_judge_token(row, use);
    return judgement.verdict == GW_VERDICT_ALLOW ? gw_judge_reach(row, use->match) : judgement;
}
