// SPDX-License-Identifier: MIT
#include "gateway/check/database.h"

#include "db/inspect.h"

#define TODO_GRANTS "run what skillreg-gateway grants --role NAME prints"
#define TODO_MIGRATE "run skillreg-gateway migrate, as the owner of the schema"

static void check_version(const struct db_inspection *found, struct gw_check_report *report) {
    if (found->version == 0)
        gw_check_add(report, GW_CHECK_WARNING, "schema", TODO_GRANTS,
                     "its version cannot be read by the role %s", found->role);
    else if (found->version < found->version_here)
        gw_check_add(report, GW_CHECK_ERROR, "schema", TODO_MIGRATE,
                     "is at version %d, this program needs %d", found->version,
                     found->version_here);
    else if (found->version > found->version_here)
        gw_check_add(report, GW_CHECK_WARNING, "schema",
                     "as in the middle of an upgrade; use the newer program after it",
                     "is at version %d, this program knows %d", found->version,
                     found->version_here);
    else
        gw_check_add(report, GW_CHECK_OK, "schema", NULL, "is at version %d", found->version);
    if (found->refused[0] != '\0' && found->version >= found->version_here)
        gw_check_add(report, GW_CHECK_ERROR, "schema", TODO_MIGRATE,
                     "a statement of the gateway cannot be prepared: %s", found->refused);
}

static void check_role(const struct db_inspection *found, struct gw_check_report *report) {
    bool lacks = found->lacks[0] != '\0';
    if (found->is_owner)
        gw_check_add(report, GW_CHECK_WARNING, "role",
                     "serve as one that has what skillreg-gateway grants prints and no more",
                     "%s has the rights of the schema's owner", found->role);
    else if (lacks)
        gw_check_add(report, GW_CHECK_ERROR, "role", TODO_GRANTS, "%s lacks %s", found->role,
                     found->lacks);
    else
        gw_check_add(report, GW_CHECK_OK, "role", NULL, "%s has the rights to serve", found->role);
    for (int i = 0; i < found->differences.count; i++)
        gw_check_add(report, GW_CHECK_WARNING, "role", TODO_GRANTS, "%s has %s", found->role,
                     found->differences.at[i]);
}

static bool check_reached(const char *name, const char *url, struct db_inspection *found,
                          struct gw_check_report *report) {
    char reason[DB_INSPECTION_TEXT_BYTES];
    enum gw_status status = db_inspect(url, found, reason);
    if (status == GW_OK) {
        gw_check_add(report, GW_CHECK_OK, "database", NULL, "%s: reached, PostgreSQL %s, as %s",
                     name, found->server, found->role);
        return true;
    }
    gw_check_add(report, GW_CHECK_ERROR, "database",
                 status == GW_UNAVAILABLE
                     ? "a gateway starts without it and answers 503 until it is there"
                     : NULL,
                 "%s: %s%s", name, status == GW_UNAVAILABLE ? "cannot be reached: " : "", reason);
    return false;
}

void gw_check_database(const struct gw_config *config, struct gw_check_report *report) {
    struct db_inspection found;
    const char *events_url = config->database_events_url;
    if (check_reached("database-url", config->database_url, &found, report)) {
        if (found.is_standby)
            gw_check_add(report, GW_CHECK_WARNING, "database",
                         "add target_session_attrs=read-write to the URL, or name the primary",
                         "is a standby: nothing can be changed there");
        if (found.has_schema)
            check_version(&found, report);
        else
            gw_check_add(report, GW_CHECK_ERROR, "schema", TODO_MIGRATE,
                         "there is none, or the role %s may not use it", found.role);
        if (found.has_schema)
            check_role(&found, report);
    }
    if (events_url != NULL)
        (void)check_reached("database-events-url", events_url, &found, report);
}
