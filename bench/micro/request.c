// SPDX-License-Identifier: MIT
// The request before the decision: its head parsed, its route found.
#include "bench/micro/micro.h"

#include <stdlib.h>

#include "gateway/exchange/router.h"
#include "gateway/http/parse.h"

struct request_state {
    struct gw_http_parser parser;
};

static void ignore_body(struct gw_http_parser *parser, struct gw_str bytes) {
    (void)parser;
    (void)bytes;
}

// One whole message; true when it was read as one.
static bool parse(struct gw_http_parser *parser) {
    struct gw_str rest = GW_STR(BENCH_REQUEST);
    enum gw_http_event event;
    do {
        size_t consumed = 0;
        event = gw_http_parser_feed(parser, rest, &consumed);
        rest = gw_str_slice(rest, consumed, rest.length);
    } while (event == GW_HTTP_HEAD);
    return event == GW_HTTP_END && rest.length == 0;
}

static void *create(void) {
    struct request_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return NULL;
    gw_http_parser_init(&state->parser, GW_HTTP_REQUESTS, ignore_body);
    if (parse(&state->parser))
        return state;
    gw_http_parser_deinit(&state->parser);
    free(state);
    return NULL;
}

static void destroy(void *opaque) {
    struct request_state *state = opaque;
    gw_http_parser_deinit(&state->parser);
    free(state);
}

static void run_parse(void *opaque, long count) {
    struct request_state *state = opaque;
    for (long i = 0; i < count; i++) {
        gw_http_parser_forget(&state->parser);
        bool is_whole = parse(&state->parser);
        bench_keep(&is_whole);
    }
}

// The head of the last message stays until the next begins.
static void run_match(void *opaque, long count) {
    struct request_state *state = opaque;
    for (long i = 0; i < count; i++) {
        struct gw_route_match match;
        const struct gw_http_head *head = state->parser.head;
        enum gw_route_outcome outcome =
            gw_router_match(GW_SITE_GATEWAY, head->method_name, head->target, &match);
        bench_keep(&outcome);
        bench_keep(&match);
    }
}

const struct bench_micro bench_http_parse = {"request: parse, wipe", create, run_parse, destroy,
                                             NULL};
const struct bench_micro bench_router_match = {"request: route", create, run_match, destroy, NULL};
