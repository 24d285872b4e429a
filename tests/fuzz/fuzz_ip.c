// SPDX-License-Identifier: MIT
// Any bytes as a range of addresses. What must hold beyond memory safety: what is accepted has one
// text, which means the same range, and the range contains its first address; an address is the
// range of it alone.

#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_range(const struct gw_ip_range *range) {
    char text[GW_IP_RANGE_TEXT_BYTES_MAX];
    char again[GW_IP_RANGE_TEXT_BYTES_MAX];
    struct gw_ip_range same;
    size_t length = gw_ip_range_format(range, text);
    gw_assert(gw_ip_range_parse(gw_str(text, length), &same) == GW_OK);
    gw_assert(gw_ip_equal(&same.first, &range->first) && same.prefix_bits == range->prefix_bits);
    gw_assert(gw_ip_range_format(&same, again) == length);
    gw_assert(gw_str_equal(gw_str(text, length), gw_str(again, length)));
    gw_assert(gw_ip_range_contains(range, &range->first));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_str text = gw_str((const char *)bytes, length);
    struct gw_ip_range range;
    struct gw_ip ip;
    bool is_range = gw_ip_range_parse(text, &range) == GW_OK;
    if (is_range)
        check_range(&range);
    if (gw_ip_parse(text, &ip) == GW_OK) {
        gw_assert(is_range && range.prefix_bits == 128);
        gw_assert(gw_ip_equal(&range.first, &ip));
    }
    return 0;
}
