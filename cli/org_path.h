// SPDX-License-Identifier: MIT
#pragma once
// The paths below an organisation. Without a setting for it, whoami is asked first: a token belongs
// to exactly one.

#include "cli/session.h"

// "/orgs/<org>/<collection>", or "/orgs/<org>/<collection>/<id>" unless `id` is NULL; encoded,
// terminated, in the memory of the session.
enum cli_exit cli_org_path_make(struct cli_session *session, const char *collection, const char *id,
                                const char **path, struct cli_reason *why) GW_MUST_USE;
// Adds to *path, which has none yet, those of the `count` parameters that are not NULL, literals of
// ours as "wait=10". *path is then in the memory of the session.
enum cli_exit cli_path_add_parameters(struct cli_session *session, const char **path,
                                      const char *const parameters[], size_t count,
                                      struct cli_reason *why) GW_MUST_USE;
