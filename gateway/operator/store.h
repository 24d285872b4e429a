// SPDX-License-Identifier: MIT
#pragma once
// The token store, one call at a time, for a command that has nothing else to do: a loop of its own
// that runs until the answer is there, or until PostgreSQL turns out not to be. One connection,
// given up at its first failure: an operator wants the reason, not a wait.

#include <stdbool.h>
#include <uv.h>

#include "base/status.h"
#include "db/tokens.h"

#define GW_OPERATOR_REASON_LENGTH 320

struct gw_operator_store {
    uv_loop_t loop;
    uv_timer_t watch;
    struct db_pool *pool;
    bool is_reached; // false with GW_UNAVAILABLE: there is no server, or it does not let us in
    char reason[GW_OPERATOR_REASON_LENGTH];
};

enum gw_status gw_operator_store_open(struct gw_operator_store *store,
                                      const char *database_url) GW_MUST_USE;
void gw_operator_store_close(struct gw_operator_store *store);

// GW_NOT_FOUND: no such organisation. `id` takes DB_ID_LENGTH_MAX bytes, *id_length of them are
// written.
enum gw_status gw_operator_store_find_org(struct gw_operator_store *store, struct gw_str slug,
                                          char id[DB_ID_LENGTH_MAX], size_t *id_length) GW_MUST_USE;
// GW_CONFLICT: the slug is taken.
enum gw_status gw_operator_store_create_org(struct gw_operator_store *store, struct gw_str id,
                                            struct gw_str slug, struct gw_str name) GW_MUST_USE;
// `create` is filled except for its query and on_done.
enum gw_status gw_operator_store_create_token(struct gw_operator_store *store,
                                              struct db_token_create *create,
                                              int64_t *created_ms) GW_MUST_USE;
