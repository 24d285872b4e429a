// SPDX-License-Identifier: MIT
#include "gateway/relay/relay.h"

#include "base/log.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/authz.h"
#include "gateway/auth/transfers.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/router.h"
#include "gateway/exchange/services.h"
#include "gateway/http/field_rules.h"
#include "gateway/http/head_block.h"
#include "gateway/relay/head.h"
#include "gateway/relay/max_forwards.h"
#include "gateway/settings/config.h"
#include "gateway/upstream/pool.h"
#include "token/mask.h"

// Lives in the exchange's arena. Ending a response (fail, finish, break) may end the exchange, and
// with it the relay, inside the call: touch nothing of the relay afterwards. on_over aborts what is
// left of the call to the registry.
struct relay {
    struct gw_handler handler;
    struct gw_upstream_call call;
    struct gw_transfer transfer;
    struct gw_deadline continue_deadline; // of the registry, to say 100 or else
    uint64_t request_body_bytes;
    bool wants_body; // the last gw_exchange_want_body
    bool has_waited; // for 100 Continue
};

static struct relay *relay_of_handler(struct gw_handler *handler) {
    return gw_container_of(handler, struct relay, handler);
}

static struct relay *relay_of_call(struct gw_upstream_call *call) {
    return gw_container_of(call, struct relay, call);
}

static struct relay *relay_of_transfer(struct gw_transfer *transfer) {
    return gw_container_of(transfer, struct relay, transfer);
}

// ---- failures ----

static void log_failure(const struct gw_exchange *exchange, enum gw_status status,
                        const char *reason) {
    struct gw_log_quote quoted_reason;
    struct gw_log_quote quoted_path;
    char path[sizeof(quoted_path.text)]; // without the query, which may hold a secret
    size_t path_length = gw_token_mask(exchange->match.path, path, sizeof(path));
    gw_log(GW_LOG_WARNING, "upstream",
           "request failed request_id=%s method=%.*s path=%s status=\"%s\" reason=%s",
           exchange->request_id, GW_STR_ARG(exchange->request->method_name),
           gw_log_quoted(&quoted_path, gw_str(path, path_length)), gw_status_text(status),
           gw_log_quoted(&quoted_reason, gw_str_from(reason)));
}

static struct gw_refusal refusal_of(enum gw_status status) {
    switch (status) {
    case GW_TIMED_OUT:
        return (struct gw_refusal){GW_ERROR_UPSTREAM_TIMEOUT,
                                   "The registry did not answer in time."};
    case GW_INVALID:
        return (struct gw_refusal){GW_ERROR_UPSTREAM_INVALID,
                                   "The registry's answer is not valid."};
    case GW_SYSTEM:
        return (struct gw_refusal){GW_ERROR_UNAVAILABLE,
                                   "The gateway cannot open another connection now."};
    case GW_NO_MEMORY:
        return gw_refusal_no_memory;
    default:
        return (struct gw_refusal){GW_ERROR_UPSTREAM_FAILED, "The registry could not be reached."};
    }
}

// In place of the registry's response, as long as nothing of it has left; else the response breaks.
static void refuse_instead(struct gw_exchange *exchange, const struct gw_refusal *refusal) {
    exchange->report.error = refusal->error;
    if (exchange->phase == GW_RESPONSE_NONE || gw_exchange_take_back(exchange))
        gw_exchange_refuse(exchange, refusal);
    else
        gw_exchange_break(exchange);
}

// The last act of its caller.
static void fail(struct gw_exchange *exchange, enum gw_status status, const char *reason) {
    const struct gw_refusal refusal = refusal_of(status);
    log_failure(exchange, status, reason);
    refuse_instead(exchange, &refusal);
}

static void refuse_too_big(struct gw_exchange *exchange) {
    static const struct gw_refusal too_big = {GW_ERROR_BODY_TOO_LARGE,
                                              "The body is larger than 100 MiB."};
    refuse_instead(exchange, &too_big);
}

// ---- the request, towards the registry ----

// Not every registry says 100 Continue, and a client may wait for it for ever (RFC 9110 section
// 10.1.1). The registry has had the head for a while, and no refusal has come.
static void on_continue_deadline(struct gw_deadline *deadline) {
    struct relay *relay = gw_container_of(deadline, struct relay, continue_deadline);
    gw_exchange_continue(relay->handler.exchange);
}

static void wait_for_continue(struct relay *relay) {
    const struct gw_exchange *exchange = relay->handler.exchange;
    if (!exchange->request->expects_continue || relay->has_waited)
        return;
    relay->has_waited = true;
    gw_deadline_set(&relay->continue_deadline,
                    &exchange->services->deadlines[GW_DEADLINE_UPSTREAM_CONTINUE],
                    uv_now(exchange->services->loop));
}

// The client may send as fast as the registry takes.
static void match_client_to_registry(struct relay *relay) {
    bool is_wanted = gw_upstream_call_is_writable(&relay->call);
    if (is_wanted)
        wait_for_continue(relay); // the head is on its way
    if (is_wanted == relay->wants_body)
        return;
    relay->wants_body = is_wanted;
    gw_exchange_want_body(relay->handler.exchange, is_wanted);
}

static void on_request_body(struct gw_handler *handler, struct gw_str bytes) {
    struct relay *relay = relay_of_handler(handler);
    if (gw_upstream_call_is_over(&relay->call))
        return;
    relay->request_body_bytes += bytes.length;
    if (relay->request_body_bytes > GW_BODY_FORWARD_BYTES_MAX) {
        gw_upstream_call_abort(&relay->call);
        refuse_too_big(handler->exchange);
        return;
    }
    enum gw_status status = gw_upstream_call_send_body(&relay->call, bytes);
    if (status != GW_OK) {
        gw_upstream_call_abort(&relay->call);
        fail(handler->exchange, status, "the request body could not be queued");
        return;
    }
    match_client_to_registry(relay);
}

static void on_request_body_end(struct gw_handler *handler) {
    struct relay *relay = relay_of_handler(handler);
    enum gw_status status = gw_upstream_call_end_body(&relay->call);
    if (status == GW_OK)
        return;
    gw_upstream_call_abort(&relay->call);
    fail(handler->exchange, status, "the request body could not be queued");
}

static void on_client_writable(struct gw_handler *handler) {
    gw_upstream_call_resume(&relay_of_handler(handler)->call);
}

static void on_over(struct gw_handler *handler) {
    struct relay *relay = relay_of_handler(handler);
    gw_transfer_remove(&relay->transfer);
    gw_deadline_clear(&relay->continue_deadline);
    gw_upstream_call_abort(&relay->call);
}

static const struct gw_handler_calls handler_calls = {
    .on_body = on_request_body,
    .on_body_end = on_request_body_end,
    .on_writable = on_client_writable,
    .on_over = on_over,
};

// ---- the response, towards the client ----

// A Connection field that lists too many options is of no weight here.
static void pass_interim(struct gw_exchange *exchange, const struct gw_http_head *head) {
    struct gw_response_field fields[GW_HTTP_FIELDS_MAX];
    int field_count;
    if (gw_relay_pick_fields(head, fields, &field_count) == GW_OK)
        gw_exchange_interim(exchange, head->status, fields, field_count);
}

// The registry decides whether it wants the body: a client that waits gets the registry's 100
// Continue, or its refusal, before it sends anything (RFC 9110 section 10.1.1). 102 Processing and
// 103 Early Hints pass; what others mean is not known here.
static void on_interim(struct gw_upstream_call *call, const struct gw_http_head *head) {
    struct relay *relay = relay_of_call(call);
    if (head->status == 100) {
        gw_deadline_clear(&relay->continue_deadline);
        gw_exchange_continue(relay->handler.exchange);
    } else if (head->status == 102 || head->status == 103) {
        pass_interim(relay->handler.exchange, head);
    }
}

static void on_head(struct gw_upstream_call *call, const struct gw_http_head *head) {
    struct relay *relay = relay_of_call(call);
    struct gw_exchange *exchange = relay->handler.exchange;
    gw_deadline_clear(&relay->continue_deadline);
    struct gw_response_field fields[GW_HTTP_FIELDS_MAX];
    int field_count;
    if (gw_relay_pick_fields(head, fields, &field_count) != GW_OK) {
        gw_upstream_call_abort(call);
        fail(exchange, GW_INVALID, "its Connection field lists too many options");
        return;
    }
    gw_assert(exchange->phase == GW_RESPONSE_NONE);
    gw_histogram_observe(&exchange->services->metrics->registry_heads,
                         uv_hrtime() - exchange->report.registry.began_ns);
    uint64_t length = head->has_content_length ? head->content_length : GW_LENGTH_UNKNOWN;
    gw_exchange_begin(exchange, head->status, fields, field_count, length);
}

static void on_response_body(struct gw_upstream_call *call, struct gw_str bytes) {
    struct gw_exchange *exchange = relay_of_call(call)->handler.exchange;
    gw_exchange_send(exchange, bytes);
    if (exchange->phase != GW_RESPONSE_STREAMING)
        return; // it broke, and the relay is gone
    if (gw_exchange_is_congested(exchange))
        gw_upstream_call_pause(call);
}

static void on_response_end(struct gw_upstream_call *call) {
    struct gw_exchange *exchange = relay_of_call(call)->handler.exchange;
    gw_report_end_time(&exchange->report.registry);
    gw_exchange_finish(exchange);
}

static void on_registry_writable(struct gw_upstream_call *call) {
    match_client_to_registry(relay_of_call(call));
}

static void on_error(struct gw_upstream_call *call, enum gw_status status) {
    struct gw_exchange *exchange = relay_of_call(call)->handler.exchange;
    gw_report_end_time(&exchange->report.registry);
    fail(exchange, status, gw_upstream_call_reason(call));
}

static const struct gw_upstream_call_events call_events = {
    .on_interim = on_interim,
    .on_head = on_head,
    .on_body = on_response_body,
    .on_end = on_response_end,
    .on_writable = on_registry_writable,
    .on_error = on_error,
};

// ---- the end of its token ----

// Neither the registry (on_over) nor the client may take what came so far for the whole.
static void on_ended(struct gw_transfer *transfer, const struct gw_judgement *judgement) {
    struct gw_exchange *exchange = relay_of_transfer(transfer)->handler.exchange;
    gw_assert(exchange->has_identity && judgement->verdict != GW_VERDICT_ALLOW);
    exchange->report.error = judgement->refusal.error;
    if (exchange->phase != GW_RESPONSE_NONE && !gw_exchange_take_back(exchange)) {
        gw_exchange_break(exchange);
        return;
    }
    exchange->close_after = true;
    gw_exchange_refuse(exchange, &judgement->refusal);
}

// A relay without a token, or one that may outlive its token, is not tracked.
static enum gw_status keep_findable(struct gw_exchange *exchange, struct relay *relay) {
    struct gw_transfers *transfers = exchange->services->auth->transfers;
    if (transfers == NULL || !exchange->has_identity)
        return GW_OK;
    relay->transfer.on_ended = on_ended;
    return gw_transfers_add(transfers, &relay->transfer, exchange);
}

// ---- start ----

// RFC 9110 section 9.2.2, for the methods of the route table.
static bool is_idempotent(llhttp_method_t method) {
    return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS ||
           method == HTTP_PUT || method == HTTP_DELETE;
}

static enum gw_upstream_body body_of(const struct gw_http_head *request) {
    if (request->is_chunked)
        return GW_UPSTREAM_BODY_CHUNKED;
    return request->has_content_length && request->content_length > 0 ? GW_UPSTREAM_BODY_SIZED
                                                                      : GW_UPSTREAM_NO_BODY;
}

// No hop is left (RFC 9110 section 7.6.2): the answer is what the gateway knows of the path.
static void answer_options(struct gw_exchange *exchange) {
    char methods[96];
    gw_router_allow(exchange->site, exchange->request->target, methods);
    const struct gw_response_field allow = {GW_STR("Allow"), gw_str_from(methods)};
    gw_exchange_respond(exchange, 204, &allow, 1, NULL, GW_STR(""));
}

// True: the exchange is answered.
static bool end_forwarding(struct gw_exchange *exchange) {
    uint64_t count = 0;
    enum gw_status status = gw_max_forwards_read(exchange->request, &count);
    if (status == GW_INVALID)
        gw_exchange_fail(exchange, GW_ERROR_BAD_REQUEST, "Max-Forwards is not one plain number.");
    else if (status == GW_OK && count == 0)
        answer_options(exchange);
    else
        return false;
    return true;
}

// True: the exchange is answered.
static bool refuse(struct gw_exchange *exchange) {
    const struct gw_http_head *request = exchange->request;
    const struct gw_refusal *failure = gw_field_rules_check(request);
    if (failure != NULL) {
        gw_exchange_refuse(exchange, failure);
        return true;
    }
    if (exchange->services->upstream == NULL) {
        gw_exchange_fail(exchange, GW_ERROR_NO_UPSTREAM, "No registry is configured.");
        return true;
    }
    if (request->has_content_length && request->content_length > GW_BODY_FORWARD_BYTES_MAX) {
        refuse_too_big(exchange);
        return true;
    }
    if (gw_field_via_count(request) >= GW_VIA_HOPS_MAX) {
        gw_exchange_fail(exchange, GW_ERROR_LOOP_DETECTED,
                         "The way to the registry leads back to the gateway.");
        return true;
    }
    return end_forwarding(exchange);
}

static enum gw_status start_call(struct gw_exchange *exchange, struct relay *relay) {
    const struct gw_http_head *request = exchange->request;
    struct gw_upstream *upstream = exchange->services->upstream;
    struct gw_upstream_request call_request = {.body = body_of(request),
                                               .is_head = request->method == HTTP_HEAD,
                                               .is_idempotent = is_idempotent(request->method)};
    enum gw_status status = gw_relay_compose_request(
        exchange, exchange->services->config->forward_authorization, &call_request);
    if (status != GW_OK)
        return status;
    return gw_upstream_call_start(upstream, &relay->call, &call_events, &call_request);
}

void gw_relay_start(struct gw_exchange *exchange) {
    gw_assert(exchange->handler == NULL && exchange->phase == GW_RESPONSE_NONE);
    if (refuse(exchange))
        return;
    struct relay *relay = gw_arena_allocate(&exchange->arena, sizeof(*relay));
    if (relay == NULL) {
        fail(exchange, GW_NO_MEMORY, "out of memory");
        return;
    }
    *relay = (struct relay){.handler = {.calls = &handler_calls, .exchange = exchange},
                            .call = {.reason = "out of memory"},
                            .wants_body = true};
    gw_report_begin_time(&exchange->report.registry);
    enum gw_status status = start_call(exchange, relay);
    if (status != GW_OK) {
        fail(exchange, status, relay->call.reason);
        return;
    }
    exchange->handler = &relay->handler;
    gw_deadline_init(&relay->continue_deadline, on_continue_deadline);
    status = keep_findable(exchange, relay);
    if (status != GW_OK) {
        fail(exchange, status, "out of memory");
        return;
    }
    if (relay->call.request.body != GW_UPSTREAM_NO_BODY) {
        relay->wants_body = !gw_upstream_call_is_writable(&relay->call);
        match_client_to_registry(relay);
    }
}
