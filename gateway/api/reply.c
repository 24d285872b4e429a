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
static const struct gw_refusal in_progress = {
    GW_ERROR_REQUEST_IN_PROGRESS,
    "The same request was made within the last two seconds. Try again "
    "in two seconds if its answer got lost."};
static const struct gw_refusal other_body = {GW_ERROR_VALIDATION_FAILED,
                                             "Idempotency-Key was used with another body."};
static const struct gw_refusal *const denials[] = {
    [DB_REFUSAL_NOT_LIVE] = &gw_judgement_invalid.refusal,
    [DB_REFUSAL_OTHER_ORG] = &gw_judgement_other_org.refusal,
    [DB_REFUSAL_NOT_ADMIN] = &gw_judgement_needs_admin.refusal,
    [DB_REFUSAL_NOT_BOUND] = &not_bound,
    [DB_REFUSAL_IN_PROGRESS] = &in_progress,
    [DB_REFUSAL_OTHER_BODY] = &other_body,
};

static void reply_denied(struct gw_exchange *exchange, enum db_refusal refusal) {
    gw_assert(refusal > DB_REFUSAL_NONE && refusal <= DB_REFUSAL_OTHER_BODY);
    gw_assert(denials[refusal] != NULL);
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

void gw_api_reply_ends_too_late(struct gw_exchange *exchange, int64_t expires_ms_max) {
    char iso[GW_CLOCK_ISO_LENGTH];
    char message[128];
    gw_clock_format_iso(expires_ms_max, iso);
    (void)snprintf(message, sizeof(message),
                   "expiresAt must not be after %.*s, the end of the token that asks.",
                   GW_CLOCK_ISO_LENGTH, iso);
    gw_exchange_fail(exchange, GW_ERROR_VALIDATION_FAILED, message);
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
