// SPDX-License-Identifier: MIT
#pragma once
// Text of others that a CI system obeys when it reads it in the output of a job.
//
// GitHub Actions takes a line that begins with "::" for a command, blanks before it or not, and
// "##[" anywhere in a line; Azure Pipelines "##vso[", TeamCity "##teamcity[", both anywhere. A name
// of a token such as "::add-mask::a" must not reach it as that: output that shows such text puts a
// backslash where it breaks the command.

#include <stdbool.h>

#include "base/str.h"

// A line that begins with `text` is a command, or becomes one by what follows.
bool gw_runner_command_begins_line(struct gw_str text);
// "#" and `rest` are one that counts anywhere in a line.
bool gw_runner_command_goes_on(struct gw_str rest);
