// SPDX-License-Identifier: MIT
#pragma once
// `skillreg audit --ndjson` and `--follow`: events oldest first, printed as they come, one a line.
//
// --ndjson alone ends behind the newest event. --follow goes on: it asks every two seconds,
// outlasts an outage of the gateway, and ends with code 0 on SIGINT and SIGTERM, never within a
// line. It begins behind --after, at --since, or else with what comes from now on.

#include "cli/session.h"

enum cli_exit cli_audit_stream(struct cli_session *session, const struct cli_options *options,
                               struct cli_reason *why);
