// SPDX-License-Identifier: MIT
#pragma once
// What a setting holds that a CI system handed over in place of its value: quotes, a mask, the name
// of a variable; in place of a token, one of another service.

#include "base/str.h"

// NULL: it could be a token: it begins like one and goes on with base64url characters. Else what it
// looks like, to be read behind "it": "is in quotes".
const char *cli_token_text_fault(struct gw_str text);
// The same for any setting: NULL unless it is in quotes, a mask, or a placeholder.
const char *cli_token_text_placeholder(struct gw_str text);
// Without white space around it and a byte order mark in front, which editors and secrets' files
// leave behind.
struct gw_str cli_token_text_trim(struct gw_str text);
