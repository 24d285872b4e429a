// SPDX-License-Identifier: MIT
#pragma once
// How a command ends: its exit code, and the one line on stderr that says why. Also the way to
// standard output for what may hold a secret.

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "db/session.h"
#include "gateway/operator/options.h"
#include "gateway/operator/store.h"

enum gw_operator_exit {
    GW_OPERATOR_DONE = 0,
    GW_OPERATOR_REFUSED = 1,
    GW_OPERATOR_USAGE = 2,
    GW_OPERATOR_UNREACHABLE = 3,
    GW_OPERATOR_IN_PART = 4 // done, but not all of it
};

// Each says why, and returns the exit code of it.
enum gw_operator_exit gw_operator_fail(const char *message);
enum gw_operator_exit gw_operator_fail_unknown_org(struct gw_str slug);
// After a failed write. Does not return when the reader has gone, who has seen enough.
enum gw_operator_exit gw_operator_fail_output(void);
// For a failure that no command explains better.
enum gw_operator_exit gw_operator_fail_store(const struct gw_operator_store *store,
                                             enum gw_status status);

// Opens the database of the options. Unless it returns GW_OPERATOR_DONE the store is not open.
enum gw_operator_exit gw_operator_open(const struct gw_operator_options *options,
                                       struct gw_operator_store *store) GW_MUST_USE;

// The same over a connection that may wait.
enum gw_operator_exit gw_operator_fail_session(const struct db_session *session,
                                               enum gw_status status);
enum gw_operator_exit gw_operator_open_session(const struct gw_operator_options *options,
                                               struct db_session *session) GW_MUST_USE;
// Runs a command over a session of its own.
enum gw_operator_exit
gw_operator_with_session(const struct gw_operator_options *options,
                         enum gw_operator_exit (*run)(const struct gw_operator_options *options,
                                                      struct db_session *session));

// Past stdio, which would keep a copy of a secret. False: standard output takes it no more.
bool gw_operator_write(struct gw_str bytes) GW_MUST_USE;
// Writes what `out` holds, and empties it, if it is more than `bytes`: for output of any length.
bool gw_operator_write_beyond(struct gw_buf *out, size_t bytes) GW_MUST_USE;
