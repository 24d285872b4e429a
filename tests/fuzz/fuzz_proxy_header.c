// SPDX-License-Identifier: MIT
// Any bytes at the start of a connection. What must hold beyond memory safety: however the bytes
// are cut, the outcome is the same, no more is taken than the bound, and nothing behind the header
// is.

#include <stddef.h>
#include <stdint.h>

#include "gateway/net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static enum gw_status feed_in_pieces(struct gw_proxy_header *header, struct gw_str bytes,
                                     size_t piece, size_t *taken) {
    enum gw_status status = GW_WANT_INPUT;
    gw_proxy_header_init(header);
    *taken = 0;
    while (*taken < bytes.length && status == GW_WANT_INPUT) {
        size_t consumed = 0;
        struct gw_str next = gw_str_slice(bytes, *taken, *taken + piece);
        status = gw_proxy_header_feed(header, next, &consumed);
        gw_assert(consumed <= next.length);
        gw_assert(status != GW_WANT_INPUT || consumed == next.length);
        *taken += consumed;
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_str input = gw_str((const char *)bytes, length);
    struct gw_proxy_header whole;
    struct gw_proxy_header pieces;
    size_t taken = 0;
    size_t taken_in_pieces = 0;
    if (length == 0)
        return 0;
    enum gw_status status = feed_in_pieces(&whole, input, length, &taken);
    gw_assert(feed_in_pieces(&pieces, input, 1 + bytes[0] % 7, &taken_in_pieces) == status);
    gw_assert(taken == taken_in_pieces && taken <= GW_PROXY_HEADER_BYTES_MAX);
    gw_assert(whole.has_source == pieces.has_source && whole.is_local == pieces.is_local);
    gw_assert(!whole.has_source || !whole.is_local);
    gw_assert(!whole.has_source || gw_ip_equal(&whole.source, &pieces.source));
    gw_assert(!whole.has_source || status == GW_OK);
    return 0;
}
