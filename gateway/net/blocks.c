// SPDX-License-Identifier: MIT
#include "gateway/net/blocks.h"

#include <stdlib.h>

void gw_blocks_deinit(struct gw_blocks *blocks) {
    while (blocks->count > 0)
        free(blocks->kept[--blocks->count]);
}

void gw_blocks_lend(struct gw_blocks *blocks, struct gw_buf *buf) {
    if (buf->memory != NULL)
        return;
    char *block = blocks->count > 0 ? blocks->kept[--blocks->count] : malloc(GW_BLOCK_BYTES);
    if (block != NULL)
        gw_buf_adopt(buf, block, GW_BLOCK_BYTES);
}

// A buffer that grew has memory of another size, which is not kept.
static void take_back(struct gw_blocks *blocks, struct gw_buf *buf) {
    size_t bytes;
    char *block = gw_buf_release(buf, &bytes);
    gw_assert(blocks->count <= GW_BLOCKS_KEPT_MAX);
    if (bytes == GW_BLOCK_BYTES && blocks->count < GW_BLOCKS_KEPT_MAX)
        blocks->kept[blocks->count++] = block;
    else
        free(block);
}

void gw_blocks_drop(struct gw_blocks *blocks, struct gw_buf *buf) {
    gw_buf_clear(buf);
    take_back(blocks, buf);
}

void gw_blocks_return_if_empty(struct gw_blocks *blocks, struct gw_buf *buf) {
    if (gw_buf_length(buf) == 0)
        take_back(blocks, buf);
}
