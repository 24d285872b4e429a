// SPDX-License-Identifier: MIT
#pragma once
// The properties of characters (Unicode), and the composed form of a text, for what people give and
// others read. The tables are those of utf8proc.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

// White_Space, and the empty pattern of Braille: takes room and shows nothing.
bool gw_unicode_is_blank(uint32_t code_point);
// Bidi_Control: turns the direction of the text around it.
bool gw_unicode_is_bidi(uint32_t code_point);
// Default_Ignorable_Code_Point, and the marks of interlinear annotation: takes no room and shows
// nothing. Zero-width spaces and joiners, soft hyphens, variation selectors, tags, fillers.
bool gw_unicode_is_invisible(uint32_t code_point);
// Changes the look of the character before it.
bool gw_unicode_is_combining(uint32_t code_point);
// The Normalization Form C of valid UTF-8 (UAX #15): in `arena`, or the text itself. Its cost is up
// to quadratic in the number of combining marks, so the length of `text` must be bounded.
// GW_NO_MEMORY.
enum gw_status gw_unicode_compose(struct gw_arena *arena, struct gw_str text,
                                  struct gw_str *composed) GW_MUST_USE;
