// SPDX-License-Identifier: MIT
#include "gateway/client/input.h"

#include "gateway/net/transport.h"

// More than one read adds to what gw_input_is_full stops at.
#define KEPT_BYTES_MAX (4 * GW_CONN_READ_BYTES)

void gw_input_init(struct gw_input *input) {
    input->unread = (struct gw_str){NULL, 0};
    gw_buf_init(&input->kept, KEPT_BYTES_MAX);
}

void gw_input_deinit(struct gw_input *input) {
    gw_buf_deinit(&input->kept);
}

enum gw_status gw_input_begin(struct gw_input *input, struct gw_str bytes) {
    gw_assert(input->unread.length == 0);
    if (gw_buf_length(&input->kept) == 0) {
        input->unread = bytes;
        return GW_OK;
    }
    if (bytes.length > 0) {
        enum gw_status status = gw_buf_append_str(&input->kept, bytes);
        if (status != GW_OK)
            return status;
    }
    input->unread = gw_buf_bytes(&input->kept);
    return GW_OK;
}

enum gw_http_event gw_input_feed(struct gw_input *input, struct gw_http_parser *parser) {
    size_t consumed = 0;
    enum gw_http_event event = gw_http_parser_feed(parser, input->unread, &consumed);
    gw_assert(consumed <= input->unread.length);
    input->unread = gw_str_slice(input->unread, consumed, input->unread.length);
    return event;
}

void gw_input_drop(struct gw_input *input) {
    input->unread = gw_str_slice(input->unread, input->unread.length, input->unread.length);
}

enum gw_status gw_input_end(struct gw_input *input) {
    enum gw_status status = GW_OK;
    size_t kept = gw_buf_length(&input->kept);
    gw_assert(kept == 0 || input->unread.length <= kept);
    if (kept > 0)
        gw_buf_take(&input->kept, kept - input->unread.length);
    else if (input->unread.length > 0)
        status = gw_buf_append_str(&input->kept, input->unread);
    if (gw_buf_length(&input->kept) == 0)
        gw_buf_deinit(&input->kept);
    input->unread = (struct gw_str){NULL, 0};
    return status;
}

bool gw_input_is_empty(const struct gw_input *input) {
    return input->unread.length == 0;
}

size_t gw_input_kept_bytes(const struct gw_input *input) {
    return gw_buf_length(&input->kept);
}

bool gw_input_is_full(const struct gw_input *input) {
    return gw_buf_length(&input->kept) >= GW_CONN_READ_BYTES;
}

size_t gw_input_held_bytes(const struct gw_input *input) {
    return input->kept.capacity;
}
