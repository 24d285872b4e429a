// SPDX-License-Identifier: MIT
#include "cli/man_page.h"

#include <stdio.h>

#include "base/roff.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/usage.h"

#define TERM_BYTES_MAX 128

static void put_flag(struct gw_roff *roff, const struct cli_flag_row *row) {
    char term[TERM_BYTES_MAX];
    const char letter[] = {'-', row->letter, ',', ' ', '\0'};
    int length =
        snprintf(term, sizeof(term), "%s--%s%s%s", row->letter == '\0' ? "" : letter, row->name,
                 row->value == NULL ? "" : " ", row->value == NULL ? "" : row->value);
    gw_assert(length > 0 && (size_t)length < sizeof(term));
    gw_roff_item(roff, term, row->help);
}

static void put_usages(struct gw_roff *roff, enum cli_command command) {
    const struct cli_command_row *row = cli_command_row(command);
    char name[TERM_BYTES_MAX];
    struct cli_usage_line line;
    int length = snprintf(name, sizeof(name), "skillreg %s", row->words);
    gw_assert(length > 0 && (size_t)length < sizeof(name));
    if (row->usage[0] == NULL) {
        cli_usage_make(command, &line);
        gw_roff_synopsis(roff, name, line.text);
    }
    for (size_t i = 0; i < CLI_USAGES_MAX && row->usage[i] != NULL; i++) {
        (void)snprintf(line.text, sizeof(line.text), " %s", row->usage[i]);
        gw_roff_synopsis(roff, name, line.text);
    }
}

static void put_command(struct gw_roff *roff, enum cli_command command) {
    const struct cli_command_row *row = cli_command_row(command);
    gw_roff_subsection(roff, row->words);
    put_usages(roff, command);
    if (row->alias != NULL)
        gw_roff_synopsis(roff, "skillreg ", row->alias);
    gw_roff_text(roff, row->text);
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        if (cli_flag_is_of((enum cli_flag)i, command) && !cli_flag_row((enum cli_flag)i)->general)
            put_flag(roff, cli_flag_row((enum cli_flag)i));
    }
    if (row->notes != NULL)
        gw_roff_text(roff, row->notes);
    if (row->examples != NULL)
        gw_roff_lines(roff, row->examples);
}

void cli_man_page_put(struct cli_output *output) {
    const struct cli_command_row *program = cli_command_row(CLI_COMMAND_NONE);
    struct gw_roff roff = {.out = &output->bytes, .status = output->status};
    gw_roff_begin(&roff, "skillreg", 1, GATEWAY_VERSION, program->summary);
    gw_roff_section(&roff, "SYNOPSIS");
    gw_roff_synopsis(&roff, "skillreg", " <command> [flags]");
    gw_roff_section(&roff, "COMMANDS");
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        if (!cli_command_row((enum cli_command)i)->group)
            put_command(&roff, (enum cli_command)i);
    }
    gw_roff_section(&roff, "OPTIONS");
    gw_roff_text(&roff, "Every command takes these, wherever they mean something.");
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        if (cli_flag_row((enum cli_flag)i)->general)
            put_flag(&roff, cli_flag_row((enum cli_flag)i));
    }
    gw_roff_section(&roff, "SETTINGS AND EXIT CODES");
    gw_roff_text(&roff, program->notes);
    gw_roff_section(&roff, "SEE ALSO");
    gw_roff_text(&roff, "skillreg-gateway(8)");
    output->status = roff.status;
}
