// SPDX-License-Identifier: MIT
#include "gateway/api/identity.h"

#include "gateway/auth/auth.h"
#include "gateway/auth/failed_tokens.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "gateway/oidc/anchor.h"

static void end(struct gw_identity *identity, enum gw_identity_outcome outcome) {
    identity->on_done(identity, outcome, NULL, 0);
}

// ---- the client's budget ----

static bool charge(struct gw_identity *identity) {
    struct gw_exchange *exchange = identity->exchange;
    uint64_t wait_s = gw_failed_tokens_charge(exchange->services->auth->failed_tokens,
                                              &exchange->client, exchange->services->touched_ms);
    identity->is_charged = wait_s == 0;
    if (identity->is_charged)
        return true;
    gw_exchange_fail_until(exchange, GW_ERROR_TOO_MANY_FAILED_TOKENS,
                           "Too many tokens of this address were not accepted. Try again later.",
                           wait_s);
    return false;
}

static void give_back(struct gw_identity *identity) {
    struct gw_exchange *exchange = identity->exchange;
    if (identity->is_charged)
        gw_failed_tokens_give_back(exchange->services->auth->failed_tokens, &exchange->client,
                                   exchange->services->touched_ms);
    identity->is_charged = false;
}

// ---- the rules ----

static void on_rules(struct db_exchange_rules *call, enum gw_status status,
                     const struct db_trust_rule *rules, int count, bool has_more) {
    struct gw_identity *identity = gw_container_of(call, struct gw_identity, rules);
    identity->has_more_rules = has_more;
    if (status == GW_OK)
        identity->on_done(identity, GW_IDENTITY_KNOWN, rules, count);
    else
        end(identity, GW_IDENTITY_NO_DATABASE);
}

static void find_rules(struct gw_identity *identity) {
    struct db_exchange_rules *call = &identity->rules;
    call->issuer = gw_str_from(identity->setting->issuer);
    call->anchor = identity->anchor;
    call->org_slug = identity->org;
    call->on_done = on_rules;
    if (db_exchange_rules_start(identity->exchange->services->pool, call) != GW_OK)
        end(identity, GW_IDENTITY_NO_DATABASE);
}

// ---- the claims ----

_Static_assert(GW_ISSUER_AGE_MS_MAX / 1000 == GW_OIDC_AGE_S_MAX, "a replay is known for that long");

// Wrong claims cost the client its charge, and are told only where a rule is about the token.
static enum gw_status check_claims(struct gw_identity *identity) {
    const struct gw_issuer_setting *setting = identity->setting;
    const struct gw_oidc_provider *provider = gw_oidc_provider(identity->kind);
    const struct gw_oidc_policy policy = {.issuer = gw_str_from(setting->issuer),
                                          .audience = gw_str_from(setting->audience),
                                          .age_s_max = (int64_t)(setting->max_age_ms / 1000),
                                          .may_lack_iat = provider->may_lack_iat,
                                          .may_lack_jti = provider->may_lack_jti};
    enum gw_status status = gw_oidc_claims_check(
        &identity->jwt, &identity->exchange->arena, &policy,
        identity->exchange->services->wall_ms / 1000, &identity->times, &identity->claim_fault);
    if (status == GW_OK)
        give_back(identity);
    return status == GW_NO_MEMORY ? status : GW_OK;
}

static void act_on_signed(struct gw_identity *identity) {
    struct gw_arena *arena = &identity->exchange->arena;
    enum gw_status status = check_claims(identity);
    if (status == GW_OK)
        status = gw_oidc_anchor(identity->kind, &identity->jwt, arena, &identity->anchor);
    if (status == GW_OK)
        find_rules(identity);
    else if (status == GW_INVALID)
        end(identity, GW_IDENTITY_NO_ANCHOR);
    else
        gw_exchange_refuse(identity->exchange, &gw_refusal_no_memory);
}

// ---- the signature ----

// Any but GW_OK. What nobody can say about the token now is not its client's fault.
static void act_on_unsigned(struct gw_identity *identity, enum gw_status status) {
    if (status != GW_DENIED && status != GW_NOT_FOUND)
        give_back(identity);
    if (status == GW_DENIED)
        end(identity, GW_IDENTITY_FORGED);
    else if (status == GW_NOT_FOUND)
        end(identity, GW_IDENTITY_NO_KEY);
    else if (status == GW_UNAVAILABLE)
        end(identity, GW_IDENTITY_NO_KEYS);
    else
        end(identity, GW_IDENTITY_BUSY);
}

static void on_verified(struct gw_issuer_verification *verification, enum gw_status status) {
    struct gw_identity *identity = gw_container_of(verification, struct gw_identity, verification);
    gw_services_touch(identity->exchange->services);
    if (status == GW_OK)
        act_on_signed(identity);
    else
        act_on_unsigned(identity, status);
}

// ---- from its start to its end ----

static struct gw_issuer *find_issuer(struct gw_identity *identity) {
    struct gw_exchange *exchange = identity->exchange;
    struct gw_str name;
    if (gw_oidc_issuer(&identity->jwt, &exchange->arena, &name) != GW_OK)
        return NULL;
    return gw_issuers_find(exchange->services->issuers, name);
}

static void verify(struct gw_identity *identity) {
    struct gw_issuer *issuer = find_issuer(identity);
    if (issuer == NULL) {
        end(identity, GW_IDENTITY_NO_ISSUER);
        return;
    }
    identity->setting = gw_issuer_setting_of(issuer);
    bool is_kind = gw_oidc_kind_find(gw_str_from(identity->setting->kind), &identity->kind);
    gw_assert(is_kind); // as its setting was read
    identity->verification.issuer = issuer;
    identity->verification.jwt = &identity->jwt;
    identity->verification.on_done = on_verified;
    enum gw_status status =
        gw_issuers_verify(identity->exchange->services->issuers, &identity->verification);
    if (status != GW_OK)
        act_on_unsigned(identity, status);
}

bool gw_identity_is_taken(struct gw_exchange *exchange) {
    bool is_taken = exchange->services->config->oidc_issuers.count > 0;
    if (!is_taken)
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND,
                         "This gateway takes no identity tokens: it has no --oidc-issuer.");
    return is_taken;
}

void gw_identity_start(struct gw_identity *identity, struct gw_str text) {
    gw_list_init(&identity->rules.query.link);
    gw_list_init(&identity->verification.link);
    if (!charge(identity))
        return;
    enum gw_status status =
        gw_jwt_parse(&identity->exchange->arena, text, &identity->jwt, &identity->jwt_fault);
    if (status == GW_OK)
        verify(identity);
    else if (status == GW_INVALID)
        end(identity, GW_IDENTITY_MALFORMED);
    else
        gw_exchange_refuse(identity->exchange, &gw_refusal_no_memory);
}

void gw_identity_cancel(struct gw_identity *identity) {
    if (identity->rules.query.link.next == NULL) // never started
        return;
    gw_issuers_cancel(&identity->verification);
    db_pool_cancel(identity->exchange->services->pool, &identity->rules.query);
}

bool gw_identity_reply_unknown(struct gw_exchange *exchange, enum gw_identity_outcome outcome) {
    static const char *const messages[] = {
        [GW_IDENTITY_BUSY] = "Too many identity tokens wait to be verified. Try again shortly.",
        [GW_IDENTITY_NO_KEYS] = "The keys of the issuer are not known now. Try again shortly.",
        [GW_IDENTITY_NO_DATABASE] = "The token database cannot be reached now. Try again shortly.",
    };
    bool is_unknown = outcome >= GW_IDENTITY_BUSY;
    if (is_unknown)
        gw_exchange_fail(exchange, GW_ERROR_UNAVAILABLE, messages[outcome]);
    return is_unknown;
}
