// SPDX-License-Identifier: MIT
#include "tests/support/noted_exchange.h"

#include <stdlib.h>
#include <string.h>

#define OUTPUT_BYTES_MAX ((size_t)1024 * 1024)

static struct noted_exchange *noted_of(const struct gw_exchange *exchange) {
    return gw_container_of(exchange, struct noted_exchange, exchange);
}

static struct gw_buf *on_output_asked(struct gw_exchange *exchange) {
    return &noted_of(exchange)->output;
}

static void on_output(struct gw_exchange *exchange) {
    (void)exchange;
}

static void on_response_end(struct gw_exchange *exchange) {
    noted_of(exchange)->end_count++;
}

static void on_response_broken(struct gw_exchange *exchange) {
    noted_of(exchange)->broken_count++;
}

static void on_body_wanted(struct gw_exchange *exchange, bool wanted) {
    (void)exchange;
    (void)wanted;
}

static size_t on_pending_asked(const struct gw_exchange *exchange) {
    return gw_buf_length(&noted_of(exchange)->output);
}

void noted_exchange_open(struct noted_exchange *noted) {
    static const struct gw_exchange_owner_calls calls = {.output = on_output_asked,
                                                         .on_output = on_output,
                                                         .on_response_end = on_response_end,
                                                         .on_response_broken = on_response_broken,
                                                         .on_body_wanted = on_body_wanted,
                                                         .pending_bytes = on_pending_asked};
    static const struct gw_config config = {.access_log = false};
    memset(noted, 0, sizeof(*noted));
    gw_assert(uv_loop_init(&noted->loop) == 0);
    noted->services.loop = &noted->loop;
    noted->services.metrics = &noted->metrics;
    noted->services.config = &config;
    gw_buf_init(&noted->output, OUTPUT_BYTES_MAX);
    gw_exchange_init(&noted->exchange, &noted->services, &calls);
}

void noted_exchange_close(struct noted_exchange *noted) {
    gw_exchange_deinit(&noted->exchange);
    gw_buf_deinit(&noted->output);
    gw_assert(uv_loop_close(&noted->loop) == 0);
}

int noted_exchange_set_up(void **state) {
    struct noted_exchange *noted = calloc(1, sizeof(*noted));
    gw_assert(noted != NULL);
    noted_exchange_open(noted);
    *state = noted;
    return 0;
}

int noted_exchange_tear_down(void **state) {
    struct noted_exchange *noted = *state;
    if (noted->is_started)
        noted_exchange_end(noted);
    noted_exchange_close(noted);
    free(noted);
    return 0;
}

struct gw_exchange *noted_exchange_start(struct noted_exchange *noted, llhttp_method_t method) {
    noted->request =
        (struct gw_http_head){.method = method, .version_minor = 1, .keep_alive = true};
    gw_exchange_start(&noted->exchange, &noted->request);
    noted->exchange.body_complete = true;
    noted->is_started = true;
    noted->end_count = noted->broken_count = 0;
    gw_buf_clear(&noted->output);
    return &noted->exchange;
}

void noted_exchange_end(struct noted_exchange *noted) {
    noted->is_started = false;
    gw_exchange_end(&noted->exchange);
}

static size_t head_length(struct gw_str output) {
    const char *end = memmem(output.at, output.length, "\r\n\r\n", 4);
    gw_assert(end != NULL);
    return (size_t)(end - output.at) + 4;
}

struct gw_str noted_exchange_body(const struct noted_exchange *noted) {
    struct gw_str output = gw_buf_bytes(&noted->output);
    return gw_str_slice(output, head_length(output), output.length);
}

bool noted_exchange_has(const struct noted_exchange *noted, const char *text) {
    struct gw_str output = gw_buf_bytes(&noted->output);
    return memmem(output.at, head_length(output), text, strlen(text)) != NULL;
}
