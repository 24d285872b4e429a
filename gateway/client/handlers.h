// SPDX-License-Identifier: MIT
#pragma once
// Which handler answers a request, by its route, and what a connection passes on to it. Every
// function works on an exchange that was started; one without a handler, or whose handler does not
// implement a call, is fine.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "gateway/exchange/exchange.h"

// Matches the request with a route. False: no handler may see it, and the exchange is answered.
bool gw_handlers_match(struct gw_exchange *exchange) GW_MUST_USE;
// Starts the handler of the route that was matched. The verdict was to allow it.
void gw_handlers_start(struct gw_exchange *exchange);
// Body bytes, valid during the call. Nothing is passed on behind a complete response.
void gw_handlers_pass_body(struct gw_exchange *exchange, struct gw_str bytes);
void gw_handlers_end_body(struct gw_exchange *exchange);
// The client takes bytes again.
void gw_handlers_resume(struct gw_exchange *exchange);
// The request does not come whole: its handler is over, and so is what it answers.
void gw_handlers_dismiss(struct gw_exchange *exchange);
