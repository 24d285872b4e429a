// SPDX-License-Identifier: MIT
#include "gateway/api/ending.h"

#include "gateway/api/reply.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"

void gw_api_ending_init(struct gw_api_ending *ending, struct gw_exchange *exchange,
                        size_t bytes_max) {
    ending->exchange = exchange;
    gw_buf_init(&ending->body, bytes_max);
    gw_list_init(&ending->wait.link);
}

void gw_api_ending_deinit(struct gw_api_ending *ending) {
    db_events_cancel_wait(&ending->wait);
    gw_buf_deinit(&ending->body);
}

struct gw_json_writer *gw_api_ending_open(struct gw_api_ending *ending) {
    gw_json_writer_init(&ending->json, &ending->body);
    gw_json_open_object(&ending->json);
    return &ending->json;
}

static void write_count(struct gw_json_writer *json, const char *name, bool is_known, int count) {
    gw_json_key(json, name);
    if (is_known)
        gw_json_write_integer(json, count);
    else
        gw_json_write_null(json);
}

static void write_reach(struct gw_json_writer *json, enum gw_status waited,
                        const struct db_events_reach *reach) {
    bool is_known = waited != GW_UNAVAILABLE;
    if (waited == GW_OK) {
        write_count(json, "gateways", true, reach->applied);
        return;
    }
    write_count(json, "pending", is_known, reach->pending);
    write_count(json, "silent", is_known, reach->silent);
    gw_json_key(json, "until");
    if (is_known)
        gw_json_write_time(json, reach->until_ms);
    else
        gw_json_write_null(json);
}

static void finish(struct gw_api_ending *ending, int status) {
    gw_json_close_object(&ending->json);
    gw_api_reply_json(ending->exchange, status, &ending->json);
}

static void on_waited(struct db_events_wait *wait, enum gw_status status,
                      const struct db_events_reach *reach) {
    struct gw_api_ending *ending = gw_container_of(wait, struct gw_api_ending, wait);
    write_reach(&ending->json, status, reach);
    finish(ending, status == GW_OK ? 200 : 202);
}

void gw_api_ending_answer(struct gw_api_ending *ending, uint64_t event_seq, uint64_t wait_ms) {
    if (wait_ms == 0) {
        finish(ending, 200);
        return;
    }
    ending->wait.on_done = on_waited;
    db_events_wait_applied(ending->exchange->services->events, &ending->wait, event_seq, wait_ms);
}
