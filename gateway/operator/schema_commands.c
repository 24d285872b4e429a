// SPDX-License-Identifier: MIT
#include "gateway/operator/schema_commands.h"

#include <stdio.h>

#include "base/buf.h"
#include "db/grants.h"
#include "db/migrate.h"
#include "gateway/settings/complaint.h"

// ---- migrate ----

enum gw_operator_exit gw_operator_migrate(const struct gw_operator_options *options) {
    gw_assert(options->database_url != NULL);
    struct db_migrate_report report;
    enum gw_status status = options->role.at == NULL ? db_migrate(options->database_url, &report)
                                                     : db_migrate_and_grant(options->database_url,
                                                                            options->role, &report);
    if (status == GW_UNAVAILABLE) {
        gw_complain("%s (check --database-url or DATABASE_URL)", report.error);
        return GW_OPERATOR_UNREACHABLE;
    }
    if (status != GW_OK)
        return gw_operator_fail(report.error);
    if (report.version_before == report.version_after)
        (void)printf("\xE2\x9C\x93 The schema is at version %d: nothing to do.\n",
                     report.version_after);
    else
        (void)printf("\xE2\x9C\x93 The schema went from version %d to %d.\n", report.version_before,
                     report.version_after);
    return GW_OPERATOR_DONE;
}

// ---- grants ----

// One transaction: all of it, or nothing.
enum gw_operator_exit gw_operator_grants(const struct gw_operator_options *options) {
    struct gw_buf out;
    gw_assert(options->role.at != NULL);
    gw_buf_init(&out, DB_GRANTS_BYTES_MAX);
    enum gw_status status = gw_buf_append_str(&out, GW_STR("begin;\n"));
    if (status == GW_OK)
        status = db_grants_write(options->role, &out);
    if (status == GW_OK)
        status = gw_buf_append_str(&out, GW_STR("commit;\n"));
    bool is_shown = status == GW_OK && gw_operator_write(gw_buf_bytes(&out));
    gw_buf_deinit(&out);
    return is_shown ? GW_OPERATOR_DONE : gw_operator_fail_output();
}
