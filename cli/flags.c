// SPDX-License-Identifier: MIT
#include "cli/flags.h"

#include <string.h>

#define FOR(command) CLI_COMMAND_BIT(CLI_COMMAND_##command)
#define FOR_ORG_COMMANDS                                                                           \
    (FOR(TOKEN_CREATE) | FOR(TOKEN_LIST) | FOR(TOKEN_SHOW) | FOR(TOKEN_UPDATE) |                   \
     FOR(TOKEN_ROTATE) | FOR(TOKEN_REVOKE) | FOR(AUDIT) | FOR(TRUST_ADD) | FOR(TRUST_LIST) |       \
     FOR(TRUST_SHOW) | FOR(TRUST_REMOVE))
#define FOR_ANSWERS (FOR_ORG_COMMANDS | FOR(WHOAMI) | FOR(LOGIN) | FOR(LOGOUT))
#define FOR_REQUESTS (FOR_ANSWERS | FOR(EXEC))
#define FOR_IDENTITIES (FOR(LOGIN) | FOR(EXEC))
#define FOR_ALL UINT64_MAX

static const struct cli_flag_row rows[CLI_FLAG_COUNT] = {
    // ---- making tokens ----
    [CLI_FLAG_NAME] =
        {
            .name = "name",
            .instead = "title label",
            .value = "<name>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_CREATE) | FOR(TOKEN_UPDATE),
            .required = FOR(TOKEN_CREATE),
            .help = "what the token is for, 1 to 100 characters",
        },
    [CLI_FLAG_SCOPES] =
        {
            .name = "scopes",
            .instead = "scope permission permissions",
            .value = "<list>",
            .kind = CLI_VALUE_LIST,
            .choices = "read write admin",
            .commands = FOR(TOKEN_CREATE),
            .help = "read, write, admin, joined by commas; default read,write\n"
                    "  read   pull, search, list and view skills\n"
                    "  write  push skills, and all of read\n"
                    "  admin  tokens, settings and members, and all of write",
        },
    [CLI_FLAG_OVERLAP] =
        {
            .name = "overlap",
            .instead = "grace grace-period",
            .value = "<time>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_ROTATE),
            .help = "how long the old token works on, such as 30m, or 0; default 24h",
        },
    [CLI_FLAG_EXPIRES] =
        {
            .name = "expires",
            .instead = "expiry expires-in expires-at ttl expiration duration",
            .value = "<when>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_CREATE) | FOR(TOKEN_ROTATE),
            .help = "when it ends: after 12h, 90d, 1w or 1y (365 days), on a date (2027-01-31, as "
                    "the day begins in UTC), at a time (2027-01-31T12:00:00Z), or never",
        },
    [CLI_FLAG_ALLOW_IP] =
        {
            .name = "allow-ip",
            .instead = "ip cidr network allowed-ips allow-ips",
            .value = "<network>",
            .kind = CLI_VALUE_TEXT,
            .repeatable = true,
            .commands = FOR(TOKEN_CREATE) | FOR(TOKEN_UPDATE) | FOR(TRUST_ADD),
            .help = "the token works only from this address or network, such as 192.0.2.7 or "
                    "10.0.0.0/8; give it again for more of them",
        },
    [CLI_FLAG_BIND_CHILDREN] =
        {
            .name = "bind-children",
            .commands = FOR(TOKEN_CREATE),
            .help = "tokens that it makes work only from where it does",
        },
    [CLI_FLAG_SELF_ROTATE] =
        {
            .name = "self-rotate",
            .commands = FOR(TOKEN_CREATE),
            .help = "the token may replace itself (skillreg token rotate --self), never by one "
                    "that may do more or lives longer; so may a thief of it",
        },
    [CLI_FLAG_DESCRIPTION] =
        {
            .name = "description",
            .value = "<text>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_CREATE) | FOR(TOKEN_UPDATE),
            .help = "what it is for, up to 500 characters; never a secret",
        },
    [CLI_FLAG_STORE] =
        {
            .name = "store",
            .commands = FOR(TOKEN_ROTATE),
            .help = "put the new token in the place of the old one in ~/.skillreg/config.json, if "
                    "that is the one to be rotated",
        },
    [CLI_FLAG_QUIET] =
        {
            .name = "quiet",
            .commands = FOR(TOKEN_CREATE) | FOR(TOKEN_ROTATE),
            .help = "print the secret and nothing else",
        },
    [CLI_FLAG_OUTPUT] =
        {
            .name = "output",
            .value = "<form>",
            .kind = CLI_VALUE_CHOICE,
            .choices = "github gitlab dotenv",
            .commands = FOR(TOKEN_CREATE) | FOR(TOKEN_ROTATE),
            .help = "hand the secret on as SKILLREG_TOKEN\n"
                    "  github  masks it, and sets it for the steps that follow\n"
                    "  gitlab  a line for a dotenv report, which nothing masks\n"
                    "  dotenv  a quoted line for a file that a shell reads",
        },
    // ---- ending tokens ----
    [CLI_FLAG_SELF] =
        {
            .name = "self",
            .commands = FOR(TOKEN_REVOKE) | FOR(TOKEN_ROTATE),
            .help = "the token that asks, instead of an id",
        },
    [CLI_FLAG_WITH_SUCCESSORS] =
        {
            .name = "with-successors",
            .commands = FOR(TOKEN_REVOKE),
            .help = "also the tokens that came of it by rotation",
        },
    [CLI_FLAG_CHAIN] =
        {
            .name = "chain",
            .commands = FOR(TOKEN_REVOKE),
            .help = "also every token before and after it by rotation: of a leak",
        },
    [CLI_FLAG_OLDER_THAN] =
        {
            .name = "older-than",
            .value = "<time>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_REVOKE),
            .help = "instead of an id: every token that was made that long ago, as 90d; with "
                    "--unused both must be true",
        },
    [CLI_FLAG_LAST] =
        {
            .name = "last",
            .commands = FOR(TOKEN_REVOKE) | FOR(TOKEN_UPDATE),
            .help = "even if it is the last live admin token of the organisation, which can make "
                    "no other then",
        },
    [CLI_FLAG_WAIT] =
        {
            .name = "wait",
            .commands = FOR(TOKEN_REVOKE) | FOR(TRUST_REMOVE),
            .help = "until every gateway refuses it, 10 seconds at most; if one may still let it "
                    "in, says until when and ends with code 4",
        },
    [CLI_FLAG_YES] =
        {
            .name = "yes",
            .letter = 'y',
            .commands = FOR(TOKEN_REVOKE),
            .help = "revoke what was chosen without a question, as where there is no terminal",
        },
    [CLI_FLAG_DRY_RUN] =
        {
            .name = "dry-run",
            .commands = FOR(TOKEN_REVOKE),
            .help = "show which tokens --older-than and --unused choose, and revoke none",
        },
    // ---- changing tokens ----
    [CLI_FLAG_NO_DESCRIPTION] =
        {
            .name = "no-description",
            .commands = FOR(TOKEN_UPDATE),
            .help = "take the description away",
        },
    [CLI_FLAG_FEWER_SCOPES] =
        {
            .name = "scopes",
            .value = "<list>",
            .kind = CLI_VALUE_LIST,
            .choices = "read write admin",
            .commands = FOR(TOKEN_UPDATE),
            .help = "fewer than it has, joined by commas; admin contains write, and write read",
        },
    [CLI_FLAG_EARLIER_END] =
        {
            .name = "expires",
            .value = "<when>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_UPDATE),
            .help = "an earlier end: after 12h, 90d, 1w or 1y (365 days) from now, on a date "
                    "(2027-01-31, as the day begins in UTC) or at a time (2027-01-31T12:00:00Z)",
        },
    [CLI_FLAG_WAIT_FOR_CHANGE] =
        {
            .name = "wait",
            .commands = FOR(TOKEN_UPDATE),
            .help = "until every gateway goes by it, 10 seconds at most; if one may not yet, says "
                    "until when and ends with code 4",
        },
    // ---- rules of trust ----
    [CLI_FLAG_WORKFLOW] =
        {
            .name = "workflow",
            .value = "<file>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TRUST_ADD),
            .help = "of github: the file below .github/workflows, such as publish.yml",
        },
    [CLI_FLAG_ENVIRONMENT] =
        {
            .name = "environment",
            .instead = "env",
            .value = "<name>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TRUST_ADD),
            .help = "of github and gitlab: the environment that the job names",
        },
    [CLI_FLAG_REF] =
        {
            .name = "ref",
            .instead = "branch tag",
            .value = "<ref>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TRUST_ADD),
            .help = "of github refs/heads/main, of gitlab main",
        },
    [CLI_FLAG_CLAIM] =
        {
            .name = "claim",
            .value = "<name=value>",
            .kind = CLI_VALUE_TEXT,
            .repeatable = true,
            .commands = FOR(TRUST_ADD),
            .help =
                "the identity has this claim; again for more of them, all of which must hold, or "
                "with the same name for more values, one of which must",
        },
    [CLI_FLAG_RULE_SCOPES] =
        {
            .name = "scopes",
            .value = "<list>",
            .kind = CLI_VALUE_LIST,
            .choices = "read write",
            .commands = FOR(TRUST_ADD),
            .help =
                "what its tokens may do, joined by commas: read unless given; write contains it",
        },
    [CLI_FLAG_RULE_LIFE] =
        {
            .name = "expires",
            .value = "<time>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TRUST_ADD),
            .help = "how long a token lives at the most, 1m to 12h; 15m unless given",
        },
    [CLI_FLAG_ISSUER] =
        {
            .name = "issuer",
            .value = "<name>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TRUST_ADD),
            .help = "the operator's name for it, or its URL, where there are several of the kind",
        },
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
            .help = "what this token or rule did, or operator, or expiry",
        },
    [CLI_FLAG_ACTION] =
        {
            .name = "action",
            .value = "<action>",
            .kind = CLI_VALUE_CHOICE,
            .choices = "create import rotate revoke change expire exchange trust untrust",
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
    // ---- the caller ----
    [CLI_FLAG_TOKEN] =
        {
            .name = "token",
            .commands = FOR(LOGIN),
            .help = "log in with a token; it takes no value, for arguments can be seen by every "
                    "user of a machine",
        },
    [CLI_FLAG_OIDC] =
        {
            .name = "oidc",
            .commands = FOR_IDENTITIES,
            .help = "get a token for the identity token of this CI job or workload",
        },
    [CLI_FLAG_OIDC_SCOPES] =
        {
            .name = "scopes",
            .value = "<list>",
            .kind = CLI_VALUE_LIST,
            .choices = "read write admin",
            .commands = FOR_IDENTITIES,
            .help = "with --oidc: read, write, admin, joined by commas; default read",
        },
    [CLI_FLAG_ID_TOKEN_FILE] =
        {
            .name = "id-token-file",
            .value = "<file>",
            .kind = CLI_VALUE_FILE,
            .commands = FOR_IDENTITIES,
            .help = "with --oidc: the file that holds the identity token; without it the first of "
                    "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN (GitHub), "
                    "SKILLREG_ID_TOKEN (GitLab), the file of SKILLREG_ID_TOKEN_FILE or "
                    "/var/run/secrets/skillreg/token (Kubernetes)",
        },
    [CLI_FLAG_REVOKE] =
        {
            .name = "revoke",
            .commands = FOR(LOGOUT),
            .help = "revoke the token first, for good, wherever else it is in use",
        },
    // ---- every command, or nearly ----
    [CLI_FLAG_ORG] =
        {
            .name = "org",
            .instead = "organisation organization",
            .value = "<slug>",
            .kind = CLI_VALUE_ORG,
            .commands = FOR_ORG_COMMANDS | FOR_IDENTITIES,
            .help = "the organisation; without it SKILLREG_ORG, then \"org\" in "
                    "~/.skillreg/config.json, then the one of your own token",
        },
    [CLI_FLAG_JSON] =
        {
            .name = "json",
            .general = true,
            .commands = FOR_ANSWERS,
            .help = "print the gateway's JSON instead of text, errors as JSON",
        },
    [CLI_FLAG_URL] =
        {
            .name = "url",
            .instead = "host server registry api-url endpoint",
            .value = "<address>",
            .kind = CLI_VALUE_TEXT,
            .general = true,
            .commands = FOR_REQUESTS,
            .help = "address of the gateway, such as https://skillreg.example.com",
        },
    [CLI_FLAG_CA_FILE] =
        {
            .name = "ca-file",
            .instead = "cacert ca cafile",
            .value = "<file>",
            .kind = CLI_VALUE_FILE,
            .general = true,
            .commands = FOR_REQUESTS,
            .help = "trust the certificate authorities in this PEM file",
        },
    [CLI_FLAG_INSECURE_HTTP] =
        {
            .name = "insecure-http",
            .instead = "insecure",
            .general = true,
            .commands = FOR_REQUESTS,
            .help = "allow http:// to another machine (the token goes unencrypted)",
        },
    [CLI_FLAG_VERBOSE] =
        {
            .name = "verbose",
            .instead = "debug",
            .general = true,
            .commands = FOR_REQUESTS,
            .help = "say on stderr what was left out and why",
        },
    [CLI_FLAG_HELP] =
        {
            .name = "help",
            .letter = 'h',
            .general = true,
            .commands = FOR_ALL,
            .help = "print this text",
        },
    [CLI_FLAG_VERSION] =
        {
            .name = "version",
            .letter = 'V',
            .general = true,
            .commands = FOR_ALL,
            .help = "print the version",
        },
};

const struct cli_flag_row *cli_flag_row(enum cli_flag flag) {
    gw_assert(flag < CLI_FLAG_COUNT);
    return &rows[flag];
}

bool cli_flag_is_of(enum cli_flag flag, enum cli_command command) {
    return (cli_flag_row(flag)->commands & CLI_COMMAND_BIT(command)) != 0;
}

enum cli_flag cli_flag_find(struct gw_str name) {
    int flag = 0;
    while (flag < CLI_FLAG_COUNT && !gw_str_equal(name, gw_str_from(rows[flag].name)))
        flag++;
    return (enum cli_flag)flag;
}

enum cli_flag cli_flag_find_letter(char letter) {
    int flag = 0;
    while (flag < CLI_FLAG_COUNT && (rows[flag].letter == '\0' || rows[flag].letter != letter))
        flag++;
    return (enum cli_flag)flag;
}

enum cli_flag cli_flag_for(enum cli_flag flag, enum cli_command command) {
    const char *name = cli_flag_row(flag)->name;
    int found = 0;
    while (found < CLI_FLAG_COUNT &&
           (strcmp(rows[found].name, name) != 0 || !cli_flag_is_of((enum cli_flag)found, command)))
        found++;
    return (enum cli_flag)found;
}
