// SPDX-License-Identifier: MIT
#include "token/id.h"

#include <stddef.h>
#include <stdint.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/random.h"

enum gw_status gw_id_make(char out[GW_ID_LENGTH + 1]) {
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    enum { TIME_DIGITS = 8, RANDOM_DIGITS = GW_ID_LENGTH - 2 - TIME_DIGITS };
    // Eight random bytes for every seven digits: 36^7 is below 2^37, so the bias of the remainder
    // is under 2^-27.
    uint64_t random[RANDOM_DIGITS / 7];
    enum gw_status status = gw_random_bytes(random, sizeof(random));
    if (status != GW_OK)
        return status;
    uint64_t time = (uint64_t)gw_clock_wall_ms();
    char *at = out + GW_ID_LENGTH;
    *at = '\0';
    for (int i = 0; i < RANDOM_DIGITS; i++) {
        *--at = digits[random[i / 7] % 36];
        random[i / 7] /= 36;
    }
    for (int i = 0; i < TIME_DIGITS; i++, time /= 36)
        *--at = digits[time % 36];
    *--at = 'l';
    *--at = 'c';
    return GW_OK;
}

bool gw_id_valid(struct gw_str id) {
    if (id.length < 1 || id.length > 32)
        return false;
    for (size_t i = 0; i < id.length; i++) {
        if (!gw_ascii_is_lower_alphanumeric(id.at[i]))
            return false;
    }
    return true;
}
