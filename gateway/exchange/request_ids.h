// SPDX-License-Identifier: MIT
#pragma once
// The id by which a request is found again in the logs of others: X-Request-Id, as a trusted proxy
// sent it. It goes into the log, into the response and to the registry as well, so it is taken in
// one form alone. Pure.

#include "base/status.h"
#include "base/str.h"
#include "gateway/http/parse.h"

#define GW_REQUEST_ID_LENGTH_MAX 64

// The value of X-Request-Id: once, 1 to 64 of [A-Za-z0-9._-], and no token in it. False: ours has
// to do. Terminated.
bool gw_request_id_of_proxy(const struct gw_http_head *request,
                            char out[GW_REQUEST_ID_LENGTH_MAX + 1]) GW_MUST_USE;
