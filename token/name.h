// SPDX-License-Identifier: MIT
#pragma once
// What people write about a token and others read for years, in lists, logs and audits: its name
// and its description. A text is what it looks like: nothing in it is invisible, and two that look
// the same are the same (NFC).
//
// Wherever such a text enters, it goes through here. Those that were stored before this rule stay.

#include "base/arena.h"

#define GW_TOKEN_NAME_CHARACTERS_MAX 100
#define GW_TOKEN_DESCRIPTION_CHARACTERS_MAX 500
#define GW_TOKEN_NAME_BYTES_MAX (4 * GW_TOKEN_NAME_CHARACTERS_MAX)

// GW_OK: *name is `given` as it is to be stored, of 1 to GW_TOKEN_NAME_CHARACTERS_MAX characters,
// in `arena` or where `given` is.
// GW_INVALID: *wrong says what and where, as the rest of a sentence that begins with the name of
// the field and has no full stop: "must not end with a blank (U+0020 at character 3)". It quotes
// nothing of the text. It is static or in `arena`.
// GW_NO_MEMORY.
enum gw_status gw_token_name_normalise(struct gw_arena *arena, struct gw_str given,
                                       struct gw_str *name, const char **wrong) GW_MUST_USE;
// The same, of 1 to GW_TOKEN_DESCRIPTION_CHARACTERS_MAX characters.
enum gw_status gw_token_description_normalise(struct gw_arena *arena, struct gw_str given,
                                              struct gw_str *description,
                                              const char **wrong) GW_MUST_USE;
