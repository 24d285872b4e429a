// SPDX-License-Identifier: MIT
#pragma once
// The tokens of the organisation, page by page. By a cursor, so that none is missing or there twice
// while tokens come and go; of a gateway that is older than cursors by the number of the page, as
// long as nothing was to be chosen or sorted, which such a gateway would ignore.

#include "cli/options.h"
#include "cli/session.h"

struct cli_token_pages {
    struct cli_session *session;
    const char *path;
    struct gw_str filter;                  // "&unused=90d&sort=name", or empty
    const struct cli_options *filtered_by; // whose flags could be left out; NULL: none could
    struct gw_str next; // the cursor of the next page, empty before the first; .at NULL: none left
    int64_t page;       // of a gateway that counts them: the next one, 0 otherwise
    int64_t page_count;
    size_t page_limit; // the tokens of the next page at most
};

// `filter` must outlive *pages.
enum cli_exit cli_token_pages_open(struct cli_token_pages *pages, struct cli_session *session,
                                   struct gw_str filter, struct cli_reason *why) GW_MUST_USE;
bool cli_token_pages_are_left(const struct cli_token_pages *pages);
// CLI_DONE: *root is the session's last answer, with the array "tokens"; `wanted` at most of a
// gateway with cursors.
enum cli_exit cli_token_pages_fetch(struct cli_token_pages *pages, size_t wanted,
                                    struct gw_json *root, struct cli_reason *why) GW_MUST_USE;
