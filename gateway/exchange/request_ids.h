// SPDX-License-Identifier: MIT
#pragma once
// The ids by which a request is found again in the logs of others: X-Request-Id, as a trusted proxy
// sent it, and the trace id of traceparent (W3C Trace Context), as anybody did. Both go into the
// log, the first into the response and to the registry as well, so they are taken in one form
// alone. Pure.

#include "base/status.h"
#include "base/str.h"
#include "gateway/http/parse.h"

#define GW_REQUEST_ID_LENGTH_MAX 64
#define GW_TRACE_ID_LENGTH 32

// The value of X-Request-Id: once, 1 to 64 of [A-Za-z0-9._-], and no token in it. False: ours has
// to do. Terminated.
bool gw_request_id_of_proxy(const struct gw_http_head *request,
                            char out[GW_REQUEST_ID_LENGTH_MAX + 1]) GW_MUST_USE;
// A slice of the head; empty without a valid traceparent, or with several.
struct gw_str gw_trace_id(const struct gw_http_head *request);
