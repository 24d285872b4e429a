// SPDX-License-Identifier: MIT
#pragma once
// A list that comes in several answers, gathered to be printed as one: as a table, or as one JSON
// array of the elements as they came.

#include "cli/session.h"
#include "cli/table.h"

struct cli_listing_kind {
    const char *key;   // of the array, in an answer and in the output of --json
    const char *empty; // printed instead of a table without rows
    const struct cli_table_column *columns;
    size_t column_count;
    // The cells of one element, column by column; .at NULL when the element lacks a member
    // that it must hold. `now_ms`: by the gateway's clock.
    void (*read)(struct gw_json element, int64_t now_ms, struct gw_arena *arena,
                 struct gw_str *cells);
};

struct cli_listing {
    const struct cli_listing_kind *kind;
    bool json;
    size_t count;        // of elements so far
    size_t count_max;    // those behind are left out; 0: any number. The caller's, as the next one
    bool no_titles;      // the rows alone, and nothing for none
    struct gw_buf cells; // of struct gw_str, whose bytes are in the memory of the session
    struct gw_buf array;
};

void cli_listing_init(struct cli_listing *listing, const struct cli_listing_kind *kind, bool json);
void cli_listing_deinit(struct cli_listing *listing);
// The elements of the session's last answer, which is at `root`.
enum cli_exit cli_listing_add(struct cli_listing *listing, struct cli_session *session,
                              struct gw_json root, struct cli_reason *why) GW_MUST_USE;
// One of them.
enum cli_exit cli_listing_add_one(struct cli_listing *listing, struct cli_session *session,
                                  struct gw_json element, struct cli_reason *why) GW_MUST_USE;
bool cli_listing_is_full(const struct cli_listing *listing);
// On stdout, or stderr.
enum cli_exit cli_listing_show(const struct cli_listing *listing, FILE *stream,
                               struct cli_reason *why) GW_MUST_USE;
// On stdout.
enum cli_exit cli_listing_print(const struct cli_listing *listing,
                                struct cli_reason *why) GW_MUST_USE;
