// SPDX-License-Identifier: MIT
#pragma once
// What a server says to a login by a code: the codes that it begins with, and how far it is. Pure.
//
// The server is a gateway or a registry that answers itself: `verificationUrl` may be a path or a
// whole address, and the end is called complete or completed. Texts that are shown are foreign and
// bounded; cli/output.h makes them harmless.

#include "base/arena.h"
#include "base/json.h"
#include "cli/outcome.h"

#define CLI_DEVICE_SECRET_BYTES_MAX 513
#define CLI_DEVICE_USER_CODE_BYTES_MAX 65
#define CLI_DEVICE_URL_BYTES_MAX 2048
#define CLI_DEVICE_INTERVAL_S 3 // unless the server says another, of 1 to CLI_DEVICE_INTERVAL_S_MAX
#define CLI_DEVICE_INTERVAL_S_MAX 60
#define CLI_DEVICE_LIFE_S 300 // the same, up to CLI_DEVICE_LIFE_S_MAX
#define CLI_DEVICE_LIFE_S_MAX 3600

struct cli_device_code {
    char secret[CLI_DEVICE_SECRET_BYTES_MAX]; // wiped by the caller
    char user_code[CLI_DEVICE_USER_CODE_BYTES_MAX];
    char url[CLI_DEVICE_URL_BYTES_MAX]; // whole, to be opened in a browser
    int64_t interval_s;
    int64_t life_s;
};

// `base_url` as cli_api_url_base makes it: a path is one below its address, without /api/v1.
// GW_INVALID: a code is missing or too long, or the address is none of http or https.
enum gw_status cli_device_code_read(struct gw_json root, const char *base_url,
                                    struct gw_arena *arena,
                                    struct cli_device_code *code) GW_MUST_USE;

enum cli_device_state { CLI_DEVICE_PENDING, CLI_DEVICE_COMPLETE };

// `token` is in the answer or in `arena`, .at NULL while pending. GW_INVALID: neither state, or a
// complete one without a token.
enum gw_status cli_device_state_read(struct gw_json root, struct gw_arena *arena,
                                     enum cli_device_state *state,
                                     struct gw_str *token) GW_MUST_USE;
