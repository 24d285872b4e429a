// SPDX-License-Identifier: MIT
#include "gateway/api/reply.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/auth/judgement.h"
#include "gateway/exchange/exchange.h"

void gw_api_reply_json(struct gw_exchange *exchange, int status, struct gw_json_writer *json) {
    const struct gw_response_field field = {GW_STR("Cache-Control"), GW_STR("no-store")};
    if (gw_json_writer_finish(json) == GW_OK)
        gw_exchange_respond(exchange, status, &field, 1, "application/json",
                            gw_buf_bytes(json->out));
    else
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
}

void gw_api_reply_database(struct gw_exchange *exchange, enum gw_status status) {
    gw_exchange_fail(exchange, GW_ERROR_UNAVAILABLE,
                     status == GW_BUSY
                         ? "The change waited for another one for too long, and was not made. Try "
                           "again shortly."
                         : "The token database cannot be reached now. Try again shortly.");
}

// A fault of the token that asks is 401 or 403, one of its request 422.
static const struct gw_refusal not_bound = {
    GW_ERROR_VALIDATION_FAILED,
    "allowedIps must lie within those of the token that asks, which binds what it makes."};
static const struct gw_refusal other_binding = {
    GW_ERROR_VALIDATION_FAILED,
    "The token that asks is bound to a client certificate, and makes and rotates only tokens that "
    "are bound to the same name (boundSan)."};
static const struct gw_refusal in_progress = {
    GW_ERROR_REQUEST_IN_PROGRESS,
    "The same request was made within the last two seconds. Try again "
    "in two seconds if its answer got lost."};
static const struct gw_refusal other_body = {GW_ERROR_VALIDATION_FAILED,
                                             "Idempotency-Key was used with another body."};
static const struct gw_refusal last_admin = {
    GW_ERROR_LAST_ADMIN,
    "No live token with the scope admin would be left in the organisation, to make another one. "
    "With last=true it is done all the same."};
static const struct gw_refusal outlives_maker = {
    GW_ERROR_VALIDATION_FAILED,
    "selfRotate needs a token that asks without an end, or one that rotates itself: nothing that "
    "it makes outlives it."};
static const struct gw_refusal not_self_rotating = {
    GW_ERROR_SELF_ROTATION_NOT_ALLOWED,
    "The token was not made to rotate itself (selfRotate). A token with the scope admin can rotate "
    "it."};
static const struct gw_refusal rotated_too_often = {
    GW_ERROR_SELF_ROTATION_NOT_ALLOWED,
    "The token came of 2000 that are live in their overlap, or of 10000 rotations within 30 days, "
    "and rotates itself no further. A token with the scope admin can rotate it."};
static const struct gw_refusal maker_minted = {
    GW_ERROR_TRUST_NOT_ALLOWED, "The token that asks was minted by a rule itself, and makes none."};
static const struct gw_refusal maker_ends = {
    GW_ERROR_TRUST_NOT_ALLOWED,
    "The token that asks has an end, and a rule would outlive it: ask with a token without one."};
static const struct gw_refusal maker_bound = {
    GW_ERROR_TRUST_NOT_ALLOWED,
    "The token that asks is bound to addresses or to a client certificate, and the tokens of a "
    "rule would not be: ask with one that may be used from anywhere."};
static const struct gw_refusal admin_by_operator = {
    GW_ERROR_TRUST_NOT_ALLOWED,
    "A rule with the scope admin is for the operator to make, in the database."};
static const struct gw_refusal minted = {
    GW_ERROR_VALIDATION_FAILED,
    "The token was minted by a rule of trust, and has no successor: exchange the identity again."};
static const struct gw_refusal too_many_rules = {
    GW_ERROR_TOO_MANY_RULES,
    "The organisation has 1000 rules, or 64 for this one project: remove some first."};
static const struct gw_refusal differs = {
    GW_ERROR_TOKEN_DIFFERS,
    "A token with this sha256 is there with other values, or in another organisation; it stays as "
    "it is."};
static const struct gw_refusal ended = {
    GW_ERROR_TOKEN_ENDED,
    "The token with this sha256 was revoked, or has ended and was pruned: it never comes back."};
// Those with a time have functions of their own.
static const struct gw_refusal *const denials[] = {
    [DB_REFUSAL_NOT_LIVE] = &gw_judgement_invalid.refusal,
    [DB_REFUSAL_OTHER_ORG] = &gw_judgement_other_org.refusal,
    [DB_REFUSAL_NOT_ADMIN] = &gw_judgement_needs_admin.refusal,
    [DB_REFUSAL_NOT_BOUND] = &not_bound,
    [DB_REFUSAL_OTHER_BINDING] = &other_binding,
    [DB_REFUSAL_IN_PROGRESS] = &in_progress,
    [DB_REFUSAL_OTHER_BODY] = &other_body,
    [DB_REFUSAL_LAST_ADMIN] = &last_admin,
    [DB_REFUSAL_OUTLIVES_MAKER] = &outlives_maker,
    [DB_REFUSAL_NOT_SELF_ROTATING] = &not_self_rotating,
    [DB_REFUSAL_ROTATED_TOO_OFTEN] = &rotated_too_often,
    [DB_REFUSAL_MAKER_MINTED] = &maker_minted,
    [DB_REFUSAL_MAKER_ENDS] = &maker_ends,
    [DB_REFUSAL_MAKER_BOUND] = &maker_bound,
    [DB_REFUSAL_ADMIN_BY_OPERATOR] = &admin_by_operator,
    [DB_REFUSAL_MINTED] = &minted,
    [DB_REFUSAL_TOO_MANY_RULES] = &too_many_rules,
    [DB_REFUSAL_DIFFERS] = &differs,
    [DB_REFUSAL_ENDED] = &ended,
};
#define DENIAL_COUNT (sizeof(denials) / sizeof(denials[0]))

static void reply_denied(struct gw_exchange *exchange, enum db_refusal refusal) {
    gw_assert(refusal < DENIAL_COUNT && denials[refusal] != NULL);
    gw_exchange_refuse(exchange, denials[refusal]);
}

void gw_api_reply_change(struct gw_exchange *exchange, enum gw_status status,
                         enum db_refusal refusal) {
    if (status == GW_DENIED)
        reply_denied(exchange, refusal);
    else if (status == GW_NOT_FOUND)
        gw_api_reply_no_token(exchange);
    else
        gw_api_reply_database(exchange, status);
}

void gw_api_reply_rule(struct gw_exchange *exchange, enum gw_status status,
                       enum db_refusal refusal) {
    if (status == GW_NOT_FOUND)
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND,
                         "There is no rule with this id in this organisation.");
    else
        gw_api_reply_change(exchange, status, refusal);
}

static void fail_end(struct gw_exchange *exchange, int64_t expires_ms_max, const char *reason) {
    char iso[GW_CLOCK_ISO_LENGTH];
    char message[192];
    gw_clock_format_iso(expires_ms_max, iso);
    (void)snprintf(message, sizeof(message), "expiresAt must not be after %.*s, %s.",
                   GW_CLOCK_ISO_LENGTH, iso, reason);
    gw_exchange_fail(exchange, GW_ERROR_VALIDATION_FAILED, message);
}

void gw_api_reply_ends_too_late(struct gw_exchange *exchange, int64_t expires_ms_max) {
    fail_end(exchange, expires_ms_max, "the end of the token that asks");
}

void gw_api_reply_lives_too_long(struct gw_exchange *exchange, int64_t expires_ms_max) {
    fail_end(exchange, expires_ms_max,
             "so that the successor lives no longer than its predecessor was made to live");
}

void gw_api_reply_no_token(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND, "There is no live token with this id here.");
}

void *gw_api_reply_start_call(struct gw_exchange *exchange, size_t size) {
    void *call = gw_arena_allocate(&exchange->arena, size);
    if (call == NULL)
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
    else
        memset(call, 0, size);
    return call;
}
