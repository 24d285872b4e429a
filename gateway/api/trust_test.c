// SPDX-License-Identifier: MIT
#include "gateway/api/trust_test.h"

#include "base/json.h"
#include "gateway/api/body.h"
#include "gateway/api/identity.h"
#include "gateway/api/json_body.h"
#include "gateway/api/known_names.h"
#include "gateway/api/reply.h"
#include "gateway/api/trust_verdict.h"
#include "gateway/exchange/exchange.h"
#include "gateway/oidc/run.h"

#define ANSWER_BYTES_MAX (128 * 1024)
#define MEMBERS GW_STR("token")

struct test_call {
    struct gw_api_body body;
    struct gw_identity identity;
};

static struct gw_exchange *exchange_of(const struct test_call *call) {
    return call->body.handler.exchange;
}

// ---- the answer ----

// Static, without a full stop; NULL: nothing is wrong with the token itself.
static const char *problem_of(const struct gw_identity *identity,
                              enum gw_identity_outcome outcome) {
    static const char *const texts[] = {
        [GW_IDENTITY_NO_ISSUER] = "its issuer is none that the operator has set",
        [GW_IDENTITY_NO_KEY] = "its issuer has no key with this kid",
        [GW_IDENTITY_FORGED] = "the signature is not good",
        [GW_IDENTITY_NO_ANCHOR] = "a claim is missing by which rules are found",
    };
    if (outcome == GW_IDENTITY_MALFORMED)
        return gw_jwt_fault_text(identity->jwt_fault);
    if (outcome != GW_IDENTITY_KNOWN)
        return texts[outcome];
    return identity->claim_fault != GW_OIDC_CLAIM_FAULT_NONE
               ? gw_oidc_claim_fault_text(identity->claim_fault)
               : NULL;
}

static void put_text_or_null(struct gw_json_writer *json, const char *key, const char *text) {
    gw_json_put_string_or_null(json, key, text != NULL ? gw_str_from(text) : gw_str(NULL, 0));
}

static enum gw_status write_rule(struct gw_json_writer *json, const struct gw_identity *identity,
                                 const struct db_trust_rule *rule) {
    static const char *const verdicts[] = {
        [GW_OIDC_OTHER] = "other", [GW_OIDC_DIFFERS] = "differs", [GW_OIDC_MATCHES] = "met"};
    struct gw_trust_match match;
    enum gw_status status = gw_trust_match_rule(rule, identity->kind, &identity->jwt,
                                                &identity->exchange->client, &match);
    if (status == GW_NO_MEMORY)
        return status;
    gw_json_open_object(json);
    gw_json_put_string(json, "id", rule->id);
    gw_json_put_string(json, "verdict",
                       gw_str_from(status == GW_OK ? verdicts[match.verdict] : "unreadable"));
    if (status == GW_OK && match.verdict == GW_OIDC_DIFFERS) {
        gw_json_put_string(json, "claim", gw_str_from(match.claim));
        put_text_or_null(json, "value", match.has_value ? match.value : NULL);
    }
    gw_json_close_object(json);
    return GW_OK;
}

static enum gw_status write_rules(struct gw_json_writer *json, const struct gw_identity *identity,
                                  const struct db_trust_rule *rules, int count) {
    enum gw_status status = GW_OK;
    gw_json_key(json, "rules");
    gw_json_open_array(json);
    for (int i = 0; i < count && status == GW_OK; i++)
        status = write_rule(json, identity, &rules[i]);
    gw_json_close_array(json);
    return status;
}

// What the token says is told only once its signature is good: else it says nothing.
static enum gw_status write_signed(struct gw_json_writer *json,
                                   const struct gw_identity *identity) {
    gw_json_put_string(json, "issuer", gw_str_from(identity->setting->issuer));
    gw_json_put_string(json, "kind", gw_str_from(identity->setting->kind));
    gw_json_put_string(json, "anchor", identity->anchor);
    gw_json_key(json, "claims");
    return gw_oidc_run_write_json(identity->kind, &identity->jwt, &identity->exchange->arena, json);
}

static enum gw_status write_answer(struct gw_json_writer *json, const struct gw_identity *identity,
                                   enum gw_identity_outcome outcome,
                                   const struct db_trust_rule *rules, int count) {
    const char *problem = problem_of(identity, outcome);
    enum gw_status status = GW_OK;
    gw_json_open_object(json);
    put_text_or_null(json, "problem", problem);
    if (outcome == GW_IDENTITY_KNOWN)
        status = write_signed(json, identity);
    if (status == GW_OK)
        status = write_rules(json, identity, rules, count);
    gw_json_close_object(json);
    return status;
}

static void on_identity(struct gw_identity *identity, enum gw_identity_outcome outcome,
                        const struct db_trust_rule *rules, int count) {
    struct gw_exchange *exchange = identity->exchange;
    struct gw_buf body;
    struct gw_json_writer json;
    if (gw_identity_reply_unknown(exchange, outcome))
        return;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    if (write_answer(&json, identity, outcome, rules, count) == GW_OK)
        gw_api_reply_json(exchange, 200, &json);
    else
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
    gw_buf_deinit(&body);
}

// ---- the request ----

static bool read_token(struct test_call *call, struct gw_str *token, struct gw_refusal *refusal) {
    struct gw_exchange *exchange = exchange_of(call);
    struct gw_json root;
    struct gw_json value;
    if (!gw_known_parameters_check(&exchange->arena, exchange->match.query, GW_STR(""), refusal) ||
        !gw_json_body_parse(&exchange->arena, gw_buf_bytes(&call->body.bytes), &root, refusal) ||
        !gw_known_members_check(&exchange->arena, root, MEMBERS, refusal))
        return false;
    if (!gw_json_body_find(root, GW_STR("token"), &value) ||
        gw_json_string(value, &exchange->arena, token) != GW_OK || token->length == 0)
        return gw_refuse_value(refusal, "token is required: the identity token, a string.");
    return true;
}

static void on_whole(struct gw_api_body *body) {
    struct test_call *call = gw_container_of(body, struct test_call, body);
    struct gw_exchange *exchange = exchange_of(call);
    struct gw_str token;
    struct gw_refusal refusal;
    if (!read_token(call, &token, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    call->identity.exchange = exchange;
    call->identity.org = exchange->identity.org_slug;
    call->identity.on_done = on_identity;
    gw_identity_start(&call->identity, token);
}

static void on_over(struct gw_api_body *body) {
    struct test_call *call = gw_container_of(body, struct test_call, body);
    gw_identity_cancel(&call->identity);
}

void gw_trust_test_start(struct gw_exchange *exchange) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    gw_assert(exchange->has_identity);
    if (!gw_identity_is_taken(exchange) || !gw_api_body_check(exchange, GW_API_BODY_JSON, false))
        return;
    struct test_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    gw_api_body_init(&call->body, exchange, GW_API_BODY_JSON, &calls);
    gw_api_body_read_secret(&call->body);
}
