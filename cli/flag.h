// SPDX-License-Identifier: MIT
#pragma once
// Every flag of the command line, a row each, beside the commands of cli/commands.h.
//
// Help lists the flags of a command in the order of the members here. Two rows may share a name for
// different commands, where a flag means something else there (`--limit` of two lists); either both
// take a value or neither does, as flags may stand before the words of the command.

#include "cli/commands.h"

// A flag is a member here and a row in one of the tables of cli/flag_rows.h.
enum cli_flag {
    // Making tokens.
    CLI_FLAG_NAME,
    CLI_FLAG_SCOPES,
    CLI_FLAG_OVERLAP,
    CLI_FLAG_EXPIRES,
    CLI_FLAG_ALLOW_IP, // holds the first one; cli_options_next has all
    CLI_FLAG_BIND_CHILDREN,
    CLI_FLAG_BIND_SAN,
    CLI_FLAG_SELF_ROTATE,
    CLI_FLAG_DESCRIPTION,
    CLI_FLAG_STORE,
    CLI_FLAG_QUIET,
    CLI_FLAG_OUTPUT,
    // Ending tokens.
    CLI_FLAG_SELF,
    CLI_FLAG_WITH_SUCCESSORS,
    CLI_FLAG_CHAIN,
    CLI_FLAG_WITH_RULES,
    CLI_FLAG_OLDER_THAN,
    CLI_FLAG_LAST,
    CLI_FLAG_WAIT,
    CLI_FLAG_YES,
    CLI_FLAG_DRY_RUN,
    // Changing tokens.
    CLI_FLAG_NO_DESCRIPTION,
    CLI_FLAG_FEWER_SCOPES, // --scopes
    CLI_FLAG_EARLIER_END,  // --expires
    CLI_FLAG_WAIT_FOR_CHANGE,
    // Rules of trust.
    CLI_FLAG_WORKFLOW,
    CLI_FLAG_ENVIRONMENT,
    CLI_FLAG_REF,
    CLI_FLAG_CLAIM,       // holds the first one; cli_options_next has all
    CLI_FLAG_RULE_SCOPES, // --scopes
    CLI_FLAG_RULE_LIFE,   // --expires
    CLI_FLAG_ISSUER,
    // Choosing tokens.
    CLI_FLAG_ALL,
    CLI_FLAG_MINTED,
    CLI_FLAG_UNUSED,
    CLI_FLAG_EXPIRING,
    CLI_FLAG_NAME_PART,
    CLI_FLAG_PREFIX,
    CLI_FLAG_SCOPE,
    CLI_FLAG_SORT,
    CLI_FLAG_LIST_LIMIT,
    CLI_FLAG_NO_HEADERS,
    CLI_FLAG_EXIT_CODE,
    // The log.
    CLI_FLAG_TOKEN_ID,
    CLI_FLAG_ACTOR,
    CLI_FLAG_ACTION,
    CLI_FLAG_SINCE,
    CLI_FLAG_UNTIL,
    CLI_FLAG_LIMIT,
    CLI_FLAG_FOLLOW,
    CLI_FLAG_NDJSON,
    CLI_FLAG_AFTER,
    // The caller.
    CLI_FLAG_TOKEN, // a switch: `login --token`
    CLI_FLAG_OIDC,
    CLI_FLAG_OIDC_SCOPES, // --scopes
    CLI_FLAG_ID_TOKEN_FILE,
    CLI_FLAG_REVOKE,
    // The login of somebody.
    CLI_FLAG_APPROVED_SCOPES, // --scopes
    CLI_FLAG_APPROVED_LIFE,   // --expires
    CLI_FLAG_PERSON,          // --name
    CLI_FLAG_EMAIL,
    // Every command, or nearly.
    CLI_FLAG_ORG,
    CLI_FLAG_JSON,
    CLI_FLAG_URL,
    CLI_FLAG_CA_FILE,
    CLI_FLAG_INSECURE_HTTP,
    CLI_FLAG_VERBOSE,
    CLI_FLAG_HELP,
    CLI_FLAG_VERSION,
    CLI_FLAG_COUNT,
};

struct cli_flag_row {
    const char *name;         // without the dashes
    const char *value;        // as it is shown, "<name>"; NULL: a switch
    const char *choices;      // of CLI_VALUE_CHOICE and CLI_VALUE_LIST, with blanks between
    const char *instead;      // names that people type for it, to be told, or NULL
    const char *help;         // text as in cli/commands.h
    cli_command_set commands; // that take it
    cli_command_set required; // of those, the ones that do nothing without it
    enum cli_value_kind kind;
    char letter; // 'h' for -h; '\0': none
    bool repeatable;
    bool general; // means the same everywhere: the main help lists it too
};
