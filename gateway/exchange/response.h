// SPDX-License-Identifier: MIT
#pragma once
// The head of a response as bytes, written in one pass. Pure: the exchange decides what it says.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

// A field of a response. Name and value are the gateway's own, or the parser checked them: no CR,
// LF, NUL.
struct gw_response_field {
    struct gw_str name;
    struct gw_str value;
};

#define GW_LENGTH_UNKNOWN UINT64_MAX

enum gw_response_connection {
    GW_CONNECTION_UNSAID,     // no field: HTTP/1.1 keeps the connection
    GW_CONNECTION_KEEP_ALIVE, // for HTTP/1.0
    GW_CONNECTION_CLOSE
};

struct gw_response_head {
    int status;
    const struct gw_response_field *fields;
    int field_count;
    uint64_t content_length; // GW_LENGTH_UNKNOWN: no Content-Length; nor with 204
    bool is_chunked;
    enum gw_response_connection connection;
    struct gw_str http_date; // for Date, unless it is among the fields
    struct gw_str request_id;
    struct gw_str trace_parent;  // empty: no traceparent
    struct gw_str server_timing; // empty: no Server-Timing
    int64_t token_expires_ms;    // DB_NO_TIME: no SkillReg-Token-Expires
    struct gw_str limit_fields;  // whole lines, may be empty
    struct gw_str site_fields;   // the same
};

// The head of an interim response, which has the fields given and no other.
enum gw_status gw_response_interim_write(struct gw_buf *out, int status,
                                         const struct gw_response_field *fields,
                                         int field_count) GW_MUST_USE;
// Appends status line, fields and the empty line. GW_NO_MEMORY, GW_TOO_BIG: appends nothing.
enum gw_status gw_response_head_write(struct gw_buf *out,
                                      const struct gw_response_head *head) GW_MUST_USE;
