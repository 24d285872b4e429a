// SPDX-License-Identifier: MIT
#pragma once
// Requests of the token API: bodies, queries and fields, read and checked. Pure. The sentence of a
// refusal names the field. What a list is asked for is read in gateway/api/list_request.h.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ip.h"
#include "base/str.h"
#include "gateway/http/errors.h"
#include "gateway/http/parse.h"
#include "token/scope.h"

#define GW_IDEMPOTENCY_KEY_LENGTH_MAX 64

struct gw_token_request {
    struct gw_str name;
    struct gw_str description; // .at NULL: none
    gw_scope_set scopes;
    int64_t expires_ms; // DB_NO_TIME: never
    const struct gw_ip_range *allowed_ips;
    uint8_t allowed_ip_count; // 0: anywhere
    bool binds_children;
    bool rotates_itself;
    struct gw_str bound_san; // .at NULL: not asked for
};

// True: fills *request; slices point into `body` or `arena`. False: fills *refusal, whose message
// is static or in `arena`: 400 for a body that is not JSON, 422 for a wrong field or one that is
// not known. `now_ms` is wall clock: expiresIn counts from there.
bool gw_token_request_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                            struct gw_token_request *request,
                            struct gw_refusal *refusal) GW_MUST_USE;

struct gw_rotate_request {
    int64_t overlap_s;  // 0 to GW_ROTATE_OVERLAP_S_MAX
    int64_t expires_ms; // of the successor; DB_NO_TIME: not given
};
// The body of a rotation, as above; an empty one takes the defaults.
bool gw_rotate_request_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                             struct gw_rotate_request *request,
                             struct gw_refusal *refusal) GW_MUST_USE;
// The field Idempotency-Key: 1 to GW_IDEMPOTENCY_KEY_LENGTH_MAX visible ASCII characters, once;
// otherwise 400. .at NULL without the field.
bool gw_idempotency_key_read(const struct gw_http_head *request, struct gw_str *key,
                             struct gw_refusal *refusal) GW_MUST_USE;
