// SPDX-License-Identifier: MIT
#include "cli/help.h"

#include <string.h>

#include "cli/flags.h"
#include "cli/usage.h"
#include "cli/wrap.h"

#define FLAG_COLUMNS 21 // where the help of a flag begins
#define GAP_COLUMNS 3   // between a command and its summary

// ---- usage ----

static void put_usage(struct cli_output *output, enum cli_command command) {
    const struct cli_command_row *row = cli_command_row(command);
    cli_usage_put_line(output, "Usage: ", command, row->usage[0]);
    for (size_t i = 1; i < CLI_USAGES_MAX && row->usage[i] != NULL; i++)
        cli_usage_put_line(output, "       ", command, row->usage[i]);
}

// ---- commands of a group ----

// "create --name <name>": the command with what it cannot do without. Returns its columns.
static size_t put_command(struct cli_output *output, enum cli_command command, const char *word) {
    struct cli_usage_line needs;
    cli_usage_needs(command, &needs);
    cli_output_put(output, word);
    cli_output_put(output, needs.text);
    return strlen(word) + strlen(needs.text);
}

static bool is_listed(enum cli_command command, enum cli_command group) {
    const struct cli_command_row *row = cli_command_row(command);
    return !row->group && cli_command_word_in(command, group) != NULL;
}

static size_t widest_command(enum cli_command group) {
    size_t widest = 0;
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        struct cli_usage_line needs;
        if (!is_listed((enum cli_command)i, group))
            continue;
        cli_usage_needs((enum cli_command)i, &needs);
        size_t columns =
            strlen(cli_command_word_in((enum cli_command)i, group)) + strlen(needs.text);
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

static void put_commands(struct cli_output *output, enum cli_command group) {
    size_t summaries = 2 + widest_command(group) + GAP_COLUMNS;
    cli_output_put(output, "\nCommands:\n");
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        enum cli_command command = (enum cli_command)i;
        if (!is_listed(command, group))
            continue;
        cli_output_put(output, "  ");
        size_t columns = put_command(output, command, cli_command_word_in(command, group));
        cli_wrap_put_blanks(output, summaries - 2 - columns);
        cli_wrap_put(output, cli_command_row(command)->summary, summaries);
    }
}

// ---- flags ----

static void put_flag(struct cli_output *output, const struct cli_flag_row *row) {
    const char *value = row->value == NULL ? "" : row->value;
    size_t columns =
        strlen("  --") + strlen(row->name) + (value[0] == '\0' ? 0 : 1) + strlen(value);
    cli_output_put(output, "  --");
    cli_output_put(output, row->name);
    cli_output_put(output, value[0] == '\0' ? "" : " ");
    cli_output_put(output, value);
    if (columns + 2 > FLAG_COLUMNS) {
        cli_output_put(output, "\n");
        columns = 0;
    }
    cli_wrap_put_blanks(output, FLAG_COLUMNS - columns);
    cli_wrap_put(output, row->help, FLAG_COLUMNS);
}

static void put_flags(struct cli_output *output, enum cli_command command) {
    cli_output_put(output,
                   command == CLI_COMMAND_NONE ? "\nFlags of every command:\n" : "\nFlags:\n");
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        const struct cli_flag_row *row = cli_flag_row((enum cli_flag)i);
        bool is_listed_here =
            command == CLI_COMMAND_NONE ? row->general : cli_flag_is_of((enum cli_flag)i, command);
        if (is_listed_here)
            put_flag(output, row);
    }
}

// ---- the whole ----

static void put_examples(struct cli_output *output, const char *examples) {
    struct gw_str rest = gw_str_from(examples);
    struct gw_str line;
    bool several = gw_str_find(rest, '\n') + 1 < rest.length;
    cli_output_put(output, several ? "\nExamples:\n" : "\nExample:\n");
    while (gw_str_next(&rest, '\n', &line) && line.length > 0) {
        cli_output_put(output, "  ");
        cli_output_put_str(output, line);
        cli_output_put(output, "\n");
    }
}

void cli_help_put(struct cli_output *output, enum cli_command command) {
    const struct cli_command_row *row = cli_command_row(command);
    if (command == CLI_COMMAND_NONE) {
        cli_output_put(output, "skillreg: ");
        cli_output_put(output, row->summary);
        cli_output_put(output, "\n\n");
    }
    put_usage(output, command);
    if (row->alias != NULL) {
        cli_output_put(output, "Alias: skillreg ");
        cli_output_put(output, row->alias);
        cli_output_put(output, "\n");
    }
    if (row->text != NULL) {
        cli_output_put(output, "\n");
        cli_wrap_put(output, row->text, 0);
    }
    if (row->group)
        put_commands(output, command);
    if (!row->group || command == CLI_COMMAND_NONE)
        put_flags(output, command);
    if (row->notes != NULL) {
        cli_output_put(output, "\n");
        cli_wrap_put(output, row->notes, 0);
    }
    if (row->examples != NULL)
        put_examples(output, row->examples);
}
