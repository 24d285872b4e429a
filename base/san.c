// SPDX-License-Identifier: MIT
#include "base/san.h"

#include <string.h>

#include "base/ascii.h"

static bool is_of(char c, const char *set) {
    return c != '\0' && strchr(set, c) != NULL;
}

// RFC 3986 section 2, without `*` and `&`.
static bool is_uri_char(char c) {
    return gw_ascii_is_alphanumeric(c) || is_of(c, "-._~:/?#[]@!$'()+,;=%");
}

static bool is_scheme(struct gw_str text) {
    if (text.length == 0 || gw_ascii_is_digit(text.at[0]))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!gw_ascii_is_alphanumeric(text.at[i]) && (i == 0 || !is_of(text.at[i], "+-.")))
            return false;
    }
    return true;
}

static bool is_uri(struct gw_str name, size_t colon) {
    if (!is_scheme(gw_str_slice(name, 0, colon)) || colon + 1 == name.length)
        return false;
    for (size_t i = colon + 1; i < name.length; i++) {
        if (!is_uri_char(name.at[i]))
            return false;
    }
    return true;
}

// Some networks have names with underscores.
static bool is_label(struct gw_str label) {
    for (size_t i = 0; i < label.length; i++) {
        if (!gw_ascii_is_alphanumeric(label.at[i]) && !is_of(label.at[i], "-_"))
            return false;
    }
    return label.length > 0 && label.length <= 63;
}

static bool is_dns(struct gw_str name) {
    struct gw_str rest = name, label;
    while (gw_str_next(&rest, '.', &label)) {
        if (!is_label(label))
            return false;
    }
    return name.length <= GW_SAN_DNS_BYTES_MAX;
}

enum gw_san_kind gw_san_kind(struct gw_str name) {
    if (name.length == 0 || name.length > GW_SAN_BYTES_MAX)
        return GW_SAN_NONE;
    size_t colon = gw_str_find(name, ':');
    if (colon < name.length)
        return is_uri(name, colon) ? GW_SAN_URI : GW_SAN_NONE;
    return is_dns(name) ? GW_SAN_DNS : GW_SAN_NONE;
}

bool gw_san_list_has(struct gw_str list, struct gw_str name) {
    struct gw_str rest = list, each;
    while (gw_str_next(&rest, '\n', &each)) {
        if (each.length > 0 && gw_str_equal(each, name))
            return true;
    }
    return false;
}
