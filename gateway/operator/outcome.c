// SPDX-License-Identifier: MIT
#include "gateway/operator/outcome.h"

#include <errno.h>
#include <unistd.h>

#include "base/standard_streams.h"
#include "db/url.h"
#include "gateway/settings/complaint.h"

enum gw_operator_exit gw_operator_fail(const char *message) {
    gw_complain("%s", message);
    return GW_OPERATOR_REFUSED;
}

enum gw_operator_exit gw_operator_fail_output(void) {
    if (errno == EPIPE)
        gw_standard_streams_end_unread();
    return gw_operator_fail("standard output cannot be written");
}

enum gw_operator_exit gw_operator_fail_unknown_org(struct gw_str slug) {
    gw_complain("there is no organisation %.*s, or it is deleted (skillreg-gateway org list --all "
                "shows them, org create makes one)",
                GW_STR_ARG(slug));
    return GW_OPERATOR_REFUSED;
}

static enum gw_operator_exit fail_call(enum gw_status status, bool is_reached, const char *reason) {
    if (status == GW_BUSY)
        return gw_operator_fail(
            "another transaction held it up for too long, nothing was changed; try again");
    if (status != GW_UNAVAILABLE) {
        gw_complain("failed: %s", *reason != '\0' ? reason : gw_status_text(status));
        return GW_OPERATOR_REFUSED;
    }
    if (is_reached)
        return gw_operator_fail(reason);
    gw_complain("cannot reach PostgreSQL: %s (check --database-url or DATABASE_URL)", reason);
    return GW_OPERATOR_UNREACHABLE;
}

// ---- over the loop ----

enum gw_operator_exit gw_operator_fail_store(const struct gw_operator_store *store,
                                             enum gw_status status) {
    return fail_call(status, store->is_reached, store->reason);
}

enum gw_operator_exit gw_operator_open(const struct gw_operator_options *options,
                                       struct gw_operator_store *store) {
    gw_assert(options->database_url != NULL);
    enum gw_status status = gw_operator_store_open(store, options->database_url);
    if (status == GW_OK)
        return GW_OPERATOR_DONE;
    return gw_operator_fail(status == GW_INVALID ? db_url_problem(options->database_url)
                                                 : gw_status_text(status));
}

// ---- waiting ----

enum gw_operator_exit gw_operator_fail_session(const struct db_session *session,
                                               enum gw_status status) {
    return fail_call(status, session->is_reached, session->reason);
}

enum gw_operator_exit gw_operator_open_session(const struct gw_operator_options *options,
                                               struct db_session *session) {
    gw_assert(options->database_url != NULL);
    enum gw_status status = db_session_open(session, options->database_url);
    if (status == GW_OK)
        return GW_OPERATOR_DONE;
    if (status == GW_INVALID)
        return gw_operator_fail(db_url_problem(options->database_url));
    return gw_operator_fail_session(session, status);
}

enum gw_operator_exit
gw_operator_with_session(const struct gw_operator_options *options,
                         enum gw_operator_exit (*run)(const struct gw_operator_options *options,
                                                      struct db_session *session)) {
    struct db_session session;
    enum gw_operator_exit code = gw_operator_open_session(options, &session);
    if (code != GW_OPERATOR_DONE)
        return code;
    code = run(options, &session);
    db_session_close(&session);
    return code;
}

// ---- standard output ----

bool gw_operator_write(struct gw_str bytes) {
    while (bytes.length > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes.at, bytes.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes = gw_str_slice(bytes, (size_t)written, bytes.length);
    }
    return true;
}

bool gw_operator_write_beyond(struct gw_buf *out, size_t bytes) {
    if (gw_buf_length(out) <= bytes)
        return true;
    bool is_written = gw_operator_write(gw_buf_bytes(out));
    gw_buf_clear(out);
    return is_written;
}
