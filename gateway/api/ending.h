// SPDX-License-Identifier: MIT
#pragma once
// The answer of a request that took rights away: an object, which says how far that has come where
// the request waits for the other gateways. Embedded in the call of a handler.

#include "base/buf.h"
#include "base/json.h"
#include "db/events.h"

struct gw_exchange;

struct gw_api_ending {
    struct gw_exchange *exchange;
    struct gw_buf body;
    struct gw_json_writer json;
    struct db_events_wait wait;
};

// `bytes_max` of the answer.
void gw_api_ending_init(struct gw_api_ending *ending, struct gw_exchange *exchange,
                        size_t bytes_max);
// The call is over: answered or not.
void gw_api_ending_deinit(struct gw_api_ending *ending);

// Opens the object. What is written into it until the next call is copied at once.
struct gw_json_writer *gw_api_ending_open(struct gw_api_ending *ending);
// Closes it and answers: at once with 200 where `wait_ms` is 0; else with 200 and `gateways`, how
// many have applied the event, as soon as all have; or with 202 at the end of that time: `pending`
// live ones and `silent` ones, whose heartbeat is old, have not, and may go by what was before up
// to `until`. These are null when the database did not answer.
void gw_api_ending_answer(struct gw_api_ending *ending, uint64_t event_seq, uint64_t wait_ms);
