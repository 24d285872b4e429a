// SPDX-License-Identifier: MIT
// Flags of every command, or nearly.
#include "cli/flag_rows.h"

const struct cli_flag_row cli_flags_general[CLI_FLAG_COUNT] = {
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
