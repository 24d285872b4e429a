// SPDX-License-Identifier: MIT
#pragma once
// The requests of `skillreg audit`: the path of a page with the filters that were given, and
// whether the answer goes by them.

#include "base/buf.h"
#include "base/json.h"
#include "cli/options.h"
#include "cli/outcome.h"

#define CLI_AUDIT_PAGE_MAX 200

// Checks the filters; reads the clock for times such as 7d.
enum cli_exit cli_audit_query_check(const struct cli_options *options,
                                    struct cli_reason *why) GW_MUST_USE;
// Whether a filter was given.
bool cli_audit_query_chooses(const struct cli_options *options);
// Whether each event of the answer at `root` is one that was asked for: a gateway that is older
// than the filters ignores them, and its answer is refused. `arena` holds what is read meanwhile.
enum cli_exit cli_audit_query_check_answer(const struct cli_options *options, struct gw_json root,
                                           struct gw_arena *arena,
                                           struct cli_reason *why) GW_MUST_USE;
// Appends "<path>?limit=<n>&...". `place` is "before" or "after", `event` an id of an event: empty
// to begin anywhere. The filters are checked.
enum gw_status cli_audit_query_append(struct gw_buf *out, const char *path, int64_t limit,
                                      const struct cli_options *options) GW_MUST_USE;
enum gw_status cli_audit_query_append_place(struct gw_buf *out, const char *place,
                                            struct gw_str event) GW_MUST_USE;
