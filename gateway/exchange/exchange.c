// SPDX-License-Identifier: MIT
#include "gateway/exchange/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "gateway/exchange/server_timing.h"
#include "gateway/exchange/services.h"
#include "gateway/net/transport.h"
#include "gateway/settings/metrics.h"

static bool forbids_body(const struct gw_exchange *exchange, int status) {
    bool is_head = exchange->request != NULL && exchange->request->method == HTTP_HEAD;
    return is_head || status == 204 || status == 304;
}

static bool must_close(const struct gw_exchange *exchange) {
    return exchange->request == NULL || !exchange->request->keep_alive ||
           !exchange->body_complete || exchange->is_last || exchange->services->is_draining;
}

// When the response is over: until then it may be taken back.
static void count_response(const struct gw_exchange *exchange) {
    enum gw_code_class code = gw_metrics_code_class(exchange->status);
    exchange->services->metrics->responses_total[exchange->route_class][code]++;
}

// ---- a life ----

void gw_exchange_init(struct gw_exchange *exchange, struct gw_services *services,
                      const struct gw_exchange_owner_calls *owner) {
    memset(exchange, 0, sizeof(*exchange));
    exchange->services = services;
    exchange->owner = owner;
    gw_arena_init(&exchange->arena, GW_REQUEST_ARENA_BYTES_MAX);
}

void gw_exchange_start(struct gw_exchange *exchange, const struct gw_http_head *request) {
    gw_assert(exchange->handler == NULL);
    exchange->request = request;
    exchange->match = (struct gw_route_match){.route = NULL};
    exchange->route_class =
        exchange->site == GW_SITE_ADMIN ? GW_ROUTE_CLASS_ADMIN : GW_ROUTE_CLASS_NONE;
    exchange->has_identity = false;
    exchange->expires_soon_ms = DB_NO_TIME;
    exchange->limit_fields = (struct gw_str){NULL, 0};
    exchange->handler = NULL;
    exchange->phase = GW_RESPONSE_NONE;
    exchange->close_after = false;
    exchange->is_last = false;
    exchange->body_complete = false;
    exchange->has_continued = false;
    exchange->is_chunked = false;
    exchange->is_head_only = false;
    exchange->status = 0;
    exchange->content_left = 0;
    exchange->body_bytes = 0;
    exchange->written_bytes = 0;
    gw_services_touch(exchange->services);
    gw_report_begin(&exchange->report, exchange->services->config->access_log);
    // Behind --proxy-protocol a request has no proxy: its fields are the client's.
    bool is_of_proxy = request != NULL && exchange->proxy_address.length > 0;
    if (!is_of_proxy || !gw_request_id_of_proxy(request, exchange->request_id))
        gw_services_make_request_id(exchange->services, exchange->request_id);
    exchange->trace.parent[0] = '\0';
}

const struct gw_trace *gw_exchange_trace(struct gw_exchange *exchange) {
    if (exchange->trace.parent[0] == '\0')
        gw_trace_begin(&exchange->trace, exchange->request, &exchange->services->random);
    return &exchange->trace;
}

struct gw_str gw_exchange_trace_parent(struct gw_exchange *exchange) {
    (void)gw_exchange_trace(exchange);
    return gw_trace_parent(&exchange->trace, &exchange->services->random);
}

void gw_exchange_end(struct gw_exchange *exchange) {
    struct gw_handler *handler = exchange->handler;
    exchange->handler = NULL;
    if (exchange->phase == GW_RESPONSE_STREAMING)
        count_response(exchange);
    exchange->phase = GW_RESPONSE_DONE;
    if (handler != NULL && handler->calls->on_over != NULL)
        handler->calls->on_over(handler);
    gw_arena_reset(&exchange->arena);
}

struct gw_str gw_exchange_certificate_names(const struct gw_exchange *exchange) {
    return exchange->proxy_address.length == 0 ? exchange->client_names : gw_str(NULL, 0);
}

void gw_exchange_trim(struct gw_exchange *exchange) {
    gw_arena_deinit(&exchange->arena);
}

void gw_exchange_deinit(struct gw_exchange *exchange) {
    gw_exchange_trim(exchange);
}

// ---- the head ----

static enum gw_response_connection connection_of(const struct gw_exchange *exchange) {
    gw_assert(exchange->close_after || exchange->request != NULL);
    if (exchange->close_after)
        return GW_CONNECTION_CLOSE;
    return exchange->request->version_minor == 0 ? GW_CONNECTION_KEEP_ALIVE : GW_CONNECTION_UNSAID;
}

// For a client that sent one.
static struct gw_str trace_parent_of(struct gw_exchange *exchange) {
    if (exchange->request == NULL ||
        gw_http_head_field(exchange->request, GW_FIELD_TRACEPARENT) == NULL)
        return GW_STR("");
    return gw_exchange_trace(exchange)->is_of_client ? gw_exchange_trace_parent(exchange)
                                                     : GW_STR("");
}

static struct gw_str timing_of(const struct gw_exchange *exchange,
                               char out[GW_SERVER_TIMING_BYTES_MAX]) {
    return exchange->services->config->server_timing
               ? gw_server_timing_write(&exchange->report, uv_hrtime(), out)
               : GW_STR("");
}

// Close and framing of the exchange are decided.
static enum gw_status write_head(struct gw_exchange *exchange, int status,
                                 const struct gw_response_field *fields, int field_count,
                                 uint64_t content_length) {
    char timing[GW_SERVER_TIMING_BYTES_MAX];
    const struct gw_response_head head = {
        .status = status,
        .fields = fields,
        .field_count = field_count,
        .content_length = content_length,
        .is_chunked = exchange->is_chunked,
        .connection = connection_of(exchange),
        .http_date = gw_str(exchange->services->http_date, GW_CLOCK_HTTP_LENGTH),
        .request_id = gw_str_from(exchange->request_id),
        .trace_parent = trace_parent_of(exchange),
        .server_timing = timing_of(exchange, timing),
        .token_expires_ms = exchange->expires_soon_ms,
        .limit_fields = exchange->limit_fields,
        .site_fields = gw_site_fields(exchange->site)};
    return gw_response_head_write(exchange->owner->output(exchange), &head);
}

static enum gw_status append(struct gw_exchange *exchange, struct gw_str bytes) {
    return gw_buf_append_str(exchange->owner->output(exchange), bytes);
}

static size_t output_length(struct gw_exchange *exchange) {
    return gw_buf_length(exchange->owner->output(exchange));
}

static void end_response(struct gw_exchange *exchange) {
    gw_assert(exchange->phase != GW_RESPONSE_DONE);
    exchange->phase = GW_RESPONSE_DONE;
    count_response(exchange);
    exchange->owner->on_output(exchange);
    exchange->owner->on_response_end(exchange);
}

static void break_response(struct gw_exchange *exchange) {
    gw_assert(exchange->phase != GW_RESPONSE_DONE);
    exchange->phase = GW_RESPONSE_DONE;
    count_response(exchange);
    exchange->owner->on_response_broken(exchange);
}

// ---- streamed ----

void gw_exchange_begin(struct gw_exchange *exchange, int status,
                       const struct gw_response_field *fields, int field_count,
                       uint64_t content_length) {
    gw_assert(exchange->phase == GW_RESPONSE_NONE);
    exchange->phase = GW_RESPONSE_STREAMING;
    exchange->status = status;
    exchange->is_head_only = forbids_body(exchange, status);
    exchange->close_after = must_close(exchange);
    exchange->content_left = content_length;
    if (content_length == GW_LENGTH_UNKNOWN && !exchange->is_head_only) {
        exchange->is_chunked = exchange->request != NULL && exchange->request->version_minor == 1;
        exchange->close_after = exchange->close_after || !exchange->is_chunked;
    }
    size_t before = output_length(exchange);
    if (write_head(exchange, status, fields, field_count, content_length) != GW_OK) {
        break_response(exchange);
        return;
    }
    exchange->written_bytes = output_length(exchange) - before;
    exchange->owner->on_output(exchange);
}

static enum gw_status write_chunk(struct gw_buf *output, struct gw_str bytes) {
    enum gw_status status = gw_buf_printf(output, "%zx\r\n", bytes.length);
    if (status == GW_OK)
        status = gw_buf_append_str(output, bytes);
    if (status == GW_OK)
        status = gw_buf_append_str(output, GW_STR("\r\n"));
    return status;
}

void gw_exchange_send(struct gw_exchange *exchange, struct gw_str bytes) {
    if (exchange->phase != GW_RESPONSE_STREAMING || exchange->is_head_only || bytes.length == 0)
        return;
    enum gw_status status;
    size_t before = output_length(exchange);
    if (exchange->is_chunked) {
        status = write_chunk(exchange->owner->output(exchange), bytes);
    } else {
        status = bytes.length > exchange->content_left ? GW_TOO_BIG : append(exchange, bytes);
        if (exchange->content_left != GW_LENGTH_UNKNOWN)
            exchange->content_left -= bytes.length;
    }
    exchange->body_bytes += bytes.length;
    exchange->written_bytes += output_length(exchange) - before;
    if (status != GW_OK)
        break_response(exchange);
    else
        exchange->owner->on_output(exchange);
}

void gw_exchange_finish(struct gw_exchange *exchange) {
    if (exchange->phase != GW_RESPONSE_STREAMING)
        return;
    enum gw_status status = GW_OK;
    if (exchange->is_chunked)
        status = append(exchange, GW_STR("0\r\n\r\n"));
    else if (!exchange->is_head_only && exchange->content_left != GW_LENGTH_UNKNOWN &&
             exchange->content_left > 0)
        status = GW_CLOSED; // shorter than its Content-Length
    if (status != GW_OK)
        break_response(exchange);
    else
        end_response(exchange);
}

void gw_exchange_break(struct gw_exchange *exchange) {
    gw_assert(exchange->phase != GW_RESPONSE_NONE);
    if (exchange->phase != GW_RESPONSE_DONE)
        break_response(exchange);
}

// Bytes leave the output from its front, so the response is untouched while as many are there.
bool gw_exchange_take_back(struct gw_exchange *exchange) {
    gw_assert(exchange->phase != GW_RESPONSE_NONE);
    if (exchange->phase != GW_RESPONSE_STREAMING ||
        output_length(exchange) < exchange->written_bytes)
        return false;
    gw_buf_take_back(exchange->owner->output(exchange), exchange->written_bytes);
    exchange->phase = GW_RESPONSE_NONE;
    exchange->is_chunked = false;
    exchange->close_after = false;
    exchange->written_bytes = 0;
    exchange->body_bytes = 0;
    return true;
}

bool gw_exchange_is_cut(const struct gw_exchange *exchange) {
    return exchange->phase == GW_RESPONSE_STREAMING && !exchange->is_head_only &&
           exchange->content_left > 0;
}

// ---- whole ----

#define RESPONSE_FIELDS_MAX 8

void gw_exchange_respond(struct gw_exchange *exchange, int status,
                         const struct gw_response_field *fields, int field_count,
                         const char *content_type, struct gw_str body) {
    gw_assert(exchange->phase == GW_RESPONSE_NONE);
    gw_assert(field_count < RESPONSE_FIELDS_MAX);
    struct gw_response_field all[RESPONSE_FIELDS_MAX];
    int count = 0;
    if (content_type != NULL)
        all[count++] =
            (struct gw_response_field){GW_STR("Content-Type"), gw_str_from(content_type)};
    for (int i = 0; i < field_count; i++)
        all[count++] = fields[i];
    exchange->status = status;
    exchange->is_head_only = forbids_body(exchange, status);
    exchange->close_after = exchange->close_after || must_close(exchange);
    enum gw_status result = write_head(exchange, status, all, count, body.length);
    if (result == GW_OK && !exchange->is_head_only) {
        result = append(exchange, body);
        exchange->body_bytes = body.length;
    }
    if (result != GW_OK)
        break_response(exchange);
    else
        end_response(exchange);
}

// A description has only some characters of ASCII; a message may repeat what a client sent.
static void write_oauth_error(struct gw_json_writer *json, const char *code, const char *message) {
    char description[GW_ERROR_BODY_BYTES_MAX / 2];
    size_t length = 0;
    for (; length < sizeof(description) && message[length] != '\0'; length++) {
        char c = message[length];
        bool is_right = c >= ' ' && c <= '~' && c != '"' && c != '\\';
        description[length] = is_right ? c : '?';
    }
    gw_json_open_object(json);
    gw_json_put_string(json, "error", gw_str_from(code));
    gw_json_put_string(json, "error_description", gw_str(description, length));
    gw_json_close_object(json);
}

static void write_error(struct gw_json_writer *json, const char *code, const char *message) {
    gw_json_open_object(json);
    gw_json_key(json, "error");
    gw_json_open_object(json);
    gw_json_put_string(json, "code", gw_str_from(code));
    gw_json_put_string(json, "message", gw_str_from(message));
    gw_json_close_object(json);
    gw_json_close_object(json);
}

static bool has_oauth_errors(const struct gw_exchange *exchange) {
    const struct gw_route *route = exchange->match.route;
    return route != NULL && route->errors == GW_ROUTE_ERRORS_OAUTH;
}

void gw_exchange_fail_with(struct gw_exchange *exchange, enum gw_error error, const char *message,
                           const struct gw_response_field *extra) {
    const struct gw_error_row *row = gw_error_row(error);
    exchange->report.error = error;
    struct gw_response_field fields[2] = {{GW_STR("Cache-Control"), GW_STR("no-store")}};
    int count = 1;
    if (row->closes)
        exchange->close_after = true;
    if (extra != NULL)
        fields[count++] = *extra;
    else if (row->challenge != NULL)
        fields[count++] =
            (struct gw_response_field){GW_STR("WWW-Authenticate"), gw_str_from(row->challenge)};
    else if (row->retry_after != NULL)
        fields[count++] =
            (struct gw_response_field){GW_STR("Retry-After"), gw_str_from(row->retry_after)};
    struct gw_buf body;
    gw_buf_init(&body, GW_ERROR_BODY_BYTES_MAX);
    struct gw_json_writer json;
    gw_json_writer_init(&json, &body);
    if (has_oauth_errors(exchange))
        write_oauth_error(&json, row->code, message);
    else
        write_error(&json, row->code, message);
    if (gw_json_writer_finish(&json) != GW_OK)
        gw_buf_clear(&body);
    gw_exchange_respond(exchange, row->status, fields, count, "application/json",
                        gw_buf_bytes(&body));
    gw_buf_deinit(&body);
}

void gw_exchange_fail(struct gw_exchange *exchange, enum gw_error error, const char *message) {
    gw_exchange_fail_with(exchange, error, message, NULL);
}

void gw_exchange_fail_until(struct gw_exchange *exchange, enum gw_error error, const char *message,
                            uint64_t wait_s) {
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, wait_s);
    const struct gw_response_field field = {GW_STR("Retry-After"), gw_str(digits, (size_t)length)};
    gw_exchange_fail_with(exchange, error, message, &field);
}

void gw_exchange_refuse(struct gw_exchange *exchange, const struct gw_refusal *refusal) {
    gw_exchange_fail(exchange, refusal->error, refusal->message);
}

// ---- the rest ----

void gw_exchange_continue(struct gw_exchange *exchange) {
    if (exchange->request == NULL || !exchange->request->expects_continue ||
        exchange->phase != GW_RESPONSE_NONE || exchange->body_complete || exchange->has_continued)
        return;
    exchange->has_continued = true;
    if (append(exchange, GW_STR("HTTP/1.1 100 Continue\r\n\r\n")) != GW_OK)
        break_response(exchange);
    else
        exchange->owner->on_output(exchange);
}

void gw_exchange_interim(struct gw_exchange *exchange, int status,
                         const struct gw_response_field *fields, int field_count) {
    gw_assert(status > 101 && status < 200);
    if (exchange->request == NULL || exchange->request->version_minor == 0 ||
        exchange->phase != GW_RESPONSE_NONE)
        return;
    struct gw_buf *output = exchange->owner->output(exchange);
    if (gw_response_interim_write(output, status, fields, field_count) != GW_OK)
        break_response(exchange);
    else
        exchange->owner->on_output(exchange);
}

size_t gw_exchange_pending_bytes(const struct gw_exchange *exchange) {
    return exchange->owner->pending_bytes(exchange);
}

// Below GW_CONN_READ_BYTES it may not have been flushed yet (gateway/client/output.h).
bool gw_exchange_is_congested(const struct gw_exchange *exchange) {
    bool is_tight = gw_transport_shared_is_tight(exchange->services->transport_shared);
    return gw_exchange_pending_bytes(exchange) >
           (is_tight ? GW_CONN_READ_BYTES : GW_CONN_WRITE_HIGH_WATER_BYTES);
}

void gw_exchange_want_body(struct gw_exchange *exchange, bool wanted) {
    exchange->owner->on_body_wanted(exchange, wanted);
}
