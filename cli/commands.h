// SPDX-License-Identifier: MIT
#pragma once
// Every command of the command line, a row each: what it is called, what it takes, what its help
// says. The parser, --help, the hints on wrong usage, shell completion and the man page are made
// from these rows and from those of cli/flags.h; nothing else lists commands or flags.
//
// Text is plain ASCII and wraps by itself. A line end in it stands, an empty line parts paragraphs,
// and a line that begins with blanks is printed as it is.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A command is a member here, a row in cli/commands.c, its flags in cli/flags.c, what it requires
// of them in cli/options_read.c, and its function in cli/main.c.
enum cli_command {
    CLI_COMMAND_NONE, // not given: only --help and --version make sense
    // The group `token`.
    CLI_COMMAND_TOKEN, // without a second word: only --help makes sense
    CLI_COMMAND_TOKEN_CREATE,
    CLI_COMMAND_TOKEN_LIST,
    CLI_COMMAND_TOKEN_SHOW,
    CLI_COMMAND_TOKEN_UPDATE,
    CLI_COMMAND_TOKEN_ROTATE,
    CLI_COMMAND_TOKEN_REVOKE,
    // The group `trust`.
    CLI_COMMAND_TRUST, // without a second word: only --help makes sense
    CLI_COMMAND_TRUST_ADD,
    CLI_COMMAND_TRUST_LIST,
    CLI_COMMAND_TRUST_SHOW,
    CLI_COMMAND_TRUST_REMOVE,
    CLI_COMMAND_TRUST_TEST,
    // The log.
    CLI_COMMAND_AUDIT,
    // The caller.
    CLI_COMMAND_WHOAMI,
    CLI_COMMAND_LOGIN,
    CLI_COMMAND_LOGOUT,
    CLI_COMMAND_APPROVE,
    CLI_COMMAND_EXEC,
    // Leaks.
    CLI_COMMAND_SCAN,
    // The program itself.
    CLI_COMMAND_HELP,
    CLI_COMMAND_COMPLETION,
    CLI_COMMAND_COUNT,
};

typedef uint64_t cli_command_set;
#define CLI_COMMAND_BIT(command) (UINT64_C(1) << (command))
_Static_assert(CLI_COMMAND_COUNT <= 64, "a cli_command_set holds every command");

// What a value stands for, which decides what a shell offers to complete it.
enum cli_value_kind {
    CLI_VALUE_NONE, // no value: a switch, or a command without operands
    CLI_VALUE_TEXT, // nothing to offer
    CLI_VALUE_FILE,
    CLI_VALUE_ORG,
    CLI_VALUE_TOKEN_ID,
    CLI_VALUE_TOKEN_NAME,
    CLI_VALUE_COMMAND,
    CLI_VALUE_CHOICE, // one of the row's choices
    CLI_VALUE_LIST,   // some of the row's choices, joined by commas
};

#define CLI_USAGES_MAX 4
#define CLI_REVOKE_IDS_MAX 10000                  // in one command; more than xargs gives it
#define CLI_OPERANDS_MAX (CLI_REVOKE_IDS_MAX + 8) // the words of the command among them

struct cli_command_row {
    const char *words;           // as they are typed, "token create"; "" for CLI_COMMAND_NONE
    const char *alias;           // other words, as many, or NULL: "token ls"
    const char *instead;         // last words that people type for it, to be told, or NULL
    const char *summary;         // its line in the list of commands
    const char *operand;         // as it is shown, "<id>"; NULL: it takes none
    const char *operand_choices; // of CLI_VALUE_CHOICE, with blanks between
    size_t operands_max;
    // What its usage lines say after the words. Without any there is one line, made from the
    // operand and the flags, which is enough unless flags exclude each other.
    const char *usage[CLI_USAGES_MAX];
    const char *text;     // what it does, above its flags
    const char *notes;    // below its flags, or NULL
    const char *examples; // a line each, or NULL
    enum cli_value_kind operand_kind;
    bool group; // only the first word of other commands
};

// Static storage.
const struct cli_command_row *cli_command_row(enum cli_command command);
// The words of the command as they are typed, "" for CLI_COMMAND_NONE.
const char *cli_command_words(enum cli_command command);
// How many words that is.
size_t cli_command_word_count(enum cli_command command);
// The command that `words` begin with, or with its alias, the longest one; CLI_COMMAND_NONE when
// there is none.
enum cli_command cli_command_find(const char *const words[], size_t count);
// The word behind the group's own if `command` is of that group, NULL if not. Every command that is
// no second word of a group is of CLI_COMMAND_NONE.
const char *cli_command_word_in(enum cli_command command, enum cli_command group);
