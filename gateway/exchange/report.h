// SPDX-License-Identifier: MIT
#pragma once
// What the access log says of an exchange beyond its request and its response: noted on the way by
// those who know it, read once at the end. Times are taken always, because the metrics count them;
// without --access-log nothing else is noted. No I/O, no allocation.

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "db/token.h"
#include "gateway/http/errors.h"

struct gw_route;

enum gw_report_verdict { GW_REPORT_UNDECIDED, GW_REPORT_ALLOW, GW_REPORT_DENY, GW_REPORT_UNKNOWN };

// Where the answer about the token came from.
enum gw_report_source {
    GW_REPORT_NO_SOURCE, // nobody was asked
    GW_REPORT_HIT,       // memory
    GW_REPORT_MISS,      // the database was asked, or could not be
    GW_REPORT_JOINED,    // the database, which had been asked already
    GW_REPORT_STALE      // memory, the database being away
};

// A stretch of time, measured once or several times.
struct gw_report_time {
    uint64_t began_ns; // 0: not under way
    uint64_t took_ns;
    uint64_t ended_ns; // the last time
    bool is_known;
};

struct gw_report {
    bool is_wanted; // by the access log; otherwise there are only times
    enum gw_error error;
    enum gw_report_verdict verdict;
    enum gw_report_source source;
    struct gw_report_time whole;
    struct gw_report_time decision;
    struct gw_report_time lookup; // of the token in the database, a part of the decision
    struct gw_report_time registry;
    const struct gw_route *route;  // NULL: none was found
    struct gw_str original_method; // of the original request at /authz: valid as long as the head
    struct gw_str original_target;
    uint8_t token_id_length; // 0: no token was recognised
    uint8_t org_length;
    char token_id[DB_ID_LENGTH_MAX];
    char org[DB_SLUG_LENGTH_MAX];
};

// A request begins.
void gw_report_begin(struct gw_report *report, bool is_wanted);
// Harmless when it has begun, or ended, already.
void gw_report_begin_time(struct gw_report_time *time);
void gw_report_end_time(struct gw_report_time *time);
// The first decision about a request begins with the request itself, which saves a reading of the
// clock: what lies between, the search for the route, takes less than a microsecond.
void gw_report_begin_decision(struct gw_report *report);
// The token of the request is this one, whatever will be decided.
void gw_report_note_token(struct gw_report *report, const struct db_token_row *row);
// The request that a proxy asks about.
void gw_report_note_original(struct gw_report *report, struct gw_str method, struct gw_str target);

// For the log; empty: nothing is known.
struct gw_str gw_report_verdict_text(const struct gw_report *report);
struct gw_str gw_report_source_text(const struct gw_report *report);
// The code of the error that was answered, or that broke the response.
struct gw_str gw_report_error_code(const struct gw_report *report);
