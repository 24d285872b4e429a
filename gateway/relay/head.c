// SPDX-License-Identifier: MIT
#include "gateway/relay/head.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/exchange/identity_fields.h"
#include "gateway/http/field_rules.h"
#include "gateway/relay/max_forwards.h"

// More than all literal text below: field names, separators, numbers.
#define LITERAL_BYTES 512

// Fills memory of a computed size: running out of it is a bug.
struct head_writer {
    char *at;
    size_t left;
};

static void put(struct head_writer *writer, struct gw_str text) {
    gw_assert(text.length <= writer->left);
    if (text.length == 0)
        return;
    memcpy(writer->at, text.at, text.length);
    writer->at += text.length;
    writer->left -= text.length;
}

static void put_field(struct head_writer *writer, struct gw_str name, struct gw_str value) {
    put(writer, name);
    put(writer, GW_STR(": "));
    put(writer, value);
    put(writer, GW_STR("\r\n"));
}

// An upper bound of the head, so that it is written in one piece and in one pass.
static size_t bytes_needed(const struct gw_exchange *exchange) {
    const struct gw_http_head *request = exchange->request;
    size_t bytes = LITERAL_BYTES + request->method_name.length + exchange->match.path.length +
                   exchange->match.query.length + request->host.length + GW_IP_TEXT_BYTES_MAX +
                   exchange->proxy_address.length + GW_TRACE_PARENT_LENGTH;
    bytes += exchange->client_subject.length;
    if (exchange->has_identity)
        bytes += exchange->identity.org_slug.length + exchange->identity.id.length;
    for (int i = 0; i < request->field_count; i++)
        bytes += request->fields[i].name.length + request->fields[i].value.length + 4;
    return bytes;
}

static void put_request_line(struct head_writer *writer, const struct gw_exchange *exchange) {
    put(writer, exchange->request->method_name);
    put(writer, GW_STR(" "));
    put(writer, exchange->match.path);
    if (exchange->match.query.at != NULL) {
        put(writer, GW_STR("?"));
        put(writer, exchange->match.query);
    }
    put(writer, GW_STR(" HTTP/1.1\r\n"));
}

// One less than it was, which is never more digits.
static void put_max_forwards(struct head_writer *writer, const struct gw_http_field *field,
                             uint64_t count) {
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, count - 1);
    put_field(writer, field->name, gw_str(digits, (size_t)length));
}

static void put_fields(struct head_writer *writer, struct gw_exchange *exchange,
                       const struct gw_field_options *options, bool forward_authorization) {
    const struct gw_http_head *request = exchange->request;
    uint64_t max_forwards;
    bool is_of_trace = gw_exchange_trace(exchange)->is_of_client; // whose tracestate it is
    bool is_limited = gw_max_forwards_read(request, &max_forwards) == GW_OK && max_forwards > 0;
    for (int i = 0; i < request->field_count; i++) {
        const struct gw_http_field *field = &request->fields[i];
        if (!gw_field_passes_to_registry(field, options, forward_authorization) ||
            (!is_of_trace && gw_str_equal_nocase(field->name, GW_STR("tracestate"))))
            continue;
        if (is_limited && field->id == GW_FIELD_MAX_FORWARDS)
            put_max_forwards(writer, field, max_forwards);
        else
            put_field(writer, field->name, field->value);
    }
}

static void put_framing(struct head_writer *writer, const struct gw_http_head *request) {
    char digits[24];
    if (request->is_chunked) {
        put_field(writer, GW_STR("Transfer-Encoding"), GW_STR("chunked"));
    } else if (request->has_content_length) {
        int length = snprintf(digits, sizeof(digits), "%" PRIu64, request->content_length);
        put_field(writer, GW_STR("Content-Length"), gw_str(digits, (size_t)length));
    }
    if (request->expects_continue && (request->is_chunked || request->content_length > 0))
        put_field(writer, GW_STR("Expect"), GW_STR("100-continue"));
}

static void put_identity(struct head_writer *writer, const struct gw_exchange *exchange) {
    struct gw_identity_fields identity;
    if (exchange->client_subject.length > 0)
        put_field(writer, GW_STR(GW_CLIENT_SUBJECT_FIELD), exchange->client_subject);
    if (!exchange->has_identity)
        return;
    gw_identity_fields_init(&identity, exchange);
    for (int i = 0; i < GW_IDENTITY_FIELDS; i++)
        put_field(writer, identity.fields[i].name, identity.fields[i].value);
}

// The list of X-Forwarded-For that a trusted proxy sent, unchanged.
static void put_list_of_proxy(struct head_writer *writer, const struct gw_http_head *request) {
    for (int i = 0; i < request->field_count; i++) {
        if (request->fields[i].id != GW_FIELD_X_FORWARDED_FOR ||
            request->fields[i].value.length == 0)
            continue;
        put(writer, request->fields[i].value);
        put(writer, GW_STR(", "));
    }
}

// The part of X-Forwarded-For before the trusted proxy that sent the request: its own list, if the
// client was found there, otherwise the client from Forwarded. A list without a known client is not
// passed on, for the registry might find one there; it becomes "unknown" (RFC 7239).
static void put_in_front_of_proxy(struct head_writer *writer, const struct gw_exchange *exchange) {
    bool reads_list = !exchange->services->config->client_address_from_forwarded;
    struct gw_str client = gw_client_name(&exchange->client);
    if (exchange->client.is_known && reads_list) {
        put_list_of_proxy(writer, exchange->request);
    } else if (!gw_str_equal(client, exchange->proxy_address)) {
        put(writer, client);
        put(writer, GW_STR(", "));
    }
}

static void put_forwarded_for(struct head_writer *writer, const struct gw_exchange *exchange) {
    put(writer, GW_STR("X-Forwarded-For: "));
    if (exchange->proxy_address.length > 0) {
        put_in_front_of_proxy(writer, exchange);
        put(writer, exchange->proxy_address);
    } else {
        put(writer, gw_client_name(&exchange->client));
    }
    put(writer, GW_STR("\r\n"));
}

// The field of a trusted proxy about its client's side, if it comes once; otherwise `seen`.
static struct gw_str said_by_proxy(const struct gw_exchange *exchange, enum gw_http_field_id id,
                                   struct gw_str seen) {
    if (exchange->proxy_address.length == 0 || gw_http_head_count(exchange->request, id) != 1)
        return seen;
    return gw_http_head_field(exchange->request, id)->value;
}

static void put_origin(struct head_writer *writer, struct gw_exchange *exchange) {
    bool is_old = exchange->request->version_minor == 0;
    put_field(writer, GW_STR("Via"),
              is_old ? GW_STR("1.0 " GW_VIA_NAME) : GW_STR("1.1 " GW_VIA_NAME));
    struct gw_str scheme = exchange->is_tls ? GW_STR("https") : GW_STR("http");
    struct gw_str host =
        said_by_proxy(exchange, GW_FIELD_X_FORWARDED_HOST, exchange->request->host);
    put_field(writer, GW_STR("X-Request-Id"), gw_str_from(exchange->request_id));
    put_field(writer, GW_STR("traceparent"), gw_exchange_trace_parent(exchange));
    put_forwarded_for(writer, exchange);
    put_field(writer, GW_STR("X-Forwarded-Proto"),
              said_by_proxy(exchange, GW_FIELD_X_FORWARDED_PROTO, scheme));
    if (host.length > 0)
        put_field(writer, GW_STR("X-Forwarded-Host"), host);
}

enum gw_status gw_relay_compose_request(struct gw_exchange *exchange, bool forward_authorization,
                                        struct gw_upstream_request *composed) {
    const struct gw_http_head *request = exchange->request;
    struct gw_field_options options;
    enum gw_status status = gw_field_options_read(request, &options);
    if (status != GW_OK)
        return status;
    struct head_writer writer = {.left = bytes_needed(exchange)};
    char *start = writer.at = gw_arena_allocate(&exchange->arena, writer.left);
    if (start == NULL)
        return GW_NO_MEMORY;
    put_request_line(&writer, exchange);
    const char *fields = writer.at;
    put_fields(&writer, exchange, &options, forward_authorization);
    put_framing(&writer, request);
    put_identity(&writer, exchange);
    put_origin(&writer, exchange);
    put(&writer, GW_STR("\r\n"));
    gw_assert(fields > start && writer.at > fields);
    composed->line = gw_str(start, (size_t)(fields - start));
    composed->fields = gw_str(fields, (size_t)(writer.at - fields));
    return GW_OK;
}

enum gw_status gw_relay_pick_fields(const struct gw_http_head *response,
                                    struct gw_response_field *fields, int *field_count) {
    struct gw_field_options options;
    enum gw_status status = gw_field_options_read(response, &options);
    if (status != GW_OK)
        return status;
    int count = 0;
    for (int i = 0; i < response->field_count; i++) {
        const struct gw_http_field *field = &response->fields[i];
        if (gw_field_passes_to_client(field, &options))
            fields[count++] = (struct gw_response_field){field->name, field->value};
    }
    *field_count = count;
    return GW_OK;
}
