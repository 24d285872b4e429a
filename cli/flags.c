// SPDX-License-Identifier: MIT
#include "cli/flags.h"

#include <string.h>

#include "cli/flag_rows.h"

static const struct cli_flag_row *const tables[] = {
    cli_flags_tokens,
    cli_flags_lists,
    cli_flags_identity,
    cli_flags_general,
};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

const struct cli_flag_row *cli_flag_row(enum cli_flag flag) {
    size_t table = 0;
    gw_assert(flag < CLI_FLAG_COUNT);
    while (table < TABLE_COUNT && tables[table][flag].name == NULL)
        table++;
    gw_assert(table < TABLE_COUNT);
    return &tables[table][flag];
}

bool cli_flag_is_of(enum cli_flag flag, enum cli_command command) {
    return (cli_flag_row(flag)->commands & CLI_COMMAND_BIT(command)) != 0;
}

enum cli_flag cli_flag_find(struct gw_str name) {
    int flag = 0;
    while (flag < CLI_FLAG_COUNT &&
           !gw_str_equal(name, gw_str_from(cli_flag_row((enum cli_flag)flag)->name)))
        flag++;
    return (enum cli_flag)flag;
}

enum cli_flag cli_flag_find_letter(char letter) {
    int flag = 0;
    while (flag < CLI_FLAG_COUNT &&
           (letter == '\0' || cli_flag_row((enum cli_flag)flag)->letter != letter))
        flag++;
    return (enum cli_flag)flag;
}

enum cli_flag cli_flag_for(enum cli_flag flag, enum cli_command command) {
    const char *name = cli_flag_row(flag)->name;
    int found = 0;
    while (found < CLI_FLAG_COUNT && (strcmp(cli_flag_row((enum cli_flag)found)->name, name) != 0 ||
                                      !cli_flag_is_of((enum cli_flag)found, command)))
        found++;
    return (enum cli_flag)found;
}
