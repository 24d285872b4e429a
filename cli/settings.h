// SPDX-License-Identifier: MIT
#pragma once
// The settings of a command, each from the first place that has it: the flag, the environment, the
// file.
//
// The file is read only if something is still missing, so that a broken one does not stop a CI job
// that sets everything in its environment. An empty environment variable counts as not set.

#include <limits.h>

#include "cli/api_url.h"
#include "cli/options.h"
#include "token/slug.h"

#define CLI_SETTINGS_TOKEN_BYTES_MAX 512
#define CLI_SETTINGS_ORG_BYTES_MAX (GW_ORG_SLUG_LENGTH_MAX + 1)

enum cli_token_source {
    CLI_TOKEN_OF_FILE,
    CLI_TOKEN_OF_ENVIRONMENT,
    CLI_TOKEN_OF_LOGIN, // just typed
};

struct cli_settings {
    char base_url[CLI_API_URL_BYTES_MAX];     // as cli_api_url_base makes it
    char token[CLI_SETTINGS_TOKEN_BYTES_MAX]; // wiped by cli_settings_deinit
    enum cli_token_source token_source;
    char org[CLI_SETTINGS_ORG_BYTES_MAX]; // empty: nowhere set, or not needed
    char ca_file[PATH_MAX];               // empty: the authorities of the system
};

// `login` needs no token, and only commands that take --org need an organisation. CLI_USAGE:
// something is missing or cannot be right. CLI_FAILED: the file cannot be read. Failing leaves
// nothing to deinit.
enum cli_exit cli_settings_load(struct cli_settings *settings, const struct cli_options *options,
                                struct cli_reason *why) GW_MUST_USE;
void cli_settings_deinit(struct cli_settings *settings);
// CLI_USAGE unless `token` (white space around it does not count) could stand in a header; else
// settings->token.
enum cli_exit cli_settings_set_token(struct cli_settings *settings, struct gw_str token,
                                     struct cli_reason *why) GW_MUST_USE;
