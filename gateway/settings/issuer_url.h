// SPDX-License-Identifier: MIT
#pragma once
// The URL of an issuer of identity tokens, or of its keys, as an operator writes it or a discovery
// document has it (OpenID Connect Discovery 1.0 section 3): https://host[:port][/path]. Pure.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

#define GW_ISSUER_URL_BYTES_MAX 255

// Slices of the text.
struct gw_issuer_url {
    struct gw_str origin; // "https://host:port", as gateway/upstream/url.h takes it
    struct gw_str path;   // "/..." with the query, if there is one, or empty
};

// Visible ASCII that needs no escape in a request target. A fragment and user information are
// refused, a query unless it is `may_query`; the host is not looked at. GW_INVALID: *problem is a
// static sentence for the operator.
enum gw_status gw_issuer_url_split(struct gw_str text, bool may_query, struct gw_issuer_url *url,
                                   const char **problem) GW_MUST_USE;
