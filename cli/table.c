// SPDX-License-Identifier: MIT
#include "cli/table.h"

#include "base/runner_command.h"
#include "cli/text.h"

struct layout {
    const struct cli_table *table;
    bool utf8;
    size_t widths[CLI_TABLE_COLUMNS_MAX]; // 0: the column is left out
};

// Row 0 is the titles.
static size_t first_row(const struct cli_table *table) {
    return table->no_titles ? 1 : 0;
}

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

// Columns of the backslash in front of a cell; 0: it has none.
static size_t backslash_width(struct gw_str cell, size_t column) {
    return column == 0 && gw_runner_command_begins_line(cell) ? 1 : 0;
}

static size_t widest(const struct layout *layout, size_t column) {
    size_t widest = 0;
    for (size_t row = first_row(layout->table); row <= layout->table->row_count; row++) {
        struct gw_str cell = cell_at(layout->table, row, column);
        size_t width = backslash_width(cell, column) + cli_text_columns(cell, layout->utf8);
        if (width > widest)
            widest = width;
    }
    return widest;
}

static size_t line_width(const struct layout *layout) {
    size_t width = 0;
    size_t gap = 0;
    for (size_t column = 0; column < layout->table->column_count; column++) {
        if (layout->widths[column] == 0)
            continue;
        width += gap + layout->widths[column];
        gap = layout->table->columns[column].gap;
    }
    return width;
}

static void narrow(struct layout *layout, size_t excess) {
    for (size_t column = 0; excess > 0 && column < layout->table->column_count; column++) {
        size_t least = layout->table->columns[column].least;
        size_t *width = &layout->widths[column];
        if (least == 0 || *width <= least)
            continue;
        size_t less = excess < *width - least ? excess : *width - least;
        *width -= less;
        excess -= less;
    }
}

static void lay_out(struct layout *layout) {
    const struct cli_table *table = layout->table;
    for (size_t column = 0; column < table->column_count; column++)
        layout->widths[column] = is_left_out(table, column) ? 0 : widest(layout, column);
    size_t width = line_width(layout);
    if (table->columns_max > 0 && width > table->columns_max)
        narrow(layout, width - table->columns_max);
}

// The columns that it takes, which may be one less than the width where a wide character is cut.
static enum gw_status render_cell(const struct layout *layout, size_t row, size_t column,
                                  struct gw_buf *out, size_t *taken) {
    struct gw_str cell = cell_at(layout->table, row, column);
    size_t start = gw_buf_length(out);
    size_t backslash = backslash_width(cell, column);
    enum gw_status status = gw_buf_append(out, "\\", backslash);
    if (status == GW_OK)
        status = cli_text_append_cut(out, cell, layout->utf8, layout->widths[column] - backslash);
    struct gw_str shown = gw_str_slice(gw_buf_bytes(out), start, gw_buf_length(out));
    *taken = cli_text_columns(shown, layout->utf8);
    return status;
}

// Blanks are written before a cell with text only, so that no line ends in blanks.
static enum gw_status render_row(const struct layout *layout, size_t row, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    size_t blanks = 0;
    for (size_t column = 0; column < layout->table->column_count && status == GW_OK; column++) {
        size_t taken = 0;
        if (layout->widths[column] == 0)
            continue;
        if (cell_at(layout->table, row, column).length > 0) {
            status = gw_buf_printf(out, "%*s", (int)blanks, "");
            blanks = 0;
        }
        if (status == GW_OK)
            status = render_cell(layout, row, column, out, &taken);
        blanks += layout->widths[column] - taken + layout->table->columns[column].gap;
    }
    return status == GW_OK ? gw_buf_append(out, "\n", 1) : status;
}

enum gw_status cli_table_render(const struct cli_table *table, bool utf8, struct gw_buf *out) {
    gw_assert(table->column_count > 0 && table->column_count <= CLI_TABLE_COLUMNS_MAX);
    struct layout layout = {.table = table, .utf8 = utf8};
    lay_out(&layout);
    enum gw_status status = GW_OK;
    for (size_t row = first_row(table); row <= table->row_count && status == GW_OK; row++)
        status = render_row(&layout, row, out);
    return status;
}
