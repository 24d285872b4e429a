// SPDX-License-Identifier: MIT
#pragma once
// A POST that makes a token, whose secret is in the answer and nowhere else.
//
// It carries an Idempotency-Key made for this call. When its answer got lost, it is sent once more
// with the same key: a gateway that goes by the key replaces what the first one made, so that no
// token is left whose secret nobody knows. All of it takes no longer than one request may. When no
// answer comes in the end, a note on stderr says that the token may have been made.

#include "cli/session.h"

struct cli_keyed_call {
    const char *path;
    struct gw_str body;
    const char *hint; // as in cli/api_error.h
    const char *note; // that the token may have been made, when no answer came, and what to do then
    // Whether the gateway goes by the key of such a request: an older one would make two tokens.
    // May ask it.
    bool (*knows_key)(struct cli_session *session);
};

// As cli_session_call.
enum cli_exit cli_keyed_call(struct cli_session *session, const struct cli_keyed_call *call,
                             struct gw_json *root, struct cli_reason *why) GW_MUST_USE;
