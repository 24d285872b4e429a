// SPDX-License-Identifier: MIT
#pragma once
// What may stand where the cursor is, made from the rows of commands and flags: the engine behind
// the scripts of `skillreg completion`. Nothing here asks a gateway.
//
// A candidate is a line: the whole word, and, behind a tab, what it is. Where names of files are
// wanted, which the shell knows itself, the one line is CLI_COMPLETE_FILES.

#include "cli/options.h"
#include "cli/output.h"

#define CLI_COMPLETE_FILES ":files\n"

enum cli_complete_what {
    CLI_COMPLETE_FLAG,
    CLI_COMPLETE_COMMAND, // a word of a command
    CLI_COMPLETE_VALUE,   // of a flag, or an operand
};

struct cli_complete {
    struct cli_options options; // what the words before the cursor say
    enum cli_complete_what what;
    enum cli_command group;   // of CLI_COMPLETE_COMMAND: the command whose second words are meant
    enum cli_value_kind kind; // of CLI_COMPLETE_VALUE
    const char *choices;      // of its row
    struct gw_str before;     // what stays in front of each candidate, "--scopes="
    struct gw_str word;       // the beginning of the candidate, which may be empty
};

// `words` are those behind the program's name up to the cursor, the last one the one being typed;
// at least one. They may be wrong in any way. Points into them.
void cli_complete_read(char *const words[], size_t count, struct cli_complete *complete);
// Every candidate, except of the kinds that only the gateway knows (CLI_VALUE_TOKEN_ID, _NAME).
void cli_complete_put(const struct cli_complete *complete, struct cli_output *output);
// One candidate, if it begins with the word. An empty `description` is none.
void cli_complete_put_one(const struct cli_complete *complete, struct cli_output *output,
                          struct gw_str value, struct gw_str description);
