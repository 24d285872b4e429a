// SPDX-License-Identifier: MIT
#pragma once
// What the settings file holds for one gateway. A token belongs to the address that it was verified
// with, and is sent to no other: the top-level `token` and `org` to the top-level `apiUrl`; those
// of further gateways stand under "gateways", by address. Addresses are compared as
// cli_api_url_address makes them. A token without an address is sent nowhere; an organisation
// without one counts for every gateway.

#include "cli/api_url.h"
#include "cli/config_file.h"

struct cli_stored_login {
    char address[CLI_API_URL_BYTES_MAX]; // of the gateway asked for
    // Slices of the file, until the next set or close; .at NULL: not there.
    struct gw_str token;
    struct gw_str org;
    struct gw_str
        default_url;        // the top-level apiUrl, whose gateway is asked unless another is named
    bool is_default;        // this gateway is that one
    bool is_token_homeless; // there is a token at the top level, and no apiUrl
};

// For the gateway at `base_url` (as cli_api_url_base makes it).
enum cli_exit cli_stored_login_find(struct cli_config_file *file, const char *base_url,
                                    struct cli_stored_login *stored,
                                    struct cli_reason *why) GW_MUST_USE;
// Puts the token in its place, in memory: at the top level, with its address, where that belongs to
// this gateway or to none. The file is not saved.
enum cli_exit cli_stored_login_put(struct cli_config_file *file, const char *base_url,
                                   struct gw_str token, struct cli_reason *why) GW_MUST_USE;
// Takes the token out of its place, in memory, and nothing else. The file is not saved.
enum cli_exit cli_stored_login_forget(struct cli_config_file *file, const char *base_url,
                                      struct cli_reason *why) GW_MUST_USE;
