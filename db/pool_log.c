// SPDX-License-Identifier: MIT
#include "db/pool_log.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32.h"
#include "base/log.h"

#define ERROR_INTERVAL_MS 1000

// ---- connections ----

// Each distinct reason is news once, until a connection stands again; past DB_POOL_LOG_REASONS_MAX
// of them nothing is.
static bool is_news(struct db_pool_log *log, const char *reason) {
    uint32_t checksum = gw_crc32(0, reason, strlen(reason));
    for (int i = 0; i < log->reason_count; i++) {
        if (log->reasons[i] == checksum)
            return false;
    }
    if (log->reason_count == DB_POOL_LOG_REASONS_MAX)
        return false;
    log->reasons[log->reason_count++] = checksum;
    return true;
}

void db_pool_log_down(struct db_pool_log *log, const struct db_conn *conn, int ready) {
    log->was_reached = conn->was_reached;
    (void)snprintf(log->last_reason, sizeof(log->last_reason), "%s", conn->reason);
    struct gw_log_quote quote;
    if (is_news(log, conn->reason))
        gw_log(GW_LOG_WARNING, "db",
               "connection to PostgreSQL failed, trying again reason=%s ready=%d",
               gw_log_quoted(&quote, gw_str_from(conn->reason)), ready);
}

void db_pool_log_up(struct db_pool_log *log) {
    if (log->last_reason[0] == '\0')
        return;
    log->last_reason[0] = '\0';
    log->reason_count = 0;
    gw_log(GW_LOG_INFO, "db", "connected to PostgreSQL again");
}

// ---- statements ----

// The log and the audit number their own rows: a number that is there already was made by something
// else.
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

// No detail: it may hold values.
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
