// SPDX-License-Identifier: MIT
// Flags of the commands that make, end and change tokens.
#include "cli/flag_rows.h"

const struct cli_flag_row cli_flags_tokens[CLI_FLAG_COUNT] = {
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
    [CLI_FLAG_BIND_SAN] =
        {
            .name = "bind-san",
            .instead = "san spiffe spiffe-id certificate",
            .value = "<name>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(TOKEN_CREATE),
            .help = "the token works only with a client certificate that has this URI or DNS name, "
                    "such as spiffe://example.org/ci (gateways with --client-ca)",
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
    [CLI_FLAG_WITH_RULES] =
        {
            .name = "with-rules",
            .commands = FOR(TOKEN_REVOKE),
            .help = "also the rules of trust that it made, and the tokens that they gave; without "
                    "it they go on, and are named",
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
            .commands = FOR(TOKEN_REVOKE) | FOR(APPROVE),
            .help = "do it without a question, as where there is no terminal",
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
};
