// SPDX-License-Identifier: MIT
#include "gateway/exchange/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "gateway/exchange/services.h"
#include "gateway/settings/metrics.h"

// RFC 9110 section 15, and the codes registered since. An unknown status goes without a phrase (RFC
// 9112 section 4).
static struct gw_str reason_phrase(int status) {
    static const struct {
        int status;
        struct gw_str phrase;
    } phrases[] = {
        {200, GW_STR_INIT("OK")},
        {201, GW_STR_INIT("Created")},
        {202, GW_STR_INIT("Accepted")},
        {204, GW_STR_INIT("No Content")},
        {206, GW_STR_INIT("Partial Content")},
        {301, GW_STR_INIT("Moved Permanently")},
        {302, GW_STR_INIT("Found")},
        {303, GW_STR_INIT("See Other")},
        {304, GW_STR_INIT("Not Modified")},
        {307, GW_STR_INIT("Temporary Redirect")},
        {308, GW_STR_INIT("Permanent Redirect")},
        {400, GW_STR_INIT("Bad Request")},
        {401, GW_STR_INIT("Unauthorized")},
        {402, GW_STR_INIT("Payment Required")},
        {403, GW_STR_INIT("Forbidden")},
        {404, GW_STR_INIT("Not Found")},
        {405, GW_STR_INIT("Method Not Allowed")},
        {406, GW_STR_INIT("Not Acceptable")},
        {408, GW_STR_INIT("Request Timeout")},
        {409, GW_STR_INIT("Conflict")},
        {410, GW_STR_INIT("Gone")},
        {411, GW_STR_INIT("Length Required")},
        {412, GW_STR_INIT("Precondition Failed")},
        {413, GW_STR_INIT("Content Too Large")},
        {414, GW_STR_INIT("URI Too Long")},
        {415, GW_STR_INIT("Unsupported Media Type")},
        {416, GW_STR_INIT("Range Not Satisfiable")},
        {417, GW_STR_INIT("Expectation Failed")},
        {422, GW_STR_INIT("Unprocessable Content")},
        {429, GW_STR_INIT("Too Many Requests")},
        {431, GW_STR_INIT("Request Header Fields Too Large")},
        {500, GW_STR_INIT("Internal Server Error")},
        {501, GW_STR_INIT("Not Implemented")},
        {502, GW_STR_INIT("Bad Gateway")},
        {503, GW_STR_INIT("Service Unavailable")},
        {504, GW_STR_INIT("Gateway Timeout")},
        {505, GW_STR_INIT("HTTP Version Not Supported")},
        {508, GW_STR_INIT("Loop Detected")},
    };
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return GW_STR("");
}

static bool forbids_body(const struct gw_exchange *exchange, int status) {
    bool is_head = exchange->request != NULL && exchange->request->method == HTTP_HEAD;
    return is_head || status == 204 || status == 304;
}

static bool must_close(const struct gw_exchange *exchange) {
    return exchange->request == NULL || !exchange->request->keep_alive ||
           !exchange->body_complete || exchange->services->is_draining;
}

static void count_status(const struct gw_exchange *exchange, int status) {
    struct gw_metrics *metrics = exchange->services->metrics;
    if (status < 300)
        metrics->responses_2xx_total++;
    else if (status < 400)
        metrics->responses_3xx_total++;
    else if (status < 500)
        metrics->responses_4xx_total++;
    else
        metrics->responses_5xx_total++;
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
    exchange->has_identity = false;
    exchange->expires_soon_ms = DB_NO_TIME;
    exchange->limit_fields = (struct gw_str){NULL, 0};
    exchange->handler = NULL;
    exchange->phase = GW_RESPONSE_NONE;
    exchange->close_after = false;
    exchange->body_complete = false;
    exchange->has_continued = false;
    exchange->is_chunked = false;
    exchange->is_head_only = false;
    exchange->status = 0;
    exchange->content_left = 0;
    exchange->body_bytes = 0;
    gw_services_touch(exchange->services);
    exchange->started_ms = uv_now(exchange->services->loop);
    gw_services_make_request_id(exchange->services, exchange->request_id);
}

void gw_exchange_end(struct gw_exchange *exchange) {
    struct gw_handler *handler = exchange->handler;
    exchange->handler = NULL;
    exchange->phase = GW_RESPONSE_DONE;
    if (handler != NULL && handler->calls->on_over != NULL)
        handler->calls->on_over(handler);
    gw_arena_reset(&exchange->arena);
}

void gw_exchange_trim(struct gw_exchange *exchange) {
    gw_arena_deinit(&exchange->arena);
}

void gw_exchange_deinit(struct gw_exchange *exchange) {
    gw_exchange_trim(exchange);
}

// ---- the head ----

static char *put(char *at, struct gw_str text) {
    memcpy(at, text.at, text.length);
    return at + text.length;
}

static char *put_field(char *at, struct gw_str name, struct gw_str value) {
    at = put(at, name);
    at = put(at, GW_STR(": "));
    if (value.length > 0)
        at = put(at, value);
    return put(at, GW_STR("\r\n"));
}

static char *put_number(char *at, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static char *put_status_line(char *at, int status) {
    at = put(at, GW_STR("HTTP/1.1 "));
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = put(at, reason_phrase(status));
    return put(at, GW_STR("\r\n"));
}

static char *put_framing(struct gw_exchange *exchange, char *at, int status, uint64_t length) {
    if (status != 204 && length != GW_LENGTH_UNKNOWN) {
        at = put(at, GW_STR("Content-Length: "));
        at = put_number(at, length);
        at = put(at, GW_STR("\r\n"));
    } else if (exchange->is_chunked && !exchange->is_head_only) {
        at = put(at, GW_STR("Transfer-Encoding: chunked\r\n"));
    }
    gw_assert(exchange->close_after || exchange->request != NULL);
    if (exchange->close_after)
        at = put(at, GW_STR("Connection: close\r\n"));
    else if (exchange->request->version_minor == 0)
        at = put(at, GW_STR("Connection: keep-alive\r\n"));
    return put(at, GW_STR("\r\n"));
}

static char *put_token_expires(char *at, int64_t expires_ms) {
    char time[GW_CLOCK_ISO_LENGTH];
    gw_clock_format_iso(expires_ms, time);
    return put_field(at, GW_STR("SkillReg-Token-Expires"), gw_str(time, sizeof(time)));
}

static bool has_date(const struct gw_response_field *fields, int count) {
    for (int i = 0; i < count; i++) {
        if (gw_str_equal_nocase(fields[i].name, GW_STR("date")))
            return true;
    }
    return false;
}

static size_t head_bytes_max(const struct gw_response_field *fields, int count) {
    size_t bytes = 512; // status line, Date, X-Request-Id, SkillReg-Token-Expires, framing
    for (int i = 0; i < count; i++)
        bytes += fields[i].name.length + fields[i].value.length + 4;
    return bytes;
}

// Writes the whole head; the caller knows the framing.
static enum gw_status write_head(struct gw_exchange *exchange, int status,
                                 const struct gw_response_field *fields, int count,
                                 uint64_t content_length) {
    struct gw_buf *output = exchange->owner->output(exchange);
    char *start;
    size_t bytes = head_bytes_max(fields, count) + exchange->limit_fields.length;
    enum gw_status result = gw_buf_reserve(output, bytes, &start);
    if (result != GW_OK)
        return result;
    char *at = put_status_line(start, status);
    if (!has_date(fields, count))
        at = put_field(at, GW_STR("Date"),
                       gw_str(exchange->services->http_date, GW_CLOCK_HTTP_LENGTH));
    at = put_field(at, GW_STR("X-Request-Id"), gw_str(exchange->request_id, GW_REQUEST_ID_LENGTH));
    if (exchange->expires_soon_ms != DB_NO_TIME)
        at = put_token_expires(at, exchange->expires_soon_ms);
    for (int i = 0; i < count; i++)
        at = put_field(at, fields[i].name, fields[i].value);
    if (exchange->limit_fields.length > 0)
        at = put(at, exchange->limit_fields);
    at = put_framing(exchange, at, status, content_length);
    gw_assert((size_t)(at - start) <= bytes);
    gw_buf_commit(output, (size_t)(at - start));
    return GW_OK;
}

static enum gw_status append(struct gw_exchange *exchange, struct gw_str bytes) {
    return gw_buf_append_str(exchange->owner->output(exchange), bytes);
}

static void end_response(struct gw_exchange *exchange) {
    gw_assert(exchange->phase != GW_RESPONSE_DONE);
    exchange->phase = GW_RESPONSE_DONE;
    exchange->owner->on_output(exchange);
    exchange->owner->on_response_end(exchange);
}

static void break_response(struct gw_exchange *exchange) {
    gw_assert(exchange->phase != GW_RESPONSE_DONE);
    exchange->phase = GW_RESPONSE_DONE;
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
    count_status(exchange, status);
    if (write_head(exchange, status, fields, field_count, content_length) != GW_OK)
        break_response(exchange);
    else
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
    if (exchange->is_chunked) {
        status = write_chunk(exchange->owner->output(exchange), bytes);
    } else {
        status = bytes.length > exchange->content_left ? GW_TOO_BIG : append(exchange, bytes);
        if (exchange->content_left != GW_LENGTH_UNKNOWN)
            exchange->content_left -= bytes.length;
    }
    exchange->body_bytes += bytes.length;
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

bool gw_exchange_would_look_whole(const struct gw_exchange *exchange) {
    return exchange->phase == GW_RESPONSE_STREAMING && !exchange->is_head_only &&
           !exchange->is_chunked && exchange->content_left == GW_LENGTH_UNKNOWN;
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
    count_status(exchange, status);
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

static void write_error(struct gw_json_writer *json, const char *code, const char *message) {
    gw_json_open_object(json);
    gw_json_key(json, "error");
    gw_json_open_object(json);
    gw_json_put_string(json, "code", gw_str_from(code));
    gw_json_put_string(json, "message", gw_str_from(message));
    gw_json_close_object(json);
    gw_json_close_object(json);
}

// RFC 6750 section 3 for the challenge, RFC 9110 section 10.2.3 for Retry-After. False: the row has
// neither. `digits` holds the value of the second.
static bool field_of_row(const struct gw_error_row *row, char digits[12],
                         struct gw_response_field *field) {
    if (row->challenge != NULL) {
        *field =
            (struct gw_response_field){GW_STR("WWW-Authenticate"), gw_str_from(row->challenge)};
        return true;
    }
    char *end = put_number(digits, (uint64_t)row->retry_after_s);
    *field =
        (struct gw_response_field){GW_STR("Retry-After"), gw_str(digits, (size_t)(end - digits))};
    return row->retry_after_s > 0;
}

void gw_exchange_fail_with(struct gw_exchange *exchange, enum gw_error error, const char *message,
                           const struct gw_response_field *extra) {
    const struct gw_error_row *row = gw_error_row(error);
    struct gw_response_field fields[2] = {{GW_STR("Cache-Control"), GW_STR("no-store")}};
    char digits[12];
    int count = 1;
    if (row->closes)
        exchange->close_after = true;
    if (extra != NULL)
        fields[count++] = *extra;
    else if (field_of_row(row, digits, &fields[count]))
        count++;
    struct gw_buf body;
    gw_buf_init(&body, GW_ERROR_BODY_BYTES_MAX);
    struct gw_json_writer json;
    gw_json_writer_init(&json, &body);
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

size_t gw_exchange_pending_bytes(const struct gw_exchange *exchange) {
    return exchange->owner->pending_bytes(exchange);
}

void gw_exchange_want_body(struct gw_exchange *exchange, bool wanted) {
    exchange->owner->on_body_wanted(exchange, wanted);
}
