// SPDX-License-Identifier: MIT
#pragma once
// An event of the audit as text: the cells of a table, and a line of its own.

#include "base/arena.h"
#include "base/json.h"
#include "cli/output.h"

#define CLI_AUDIT_CELLS 5 // when, action, token, by, from

// .at NULL: the event lacks a member that it must hold. In `arena`.
void cli_audit_text_read(struct gw_json event, struct gw_arena *arena, struct gw_str *cells);
// The cells, two blanks apart, without a line end.
void cli_audit_text_put_line(struct cli_output *out, struct gw_json event, struct gw_arena *arena);
