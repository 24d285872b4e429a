// SPDX-License-Identifier: MIT
#pragma once
// Memory for bytes on their way out, lent to the buffers that have some. A block holds a full TLS
// record, so a steady exchange of requests and responses reuses one block and needs no malloc, and
// an idle connection has none.

#include <stddef.h>

#include "base/buf.h"

#define GW_BLOCK_BYTES (16 * 1024 + 512)
#define GW_BLOCKS_KEPT_MAX 64

// Zeros: none kept.
struct gw_blocks {
    char *kept[GW_BLOCKS_KEPT_MAX];
    size_t count;
};

void gw_blocks_deinit(struct gw_blocks *blocks);
// To a buffer without memory; nothing changes for another. Without memory for a block the buffer
// goes on alone: it allocates in smaller steps and fails where it is appended to.
void gw_blocks_lend(struct gw_blocks *blocks, struct gw_buf *buf);
// Each takes the memory of the buffer back: always with its bytes, or only when it has none.
void gw_blocks_drop(struct gw_blocks *blocks, struct gw_buf *buf);
void gw_blocks_return_if_empty(struct gw_blocks *blocks, struct gw_buf *buf);
