// SPDX-License-Identifier: MIT
#include "gateway/api/form.h"

#include "base/ascii.h"

enum gw_status gw_form_unescape(char *text, size_t length, struct gw_str *plain) {
    size_t out = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i] == '+' ? ' ' : text[i];
        if (c == '%') {
            int high = i + 2 < length ? gw_ascii_hex_value(text[i + 1]) : -1;
            int low = i + 2 < length ? gw_ascii_hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return GW_INVALID;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return GW_INVALID;
        text[out++] = c;
    }
    *plain = gw_str(text, out);
    return GW_OK;
}

enum gw_status gw_form_take(char *form, size_t length, struct gw_str name, struct gw_str *value) {
    enum gw_status found = GW_NOT_FOUND;
    for (size_t at = 0; at < length;) {
        char *part = form + at;
        size_t part_length = gw_str_find(gw_str(part, length - at), '&');
        size_t key_length = gw_str_find(gw_str(part, part_length), '=');
        size_t value_at = key_length < part_length ? key_length + 1 : part_length;
        struct gw_str key;
        struct gw_str text;
        if (gw_form_unescape(part, key_length, &key) != GW_OK ||
            gw_form_unescape(part + value_at, part_length - value_at, &text) != GW_OK)
            return GW_INVALID;
        if (gw_str_equal(key, name)) {
            if (found == GW_OK)
                return GW_CONFLICT;
            *value = text;
            found = GW_OK;
        }
        at += part_length + 1;
    }
    return found;
}
