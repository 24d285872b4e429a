// SPDX-License-Identifier: MIT
#include "gateway/api/token_exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "db/mints.h"
#include "gateway/api/body.h"
#include "gateway/api/identity.h"
#include "gateway/api/issue.h"
#include "gateway/api/known_names.h"
#include "gateway/api/new_token.h"
#include "gateway/api/reply.h"
#include "gateway/api/token_exchange_request.h"
#include "gateway/api/trust_verdict.h"
#include "gateway/exchange/services.h"
#include "gateway/oidc/run.h"
#include "gateway/settings/config.h"
#include "token/slug.h"

#define ANSWER_BYTES_MAX (4 * 1024)

struct exchange_call {
    struct gw_api_body body;
    struct gw_token_exchange_request request;
    struct gw_identity identity;
    struct db_exchange_mint mint;
    struct gw_new_token new_token;
    struct gw_buf facts;
    char rule_id[DB_ID_LENGTH_MAX];
    char org[GW_ORG_SLUG_LENGTH_MAX];
    size_t org_length;
    char instead_of[DB_ID_LENGTH_MAX];
    bool is_form;
};

static struct gw_exchange *exchange_of(const struct exchange_call *call) {
    return call->body.handler.exchange;
}

static void note(const struct exchange_call *call, enum gw_token_exchange_outcome outcome) {
    exchange_of(call)->services->metrics->token_exchanges_total[outcome]++;
}

// ---- refusals ----

// Of the form all are invalid_request (RFC 8693 section 2.2.2).
static void refuse(struct exchange_call *call, enum gw_error error, const char *message) {
    gw_exchange_fail(exchange_of(call), call->is_form ? GW_ERROR_OAUTH_INVALID_REQUEST : error,
                     message);
}

static void refuse_identity(struct exchange_call *call) {
    note(call, GW_TOKEN_EXCHANGE_UNTRUSTED);
    refuse(call, GW_ERROR_IDENTITY_NOT_ACCEPTED, "The identity token is not accepted.");
}

__attribute__((format(printf, 2, 3))) static void refuse_saying(struct exchange_call *call,
                                                                const char *format, ...) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    refuse(call, GW_ERROR_IDENTITY_NOT_ACCEPTED, message);
}

static void refuse_claim(struct exchange_call *call, const struct gw_trust_match *match) {
    note(call, GW_TOKEN_EXCHANGE_DIFFERS);
    if (match->has_value)
        refuse_saying(call,
                      "The identity token is not accepted: its claim %s, which is %s, is none that "
                      "a rule of trust for it names.",
                      match->claim, match->value);
    else
        refuse_saying(call,
                      "The identity token is not accepted: it lacks the claim %s, which a rule of "
                      "trust for it names.",
                      match->claim);
}

static void refuse_time(struct exchange_call *call) {
    note(call, GW_TOKEN_EXCHANGE_DIFFERS);
    refuse_saying(call, "The identity token is not accepted: %s.",
                  gw_oidc_claim_fault_text(call->identity.claim_fault));
}

static void refuse_scopes(struct exchange_call *call) {
    note(call, GW_TOKEN_EXCHANGE_DIFFERS);
    gw_exchange_fail(exchange_of(call),
                     call->is_form ? GW_ERROR_OAUTH_INVALID_SCOPE : GW_ERROR_IDENTITY_NOT_ACCEPTED,
                     "No rule of trust that the identity token meets gives these scopes.");
}

// Only where none was named, which the form alone allows.
static void refuse_several(struct exchange_call *call) {
    note(call, GW_TOKEN_EXCHANGE_DIFFERS);
    gw_exchange_fail(exchange_of(call), GW_ERROR_OAUTH_INVALID_TARGET,
                     "Rules of several organisations are about the identity token. Name one: the "
                     "parameter org.");
}

static void refuse_replayed(struct exchange_call *call) {
    note(call, GW_TOKEN_EXCHANGE_REPLAYED);
    refuse(call, GW_ERROR_ALREADY_EXCHANGED,
           "The identity token was exchanged before. Ask the issuer for another one.");
}

static void refuse_used(struct exchange_call *call) {
    note(call, GW_TOKEN_EXCHANGE_REPLAYED);
    refuse(call, GW_ERROR_ALREADY_EXCHANGED,
           "A request with this Idempotency-Key was answered with a token, which was used.");
}

static void refuse_for_now(struct exchange_call *call, uint32_t seconds) {
    note(call, GW_TOKEN_EXCHANGE_LIMITED);
    gw_exchange_fail_until(
        exchange_of(call), GW_ERROR_RATE_LIMITED,
        "The rule of trust has given as many tokens within a minute as it may. Try again later.",
        seconds);
}

// ---- the answer ----

static void write_form_answer(struct gw_json_writer *json, const struct exchange_call *call) {
    char scopes[GW_SCOPE_TEXT_BYTES_MAX];
    size_t length = gw_scope_format(call->request.scopes, " ", scopes);
    gw_json_put_string(json, "access_token", gw_new_token_secret(&call->new_token));
    gw_json_put_string(json, "issued_token_type", GW_STR(GW_TOKEN_TYPE_ACCESS));
    gw_json_put_string(json, "token_type", GW_STR("Bearer"));
    gw_json_put_integer(json, "expires_in", call->mint.life_s);
    gw_json_put_string(json, "scope", gw_str(scopes, length));
}

static void write_json_answer(struct gw_json_writer *json, const struct exchange_call *call,
                              const struct db_exchange_outcome *outcome) {
    gw_json_put_string(json, "id", call->mint.id);
    gw_json_put_string(json, "name", call->mint.name);
    gw_json_put_string(json, "prefix", call->mint.prefix);
    gw_json_key(json, "scopes");
    gw_scope_write_json(json, call->request.scopes);
    gw_json_put_time(json, "createdAt", outcome->created_ms);
    gw_json_put_time(json, "expiresAt", outcome->expires_ms);
    gw_json_put_string(json, "org", gw_str(call->org, call->org_length));
    gw_json_put_string(json, "token", gw_new_token_secret(&call->new_token));
}

static void respond(struct exchange_call *call, const struct db_exchange_outcome *outcome) {
    struct gw_buf body;
    struct gw_json_writer json;
    char *unused;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    // The whole memory at once: a buffer that grows would leave copies of the secret behind.
    json.status = gw_buf_reserve(&body, ANSWER_BYTES_MAX, &unused);
    gw_json_open_object(&json);
    if (call->is_form)
        write_form_answer(&json, call);
    else
        write_json_answer(&json, call, outcome);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange_of(call), call->is_form ? 200 : 201, &json);
    gw_buf_deinit_wiped(&body);
}

// ---- minting ----

static void fail_mint(struct exchange_call *call, enum gw_status status) {
    note(call, GW_TOKEN_EXCHANGE_UNKNOWN);
    gw_api_reply_database(exchange_of(call), status);
}

static void submit(struct exchange_call *call) {
    enum gw_status status = db_mints_add(exchange_of(call)->services->mints, &call->mint);
    if (status != GW_OK)
        fail_mint(call, status);
}

static void act_on_earlier(struct exchange_call *call, const struct db_exchange_outcome *outcome) {
    struct gw_exchange *exchange = exchange_of(call);
    const struct db_earlier_token earlier = {.id = outcome->earlier_id,
                                             .may_repeat =
                                                 outcome->refusal == DB_EXCHANGE_MAY_REPEAT,
                                             .is_revoked = outcome->is_earlier_revoked};
    if (gw_issue_may_replace(exchange, &call->mint.request, call->instead_of, &earlier))
        submit(call);
    else
        refuse_used(call);
}

static void act_on_denied(struct exchange_call *call, const struct db_exchange_outcome *outcome) {
    switch (outcome->refusal) {
    case DB_EXCHANGE_REPLAYED:
        refuse_replayed(call);
        break;
    case DB_EXCHANGE_TOO_MANY:
        refuse_for_now(call, outcome->retry_after_s);
        break;
    case DB_EXCHANGE_IN_PROGRESS:
        gw_api_reply_change(exchange_of(call), GW_DENIED, DB_REFUSAL_IN_PROGRESS);
        break;
    case DB_EXCHANGE_OTHER_BODY:
        gw_api_reply_change(exchange_of(call), GW_DENIED, DB_REFUSAL_OTHER_BODY);
        break;
    case DB_EXCHANGE_MADE_BEFORE:
    case DB_EXCHANGE_MAY_REPEAT:
        act_on_earlier(call, outcome);
        break;
    case DB_EXCHANGE_RULE_GONE:
    case DB_EXCHANGE_MADE:
    default:
        refuse_identity(call);
    }
}

static void on_minted(struct db_exchange_mint *mint, enum gw_status status,
                      const struct db_exchange_outcome *outcome) {
    struct exchange_call *call = gw_container_of(mint, struct exchange_call, mint);
    if (status == GW_OK) {
        note(call, GW_TOKEN_EXCHANGE_MINTED);
        gw_issue_refuse_superseded(exchange_of(call), &outcome->superseded);
        respond(call, outcome);
    } else if (status == GW_DENIED) {
        act_on_denied(call, outcome);
    } else {
        fail_mint(call, status);
    }
}

// Who the token is for, as the audit keeps it.
static enum gw_status write_facts(struct exchange_call *call) {
    struct gw_json_writer json;
    gw_json_writer_init(&json, &call->facts);
    enum gw_status status = gw_oidc_run_write_json(call->identity.kind, &call->identity.jwt,
                                                   &exchange_of(call)->arena, &json);
    return status == GW_OK ? gw_json_writer_finish(&json) : status;
}

static void copy_rule(struct exchange_call *call, const struct db_trust_rule *rule) {
    struct db_exchange_mint *mint = &call->mint;
    gw_assert(rule->id.length <= sizeof(call->rule_id));
    gw_assert(rule->org_slug.length <= sizeof(call->org));
    memcpy(call->rule_id, rule->id.at, rule->id.length);
    memcpy(call->org, rule->org_slug.at, rule->org_slug.length);
    call->org_length = rule->org_slug.length;
    mint->rule_id = gw_str(call->rule_id, rule->id.length);
    mint->life_s = rule->life_s;
}

static enum gw_status describe(struct exchange_call *call) {
    struct gw_arena *arena = &exchange_of(call)->arena;
    const struct gw_identity *identity = &call->identity;
    struct db_exchange_mint *mint = &call->mint;
    enum gw_status status = gw_oidc_run_name(identity->kind, &identity->jwt, arena, &mint->name);
    if (status == GW_OK)
        status = gw_oidc_replay_key(&identity->jwt, arena, mint->replay_key);
    return status == GW_OK ? write_facts(call) : status;
}

static void mint(struct exchange_call *call, const struct db_trust_rule *rule) {
    struct gw_exchange *exchange = exchange_of(call);
    const struct gw_issuer_setting *setting = call->identity.setting;
    struct db_exchange_mint *mint = &call->mint;
    if (describe(call) != GW_OK) {
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
        return;
    }
    if (!gw_new_token_make(&call->new_token, exchange))
        return;
    copy_rule(call, rule);
    memcpy(mint->digest, call->new_token.digest, DB_DIGEST_LENGTH);
    mint->id = gw_str(call->new_token.id, GW_ID_LENGTH);
    mint->prefix = gw_new_token_prefix(&call->new_token);
    mint->scopes = call->request.scopes;
    mint->replay_until_ms = call->identity.times.replay_until_s * 1000;
    mint->live_max = setting->replay == GW_ISSUER_REPLAY_ONCE ? 0 : (uint32_t)setting->max_live;
    mint->facts = gw_buf_bytes(&call->facts);
    mint->from = gw_client_address(&exchange->client);
    mint->on_done = on_minted;
    submit(call);
}

// ---- judging ----

// The scope admin is the operator's to give away (--oidc-admin), whatever a rule says.
static bool may_be_given(const struct gw_exchange *exchange, gw_scope_set scopes) {
    return exchange->services->config->oidc_admin || !gw_scope_allows(scopes, GW_SCOPE_ADMIN);
}

static void act_on_rules(struct exchange_call *call, const struct db_trust_rule *rules, int count) {
    const struct gw_identity *identity = &call->identity;
    struct gw_exchange *exchange = exchange_of(call);
    struct gw_trust_verdict verdict;
    if (gw_trust_judge(&exchange->arena, rules, count, identity->kind, &identity->jwt,
                       &exchange->client, call->request.scopes, &verdict) != GW_OK)
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
    else if (verdict.outcome == GW_TRUST_NONE)
        refuse_identity(call);
    else if (identity->claim_fault != GW_OIDC_CLAIM_FAULT_NONE)
        refuse_time(call);
    else if (verdict.outcome == GW_TRUST_SEVERAL || identity->has_more_rules)
        refuse_several(call);
    else if (verdict.outcome == GW_TRUST_DIFFERS)
        refuse_claim(call, &verdict.match);
    else if (verdict.outcome == GW_TRUST_NARROWER || !may_be_given(exchange, call->request.scopes))
        refuse_scopes(call);
    else
        mint(call, &rules[verdict.rule]);
}

static void on_identity(struct gw_identity *identity, enum gw_identity_outcome outcome,
                        const struct db_trust_rule *rules, int count) {
    struct exchange_call *call = gw_container_of(identity, struct exchange_call, identity);
    if (outcome == GW_IDENTITY_KNOWN)
        act_on_rules(call, rules, count);
    else if (gw_identity_reply_unknown(exchange_of(call), outcome))
        note(call, GW_TOKEN_EXCHANGE_UNKNOWN);
    else
        refuse_identity(call);
}

// ---- the request ----

static bool read_request(struct exchange_call *call, struct gw_refusal *refusal) {
    struct gw_exchange *exchange = exchange_of(call);
    struct gw_buf *bytes = &call->body.bytes;
    if (call->is_form)
        return gw_token_exchange_read_form(bytes->memory + bytes->start, gw_buf_length(bytes),
                                           &call->request, refusal);
    if (!gw_known_parameters_check(&exchange->arena, exchange->match.query, GW_STR(""), refusal) ||
        !gw_token_exchange_read_json(&exchange->arena, gw_buf_bytes(bytes), &call->request,
                                     refusal))
        return false;
    call->request.org = exchange->match.org;
    return true;
}

static void on_whole(struct gw_api_body *body) {
    struct exchange_call *call = gw_container_of(body, struct exchange_call, body);
    struct gw_exchange *exchange = exchange_of(call);
    struct gw_refusal refusal;
    gw_token_digest(gw_buf_bytes(&body->bytes), call->mint.request.body_digest);
    if (!read_request(call, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    if (call->request.org.at != NULL && !gw_org_slug_valid(call->request.org)) {
        refuse_identity(call);
        return;
    }
    call->identity.exchange = exchange;
    call->identity.org = call->request.org;
    call->identity.on_done = on_identity;
    gw_identity_start(&call->identity, call->request.subject_token);
}

static void on_over(struct gw_api_body *body) {
    struct exchange_call *call = gw_container_of(body, struct exchange_call, body);
    gw_identity_cancel(&call->identity);
    gw_list_remove(&call->mint.link);
    gw_new_token_wipe(&call->new_token);
    gw_buf_deinit(&call->facts);
}

static void start(struct gw_exchange *exchange, bool is_form) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    enum gw_api_body_kind kind = is_form ? GW_API_BODY_FORM : GW_API_BODY_JSON;
    struct gw_str key;
    if (!gw_identity_is_taken(exchange) || !gw_issue_read_key(exchange, &key) ||
        !gw_api_body_check(exchange, kind, false))
        return;
    struct exchange_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->is_form = is_form;
    call->mint.request.key = key;
    gw_list_init(&call->mint.link);
    gw_buf_init(&call->facts, DB_EXCHANGE_FACTS_BYTES_MAX);
    gw_api_body_init(&call->body, exchange, kind, &calls);
    gw_api_body_read_secret(&call->body);
}

void gw_token_exchange_start_form(struct gw_exchange *exchange) {
    start(exchange, true);
}

void gw_token_exchange_start_json(struct gw_exchange *exchange) {
    start(exchange, false);
}
