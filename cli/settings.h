// SPDX-License-Identifier: MIT
#pragma once
// The settings of a command, each from the first place that has it: the flag, the environment, the
// file.
//
// The file is read only if something is still missing, and where only the organisation is, one that
// cannot be read counts as absent: a broken file, or no home, does not stop a CI job that has
// address and token in its environment. What the file holds counts for the gateway that it belongs
// to (cli/stored_login.h). An empty environment variable counts as not set.

#include <limits.h>

#include "cli/api_url.h"
#include "cli/options.h"
#include "cli/setting_place.h"
#include "token/slug.h"

#define CLI_SETTINGS_TOKEN_BYTES_MAX 512
#define CLI_SETTINGS_ORG_BYTES_MAX (GW_ORG_SLUG_LENGTH_MAX + 1)

enum cli_token_source {
    CLI_TOKEN_OF_FILE,
    CLI_TOKEN_OF_ENVIRONMENT,
    CLI_TOKEN_OF_LOGIN, // just typed, or just made for an identity token
};

struct cli_settings {
    char base_url[CLI_API_URL_BYTES_MAX];     // as cli_api_url_base makes it; empty: `logout`
    char token[CLI_SETTINGS_TOKEN_BYTES_MAX]; // wiped by cli_settings_deinit
    enum cli_token_source token_source;
    char org[CLI_SETTINGS_ORG_BYTES_MAX]; // empty: nowhere set, or not needed
    enum cli_setting_place org_place;
    char ca_file[PATH_MAX]; // empty: the authorities of the system
    char file[PATH_MAX];    // where logins are stored; empty: nowhere
};

// `login`, `logout` and `exec` need no token, `logout` no address either, and only commands that
// take --org need an organisation, `login` with --oidc alone. CLI_USAGE: something is missing or
// cannot be right. CLI_FAILED: the file cannot be read. Failing leaves nothing to deinit.
enum cli_exit cli_settings_load(struct cli_settings *settings, const struct cli_options *options,
                                struct cli_reason *why) GW_MUST_USE;
void cli_settings_deinit(struct cli_settings *settings);
// CLI_USAGE unless `token` (white space around it does not count) could stand in a header; else
// settings->token.
enum cli_exit cli_settings_set_token(struct cli_settings *settings, struct gw_str token,
                                     struct cli_reason *why) GW_MUST_USE;
