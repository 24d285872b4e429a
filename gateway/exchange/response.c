// SPDX-License-Identifier: MIT
#include "gateway/exchange/response.h"

#include <string.h>

#include "base/clock.h"
#include "db/time.h"

// RFC 9110 section 15, and the codes registered since. An unknown status goes without a phrase (RFC
// 9112 section 4).
static struct gw_str reason_phrase(int status) {
    static const struct {
        int status;
        struct gw_str phrase;
    } phrases[] = {
        {102, GW_STR_INIT("Processing")},
        {103, GW_STR_INIT("Early Hints")},
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

static char *put_framing(char *at, const struct gw_response_head *head) {
    if (head->status != 204 && head->content_length != GW_LENGTH_UNKNOWN) {
        at = put(at, GW_STR("Content-Length: "));
        at = put_number(at, head->content_length);
        at = put(at, GW_STR("\r\n"));
    } else if (head->is_chunked) {
        at = put(at, GW_STR("Transfer-Encoding: chunked\r\n"));
    }
    if (head->connection == GW_CONNECTION_CLOSE)
        return put(at, GW_STR("Connection: close\r\n"));
    if (head->connection == GW_CONNECTION_KEEP_ALIVE)
        return put(at, GW_STR("Connection: keep-alive\r\n"));
    return at;
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

// Status line, Date, X-Request-Id, traceparent, Server-Timing, SkillReg-Token-Expires and framing,
// at their longest.
#define OWN_BYTES_MAX 640

static size_t bytes_of(const struct gw_response_field *fields, int field_count) {
    size_t bytes = 0;
    for (int i = 0; i < field_count; i++)
        bytes += fields[i].name.length + fields[i].value.length + 4;
    return bytes;
}

static char *put_fields(char *at, const struct gw_response_field *fields, int field_count) {
    for (int i = 0; i < field_count; i++)
        at = put_field(at, fields[i].name, fields[i].value);
    return at;
}

enum gw_status gw_response_interim_write(struct gw_buf *out, int status,
                                         const struct gw_response_field *fields, int field_count) {
    char *start;
    size_t bytes = OWN_BYTES_MAX + bytes_of(fields, field_count);
    gw_assert(status >= 100 && status < 200);
    enum gw_status result = gw_buf_reserve(out, bytes, &start);
    if (result != GW_OK)
        return result;
    char *at = put_fields(put_status_line(start, status), fields, field_count);
    gw_buf_commit_to(out, put(at, GW_STR("\r\n")));
    return GW_OK;
}

enum gw_status gw_response_head_write(struct gw_buf *out, const struct gw_response_head *head) {
    char *start;
    size_t bytes = OWN_BYTES_MAX + head->limit_fields.length + head->site_fields.length +
                   bytes_of(head->fields, head->field_count);
    gw_assert(head->status >= 100 && head->status <= 999);
    gw_assert(!head->is_chunked || head->content_length == GW_LENGTH_UNKNOWN);
    enum gw_status result = gw_buf_reserve(out, bytes, &start);
    if (result != GW_OK)
        return result;
    char *at = put_status_line(start, head->status);
    if (!has_date(head->fields, head->field_count))
        at = put_field(at, GW_STR("Date"), head->http_date);
    at = put_field(at, GW_STR("X-Request-Id"), head->request_id);
    if (head->trace_parent.length > 0)
        at = put_field(at, GW_STR("traceparent"), head->trace_parent);
    if (head->server_timing.length > 0)
        at = put_field(at, GW_STR("Server-Timing"), head->server_timing);
    if (head->token_expires_ms != DB_NO_TIME)
        at = put_token_expires(at, head->token_expires_ms);
    at = put_fields(at, head->fields, head->field_count);
    if (head->limit_fields.length > 0)
        at = put(at, head->limit_fields);
    if (head->site_fields.length > 0)
        at = put(at, head->site_fields);
    at = put_framing(at, head);
    at = put(at, GW_STR("\r\n"));
    gw_assert((size_t)(at - start) <= bytes);
    gw_buf_commit(out, (size_t)(at - start));
    return GW_OK;
}
