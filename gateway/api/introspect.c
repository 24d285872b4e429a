// SPDX-License-Identifier: MIT
#include "gateway/api/introspect.h"

#include <string.h>

#include "base/json.h"
#include "base/san.h"
#include "gateway/api/body.h"
#include "gateway/api/form.h"
#include "gateway/api/reply.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/authz.h"
#include "gateway/auth/cache.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/services.h"
#include "gateway/exchange/token_json.h"

#define ANSWER_BYTES_MAX (4 * 1024)

struct introspect_call {
    struct gw_api_body body;
    struct gw_auth_question question;
    struct gw_decision asker; // the caller, judged again
};

// ---- the answer ----

// RFC 7800, as RFC 8705 section 3.2 has it for a certificate's thumbprint. A name is called as the
// metadata of RFC 8705 section 2.1.2 call it.
static void write_confirmation(struct gw_json_writer *json, struct gw_str bound_san) {
    gw_json_key(json, "cnf");
    gw_json_open_object(json);
    gw_json_put_string(json, gw_san_kind(bound_san) == GW_SAN_URI ? "san_uri" : "san_dns",
                       bound_san);
    gw_json_close_object(json);
}

// RFC 7662 section 2.2; times in seconds. The service alone knows the address that the token came
// from, and its certificate, and compares them with allowed_ips and cnf.
static void write_token(struct gw_json_writer *json, const struct db_token_row *row) {
    char scopes[GW_SCOPE_TEXT_BYTES_MAX];
    size_t length = gw_scope_format(row->scopes, " ", scopes);
    gw_json_put_string(json, "scope", gw_str(scopes, length));
    gw_json_put_string(json, "client_id", row->id);
    gw_json_put_string(json, "username", row->name);
    gw_json_put_string(json, "token_type", GW_STR("Bearer"));
    if (row->expires_ms != DB_NO_TIME)
        gw_json_put_integer(json, "exp", row->expires_ms / 1000);
    gw_json_put_integer(json, "iat", row->created_ms / 1000);
    gw_json_put_string(json, "sub", row->id);
    gw_json_put_string(json, "org", row->org_slug);
    if (row->allowed_ip_count > 0)
        gw_token_json_write_ranges(json, "allowed_ips", row);
    if (row->bound_san.length > 0)
        write_confirmation(json, row->bound_san);
}

// `row` NULL: not active.
static void respond(struct gw_exchange *exchange, const struct db_token_row *row) {
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_json_put_boolean(&json, "active", row != NULL);
    if (row != NULL)
        write_token(&json, row);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

static bool is_active(const struct gw_exchange *exchange, const struct db_token_row *row) {
    bool is_expired =
        row->expires_ms != DB_NO_TIME && row->expires_ms <= exchange->services->wall_ms;
    return !is_expired && gw_str_equal(row->org_id, exchange->identity.org_id);
}

static void act_on_answer(struct gw_exchange *exchange, enum gw_auth_answer answer,
                          const struct db_token_row *row) {
    if (answer == GW_AUTH_LIVE)
        respond(exchange, is_active(exchange, row) ? row : NULL);
    else if (answer == GW_AUTH_ABSENT)
        respond(exchange, NULL);
    else
        gw_exchange_refuse(exchange, &gw_judgement_unknown.refusal);
}

// ---- the question ----

static void on_answer(struct gw_auth_question *question, enum gw_auth_answer answer,
                      const struct db_token_row *row) {
    struct introspect_call *call = gw_container_of(question, struct introspect_call, question);
    act_on_answer(call->body.handler.exchange, answer, row);
}

// Asked as for an admin route, so the answer is never older than such a route allows.
static void ask(struct introspect_call *call, struct gw_str secret) {
    struct gw_exchange *exchange = call->body.handler.exchange;
    struct gw_auth_question *question = &call->question;
    struct db_token_row row;
    memcpy(question->prefix, secret.at, GW_TOKEN_PREFIX_LENGTH);
    gw_token_digest(secret, question->digest);
    question->scope = GW_SCOPE_ADMIN;
    question->on_answer = on_answer;
    enum gw_auth_answer answer = gw_auth_cache_ask(exchange->services->auth->cache, question, &row);
    if (answer != GW_AUTH_PENDING)
        act_on_answer(exchange, answer, &row);
}

static void act_on_body(struct introspect_call *call) {
    struct gw_exchange *exchange = call->body.handler.exchange;
    struct gw_buf *bytes = &call->body.bytes;
    struct gw_form_parameter token = {.name = GW_STR("token")};
    if (gw_form_read(bytes->memory + bytes->start, gw_buf_length(bytes), &token, 1) != GW_OK ||
        token.value.at == NULL)
        gw_exchange_fail(exchange, GW_ERROR_BAD_REQUEST,
                         "The body must be a form with exactly one parameter token.");
    else if (gw_authz_accepts(exchange->services->config, token.value))
        ask(call, token.value);
    else
        respond(exchange, NULL);
}

// ---- the caller, once more ----

static void act_on_asker(struct introspect_call *call) {
    if (call->asker.verdict == GW_VERDICT_ALLOW)
        act_on_body(call);
    else
        gw_authz_refuse(&call->asker);
}

static void on_asker_judged(struct gw_decision *decision) {
    act_on_asker(gw_container_of(decision, struct introspect_call, asker));
}

static struct introspect_call *call_of(struct gw_api_body *body) {
    return gw_container_of(body, struct introspect_call, body);
}

// A body may take long: a caller whose token was revoked meanwhile learns nothing.
static void on_whole(struct gw_api_body *body) {
    struct introspect_call *call = call_of(body);
    if (gw_authz_start_again(&call->asker, body->handler.exchange, on_asker_judged))
        act_on_asker(call);
}

static void on_over(struct gw_api_body *body) {
    struct introspect_call *call = call_of(body);
    gw_authz_cancel(&call->asker);
    gw_auth_cache_cancel(&call->question);
}

void gw_introspect_start(struct gw_exchange *exchange) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    if (!gw_api_body_check(exchange, GW_API_BODY_FORM, false))
        return;
    struct introspect_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    gw_assert(exchange->has_identity);
    gw_list_init(&call->question.link);
    gw_api_body_init(&call->body, exchange, GW_API_BODY_FORM, &calls);
    gw_api_body_read_secret(&call->body);
}
