// SPDX-License-Identifier: MIT
#pragma once
// What a login by a code is asked with (gateway/api/device_login.h): the code of a poll, what a
// program calls itself, the bodies of a look at a login and of its approval. Pure. The sentence of
// a refusal names the field; it is static or in `arena`, and never repeats a code.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base64url.h"
#include "base/str.h"
#include "gateway/http/errors.h"
#include "gateway/http/parse.h"
#include "token/scope.h"
#include "token/user_code.h"

#define GW_DEVICE_CODE_RANDOM_BYTES 32
#define GW_DEVICE_CODE_LENGTH gw_base64url_length(GW_DEVICE_CODE_RANDOM_BYTES)

// The parameter device_code of a raw query (.at NULL without one), once. False: it is missing.
// Empty: there can be no such code.
bool gw_device_poll_parse(struct gw_str query, struct gw_str *code,
                          struct gw_refusal *refusal) GW_MUST_USE;

// The field User-Agent as others may read it: printable ASCII, no secret of a token, and cut at
// DB_USER_AGENT_LENGTH_MAX. .at NULL: there is none, or no memory.
struct gw_str gw_device_user_agent(struct gw_arena *arena, const struct gw_http_head *request);

struct gw_device_approval {
    char user_code[GW_USER_CODE_LENGTH + 1];
    gw_scope_set scopes;       // without admin
    int64_t expires_ms;        // DB_NO_TIME: not said
    struct gw_str token_name;  // the person's, or what a login without one is called
    struct gw_str description; // name and address of the person; .at NULL: neither is known
};
// `now_ms` is wall clock: expiresIn counts from there.
bool gw_device_approval_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                              struct gw_device_approval *approval,
                              struct gw_refusal *refusal) GW_MUST_USE;
bool gw_device_lookup_parse(struct gw_arena *arena, struct gw_str body,
                            char user_code[GW_USER_CODE_LENGTH + 1],
                            struct gw_refusal *refusal) GW_MUST_USE;
