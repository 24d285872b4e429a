// SPDX-License-Identifier: MIT
#pragma once
// The head of a message, and the one block of memory that holds it together with the bytes that its
// slices point into. The block grows by moving; the slices move along. A head held a secret, so
// nothing of it is given back or left over without being overwritten.

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define GW_HTTP_FIELDS_MAX 100

// The fields that some code looks up; identified once, while parsing, in any letter case.
#define GW_HTTP_KNOWN_FIELDS(X)                                                                    \
    X(AUTHORIZATION, "authorization")                                                              \
    X(CONNECTION, "connection")                                                                    \
    X(CONTENT_LENGTH, "content-length")                                                            \
    X(CONTENT_TYPE, "content-type")                                                                \
    X(EXPECT, "expect")                                                                            \
    X(FORWARDED, "forwarded")                                                                      \
    X(HOST, "host")                                                                                \
    X(KEEP_ALIVE, "keep-alive")                                                                    \
    X(MAX_FORWARDS, "max-forwards")                                                                \
    X(TRACEPARENT, "traceparent")                                                                  \
    X(TRANSFER_ENCODING, "transfer-encoding")                                                      \
    X(X_FORWARDED_FOR, "x-forwarded-for")                                                          \
    X(X_FORWARDED_HOST, "x-forwarded-host")                                                        \
    X(X_FORWARDED_PROTO, "x-forwarded-proto")                                                      \
    X(X_REQUEST_ID, "x-request-id")

enum gw_http_field_id {
    GW_FIELD_OTHER,
#define X(id, name) GW_FIELD_##id,
    GW_HTTP_KNOWN_FIELDS(X)
#undef X
};

struct gw_http_field {
    struct gw_str name;  // as sent
    struct gw_str value; // without white space at its ends
    enum gw_http_field_id id;
};

struct gw_http_head {
    // Requests.
    llhttp_method_t method;
    struct gw_str method_name;
    struct gw_str target; // raw bytes, in origin form: an absolute form is taken apart
    struct gw_str host;   // of an absolute target, else of Host; empty on HTTP/1.0 without one
    bool expects_continue;
    // Responses.
    int status;
    // Both.
    uint8_t version_minor; // of HTTP/1
    bool keep_alive;       // the connection may be used again after this message
    bool is_chunked;
    bool has_content_length;
    uint64_t content_length;
    int field_count;
    struct gw_http_field fields[GW_HTTP_FIELDS_MAX];
};

// First field with this id, or NULL.
const struct gw_http_field *gw_http_head_field(const struct gw_http_head *head,
                                               enum gw_http_field_id id);
int gw_http_head_count(const struct gw_http_head *head, enum gw_http_field_id id);
// The value of a field that comes once; .at NULL without one, or with several.
struct gw_str gw_http_head_value_once(const struct gw_http_head *head, enum gw_http_field_id id);
// Which known field this is; GW_FIELD_OTHER.
enum gw_http_field_id gw_http_field_identify(struct gw_str name);

struct gw_http_head_block {
    struct gw_http_head head;
    size_t length;
    size_t capacity;
    char bytes[];
};

// An empty head: in *block, or in a new one where that is NULL.
enum gw_status gw_http_head_block_begin(struct gw_http_head_block **block) GW_MUST_USE;
// One more field, without name and value. GW_TOO_BIG: there are GW_HTTP_FIELDS_MAX.
enum gw_status gw_http_head_block_add_field(struct gw_http_head_block *block) GW_MUST_USE;
// Appends to the slice at `slice_offset` of the head, which is empty or the last that was appended
// to. May move *block.
enum gw_status gw_http_head_block_append(struct gw_http_head_block **block, size_t slice_offset,
                                         struct gw_str bytes) GW_MUST_USE;
// Overwrites the bytes and keeps the memory. NULL is harmless.
void gw_http_head_block_wipe(struct gw_http_head_block *block);
void gw_http_head_block_destroy(struct gw_http_head_block *block);
