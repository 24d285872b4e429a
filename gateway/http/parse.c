// SPDX-License-Identifier: MIT
#include "gateway/http/parse.h"

#include <string.h>

#include "base/utf8.h"
#include "gateway/http/head_rules.h"

static struct gw_http_parser *parser_of(llhttp_t *llhttp) {
    return gw_container_of(llhttp, struct gw_http_parser, llhttp);
}

static int fail(struct gw_http_parser *parser, enum gw_error error, const char *message) {
    if (parser->side == GW_HTTP_RESPONSES)
        error = GW_ERROR_UPSTREAM_INVALID;
    parser->failure = (struct gw_refusal){error, message};
    return HPE_USER;
}

static int fail_no_memory(struct gw_http_parser *parser) {
    return fail(parser, gw_refusal_no_memory.error, gw_refusal_no_memory.message);
}

static int fail_bad_request(struct gw_http_parser *parser, const char *message) {
    return fail(parser, GW_ERROR_BAD_REQUEST, message);
}

static int check(struct gw_http_parser *parser, const struct gw_refusal *refusal) {
    return refusal != NULL ? fail(parser, refusal->error, refusal->message) : 0;
}

// Appends to the head, which may move.
static int append(struct gw_http_parser *parser, size_t slice_offset, const char *at,
                  size_t length) {
    if (gw_http_head_block_append(&parser->block, slice_offset, gw_str(at, length)) != GW_OK)
        return fail_no_memory(parser);
    parser->head = &parser->block->head;
    return 0;
}

// ---- callbacks of llhttp, in the order of a message ----

static int on_message_begin(llhttp_t *llhttp) {
    struct gw_http_parser *parser = parser_of(llhttp);
    gw_assert(!parser->in_message);
    if (gw_http_head_block_begin(&parser->block) != GW_OK)
        return fail_no_memory(parser);
    parser->head = &parser->block->head;
    parser->in_message = true;
    parser->head_is_complete = false;
    parser->version_is_begun = parser->version_is_complete = false;
    parser->trailer_bytes = 0;
    parser->field_bytes = 0;
    parser->reason_bytes = 0;
    return 0;
}

// The byte `distance` (1 to GW_HTTP_LEAD_BYTES) before `at`, also of an earlier feed.
static char byte_before(const struct gw_http_parser *parser, const char *at, size_t distance) {
    gw_assert(distance >= 1 && distance <= GW_HTTP_LEAD_BYTES);
    size_t here = (size_t)(at - parser->fed);
    return distance <= here ? at[-(ptrdiff_t)distance]
                            : parser->lead[GW_HTTP_LEAD_BYTES - (distance - here)];
}

static void keep_lead(struct gw_http_parser *parser, struct gw_str bytes) {
    size_t kept = bytes.length < GW_HTTP_LEAD_BYTES ? bytes.length : GW_HTTP_LEAD_BYTES;
    memmove(parser->lead, parser->lead + kept, GW_HTTP_LEAD_BYTES - kept);
    memcpy(parser->lead + GW_HTTP_LEAD_BYTES - kept, bytes.at + bytes.length - kept, kept);
}

static int on_url(llhttp_t *llhttp, const char *at, size_t length) {
    struct gw_http_parser *parser = parser_of(llhttp);
    // llhttp accepts any number of spaces there.
    if (parser->head->target.length == 0 && byte_before(parser, at, 2) == ' ')
        return fail_bad_request(parser, "The request line is malformed.");
    if (parser->head->target.length + length > GW_HTTP_TARGET_BYTES_MAX)
        return fail(parser, GW_ERROR_TARGET_TOO_LONG, "The request target is too long.");
    return append(parser, offsetof(struct gw_http_head, target), at, length);
}

// llhttp accepts several spaces before the version, and RTSP/ and ICE/ for HTTP/.
static int on_version(llhttp_t *llhttp, const char *at, size_t length) {
    static const char protocol[] = " HTTP/";
    (void)length;
    struct gw_http_parser *parser = parser_of(llhttp);
    if (parser->version_is_begun)
        return 0;
    parser->version_is_begun = true;
    if (parser->side == GW_HTTP_RESPONSES)
        return 0;
    bool is_ok = byte_before(parser, at, sizeof(protocol)) != ' ';
    for (size_t i = 0; i < sizeof(protocol) - 1; i++)
        is_ok = is_ok && byte_before(parser, at, sizeof(protocol) - 1 - i) == protocol[i];
    return is_ok ? 0 : fail_bad_request(parser, "The request line is malformed.");
}

static int on_version_complete(llhttp_t *llhttp) {
    parser_of(llhttp)->version_is_complete = true;
    return 0;
}

// The reason phrase of a response is dropped, but bounded.
static int on_status(llhttp_t *llhttp, const char *at, size_t length) {
    (void)at;
    struct gw_http_parser *parser = parser_of(llhttp);
    parser->reason_bytes += (uint32_t)length;
    if (parser->reason_bytes > GW_HTTP_FIELD_BYTES_MAX)
        return fail_bad_request(parser, "The status line is too long.");
    return 0;
}

static int count_head_bytes(struct gw_http_parser *parser, size_t length) {
    parser->field_bytes += (uint32_t)length;
    if (parser->field_bytes > GW_HTTP_FIELD_BYTES_MAX)
        return fail(parser, GW_ERROR_HEADERS_TOO_LARGE, "A header field is too long.");
    if (parser->block->length + length > GW_HTTP_HEAD_BYTES_MAX)
        return fail(parser, GW_ERROR_HEADERS_TOO_LARGE, "The header fields are too long.");
    return 0;
}

static int count_trailer_bytes(struct gw_http_parser *parser, size_t length) {
    parser->trailer_bytes += (uint32_t)length;
    if (parser->trailer_bytes > GW_HTTP_HEAD_BYTES_MAX)
        return fail(parser, GW_ERROR_HEADERS_TOO_LARGE, "The trailer fields are too long.");
    return 0;
}

static size_t last_field_offset(const struct gw_http_head *head, size_t member) {
    gw_assert(head->field_count > 0);
    return offsetof(struct gw_http_head, fields) +
           (size_t)(head->field_count - 1) * sizeof(struct gw_http_field) + member;
}

// A field begins with the first piece of a name after a complete value.
static int on_header_field(llhttp_t *llhttp, const char *at, size_t length) {
    struct gw_http_parser *parser = parser_of(llhttp);
    if (parser->head_is_complete)
        return count_trailer_bytes(parser, length);
    if (parser->field_bytes == 0 && gw_http_head_block_add_field(parser->block) != GW_OK)
        return fail(parser, GW_ERROR_HEADERS_TOO_LARGE, "There are too many header fields.");
    int refused = count_head_bytes(parser, length);
    if (refused != 0)
        return refused;
    size_t offset = last_field_offset(parser->head, offsetof(struct gw_http_field, name));
    return append(parser, offset, at, length);
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length) {
    struct gw_http_parser *parser = parser_of(llhttp);
    if (parser->head_is_complete)
        return count_trailer_bytes(parser, length);
    int refused = count_head_bytes(parser, length);
    if (refused != 0)
        return refused;
    size_t offset = last_field_offset(parser->head, offsetof(struct gw_http_field, value));
    return append(parser, offset, at, length);
}

static bool is_ascii(struct gw_str text) {
    unsigned char seen = 0;
    for (size_t i = 0; i < text.length; i++)
        seen |= (unsigned char)text.at[i];
    return seen < 0x80;
}

static int on_header_value_complete(llhttp_t *llhttp) {
    struct gw_http_parser *parser = parser_of(llhttp);
    parser->field_bytes = 0;
    if (parser->head_is_complete)
        return 0;
    gw_assert(parser->head->field_count > 0);
    struct gw_http_field *field = &parser->head->fields[parser->head->field_count - 1];
    field->id = gw_http_field_identify(field->name);
    // White space around a length is legal (RFC 9110 section 5.5), but of clients only smuggling
    // sends it.
    if (field->id != GW_FIELD_CONTENT_LENGTH || parser->side == GW_HTTP_RESPONSES)
        field->value = gw_str_trim(field->value);
    // A registry may send ISO 8859-1 (RFC 9110 section 5.5), and the client gets it unchanged.
    if (parser->side == GW_HTTP_REQUESTS && !is_ascii(field->value) && !gw_utf8_valid(field->value))
        return fail_bad_request(parser, "A header field holds bytes that are not UTF-8.");
    return 0;
}

static int check_request(struct gw_http_parser *parser) {
    struct gw_http_head *head = parser->head;
    head->method = (llhttp_method_t)llhttp_get_method(&parser->llhttp);
    head->method_name = gw_str_from(llhttp_method_name(head->method));
    return check(parser, gw_http_head_check_request(head));
}

static int check_response(struct gw_http_parser *parser) {
    parser->head->status = llhttp_get_status_code(&parser->llhttp);
    return check(parser, gw_http_head_check_response(parser->head));
}

static int on_headers_complete(llhttp_t *llhttp) {
    struct gw_http_parser *parser = parser_of(llhttp);
    struct gw_http_head *head = parser->head;
    if (llhttp_get_http_major(llhttp) != 1)
        return fail(parser, GW_ERROR_HTTP_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    head->version_minor = llhttp_get_http_minor(llhttp);
    bool frames_chunks = (llhttp->flags & F_CHUNKED) != 0;
    int refused = check(parser, gw_http_head_check_framing(head, frames_chunks));
    if (refused == 0)
        refused = parser->side == GW_HTTP_REQUESTS ? check_request(parser) : check_response(parser);
    if (refused != 0)
        return refused;
    llhttp->upgrade = 0; // never: the message keeps its own framing
    bool is_interim = parser->side == GW_HTTP_RESPONSES && head->status < 200;
    if (parser->expects_no_body || is_interim) // RFC 9112 section 6.3, whatever it frames
        llhttp->flags |= F_SKIPBODY;
    // With both on HTTP/1.0, llhttp would go by keep-alive.
    if ((llhttp->flags & F_CONNECTION_CLOSE) != 0)
        llhttp->flags &= (uint16_t)~F_CONNECTION_KEEP_ALIVE;
    head->keep_alive = llhttp_should_keep_alive(llhttp) != 0;
    parser->head_flags = llhttp->flags;
    parser->head_is_complete = true;
    parser->event = GW_HTTP_HEAD;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length) {
    struct gw_http_parser *parser = parser_of(llhttp);
    parser->on_body(parser, gw_str(at, length));
    return 0;
}

static int on_chunk_extension_name(llhttp_t *llhttp, const char *at, size_t length) {
    (void)length;
    struct gw_http_parser *parser = parser_of(llhttp);
    gw_http_chunk_line_extend(&parser->chunk_line, (size_t)(at - parser->fed));
    return 0;
}

// Pauses so that the feed knows where the line ended.
static int on_chunk_header(llhttp_t *llhttp) {
    parser_of(llhttp)->event = GW_HTTP_WANT_INPUT;
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *llhttp) {
    struct gw_http_parser *parser = parser_of(llhttp);
    const uint16_t connection_flags =
        F_CONNECTION_CLOSE | F_CONNECTION_KEEP_ALIVE | F_CONNECTION_UPGRADE | F_UPGRADE;
    // Trailers must not decide whether the connection is kept.
    llhttp->flags =
        (uint16_t)((llhttp->flags & ~connection_flags) | (parser->head_flags & connection_flags));
    parser->in_message = false;
    parser->event = GW_HTTP_END;
    if (parser->head->status >= 200)
        parser->expects_no_body = false;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_message_begin = on_message_begin,
    .on_url = on_url,
    .on_version = on_version,
    .on_version_complete = on_version_complete,
    .on_status = on_status,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_extension_name = on_chunk_extension_name,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

// ---- the parser ----

void gw_http_parser_init(struct gw_http_parser *parser, enum gw_http_side side,
                         void (*on_body_bytes)(struct gw_http_parser *parser,
                                               struct gw_str bytes)) {
    memset(parser, 0, sizeof(*parser));
    parser->side = side;
    parser->on_body = on_body_bytes;
    llhttp_init(&parser->llhttp, side == GW_HTTP_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE,
                &callbacks);
}

void gw_http_parser_deinit(struct gw_http_parser *parser) {
    gw_http_parser_trim(parser);
}

void gw_http_parser_trim(struct gw_http_parser *parser) {
    gw_http_head_block_destroy(parser->block);
    parser->block = NULL;
    parser->head = NULL;
}

void gw_http_parser_forget(struct gw_http_parser *parser) {
    gw_http_head_block_wipe(parser->block);
}

void gw_http_parser_expect_no_body(struct gw_http_parser *parser) {
    gw_assert(parser->side == GW_HTTP_RESPONSES);
    parser->expects_no_body = true;
}

// What llhttp itself refused, in terms of the answer.
static void explain(struct gw_http_parser *parser, llhttp_errno_t error) {
    if (parser->failure.error != GW_ERROR_NONE)
        return; // a callback explained it
    switch (error) {
    case HPE_INVALID_METHOD:
        fail(parser, GW_ERROR_NOT_IMPLEMENTED, "This method is not known here.");
        return;
    case HPE_INVALID_VERSION:
        if (parser->version_is_complete)
            fail_bad_request(parser, "The request line is malformed.");
        else
            fail(parser, GW_ERROR_HTTP_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
        return;
    case HPE_PAUSED_H2_UPGRADE:
        fail(parser, GW_ERROR_HTTP_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
        return;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
        fail_bad_request(parser, "The length of the message is ambiguous.");
        return;
    case HPE_INVALID_CHUNK_SIZE:
        fail_bad_request(parser, "A chunk size is malformed.");
        return;
    default:
        fail_bad_request(parser, "The message is not HTTP/1.1.");
    }
}

// A message may follow empty lines (RFC 9112 section 2.2), but llhttp accepts CR and LF there in
// any order.
static bool blank_lines_ok(struct gw_http_parser *parser, struct gw_str bytes) {
    for (size_t i = 0; i < bytes.length; i++) {
        bool is_end = bytes.at[i] != '\r' && bytes.at[i] != '\n';
        if (is_end && !parser->has_blank_cr)
            return true;
        if (bytes.at[i] != (parser->has_blank_cr ? '\n' : '\r'))
            return false;
        parser->has_blank_cr = !parser->has_blank_cr;
    }
    return true;
}

// One step of llhttp; `event` is why it stopped.
static llhttp_errno_t execute(struct gw_http_parser *parser, struct gw_str bytes, size_t *taken) {
    llhttp_t *llhttp = &parser->llhttp;
    if (llhttp_get_errno(llhttp) == HPE_PAUSED)
        llhttp_resume(llhttp);
    parser->fed = bytes.at;
    parser->event = GW_HTTP_WANT_INPUT;
    llhttp_errno_t error = llhttp_execute(llhttp, bytes.at, bytes.length);
    *taken = bytes.length;
    if (error == HPE_PAUSED)
        *taken = (size_t)(llhttp_get_error_pos(llhttp) - bytes.at);
    if (parser->event == GW_HTTP_HEAD) {
        gw_http_chunk_line_begin(&parser->chunk_line);
        gw_http_chunk_extension_begin(&parser->chunk_extension);
    } else {
        gw_http_chunk_line_advance(&parser->chunk_line, *taken);
    }
    return error;
}

// Inside the chunks of a response: its lines are filtered.
static bool has_filter(const struct gw_http_parser *parser) {
    return parser->side == GW_HTTP_RESPONSES && parser->in_message && parser->head_is_complete &&
           parser->head->is_chunked;
}

// The front of `left` that llhttp may have, or that it must not have. False: refused.
static bool next_run(struct gw_http_parser *parser, struct gw_str left, struct gw_str *run,
                     bool *passes) {
    *run = left;
    *passes = true;
    if (!has_filter(parser))
        return true;
    uint64_t before_line = gw_http_chunk_line_distance(&parser->chunk_line);
    if (before_line > 0) {
        if (before_line < left.length)
            *run = gw_str_slice(left, 0, (size_t)before_line);
        return true;
    }
    size_t length;
    enum gw_status status =
        gw_http_chunk_extension_next(&parser->chunk_extension, left, &length, passes);
    *run = gw_str_slice(left, 0, length);
    return status == GW_OK;
}

static bool end_chunk_line(struct gw_http_parser *parser) {
    gw_http_chunk_extension_begin_line(&parser->chunk_extension);
    return gw_http_chunk_line_end(&parser->chunk_line, parser->llhttp.content_length);
}

// Up to an event, or to the end of `left`.
static llhttp_errno_t execute_all(struct gw_http_parser *parser, struct gw_str *left) {
    llhttp_errno_t error = HPE_OK;
    parser->event = GW_HTTP_WANT_INPUT;
    do {
        struct gw_str run;
        bool passes;
        if (!next_run(parser, *left, &run, &passes))
            return HPE_INVALID_CHUNK_SIZE;
        size_t taken = run.length;
        if (passes)
            error = execute(parser, run, &taken);
        *left = gw_str_slice(*left, taken, left->length);
        if (error == HPE_PAUSED && parser->event == GW_HTTP_WANT_INPUT) {
            error = HPE_OK;
            if (!end_chunk_line(parser))
                return HPE_INVALID_CHUNK_SIZE;
        }
    } while (error == HPE_OK && left->length > 0);
    return error;
}

enum gw_http_event gw_http_parser_feed(struct gw_http_parser *parser, struct gw_str bytes,
                                       size_t *consumed) {
    struct gw_str left = bytes.length > 0 ? bytes : GW_STR("");
    *consumed = 0;
    if (parser->failure.error != GW_ERROR_NONE)
        return GW_HTTP_FAILED;
    if (!parser->in_message && !blank_lines_ok(parser, left)) {
        fail_bad_request(parser, "The line before the message is malformed.");
        return GW_HTTP_FAILED;
    }
    llhttp_errno_t error = execute_all(parser, &left);
    bool is_waiting = error == HPE_OK && parser->in_message;
    if (is_waiting && parser->head_is_complete && parser->head->is_chunked &&
        !gw_http_chunk_line_ok(&parser->chunk_line))
        error = HPE_INVALID_CHUNK_SIZE;
    if (error != HPE_OK && error != HPE_PAUSED) {
        explain(parser, error);
        return GW_HTTP_FAILED;
    }
    *consumed = bytes.length - left.length;
    if (is_waiting && !parser->version_is_begun && *consumed > 0)
        keep_lead(parser, bytes);
    return parser->event;
}

bool gw_http_parser_finish(struct gw_http_parser *parser) {
    size_t consumed;
    if (parser->failure.error != GW_ERROR_NONE || !parser->in_message)
        return parser->failure.error == GW_ERROR_NONE;
    // A head just read may be all of the message, or begin a body that is framed by close.
    if (gw_http_parser_feed(parser, GW_STR(""), &consumed) == GW_HTTP_WANT_INPUT)
        (void)llhttp_finish(&parser->llhttp); // calls on_message_complete
    return !parser->in_message;
}

const struct gw_refusal *gw_http_parser_failure(const struct gw_http_parser *parser) {
    return &parser->failure;
}

bool gw_http_parser_in_message(const struct gw_http_parser *parser) {
    return parser->in_message;
}
