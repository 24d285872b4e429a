// SPDX-License-Identifier: MIT
#pragma once
// The cursor of a list: where a page ended, as a text that clients send back as they got it. It
// goes into a URL without escapes, is bound to the order of its list, and has a checksum, so that
// one that was cut or typed is known for it. Not a secret, and no permission: it names a place
// in an order. Pure.

#include <stdbool.h>

#include "base/arena.h"
#include "db/token_list.h"

#define GW_LIST_CURSOR_CHARS_MAX 1024

// Returns the length; no terminator.
size_t gw_list_cursor_write(enum db_token_order order, const struct db_token_position *position,
                            char out[GW_LIST_CURSOR_CHARS_MAX]);
// Slices are of `arena`. GW_INVALID: not a cursor, or one of another order; GW_NO_MEMORY.
enum gw_status gw_list_cursor_read(struct gw_arena *arena, struct gw_str text,
                                   enum db_token_order order,
                                   struct db_token_position *position) GW_MUST_USE;
