// SPDX-License-Identifier: MIT
#pragma once
// Tokens on their way to the database: up to a thousand of a file, as the one parameter of
// skillreg.token_import. Holds no secret: their digests do not give them away.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "gateway/bulk/token.h"

#define GW_BULK_BATCH_ROWS_MAX 1000

struct gw_bulk_batch {
    struct gw_buf rows;
    struct gw_json_writer json;
    int count;
};

void gw_bulk_batch_init(struct gw_bulk_batch *batch);
void gw_bulk_batch_deinit(struct gw_bulk_batch *batch);
// GW_TOO_BIG, GW_NO_MEMORY; GW_SYSTEM: no random bytes for an id.
enum gw_status gw_bulk_batch_add(struct gw_bulk_batch *batch, uint64_t line,
                                 const struct gw_bulk_token *token) GW_MUST_USE;
static inline bool gw_bulk_batch_is_full(const struct gw_bulk_batch *batch) {
    return batch->count >= GW_BULK_BATCH_ROWS_MAX;
}
// The array of all of them, valid until the next call; nothing more is added before the reset.
enum gw_status gw_bulk_batch_finish(struct gw_bulk_batch *batch, struct gw_str *rows) GW_MUST_USE;
// Empty again.
void gw_bulk_batch_reset(struct gw_bulk_batch *batch);
