// SPDX-License-Identifier: MIT
#include "token/name.h"

#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"

// Characters that take room and show nothing: spaces, the fillers of Hangul, the empty pattern of
// Braille.
static bool is_blank(uint32_t code_point) {
    static const uint32_t others[] = {' ',    0xa0,   0x115f, 0x1160, 0x1680, 0x202f,
                                      0x205f, 0x2800, 0x3000, 0x3164, 0xffa0};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (code_point == others[i])
            return true;
    }
    return code_point >= 0x2000 && code_point <= 0x200b;
}

bool gw_token_name_valid(struct gw_str name) {
    if (!gw_utf8_valid(name) || gw_utf8_has_control(name))
        return false;
    size_t characters = 0;
    bool has_ink = false;
    for (uint32_t code_point; gw_utf8_next(&name, &code_point); characters++)
        has_ink = has_ink || (gw_utf8_columns(code_point) > 0 && !is_blank(code_point));
    return has_ink && characters <= GW_TOKEN_NAME_CHARACTERS_MAX;
}
