// SPDX-License-Identifier: MIT
#pragma once
// A new token as a program takes it, instead of the text for a person: the secret alone, or the
// assignment of SKILLREG_TOKEN in the form of a CI system.
//
// A runner of GitHub reads the command that masks the secret from what a step prints, and variables
// for the steps that follow from the file that GITHUB_ENV names: the secret is put there, where the
// command does not belong, and printed nowhere else. GitLab has no such command.

#include "cli/output.h"

enum cli_token_output {
    CLI_TOKEN_OUTPUT_TEXT,
    CLI_TOKEN_OUTPUT_SECRET,
    CLI_TOKEN_OUTPUT_GITHUB,
    CLI_TOKEN_OUTPUT_GITLAB,
    CLI_TOKEN_OUTPUT_DOTENV,
};

// "github", "gitlab" or "dotenv"; CLI_USAGE for another text, NULL is CLI_TOKEN_OUTPUT_TEXT.
enum cli_exit cli_token_output_parse(const char *text, enum cli_token_output *output,
                                     struct cli_reason *why) GW_MUST_USE;
// Before the token is made: whether it could be handed over. CLI_USAGE: the secret would stand on a
// terminal twice, or the command in the file. CLI_FAILED: GITHUB_ENV cannot be written.
enum cli_exit cli_token_output_check(enum cli_token_output output,
                                     struct cli_reason *why) GW_MUST_USE;
// Not for CLI_TOKEN_OUTPUT_TEXT. Nothing is handed over of what has not the form of a token, which
// could be a command or another variable: CLI_FAILED.
enum cli_exit cli_token_output_put(enum cli_token_output output, struct gw_str secret,
                                   struct cli_output *out, struct cli_reason *why) GW_MUST_USE;
