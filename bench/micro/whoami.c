// SPDX-License-Identifier: MIT
// The answer: whoami's JSON and the head before it, written to the buffer of a connection that
// sends nothing.
#include "bench/micro/micro.h"

#include <stdlib.h>

#include "gateway/api/whoami.h"
#include "gateway/exchange/exchange.h"
#include "gateway/settings/config.h"

#define OUTPUT_BYTES_MAX (64 * 1024)

struct whoami_state {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_http_head request;
    struct gw_exchange exchange;
    struct gw_buf output;
};

static struct gw_buf *output_of(struct gw_exchange *exchange) {
    return &gw_container_of(exchange, struct whoami_state, exchange)->output;
}

static void ignore(struct gw_exchange *exchange) {
    (void)exchange;
}

static void ignore_wanted(struct gw_exchange *exchange, bool wanted) {
    (void)exchange;
    (void)wanted;
}

static size_t nothing_pending(const struct gw_exchange *exchange) {
    (void)exchange;
    return 0;
}

static const struct gw_exchange_owner_calls owner = {
    .output = output_of,
    .on_output = ignore,
    .on_response_end = ignore,
    .on_response_broken = ignore,
    .on_body_wanted = ignore_wanted,
    .pending_bytes = nothing_pending,
};

static const struct db_token_row identity = {
    .id = GW_STR_INIT("clmwtu1bfqjq9j7bch00np51"),
    .name = GW_STR_INIT("ci-deploy"),
    .prefix = GW_STR_INIT("sr_live_0042"),
    .scopes = 3,
    .created_ms = 1767225600000,
    .last_used_ms = 1767225600000,
    .expires_ms = DB_NO_TIME,
    .org_id = GW_STR_INIT("clmwtu1bfqjq9j7bch00np50"),
    .org_slug = GW_STR_INIT("acme"),
    .org_name = GW_STR_INIT("acme"),
};

static const struct gw_config config; // no access log

static void answer(struct whoami_state *state) {
    gw_exchange_start(&state->exchange, &state->request);
    state->exchange.body_complete = true;
    state->exchange.identity = identity;
    state->exchange.has_identity = true;
    gw_whoami_start(&state->exchange);
    gw_exchange_end(&state->exchange);
}

static void *create(void) {
    struct whoami_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return NULL;
    if (uv_loop_init(&state->loop) != 0) {
        free(state);
        return NULL;
    }
    state->services.loop = &state->loop;
    state->services.metrics = &state->metrics;
    state->services.config = &config;
    state->request.method = HTTP_GET;
    state->request.version_minor = 1;
    state->request.keep_alive = true;
    gw_buf_init(&state->output, OUTPUT_BYTES_MAX);
    gw_exchange_init(&state->exchange, &state->services, &owner);
    return state;
}

static void destroy(void *opaque) {
    struct whoami_state *state = opaque;
    gw_exchange_deinit(&state->exchange);
    gw_buf_deinit(&state->output);
    uv_loop_close(&state->loop);
    free(state);
}

static void run(void *opaque, long count) {
    struct whoami_state *state = opaque;
    for (long i = 0; i < count; i++) {
        answer(state);
        bench_keep(gw_buf_bytes(&state->output).at);
        gw_buf_clear(&state->output);
    }
}

const struct bench_micro bench_whoami = {"whoami: JSON and head", create, run, destroy, NULL};
