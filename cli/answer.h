// SPDX-License-Identifier: MIT
#pragma once
// Reading the objects of the gateway's answers. A member that is missing or of another type, and
// memory that ran out, read as "not there" (.at NULL): what a command cannot do without, it checks
// itself.
//
// Texts are slices of the answer or copies in `arena`.

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"

// A string member.
struct gw_str cli_answer_text(struct gw_json object, const char *key, struct gw_arena *arena);
// An array of strings as "read, write"; anything else counts as not there.
struct gw_str cli_answer_list(struct gw_json object, const char *key, struct gw_arena *arena);
// A boolean member that is true; what is not there is not.
bool cli_answer_is_true(struct gw_json object, const char *key);
// A time in words, as seen at `now_ms`: "2 hours ago"; "never" for null or not there; another text
// as it came.
struct gw_str cli_answer_ago(struct gw_json object, const char *key, int64_t now_ms,
                             struct gw_arena *arena);
// The same for a time that lies ahead: "in 5 days".
struct gw_str cli_answer_ahead(struct gw_json object, const char *key, int64_t now_ms,
                               struct gw_arena *arena);
// A copy in `arena`, for what must outlive the answer.
struct gw_str cli_answer_keep(struct gw_str text, struct gw_arena *arena);
