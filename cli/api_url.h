// SPDX-License-Identifier: MIT
#pragma once
// The gateway's address and the paths below it (RFC 3986).

#include <stdbool.h>

#include "base/buf.h"
#include "cli/outcome.h"

#define CLI_API_URL_BYTES_MAX 1024

// Brings an address as people write it (with or without a trailing slash, with or without /api/v1,
// with or without a path prefix) to "scheme://host[:port][/prefix]/api/v1". CLI_USAGE: no http or
// https URL; user information, query or fragment in it; or plain http to another machine than this
// one without `insecure_http`.
enum cli_exit cli_api_url_base(const char *address, bool insecure_http,
                               char out[CLI_API_URL_BYTES_MAX], struct cli_reason *why) GW_MUST_USE;
// The address that names a gateway in the settings file, and by which two are compared: a base URL
// without /api/v1, in lower case up to the path, without the default port.
void cli_api_url_address(const char *base_url, char out[CLI_API_URL_BYTES_MAX]);
// True for localhost, 127.0.0.0/8 and [::1], by the name in the URL alone: nothing is resolved.
bool cli_api_url_is_loopback(const char *url);
// Appends `text` with every character but the unreserved ones percent-encoded (RFC 3986
// section 2.3).
enum gw_status cli_api_url_append_encoded(struct gw_buf *url, struct gw_str text) GW_MUST_USE;
// Appends "/" and `segment`, encoded in the same way.
enum gw_status cli_api_url_append_segment(struct gw_buf *path, struct gw_str segment) GW_MUST_USE;
