// SPDX-License-Identifier: MIT
#include "gateway/http/parse.h"

#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/utf8.h"

// The head and the bytes its slices point into, one allocation. It grows by moving; the slices move
// along.
struct gw_http_head_block {
    struct gw_http_head head;
    size_t length;
    size_t capacity;
    char bytes[];
};

#define BLOCK_BYTES_FIRST 2048

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

// ---- the block ----

static void rebase(struct gw_str *slice, const char *old_bytes, const char *new_bytes) {
    if (slice->at != NULL)
        slice->at = new_bytes + (slice->at - old_bytes);
}

static struct gw_http_head_block *block_create(size_t capacity) {
    struct gw_http_head_block *block = malloc(sizeof(*block) + capacity);
    if (block != NULL) {
        block->length = 0;
        block->capacity = capacity;
    }
    return block;
}

static bool block_grow(struct gw_http_parser *parser, size_t needed) {
    struct gw_http_head_block *old = parser->block;
    size_t capacity = old->capacity * 2;
    while (capacity < needed)
        capacity *= 2;
    struct gw_http_head_block *block = block_create(capacity);
    if (block == NULL)
        return false;
    memcpy(block->bytes, old->bytes, old->length);
    block->length = old->length;
    block->head = old->head;
    rebase(&block->head.target, old->bytes, block->bytes);
    for (int i = 0; i < block->head.field_count; i++) {
        rebase(&block->head.fields[i].name, old->bytes, block->bytes);
        rebase(&block->head.fields[i].value, old->bytes, block->bytes);
    }
    gw_bytes_wipe(old->bytes, old->length);
    free(old);
    parser->block = block;
    parser->head = &block->head;
    return true;
}

// Appends to `slice`, which is the last one in the block or still empty.
static bool block_append(struct gw_http_parser *parser, size_t slice_offset, const char *at,
                         size_t length) {
    size_t needed = parser->block->length + length;
    if (needed > parser->block->capacity && !block_grow(parser, needed))
        return false;
    struct gw_http_head_block *block = parser->block;
    struct gw_str *slice = (struct gw_str *)(void *)((char *)&block->head + slice_offset);
    if (slice->at == NULL)
        slice->at = block->bytes + block->length;
    memcpy(block->bytes + block->length, at, length);
    block->length += length;
    slice->length += length;
    return true;
}

// ---- callbacks of llhttp, in the order of a message ----

static void head_clear(struct gw_http_head *head) {
    // The field array is left as it is: field_count says what is valid.
    memset(head, 0, offsetof(struct gw_http_head, fields));
}

static int on_message_begin(llhttp_t *llhttp) {
    struct gw_http_parser *parser = parser_of(llhttp);
    if (parser->block == NULL && (parser->block = block_create(BLOCK_BYTES_FIRST)) == NULL)
        return fail_no_memory(parser);
    parser->block->length = 0;
    parser->head = &parser->block->head;
    head_clear(parser->head);
    parser->in_message = true;
    parser->head_is_complete = false;
    parser->version_is_begun = parser->version_is_complete = false;
    parser->extension_bytes = 0;
    parser->trailer_bytes = 0;
    parser->field_bytes = 0;
    parser->reason_bytes = 0;
    return 0;
}

// The byte `distance` (1 to GW_HTTP_LEAD_BYTES) in front of `at`, also of an earlier feed.
static char byte_before(const struct gw_http_parser *parser, const char *at, size_t distance) {
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
    // llhttp lets any number of spaces stand there.
    if (parser->head->target.length == 0 && byte_before(parser, at, 2) == ' ')
        return fail_bad_request(parser, "The request line is malformed.");
    if (parser->head->target.length + length > GW_HTTP_TARGET_BYTES_MAX)
        return fail(parser, GW_ERROR_TARGET_TOO_LONG, "The request target is too long.");
    if (!block_append(parser, offsetof(struct gw_http_head, target), at, length))
        return fail_no_memory(parser);
    return 0;
}

// llhttp lets several spaces stand before the version, and takes RTSP/ and ICE/ for HTTP/.
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

// The reason phrase of a response is of no use, but it is bounded.
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
    return offsetof(struct gw_http_head, fields) +
           (size_t)(head->field_count - 1) * sizeof(struct gw_http_field) + member;
}

// A new field starts with the first piece of a name after a complete value.
static int on_header_field(llhttp_t *llhttp, const char *at, size_t length) {
    struct gw_http_parser *parser = parser_of(llhttp);
    if (parser->head_is_complete)
        return count_trailer_bytes(parser, length);
    struct gw_http_head *head = parser->head;
    if (parser->field_bytes == 0) {
        if (head->field_count == GW_HTTP_FIELDS_MAX)
            return fail(parser, GW_ERROR_HEADERS_TOO_LARGE, "There are too many header fields.");
        head->fields[head->field_count++] = (struct gw_http_field){.id = GW_FIELD_OTHER};
    }
    int refused = count_head_bytes(parser, length);
    if (refused != 0)
        return refused;
    if (!block_append(parser, last_field_offset(head, offsetof(struct gw_http_field, name)), at,
                      length))
        return fail_no_memory(parser);
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length) {
    struct gw_http_parser *parser = parser_of(llhttp);
    if (parser->head_is_complete)
        return count_trailer_bytes(parser, length);
    int refused = count_head_bytes(parser, length);
    if (refused != 0)
        return refused;
    size_t offset = last_field_offset(parser->head, offsetof(struct gw_http_field, value));
    if (!block_append(parser, offset, at, length))
        return fail_no_memory(parser);
    return 0;
}

static enum gw_http_field_id identify(struct gw_str name) {
    static const struct gw_str known[] = {
#define X(id, text) [GW_FIELD_##id] = GW_STR_INIT(text),
        GW_HTTP_KNOWN_FIELDS(X)
#undef X
    };
    for (size_t id = 1; id < sizeof(known) / sizeof(known[0]); id++) {
        if (known[id].length == name.length && gw_str_equal_nocase(known[id], name))
            return (enum gw_http_field_id)id;
    }
    return GW_FIELD_OTHER;
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
    struct gw_http_field *field = &parser->head->fields[parser->head->field_count - 1];
    field->id = identify(field->name);
    // White space around a length is legal (RFC 9110 section 5.5) but no client sends it: smuggling
    // does.
    if (field->id != GW_FIELD_CONTENT_LENGTH)
        field->value = gw_str_trim(field->value);
    // A registry may well send ISO 8859-1 (RFC 9110 section 5.5), and a client gets what it sent.
    if (parser->side == GW_HTTP_REQUESTS && !is_ascii(field->value) && !gw_utf8_valid(field->value))
        return fail_bad_request(parser, "A header field holds bytes that are not UTF-8.");
    return 0;
}

// ---- what must hold of a whole head ----

static int check_content_length(struct gw_http_parser *parser) {
    struct gw_http_head *head = parser->head;
    int count = gw_http_head_count(head, GW_FIELD_CONTENT_LENGTH);
    if (count == 0)
        return 0;
    const struct gw_http_field *field = gw_http_head_field(head, GW_FIELD_CONTENT_LENGTH);
    if (count > 1 || field->value.length > 19 ||
        gw_str_to_u64(field->value, &head->content_length) != GW_OK)
        return fail_bad_request(parser, "Content-Length is not one plain number.");
    head->has_content_length = true;
    return 0;
}

static bool is_known_coding(struct gw_str coding) {
    return gw_str_equal_nocase(coding, GW_STR("gzip")) ||
           gw_str_equal_nocase(coding, GW_STR("x-gzip")) ||
           gw_str_equal_nocase(coding, GW_STR("deflate")) ||
           gw_str_equal_nocase(coding, GW_STR("compress")) ||
           gw_str_equal_nocase(coding, GW_STR("x-compress"));
}

// RFC 9112 section 6.1: of all that is legal only a lone "chunked" is taken.
static int check_transfer_encoding(struct gw_http_parser *parser) {
    struct gw_http_head *head = parser->head;
    int count = gw_http_head_count(head, GW_FIELD_TRANSFER_ENCODING);
    if (count == 0)
        return 0;
    struct gw_str coding = gw_http_head_field(head, GW_FIELD_TRANSFER_ENCODING)->value;
    if (count == 1 && is_known_coding(gw_str_slice(coding, 0, gw_str_find(coding, ','))))
        return fail(parser, GW_ERROR_NOT_IMPLEMENTED, "This transfer coding is not supported.");
    if (count > 1 || !gw_str_equal_nocase(coding, GW_STR("chunked")))
        return fail_bad_request(parser, "Transfer-Encoding is not a lone chunked.");
    if (head->version_minor == 0 || head->has_content_length ||
        (parser->llhttp.flags & F_CHUNKED) == 0)
        return fail_bad_request(parser, "The length of the message is ambiguous.");
    head->is_chunked = true;
    return 0;
}

// What RFC 3986 section 3.2.2 lets stand in a name, less the comma, which would make a list of it.
// A bit for each.
static bool is_host_char(char c) {
    static const uint64_t allowed[2] = {
        0x2bff6ff200000000, // ! $ % & ' ( ) * + - . 0-9 ; =
        0x47fffffe87fffffe, // A-Z _ a-z ~
    };
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (allowed[byte >> 6] >> (byte & 63) & 1) != 0;
}

static bool is_hex_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_escape_at(struct gw_str text, size_t at) {
    return text.length - at > 2 && is_hex_digit(text.at[at + 1]) && is_hex_digit(text.at[at + 2]);
}

// IPv6 address, or IPvFuture by its first letter (RFC 3986 section 3.2.2).
static bool is_ip_literal(struct gw_str text) {
    struct gw_ip ip;
    bool is_future = text.length > 0 && (text.at[0] | 0x20) == 'v';
    for (size_t i = 0; is_future && i < text.length; i++) {
        if (text.at[i] == '%' || (!is_host_char(text.at[i]) && text.at[i] != ':'))
            return false;
    }
    return is_future || (gw_str_find(text, ':') < text.length && gw_ip_parse(text, &ip) == GW_OK);
}

// The length of the name or of the IP literal with its brackets, at the start of `host`; 0 when
// there is none.
static size_t host_name_length(struct gw_str host) {
    if (host.length > 0 && host.at[0] == '[') {
        size_t close = gw_str_find(host, ']');
        bool is_right = close < host.length && is_ip_literal(gw_str_slice(host, 1, close));
        return is_right ? close + 1 : 0;
    }
    size_t i = 0;
    for (; i < host.length && is_host_char(host.at[i]); i++) {
        if (host.at[i] == '%' && !is_escape_at(host, i))
            return 0;
    }
    return i;
}

// uri-host [ ":" port ] (RFC 9110 section 7.2), the host not empty.
static bool is_host(struct gw_str host) {
    size_t name_length = host_name_length(host);
    if (name_length == 0 || name_length == host.length)
        return name_length > 0;
    for (size_t i = name_length + 1; i < host.length; i++) {
        if (host.at[i] < '0' || host.at[i] > '9')
            return false;
    }
    return host.at[name_length] == ':';
}

static int check_host(struct gw_http_parser *parser) {
    struct gw_http_head *head = parser->head;
    int count = gw_http_head_count(head, GW_FIELD_HOST);
    if (count == 0 && head->version_minor == 0)
        return 0;
    if (count != 1)
        return fail_bad_request(parser, "There must be exactly one Host field.");
    head->host = gw_http_head_field(head, GW_FIELD_HOST)->value;
    return is_host(head->host) ? 0 : fail_bad_request(parser, "The Host field is no host.");
}

// Absolute-form (RFC 9112 section 3.2.2): its authority takes the place of Host, the rest is the
// target.
static int check_target(struct gw_http_parser *parser) {
    struct gw_http_head *head = parser->head;
    struct gw_str target = head->target;
    size_t scheme_length = 0;
    if (gw_str_equal_nocase(gw_str_slice(target, 0, 7), GW_STR("http://")))
        scheme_length = 7;
    else if (gw_str_equal_nocase(gw_str_slice(target, 0, 8), GW_STR("https://")))
        scheme_length = 8;
    else
        return 0;
    struct gw_str rest = gw_str_slice(target, scheme_length, target.length);
    size_t authority_length = gw_str_find(rest, '/');
    head->host = gw_str_slice(rest, 0, authority_length);
    head->target = gw_str_slice(rest, authority_length, rest.length);
    if (head->target.length == 0)
        head->target = GW_STR("/");
    return is_host(head->host) ? 0 : fail_bad_request(parser, "The request target is no URL.");
}

static int check_expect(struct gw_http_parser *parser) {
    struct gw_http_head *head = parser->head;
    const struct gw_http_field *expect = gw_http_head_field(head, GW_FIELD_EXPECT);
    if (expect == NULL || head->version_minor == 0)
        return 0;
    if (gw_http_head_count(head, GW_FIELD_EXPECT) != 1 ||
        !gw_str_equal_nocase(expect->value, GW_STR("100-continue")))
        return fail(parser, GW_ERROR_EXPECTATION_FAILED, "Only 100-continue can be expected.");
    head->expects_continue = true;
    return 0;
}

static int check_request(struct gw_http_parser *parser) {
    struct gw_http_head *head = parser->head;
    head->method = (llhttp_method_t)llhttp_get_method(&parser->llhttp);
    head->method_name = gw_str_from(llhttp_method_name(head->method));
    int refused = check_host(parser);
    if (refused == 0)
        refused = check_target(parser);
    return refused != 0 ? refused : check_expect(parser);
}

// An upgrade was never asked for: behind 101 would come something else than HTTP.
static int check_response(struct gw_http_parser *parser) {
    struct gw_http_head *head = parser->head;
    head->status = llhttp_get_status_code(&parser->llhttp);
    if (head->status < 100 || head->status > 599 || head->status == 101)
        return fail_bad_request(parser, "The status is not one of HTTP/1.1.");
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp) {
    struct gw_http_parser *parser = parser_of(llhttp);
    struct gw_http_head *head = parser->head;
    if (llhttp_get_http_major(llhttp) != 1)
        return fail(parser, GW_ERROR_HTTP_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    head->version_minor = llhttp_get_http_minor(llhttp);
    int refused = check_content_length(parser);
    if (refused == 0)
        refused = check_transfer_encoding(parser);
    if (refused == 0)
        refused = parser->side == GW_HTTP_REQUESTS ? check_request(parser) : check_response(parser);
    if (refused != 0)
        return refused;
    llhttp->upgrade = 0; // never: the message keeps its own framing
    if (parser->expects_no_body)
        llhttp->flags |= F_SKIPBODY;
    // Where both stand on HTTP/1.0, llhttp goes by keep-alive.
    if ((llhttp->flags & F_CONNECTION_CLOSE) != 0)
        llhttp->flags &= (uint16_t)~F_CONNECTION_KEEP_ALIVE;
    head->keep_alive = llhttp_should_keep_alive(llhttp) != 0;
    parser->head_flags = llhttp->flags;
    parser->head_is_complete = true;
    parser->has_chunk_extension = false;
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
    if (parser->has_chunk_extension)
        return 0;
    uint64_t name_start = parser->body_offset + (uint64_t)(at - parser->fed);
    parser->has_chunk_extension = true;
    parser->chunk_digits = name_start - 1 - parser->chunk_line_start; // less the semicolon
    return 0;
}

// Paused for the feed alone, which knows then where the line ended.
static int on_chunk_header(llhttp_t *llhttp) {
    parser_of(llhttp)->event = GW_HTTP_WANT_INPUT;
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *llhttp) {
    struct gw_http_parser *parser = parser_of(llhttp);
    const uint16_t connection_flags =
        F_CONNECTION_CLOSE | F_CONNECTION_KEEP_ALIVE | F_CONNECTION_UPGRADE | F_UPGRADE;
    // Trailers have no say in what becomes of the connection.
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
    gw_http_parser_rest(parser);
}

void gw_http_parser_rest(struct gw_http_parser *parser) {
    gw_http_parser_forget(parser);
    free(parser->block);
    parser->block = NULL;
    parser->head = NULL;
}

void gw_http_parser_forget(struct gw_http_parser *parser) {
    if (parser->block == NULL)
        return;
    gw_bytes_wipe(parser->block->bytes, parser->block->length);
    parser->block->length = 0;
}

void gw_http_parser_expect_no_body(struct gw_http_parser *parser) {
    parser->expects_no_body = true;
}

// What llhttp itself refused, in terms of the answer it deserves.
static void explain(struct gw_http_parser *parser, llhttp_errno_t error) {
    if (parser->failure.error != GW_ERROR_NONE)
        return; // a callback has said it
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

// Empty lines may stand before a message (RFC 9112 section 2.2), but llhttp takes CR and LF there
// in any order.
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

#define CHUNK_DIGITS_MAX 16
#define CRLF_BYTES 2

// The line of a chunk's size, so far: llhttp bounds the number alone, neither its leading zeros nor
// an extension.
static bool chunk_line_ok(const struct gw_http_parser *parser) {
    if (parser->body_offset <= parser->chunk_line_start)
        return true;
    uint64_t length = parser->body_offset - parser->chunk_line_start;
    if (!parser->has_chunk_extension)
        return length <= CHUNK_DIGITS_MAX + CRLF_BYTES;
    return parser->chunk_digits <= CHUNK_DIGITS_MAX &&
           parser->extension_bytes + (length - parser->chunk_digits) <=
               GW_HTTP_CHUNK_EXTENSION_BYTES_MAX + CRLF_BYTES;
}

static bool end_chunk_line(struct gw_http_parser *parser) {
    uint64_t chunk_bytes = parser->llhttp.content_length;
    if (!chunk_line_ok(parser) || chunk_bytes > INT64_MAX)
        return false;
    uint64_t length = parser->body_offset - parser->chunk_line_start;
    if (parser->has_chunk_extension)
        parser->extension_bytes += (uint32_t)(length - parser->chunk_digits - CRLF_BYTES);
    parser->has_chunk_extension = false;
    parser->chunk_line_start = parser->body_offset + chunk_bytes + CRLF_BYTES;
    if (chunk_bytes == 0)
        parser->chunk_line_start = UINT64_MAX; // trailers follow
    return true;
}

// llhttp's next step; what it stopped for is `event`.
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
    if (parser->event == GW_HTTP_HEAD)
        parser->body_offset = parser->chunk_line_start = 0;
    else
        parser->body_offset += *taken;
    return error;
}

// Up to an event, or to the end of `left`.
static llhttp_errno_t execute_all(struct gw_http_parser *parser, struct gw_str *left) {
    for (;;) {
        size_t taken;
        llhttp_errno_t error = execute(parser, *left, &taken);
        *left = gw_str_slice(*left, taken, left->length);
        if (error != HPE_PAUSED || parser->event != GW_HTTP_WANT_INPUT)
            return error;
        if (!end_chunk_line(parser))
            return HPE_INVALID_CHUNK_SIZE;
    }
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
        !chunk_line_ok(parser))
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
        (void)llhttp_finish(&parser->llhttp); // says so to on_message_complete
    return !parser->in_message;
}

const struct gw_refusal *gw_http_parser_failure(const struct gw_http_parser *parser) {
    return &parser->failure;
}

bool gw_http_parser_in_message(const struct gw_http_parser *parser) {
    return parser->in_message;
}

// ---- reading a head ----

const struct gw_http_field *gw_http_head_field(const struct gw_http_head *head,
                                               enum gw_http_field_id id) {
    for (int i = 0; i < head->field_count; i++) {
        if (head->fields[i].id == id)
            return &head->fields[i];
    }
    return NULL;
}

int gw_http_head_count(const struct gw_http_head *head, enum gw_http_field_id id) {
    int count = 0;
    for (int i = 0; i < head->field_count; i++)
        count += head->fields[i].id == id;
    return count;
}
