// SPDX-License-Identifier: MIT
#pragma once
// Tokens that turn up where none belongs, such as a path, on their way to the log. Text in, text
// out; no allocation.

#include "base/str.h"

// Copies `text` and puts "***" in the place of what follows "sr_live_", "sr_test_" or "sk_" in a
// token, whichever way its characters are written: as they are, percent-encoded (up to three
// times), or with backslashes (\x73, \u0073, \_). Returns the length, at most `room`: what is
// longer is cut. "sk_" is the end of many a word, so there it takes the length of a token, and no
// letter or digit in front.
size_t gw_token_mask(struct gw_str text, char *out, size_t room);
