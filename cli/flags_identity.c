// SPDX-License-Identifier: MIT
// Flags of rules of trust, and of who calls: with a token, or for an identity.
#include "cli/flag_rows.h"

const struct cli_flag_row cli_flags_identity[CLI_FLAG_COUNT] = {
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
    // ---- the login of somebody ----
    [CLI_FLAG_APPROVED_SCOPES] =
        {
            .name = "scopes",
            .value = "<list>",
            .kind = CLI_VALUE_LIST,
            .choices = "read write",
            .commands = FOR(APPROVE),
            .help = "what the token may do, joined by commas: read unless given; write contains it",
        },
    [CLI_FLAG_APPROVED_LIFE] =
        {
            .name = "expires",
            .value = "<when>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(APPROVE),
            .help = "when the token ends: after 12h, as unless given, or 30d, on a date "
                    "(2027-01-31, as the day begins in UTC) or at a time (2027-01-31T12:00:00Z), "
                    "and no later than the token that approves",
        },
    [CLI_FLAG_PERSON] =
        {
            .name = "name",
            .value = "<name>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(APPROVE),
            .help = "of the person who logs in, to be shown with the token",
        },
    [CLI_FLAG_EMAIL] =
        {
            .name = "email",
            .instead = "mail e-mail",
            .value = "<address>",
            .kind = CLI_VALUE_TEXT,
            .commands = FOR(APPROVE),
            .help = "of the person who logs in, to be shown with the token",
        },
};
