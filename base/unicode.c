// SPDX-License-Identifier: MIT
#include "base/unicode.h"

#include <utf8proc.h>

#include "base/utf8.h"

#define BRAILLE_EMPTY 0x2800
#define FORM (UTF8PROC_STABLE | UTF8PROC_COMPOSE)

static bool is_from_to(uint32_t code_point, uint32_t first, uint32_t last) {
    return code_point >= first && code_point <= last;
}

static const utf8proc_property_t *property_of(uint32_t code_point) {
    return utf8proc_get_property((utf8proc_int32_t)code_point);
}

bool gw_unicode_is_blank(uint32_t code_point) {
    utf8proc_propval_t category = property_of(code_point)->category;
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP || is_from_to(code_point, '\t', '\r') ||
           code_point == 0x85 || code_point == BRAILLE_EMPTY;
}

bool gw_unicode_is_bidi(uint32_t code_point) {
    return code_point == 0x061C || code_point == 0x200E || code_point == 0x200F ||
           is_from_to(code_point, 0x202A, 0x202E) || is_from_to(code_point, 0x2066, 0x2069);
}

// utf8proc marks only those Default_Ignorable code points that are assigned.
bool gw_unicode_is_invisible(uint32_t code_point) {
    return property_of(code_point)->ignorable || code_point == 0x2065 ||
           is_from_to(code_point, 0xFFF0, 0xFFFB) || is_from_to(code_point, 0xE0000, 0xE0FFF);
}

bool gw_unicode_is_combining(uint32_t code_point) {
    utf8proc_propval_t category = property_of(code_point)->category;
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
           category == UTF8PROC_CATEGORY_ME;
}

static bool is_ascii(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.at[i] >= 0x80)
            return false;
    }
    return true;
}

static utf8proc_ssize_t decompose(struct gw_str text, utf8proc_int32_t *out, size_t room) {
    utf8proc_ssize_t count =
        utf8proc_decompose((const utf8proc_uint8_t *)text.at, (utf8proc_ssize_t)text.length, out,
                           (utf8proc_ssize_t)room, FORM);
    gw_assert(count >= 0); // below 0: not UTF-8, or longer than a size can say
    return count;
}

enum gw_status gw_unicode_compose(struct gw_arena *arena, struct gw_str text,
                                  struct gw_str *composed) {
    *composed = text;
    if (is_ascii(text))
        return GW_OK;
    size_t count = (size_t)decompose(text, NULL, 0);
    utf8proc_int32_t *points = gw_arena_allocate(arena, count * sizeof(*points));
    char *bytes = gw_arena_allocate(arena, count * 4);
    if (points == NULL || bytes == NULL)
        return GW_NO_MEMORY;
    utf8proc_ssize_t left = decompose(text, points, count);
    left = utf8proc_normalize_utf32(points, left, FORM);
    size_t length = 0;
    for (utf8proc_ssize_t i = 0; i < left; i++)
        length += gw_utf8_encode((uint32_t)points[i], bytes + length);
    *composed = gw_str(bytes, length);
    return GW_OK;
}
