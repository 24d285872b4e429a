// SPDX-License-Identifier: MIT
#include "cli/usage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/flags.h"
#include "cli/wrap.h"

__attribute__((format(printf, 2, 3))) static void add(struct cli_usage_line *line,
                                                      const char *format, ...) {
    size_t used = strlen(line->text);
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(line->text + used, sizeof(line->text) - used, format, arguments);
    va_end(arguments);
    gw_assert(added >= 0 && (size_t)added < sizeof(line->text) - used);
}

static void add_flag(struct cli_usage_line *line, const struct cli_flag_row *row) {
    add(line, "--%s%s%s", row->name, row->value == NULL ? "" : " ",
        row->value == NULL ? "" : row->value);
}

static bool is_required(enum cli_flag flag, enum cli_command command) {
    return (cli_flag_row(flag)->required & CLI_COMMAND_BIT(command)) != 0;
}

void cli_usage_needs(enum cli_command command, struct cli_usage_line *needs) {
    const struct cli_command_row *row = cli_command_row(command);
    needs->text[0] = '\0';
    if (row->operand != NULL)
        add(needs, " %s", row->operand);
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        if (!is_required((enum cli_flag)i, command))
            continue;
        add(needs, " ");
        add_flag(needs, cli_flag_row((enum cli_flag)i));
    }
}

static void add_choices(struct cli_usage_line *line, enum cli_command command) {
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        enum cli_flag flag = (enum cli_flag)i;
        const struct cli_flag_row *row = cli_flag_row(flag);
        bool is_left_out = row->general && flag != CLI_FLAG_JSON;
        if (is_left_out || is_required(flag, command) || !cli_flag_is_of(flag, command))
            continue;
        add(line, " [");
        add_flag(line, row);
        add(line, row->repeatable ? "]..." : "]");
    }
}

void cli_usage_make(enum cli_command command, struct cli_usage_line *line) {
    if (cli_command_row(command)->group) {
        *line = (struct cli_usage_line){.text = " <command> [flags]"};
        return;
    }
    cli_usage_needs(command, line);
    add_choices(line, command);
}

// The length of the first part, which stays on one line: up to a blank that stands in no brackets
// and not before a value.
static size_t part_length(struct gw_str rest) {
    int depth = 0;
    for (size_t i = 0; i < rest.length; i++) {
        if (rest.at[i] == '[' || rest.at[i] == '(')
            depth++;
        if (rest.at[i] == ']' || rest.at[i] == ')')
            depth--;
        bool is_before_value = i + 1 < rest.length && rest.at[i + 1] == '<';
        if (rest.at[i] == ' ' && depth == 0 && !is_before_value)
            return i;
    }
    return rest.length;
}

static void put_parts(struct cli_output *output, struct gw_str rest, size_t indent) {
    size_t column = indent;
    while (rest.length > 0) {
        size_t length = part_length(rest);
        if (column > indent && column + 1 + length > CLI_WRAP_COLUMNS) {
            cli_output_put(output, "\n");
            cli_wrap_put_blanks(output, indent);
            column = indent;
        }
        cli_output_put(output, " ");
        cli_output_put_str(output, gw_str_slice(rest, 0, length));
        column += 1 + length;
        rest = gw_str_slice(rest, length < rest.length ? length + 1 : length, rest.length);
    }
}

void cli_usage_put_line(struct cli_output *output, const char *before, enum cli_command command,
                        const char *usage) {
    const char *words = cli_command_words(command);
    const char *blank = words[0] == '\0' ? "" : " ";
    struct cli_usage_line line;
    if (usage == NULL) {
        cli_usage_make(command, &line);
        usage = line.text + 1;
    }
    cli_output_put(output, before);
    cli_output_put(output, "skillreg");
    cli_output_put(output, blank);
    cli_output_put(output, words);
    put_parts(output, gw_str_from(usage),
              strlen(before) + strlen("skillreg") + strlen(blank) + strlen(words));
    cli_output_put(output, "\n");
}
