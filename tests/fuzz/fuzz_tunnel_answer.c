// SPDX-License-Identifier: MIT
// Any bytes as the answer of a proxy to CONNECT. What must hold beyond memory safety: however the
// bytes are cut, the outcome is the same, no more is taken than the bound, and only a head that
// ends with an empty line counts.

#include <stddef.h>
#include <stdint.h>

#include "gateway/net/tunnel_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static enum gw_status feed_in_pieces(struct gw_tunnel_answer *answer, struct gw_str bytes,
                                     size_t piece, size_t *taken) {
    enum gw_status status = GW_WANT_INPUT;
    gw_tunnel_answer_init(answer);
    *taken = 0;
    while (*taken < bytes.length && status == GW_WANT_INPUT) {
        size_t consumed = 0;
        struct gw_str next = gw_str_slice(bytes, *taken, *taken + piece);
        status = gw_tunnel_answer_feed(answer, next, &consumed);
        gw_assert(consumed <= next.length);
        gw_assert(status != GW_WANT_INPUT || consumed == next.length);
        *taken += consumed;
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_str input = gw_str((const char *)bytes, length);
    struct gw_tunnel_answer whole;
    struct gw_tunnel_answer pieces;
    size_t taken = 0;
    size_t taken_in_pieces = 0;
    if (length == 0)
        return 0;
    enum gw_status status = feed_in_pieces(&whole, input, length, &taken);
    gw_assert(feed_in_pieces(&pieces, input, 1 + bytes[length / 2] % 7, &taken_in_pieces) ==
              status);
    gw_assert(taken == taken_in_pieces && taken <= GW_TUNNEL_ANSWER_BYTES_MAX);
    gw_assert(whole.status == pieces.status);
    if (status != GW_OK)
        return 0;
    gw_assert(whole.status >= 100 && whole.status <= 999);
    gw_assert(whole.status == 101 || whole.status >= 200);
    gw_assert(bytes[taken - 1] == '\n');
    gw_assert(bytes[taken - 2] == '\n' || (bytes[taken - 2] == '\r' && bytes[taken - 3] == '\n'));
    (void)gw_tunnel_refusal(whole.status);
    return 0;
}
