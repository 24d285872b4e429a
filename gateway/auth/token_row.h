// SPDX-License-Identifier: MIT
#pragma once
// A row of the database that outlives the callback that brought it: all that its slices point to,
// in one block of its owner (an arena, the heap).

#include <stddef.h>

#include "db/token.h"

// Never 0.
size_t gw_token_row_bytes(const struct db_token_row *row);
// `block` has gw_token_row_bytes(row) bytes, and the slices of `copy` point into it.
void gw_token_row_copy(const struct db_token_row *row, char *block, struct db_token_row *copy);
