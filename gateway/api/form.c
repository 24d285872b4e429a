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

static struct gw_form_parameter *find(struct gw_form_parameter *wanted, int count,
                                      struct gw_str name) {
    for (int i = 0; i < count; i++) {
        if (gw_str_equal(wanted[i].name, name))
            return &wanted[i];
    }
    return NULL;
}

enum gw_status gw_form_read(char *form, size_t length, struct gw_form_parameter *wanted,
                            int count) {
    bool is_doubled = false;
    for (int i = 0; i < count; i++)
        wanted[i].value = (struct gw_str){NULL, 0};
    for (size_t at = 0; at < length;) {
        char *part = form + at;
        size_t part_length = gw_str_find(gw_str(part, length - at), '&');
        size_t name_length = gw_str_find(gw_str(part, part_length), '=');
        size_t value_at = name_length < part_length ? name_length + 1 : part_length;
        struct gw_str name;
        struct gw_str value;
        if (gw_form_unescape(part, name_length, &name) != GW_OK ||
            gw_form_unescape(part + value_at, part_length - value_at, &value) != GW_OK)
            return GW_INVALID;
        struct gw_form_parameter *known = find(wanted, count, name);
        if (known != NULL) {
            is_doubled = is_doubled || known->value.at != NULL;
            known->value = value;
        }
        at += part_length + 1;
    }
    return is_doubled ? GW_CONFLICT : GW_OK;
}
