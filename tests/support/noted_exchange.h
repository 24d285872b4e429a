// SPDX-License-Identifier: MIT
#pragma once
// An exchange whose connection only takes notes: for handlers that answer without a loop turning.

#include "gateway/exchange/exchange.h"

struct noted_exchange {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_http_head request;
    struct gw_exchange exchange;
    struct gw_buf output; // what the client would get
    int end_count;
    int broken_count;
    bool is_started; // and not ended
};

void noted_exchange_open(struct noted_exchange *noted);
void noted_exchange_close(struct noted_exchange *noted);
// For cmocka: *state is an open one; behind the test it is ended, unless the test did, and closed.
int noted_exchange_set_up(void **state);
int noted_exchange_tear_down(void **state);
// The next request: HTTP/1.1, without a body.
struct gw_exchange *noted_exchange_start(struct noted_exchange *noted, llhttp_method_t method);
// Ends the request, as the connection does when the response is complete or the client has left.
void noted_exchange_end(struct noted_exchange *noted);
// The body of the response that stands in `output`.
struct gw_str noted_exchange_body(const struct noted_exchange *noted);
// Whether `text` stands in the head of that response.
bool noted_exchange_has(const struct noted_exchange *noted, const char *text);
