// SPDX-License-Identifier: MIT
#pragma once
// A report of tokens that a scanner has found, as GitLab's Token Revocation API has it: an array of
// objects with `type`, `token` and `location`; other members are ignored, for the form is not ours.
// Pure. Nothing of a token but its SHA-256 is kept.
//
// The body is read in one go: GW_BODY_LEAKS_BYTES_MAX is what one turn of the loop can take.

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/leaks.h"
#include "gateway/http/errors.h"

// gitleaks_rule_id and the id of the rule in docs/ci/gitleaks.toml.
#define GW_LEAK_TYPE_GITLAB "gitleaks_rule_id_skillreg-token"

struct gw_leak_report {
    const struct db_leak *leaks; // in the arena, no two the same
    int leak_count;              // 0 to DB_LEAKS_MAX
    int reported;                // elements of the array, which may repeat a token or have none
};

// False: *refusal is 400 for what is no JSON, no array of 1 to DB_LEAKS_MAX objects, has an element
// without a text for `token`, or one of another type; its message says which element. An element
// whose text cannot be a token is counted and left out: the scanner was wrong. A place that is no
// plain text is left out, a token in one is masked, and it is cut at DB_LEAK_PLACE_BYTES_MAX.
bool gw_leak_report_parse(struct gw_arena *arena, struct gw_str body, struct gw_leak_report *report,
                          struct gw_refusal *refusal) GW_MUST_USE;
