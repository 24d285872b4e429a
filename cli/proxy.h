// SPDX-License-Identifier: MIT
#pragma once
// The proxy on the way to a gateway, for messages: libcurl chooses it by the environment and names
// it in its errors with what is in front of the host, which may be a password.

#include "base/status.h"

#define CLI_PROXY_BYTES_MAX 280

// " host:port" of the variable that libcurl reads for this address (https_proxy, HTTPS_PROXY,
// http_proxy; all_proxy, ALL_PROXY); empty where none is set, or where it cannot be told from a
// password.
void cli_proxy_name(const char *base_url, char out[CLI_PROXY_BYTES_MAX]);
