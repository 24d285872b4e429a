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

static char *next_of(struct db_role_differences *differences) {
    gw_assert(differences->count < DB_ROLE_DIFFERENCES_MAX);
    return differences->at[differences->count++];
}

void db_role_check_compare(const PGresult *result, struct db_role_differences *differences) {
    differences->count = 0;
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        return;
    struct gw_str isolation = db_get_bytes(result, 0, COLUMN_ISOLATION);
    int64_t timeout_ms = db_get_int(result, 0, COLUMN_STATEMENT_TIMEOUT, 0);
    if (!gw_str_equal(isolation, GW_STR("read committed")))
        (void)snprintf(next_of(differences), DB_ROLE_DIFFERENCE_BYTES,
                       "default_transaction_isolation=\"%.*s\" wanted=\"read committed\"",
                       GW_STR_ARG(isolation));
    if (timeout_ms <= 0 || timeout_ms >= GW_DB_QUERY_TIMEOUT_MS)
        (void)snprintf(next_of(differences), DB_ROLE_DIFFERENCE_BYTES,
                       "statement_timeout_ms=%lld wanted=\"above 0, below %d\"",
                       (long long)timeout_ms, GW_DB_QUERY_TIMEOUT_MS);
}

void db_role_check_take(struct db_role_check *check, const PGresult *result) {
    struct db_role_differences differences;
    db_role_check_compare(result, &differences);
    for (int i = 0; i < differences.count; i++)
        log_difference(check, db_get_bytes(result, 0, COLUMN_ROLE), differences.at[i]);
}
