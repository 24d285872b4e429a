// SPDX-License-Identifier: MIT
#pragma once
// What the values of the flags mean (scopes, times, numbers), what stands for those that are not
// given, and what a command cannot do without.

#include "cli/options.h"

// The last step of cli_options_parse: fills the members behind `values`. Reads the clock, for
// --expires.
enum cli_exit cli_option_values_read(struct cli_options *options,
                                     struct cli_reason *why) GW_MUST_USE;
