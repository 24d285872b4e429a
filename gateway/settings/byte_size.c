// SPDX-License-Identifier: MIT
#include "gateway/settings/byte_size.h"

#define SIZE_MAX_BYTES (UINT64_C(1) << 62)

static int shift_of(char unit) {
    switch (unit) {
    case 'K':
        return 10;
    case 'M':
        return 20;
    case 'G':
        return 30;
    default:
        return 0;
    }
}

enum gw_status gw_byte_size_parse(struct gw_str text, uint64_t *bytes) {
    *bytes = 0;
    if (gw_str_equal(text, GW_STR("off")))
        return GW_OK;
    int shift = text.length > 0 ? shift_of(text.at[text.length - 1]) : 0;
    struct gw_str digits = gw_str_slice(text, 0, text.length - (shift > 0 ? 1 : 0));
    uint64_t number;
    if (gw_str_to_u64(digits, &number) != GW_OK || number > SIZE_MAX_BYTES >> shift ||
        number << shift < GW_BYTE_SIZE_MIN)
        return GW_INVALID;
    *bytes = number << shift;
    return GW_OK;
}
