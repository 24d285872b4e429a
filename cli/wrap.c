// SPDX-License-Identifier: MIT
#include "cli/wrap.h"

void cli_wrap_put_blanks(struct cli_output *output, size_t count) {
    for (size_t i = 0; i < count; i++)
        cli_output_put(output, " ");
}

static void put_words(struct cli_output *output, struct gw_str line, size_t indent) {
    size_t column = indent;
    struct gw_str word;
    while (gw_str_next(&line, ' ', &word)) {
        if (column > indent && column + 1 + word.length > CLI_WRAP_COLUMNS) {
            cli_output_put(output, "\n");
            cli_wrap_put_blanks(output, indent);
            column = indent;
        } else if (column > indent) {
            cli_output_put(output, " ");
            column++;
        }
        cli_output_put_str(output, word);
        column += word.length;
    }
}

void cli_wrap_put(struct cli_output *output, const char *text, size_t indent) {
    struct gw_str rest = gw_str_from(text);
    struct gw_str line;
    if (rest.length > 0 && rest.at[rest.length - 1] == '\n')
        rest.length--;
    for (bool first = true; gw_str_next(&rest, '\n', &line); first = false) {
        if (!first && line.length > 0)
            cli_wrap_put_blanks(output, indent);
        if (line.length > 0 && line.at[0] == ' ')
            cli_output_put_str(output, line);
        else
            put_words(output, line, indent);
        cli_output_put(output, "\n");
    }
}
