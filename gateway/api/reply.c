// SPDX-License-Identifier: MIT
#include "gateway/api/reply.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/api/requests.h"
#include "gateway/exchange/exchange.h"

void gw_api_reply_json(struct gw_exchange *exchange, int status, struct gw_json_writer *json) {
    const struct gw_response_field field = {GW_STR("Cache-Control"), GW_STR("no-store")};
    if (gw_json_writer_finish(json) == GW_OK)
        gw_exchange_respond(exchange, status, &field, 1, "application/json",
                            gw_buf_bytes(json->out));
    else
        gw_api_reply_no_memory(exchange);
}

void gw_api_reply_refusal(struct gw_exchange *exchange, const struct gw_refusal *refusal) {
    gw_exchange_fail(exchange, refusal->status, refusal->code, refusal->message);
}

void gw_api_reply_no_memory(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, 503, "unavailable", "The gateway is out of memory.");
}

void gw_api_reply_database(struct gw_exchange *exchange, enum gw_status status) {
    gw_exchange_fail(exchange, 503, "unavailable",
                     status == GW_BUSY
                         ? "The change waited for another one for too long, and was not made. Try "
                           "again shortly."
                         : "The token database cannot be reached now. Try again shortly.");
}

// How the token that asks stands is a matter of who may (401, 403), what it asks for is one of the
// body (422).
static const struct denial {
    int status;
    const char *code;
    const char *message;
} denials[] = {
    [DB_REFUSAL_NOT_LIVE] = {401, "invalid_token",
                             "The token is malformed, unknown, revoked or expired."},
    [DB_REFUSAL_OTHER_ORG] = {403, "org_mismatch", "The token belongs to another organisation."},
    [DB_REFUSAL_NOT_ADMIN] = {403, "insufficient_scope",
                              "This needs a token with the scope admin."},
    [DB_REFUSAL_NOT_BOUND] = {422, "validation_failed",
                              "allowedIps must lie within those of the token that asks, which "
                              "binds what it makes."},
    [DB_REFUSAL_IN_PROGRESS] = {409, "request_in_progress",
                                "The same request was made within the last two seconds. Try again "
                                "in two seconds if its answer got lost."},
    [DB_REFUSAL_OTHER_BODY] = {422, "validation_failed",
                               "Idempotency-Key was used with another body."},
};

static void reply_denied(struct gw_exchange *exchange, enum db_refusal refusal) {
    const struct gw_response_field wait = {GW_STR("Retry-After"), GW_STR("2")};
    gw_assert(refusal > DB_REFUSAL_NONE && refusal <= DB_REFUSAL_OTHER_BODY);
    const struct denial *denial = &denials[refusal];
    gw_assert(denial->code != NULL);
    gw_exchange_fail_with(exchange, denial->status, denial->code, denial->message,
                          refusal == DB_REFUSAL_IN_PROGRESS ? &wait : NULL);
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
    gw_exchange_fail(exchange, 422, "validation_failed", message);
}

void gw_api_reply_no_token(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, 404, "not_found", "There is no live token with this id here.");
}

void *gw_api_reply_start_call(struct gw_exchange *exchange, size_t size) {
    void *call = gw_arena_allocate(&exchange->arena, size);
    if (call == NULL)
        gw_api_reply_no_memory(exchange);
    else
        memset(call, 0, size);
    return call;
}
