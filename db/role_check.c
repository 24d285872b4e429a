// SPDX-License-Identifier: MIT
#include "db/role_check.h"

#include <stdio.h>

#include "base/log.h"
#include "db/query.h"
#include "db/result.h"

const char db_role_check_sql[] =
    "select current_user::text, current_setting('default_transaction_isolation'),"
    " (select setting::int8 from pg_settings where name = 'statement_timeout')";

enum column { COLUMN_ROLE, COLUMN_ISOLATION, COLUMN_STATEMENT_TIMEOUT };

static void log_difference(struct db_role_check *check, struct gw_str role,
                           const char *difference) {
    struct gw_log_quote quote;
    char line[256];
    (void)snprintf(line, sizeof(line), "role=%s %s", gw_log_quoted(&quote, role), difference);
    if (db_once_is_new(&check->logged, line))
        gw_log(GW_LOG_WARNING, "db",
               "a setting of the role is not as the gateway needs it %s todo=\"see what "
               "skillreg-gateway grants --role NAME prints\"",
               line);
}

void db_role_check_take(struct db_role_check *check, const PGresult *result) {
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        return;
    struct gw_str role = db_get_bytes(result, 0, COLUMN_ROLE);
    struct gw_str isolation = db_get_bytes(result, 0, COLUMN_ISOLATION);
    int64_t timeout_ms = db_get_int(result, 0, COLUMN_STATEMENT_TIMEOUT, 0);
    char difference[128];
    if (!gw_str_equal(isolation, GW_STR("read committed"))) {
        (void)snprintf(difference, sizeof(difference),
                       "default_transaction_isolation=\"%.*s\" wanted=\"read committed\"",
                       GW_STR_ARG(isolation));
        log_difference(check, role, difference);
    }
    if (timeout_ms <= 0 || timeout_ms >= GW_DB_QUERY_TIMEOUT_MS) {
        (void)snprintf(difference, sizeof(difference),
                       "statement_timeout_ms=%lld wanted=\"above 0, below %d\"",
                       (long long)timeout_ms, GW_DB_QUERY_TIMEOUT_MS);
        log_difference(check, role, difference);
    }
}
