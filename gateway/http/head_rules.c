// SPDX-License-Identifier: MIT
#include "gateway/http/head_rules.h"

#include "base/ascii.h"
#include "base/host_port.h"
#include "base/ip.h"

// ---- refusals ----

static const struct gw_refusal bad_content_length = {GW_ERROR_BAD_REQUEST,
                                                     "Content-Length is not one plain number."};
static const struct gw_refusal unsupported_coding = {GW_ERROR_NOT_IMPLEMENTED,
                                                     "This transfer coding is not supported."};
static const struct gw_refusal bad_coding = {GW_ERROR_BAD_REQUEST,
                                             "Transfer-Encoding is not a lone chunked."};
static const struct gw_refusal ambiguous_length = {GW_ERROR_BAD_REQUEST,
                                                   "The length of the message is ambiguous."};
static const struct gw_refusal not_one_host = {GW_ERROR_BAD_REQUEST,
                                               "There must be exactly one Host field."};
static const struct gw_refusal bad_host = {GW_ERROR_BAD_REQUEST, "The Host field is no host."};
static const struct gw_refusal bad_target = {GW_ERROR_BAD_REQUEST, "The request target is no URL."};
static const struct gw_refusal bad_expectation = {GW_ERROR_EXPECTATION_FAILED,
                                                  "Only 100-continue can be expected."};
static const struct gw_refusal bad_status = {GW_ERROR_BAD_REQUEST,
                                             "The status is not one of HTTP/1.1."};

// ---- framing ----

static const struct gw_refusal *check_content_length(struct gw_http_head *head) {
    int count = gw_http_head_count(head, GW_FIELD_CONTENT_LENGTH);
    if (count == 0)
        return NULL;
    const struct gw_http_field *field = gw_http_head_field(head, GW_FIELD_CONTENT_LENGTH);
    if (count > 1 || field->value.length > 19 ||
        gw_str_to_u64(field->value, &head->content_length) != GW_OK)
        return &bad_content_length;
    head->has_content_length = true;
    return NULL;
}

static bool is_known_coding(struct gw_str coding) {
    return gw_str_equal_nocase(coding, GW_STR("gzip")) ||
           gw_str_equal_nocase(coding, GW_STR("x-gzip")) ||
           gw_str_equal_nocase(coding, GW_STR("deflate")) ||
           gw_str_equal_nocase(coding, GW_STR("compress")) ||
           gw_str_equal_nocase(coding, GW_STR("x-compress"));
}

// RFC 9112 section 6.1: of all that is legal only a lone "chunked" is accepted.
static const struct gw_refusal *check_transfer_encoding(struct gw_http_head *head,
                                                        bool frames_chunks) {
    int count = gw_http_head_count(head, GW_FIELD_TRANSFER_ENCODING);
    if (count == 0)
        return NULL;
    struct gw_str coding = gw_http_head_field(head, GW_FIELD_TRANSFER_ENCODING)->value;
    if (count == 1 && is_known_coding(gw_str_slice(coding, 0, gw_str_find(coding, ','))))
        return &unsupported_coding;
    if (count > 1 || !gw_str_equal_nocase(coding, GW_STR("chunked")))
        return &bad_coding;
    if (head->version_minor == 0 || head->has_content_length || !frames_chunks)
        return &ambiguous_length;
    head->is_chunked = true;
    return NULL;
}

const struct gw_refusal *gw_http_head_check_framing(struct gw_http_head *head, bool frames_chunks) {
    gw_assert(!head->has_content_length && !head->is_chunked);
    const struct gw_refusal *refusal = check_content_length(head);
    return refusal != NULL ? refusal : check_transfer_encoding(head, frames_chunks);
}

// ---- hosts ----

// A bit for each character that RFC 3986 section 3.2.2 allows in a name, except the comma, which
// would make it a list.
static bool is_host_char(char c) {
    static const uint64_t allowed[2] = {
        0x2bff6ff200000000, // ! $ % & ' ( ) * + - . 0-9 ; =
        0x47fffffe87fffffe, // A-Z _ a-z ~
    };
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (allowed[byte >> 6] >> (byte & 63) & 1) != 0;
}

static bool is_escape_at(struct gw_str text, size_t at) {
    return text.length - at > 2 && gw_ascii_hex_value(text.at[at + 1]) >= 0 &&
           gw_ascii_hex_value(text.at[at + 2]) >= 0;
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

static bool is_host_name(struct gw_str name) {
    for (size_t i = 0; i < name.length; i++) {
        if (!is_host_char(name.at[i]) || (name.at[i] == '%' && !is_escape_at(name, i)))
            return false;
    }
    return name.length > 0;
}

// uri-host [ ":" port ] (RFC 9110 section 7.2), the host not empty; the port may be, and has any
// number of digits.
static bool is_host(struct gw_str text) {
    struct gw_host_port parts;
    if (gw_host_port_split(text, &parts) != GW_OK)
        return false;
    for (size_t i = 0; i < parts.port.length; i++) {
        if (!gw_ascii_is_digit(parts.port.at[i]))
            return false;
    }
    return parts.is_bracketed ? is_ip_literal(parts.host) : is_host_name(parts.host);
}

// ---- requests and responses ----

static const struct gw_refusal *check_host(struct gw_http_head *head) {
    int count = gw_http_head_count(head, GW_FIELD_HOST);
    if (count == 0 && head->version_minor == 0)
        return NULL;
    if (count != 1)
        return &not_one_host;
    head->host = gw_http_head_field(head, GW_FIELD_HOST)->value;
    return is_host(head->host) ? NULL : &bad_host;
}

// Absolute-form (RFC 9112 section 3.2.2): its authority replaces Host, the rest is the target.
static const struct gw_refusal *check_target(struct gw_http_head *head) {
    struct gw_str target = head->target;
    size_t scheme_length = 0;
    if (gw_str_equal_nocase(gw_str_slice(target, 0, 7), GW_STR("http://")))
        scheme_length = 7;
    else if (gw_str_equal_nocase(gw_str_slice(target, 0, 8), GW_STR("https://")))
        scheme_length = 8;
    else
        return NULL;
    struct gw_str rest = gw_str_slice(target, scheme_length, target.length);
    size_t authority_length = gw_str_find(rest, '/');
    head->host = gw_str_slice(rest, 0, authority_length);
    head->target = gw_str_slice(rest, authority_length, rest.length);
    if (head->target.length == 0)
        head->target = GW_STR("/");
    return is_host(head->host) ? NULL : &bad_target;
}

static const struct gw_refusal *check_expect(struct gw_http_head *head) {
    const struct gw_http_field *expect = gw_http_head_field(head, GW_FIELD_EXPECT);
    if (expect == NULL || head->version_minor == 0)
        return NULL;
    if (gw_http_head_count(head, GW_FIELD_EXPECT) != 1 ||
        !gw_str_equal_nocase(expect->value, GW_STR("100-continue")))
        return &bad_expectation;
    head->expects_continue = true;
    return NULL;
}

const struct gw_refusal *gw_http_head_check_request(struct gw_http_head *head) {
    gw_assert(head->status == 0 && !head->expects_continue);
    const struct gw_refusal *refusal = check_host(head);
    if (refusal == NULL)
        refusal = check_target(head);
    return refusal != NULL ? refusal : check_expect(head);
}

// The gateway never asks for an upgrade: the bytes after a 101 would not be HTTP.
const struct gw_refusal *gw_http_head_check_response(const struct gw_http_head *head) {
    bool is_known = head->status >= 100 && head->status <= 599 && head->status != 101;
    return is_known ? NULL : &bad_status;
}
