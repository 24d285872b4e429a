// SPDX-License-Identifier: MIT
// The answer: whoami's JSON and the head before it, written to the buffer of a connection that
// sends nothing. And the same with a line of the access log, in both forms: the difference is what
// a line costs, the thread that writes it included.
#include "bench/micro/micro.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_writer.h"
#include "gateway/api/whoami.h"
#include "gateway/client/access_log.h"
#include "gateway/exchange/exchange.h"
#include "gateway/settings/config.h"

#define OUTPUT_BYTES_MAX (64 * 1024)
#define LINES_AT_ONCE 200 // as many as a busy gateway's thread finds

struct whoami_state {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_http_head request;
    struct gw_exchange exchange;
    struct gw_buf output;
    int standard_error; // while the log goes to /dev/null; -1: there is no log
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
static const struct gw_config config_with_log = {.access_log = true};
static const struct gw_route route = {.pattern = "/api/v1/auth/whoami"};

// What is read from the head of a request.
static void fill(struct gw_http_head *request) {
    static const struct gw_http_field fields[] = {
        {GW_STR_INIT("Host"), GW_STR_INIT("127.0.0.1:8080"), GW_FIELD_HOST},
        {GW_STR_INIT("Authorization"), GW_STR_INIT("Bearer " BENCH_TOKEN), GW_FIELD_AUTHORIZATION},
    };
    request->method = HTTP_GET;
    request->method_name = GW_STR("GET");
    request->target = GW_STR("/api/v1/auth/whoami");
    request->version_minor = 1;
    request->keep_alive = true;
    request->field_count = sizeof(fields) / sizeof(fields[0]);
    memcpy(request->fields, fields, sizeof(fields));
}

// As the decision does.
static void decide(struct gw_exchange *exchange) {
    exchange->body_complete = true;
    exchange->identity = identity;
    exchange->has_identity = true;
    exchange->report.route = &route;
    gw_report_begin_decision(&exchange->report);
    gw_report_note_token(&exchange->report, &identity);
    if (exchange->report.is_wanted)
        gw_report_end_time(&exchange->report.decision);
    exchange->report.source = GW_REPORT_HIT;
    exchange->report.verdict = GW_REPORT_ALLOW;
}

static void answer(struct whoami_state *state) {
    gw_exchange_start(&state->exchange, &state->request);
    decide(&state->exchange);
    gw_whoami_start(&state->exchange);
    gw_report_end_time(&state->exchange.report.whole);
    gw_access_log_write(&state->exchange);
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
    fill(&state->request);
    gw_buf_init(&state->output, OUTPUT_BYTES_MAX);
    gw_exchange_init(&state->exchange, &state->services, &owner);
    const struct gw_ip ip = gw_ip_from_v4((const unsigned char[]){192, 0, 2, 7});
    state->exchange.client = gw_client_at(&ip);
    state->standard_error = -1;
    return state;
}

static void *create_logged(enum gw_log_form form) {
    struct whoami_state *state = create();
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (state == NULL || nowhere < 0)
        abort();
    state->services.config = &config_with_log;
    state->standard_error = dup(STDERR_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)close(nowhere);
    gw_log_set_form(form);
    gw_log_writer_start();
    return state;
}

static void *create_text(void) {
    return create_logged(GW_LOG_TEXT);
}

static void *create_json(void) {
    return create_logged(GW_LOG_JSON);
}

static void end_log(const struct whoami_state *state) {
    gw_log_writer_stop();
    gw_log_set_form(GW_LOG_TEXT);
    (void)dup2(state->standard_error, STDERR_FILENO);
    (void)close(state->standard_error);
}

static void destroy(void *opaque) {
    struct whoami_state *state = opaque;
    if (state->standard_error >= 0)
        end_log(state);
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
        if (state->standard_error >= 0 && i % LINES_AT_ONCE == 0)
            (void)gw_log_writer_flush(GW_LOG_FLUSH_TIMEOUT_MS);
    }
}

const struct bench_micro bench_whoami = {"whoami: JSON and head", create, run, destroy, NULL};
const struct bench_micro bench_whoami_text = {"whoami, logged as text", create_text, run, destroy,
                                              NULL};
const struct bench_micro bench_whoami_json = {"whoami, logged as JSON", create_json, run, destroy,
                                              NULL};
