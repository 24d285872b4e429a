// SPDX-License-Identifier: MIT
// Flags of the commands that list: which entries, how many, and in what form.
#include "cli/flag_rows.h"

const struct cli_flag_row cli_flags_lists[CLI_FLAG_COUNT] = {
    // ---- choosing tokens ----
    [CLI_FLAG_ALL] =
        {
            .name = "all",
            .commands = FOR(TOKEN_LIST),
            .help = "expired and revoked ones too, with a column STATE",
        },
    [CLI_FLAG_MINTED] =
        {
            .name = "minted",
            .commands = FOR(TOKEN_LIST),
            .help = "those that rules of trust gave, and no others",
        },
    [CLI_FLAG_UNUSED] =
        {
            .name = "unused",
            .value = "<time>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_LIST) | FOR(TOKEN_REVOKE),
            .help = "those not used for that long, such as 90d",
        },
    [CLI_FLAG_EXPIRING] =
        {
            .name = "expiring",
            .value = "<time>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_LIST),
            .help = "those that end within that time, such as 14d",
        },
    [CLI_FLAG_NAME_PART] =
        {
            .name = "name",
            .value = "<text>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_LIST) | FOR(TOKEN_REVOKE),
            .help = "those whose name holds this, in any case",
        },
    [CLI_FLAG_PREFIX] =
        {
            .name = "prefix",
            .value = "<text>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_LIST),
            .help = "those whose prefix begins so",
        },
    [CLI_FLAG_SCOPE] =
        {
            .name = "scope",
            .value = "<scope>",
            .kind = CLI_VALUE_CHOICE,
            .choices = "read write admin",
            .commands = FOR(TOKEN_LIST) | FOR(TOKEN_REVOKE),
            .help = "those that have this scope",
        },
    [CLI_FLAG_SORT] =
        {
            .name = "sort",
            .value = "<key>",
            .kind = CLI_VALUE_CHOICE,
            .choices = "created name lastUsed expires -created -name -lastUsed -expires",
            .commands = FOR(TOKEN_LIST),
            .help = "by created, name, lastUsed or expires; downwards with a - before it",
        },
    [CLI_FLAG_LIST_LIMIT] =
        {
            .name = "limit",
            .value = "<n>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_LIST),
            .help = "how many at most, 1 to 10000; without it all",
        },
    [CLI_FLAG_NO_HEADERS] =
        {
            .name = "no-headers",
            .instead = "no-header",
            .commands = FOR(TOKEN_LIST) | FOR(TRUST_LIST),
            .help = "the rows alone, nothing when there are none",
        },
    [CLI_FLAG_EXIT_CODE] =
        {
            .name = "exit-code",
            .commands = FOR(TOKEN_LIST),
            .help = "end with code 10 when the list is not empty",
        },
    // ---- the log ----
    [CLI_FLAG_TOKEN_ID] =
        {
            .name = "token-id",
            .value = "<id>",
            .kind = CLI_VALUE_TOKEN_ID,
            .commands = FOR(AUDIT),
            .help = "what was done to this token or rule, and what made it",
        },
    [CLI_FLAG_ACTOR] =
        {
            .name = "actor",
            .value = "<id>",
            .kind = CLI_VALUE_TOKEN_ID,
            .commands = FOR(AUDIT),
            .help = "what this token or rule did, or operator, registry, gitlab or expiry",
        },
    [CLI_FLAG_ACTION] =
        {
            .name = "action",
            .value = "<action>",
            .kind = CLI_VALUE_CHOICE,
            .choices = "create import rotate revoke change expire exchange trust untrust approve",
            .commands = FOR(AUDIT),
            .help = "one kind of event",
        },
    [CLI_FLAG_SINCE] =
        {
            .name = "since",
            .value = "<when>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(AUDIT),
            .help = "from then on: so long ago (7d), a date or a time",
        },
    [CLI_FLAG_UNTIL] =
        {
            .name = "until",
            .value = "<when>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(AUDIT),
            .help = "before then",
        },
    [CLI_FLAG_LIMIT] =
        {
            .name = "limit",
            .value = "<n>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(AUDIT),
            .help = "how many at most, 1 to 10000; default 50",
        },
    [CLI_FLAG_FOLLOW] =
        {
            .name = "follow",
            .commands = FOR(AUDIT),
            .help = "print events as they come, oldest first, until interrupted",
        },
    [CLI_FLAG_NDJSON] =
        {
            .name = "ndjson",
            .commands = FOR(AUDIT),
            .help = "every event that matches, oldest first, a line of JSON each",
        },
    [CLI_FLAG_AFTER] =
        {
            .name = "after",
            .value = "<event>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(AUDIT),
            .help = "go on behind the event with this id, oldest first",
        },
};
