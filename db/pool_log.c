// SPDX-License-Identifier: MIT
#include "db/pool_log.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define ERROR_INTERVAL_MS 1000

// ---- connections ----

void db_pool_log_down(const char *reason, int ready) {
    struct gw_log_quote quote;
    gw_log(GW_LOG_WARNING, "db", "connection to PostgreSQL failed, trying again reason=%s ready=%d",
           gw_log_quoted(&quote, gw_str_from(reason)), ready);
}

void db_pool_log_up(void) {
    gw_log(GW_LOG_INFO, "db", "connected to PostgreSQL again");
}

// ---- statements ----

// The event log and the audit number their own rows: a number that is there already was made by
// something else.
static bool is_of_a_log(const PGresult *error) {
    const char *schema = PQresultErrorField(error, PG_DIAG_SCHEMA_NAME);
    const char *table = PQresultErrorField(error, PG_DIAG_TABLE_NAME);
    return schema != NULL && table != NULL && strcmp(schema, "skillreg") == 0 &&
           (strcmp(table, "token_event") == 0 || strcmp(table, "token_audit") == 0);
}

bool db_pool_log_is_number_taken(const PGresult *error) {
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    return sqlstate != NULL && strcmp(sqlstate, "23505") == 0 && is_of_a_log(error);
}

// Without the detail of the error: it may hold values.
void db_pool_log_error(struct db_pool_log *log, const struct db_statement *statement,
                       const PGresult *error, uint64_t now_ms) {
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL ||
        (strcmp(log->sqlstate, sqlstate) == 0 && now_ms - log->sqlstate_ms < ERROR_INTERVAL_MS))
        return;
    (void)snprintf(log->sqlstate, sizeof(log->sqlstate), "%s", sqlstate);
    log->sqlstate_ms = now_ms;
    struct gw_log_quote quote;
    gw_log(GW_LOG_ERROR, "db", "statement refused statement=%s sqlstate=%s reason=%s%s",
           statement->name, sqlstate, gw_log_quoted(&quote, gw_str_from(message)),
           db_pool_log_is_number_taken(error)
               ? " todo=\"something beside the gateways numbers the log or the audit, such as a "
                 "subscription or an older program: see 'Moving the database' in docs/running.md\""
               : "");
}
