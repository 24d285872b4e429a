// SPDX-License-Identifier: MIT
#include "cli/table.h"

#include "cli/text.h"

// Row 0 is the titles.
static struct gw_str cell_at(const struct cli_table *table, size_t row, size_t column) {
    gw_assert(row <= table->row_count && column < table->column_count);
    if (row == 0)
        return gw_str_from(table->columns[column].title);
    return table->cells[(row - 1) * table->column_count + column];
}

static bool is_left_out(const struct cli_table *table, size_t column) {
    const char *nothing = table->columns[column].nothing;
    size_t row = 1;
    while (nothing != NULL && row <= table->row_count &&
           gw_str_equal(cell_at(table, row, column), gw_str_from(nothing)))
        row++;
    return nothing != NULL && row > table->row_count;
}

// The width of a column that is left out is 0.
static void measure(const struct cli_table *table, bool utf8, size_t *widths) {
    for (size_t column = 0; column < table->column_count; column++) {
        widths[column] = 0;
        if (is_left_out(table, column))
            continue;
        for (size_t row = 0; row <= table->row_count; row++) {
            size_t width = cli_text_columns(cell_at(table, row, column), utf8);
            if (width > widths[column])
                widths[column] = width;
        }
    }
}

// Blanks are written before a cell with text only, so that no line ends in blanks.
static enum gw_status render_row(const struct cli_table *table, size_t row, const size_t *widths,
                                 bool utf8, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    size_t blanks = 0;
    for (size_t column = 0; column < table->column_count && status == GW_OK; column++) {
        struct gw_str cell = cell_at(table, row, column);
        if (widths[column] == 0)
            continue;
        if (cell.length > 0 && blanks > 0) {
            status = gw_buf_printf(out, "%*s", (int)blanks, "");
            blanks = 0;
        }
        if (status == GW_OK)
            status = cli_text_append_clean(out, cell, utf8);
        blanks += widths[column] - cli_text_columns(cell, utf8) + table->columns[column].gap;
    }
    if (status == GW_OK)
        status = gw_buf_append(out, "\n", 1);
    return status;
}

enum gw_status cli_table_render(const struct cli_table *table, bool utf8, struct gw_buf *out) {
    gw_assert(table->column_count > 0 && table->column_count <= CLI_TABLE_COLUMNS_MAX);
    size_t widths[CLI_TABLE_COLUMNS_MAX];
    measure(table, utf8, widths);
    enum gw_status status = GW_OK;
    for (size_t row = 0; row <= table->row_count && status == GW_OK; row++)
        status = render_row(table, row, widths, utf8, out);
    return status;
}
