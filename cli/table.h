// SPDX-License-Identifier: MIT
#pragma once
// A plain table: a line of titles, a line for each row, columns as wide as their widest cell, no
// trailing blanks. Every column has a title. Widths are terminal columns, so names in wide scripts
// line up; cells are made harmless as cli/text.h says, and the first of a line that a CI system
// would obey there has a backslash in front.
//
// Where the table is wider than it may be, those columns that have a least width are narrowed, from
// the left, and their longer cells are cut. What is still too wide then stays so.

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define CLI_TABLE_COLUMNS_MAX 8

struct cli_table_column {
    const char *title;
    size_t gap;          // blanks between this column and the next
    const char *nothing; // the column is left out when each of its cells is this one; NULL: never
    size_t least;        // the width that it may be narrowed to, 4 or more; 0: it keeps its width
};

struct cli_table {
    const struct cli_table_column *columns;
    size_t column_count;        // 1 to CLI_TABLE_COLUMNS_MAX
    const struct gw_str *cells; // row by row, row_count * column_count of them
    size_t row_count;
    size_t columns_max; // of a line; 0: any number
    bool no_titles;     // the rows alone
};

// Appends the table. GW_NO_MEMORY or GW_TOO_BIG of the buffer.
enum gw_status cli_table_render(const struct cli_table *table, bool utf8,
                                struct gw_buf *out) GW_MUST_USE;
