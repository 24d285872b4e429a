// SPDX-License-Identifier: MIT
#pragma once
// Foreign text on its way to a terminal: names of tokens, messages of the gateway. Nothing in it
// may move the cursor, start a line or change the direction of the text around it, and its width
// must be known.
//
// Control characters and invalid UTF-8 are shown as U+FFFD. Where the terminal is not UTF-8 (`utf8`
// false), that and every character beyond ASCII is shown as "?". A backslash breaks what a CI
// system would obey anywhere in a line (base/runner_command.h).

#include <stdbool.h>

#include "base/buf.h"

#define CLI_TEXT_CUT_COLUMNS_MIN 3 // "...", where the terminal is not UTF-8

// Appends `text` made harmless.
enum gw_status cli_text_append_clean(struct gw_buf *out, struct gw_str text, bool utf8) GW_MUST_USE;
// The same, but of more than `columns_max` columns only so many: the beginning, and an ellipsis,
// which needs CLI_TEXT_CUT_COLUMNS_MIN.
enum gw_status cli_text_append_cut(struct gw_buf *out, struct gw_str text, bool utf8,
                                   size_t columns_max) GW_MUST_USE;
// Appends foreign JSON, which was parsed before, so that it means the same and is as harmless: in
// its strings such a character, and where the terminal is not UTF-8 every one beyond ASCII, is
// written as its escape, and so is a character of what a CI system would obey; between its values a
// carriage return is a blank.
enum gw_status cli_text_append_json(struct gw_buf *out, struct gw_str json, bool utf8) GW_MUST_USE;
// Without blanks, tabs and line ends at both ends.
struct gw_str cli_text_trim(struct gw_str text);
// The terminal columns that `text` takes as cli_text_append_clean writes it.
size_t cli_text_columns(struct gw_str text, bool utf8);
