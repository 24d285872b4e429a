// SPDX-License-Identifier: MIT
#include "db/pool_log.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

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

// Its place, or the one that has been quiet for longest.
static struct db_refusals *find(struct db_pool_log *log, const struct db_statement *statement,
                                const char *sqlstate) {
    struct db_refusals *oldest = &log->refusals[0];
    for (int i = 0; i < DB_POOL_LOG_MAX; i++) {
        struct db_refusals *refusals = &log->refusals[i];
        if (refusals->statement == statement && strcmp(refusals->sqlstate, sqlstate) == 0)
            return refusals;
        if (refusals->last_ms < oldest->last_ms)
            oldest = refusals;
    }
    log->running -= oldest->count > 0;
    *oldest = (struct db_refusals){.statement = statement};
    (void)snprintf(oldest->sqlstate, sizeof(oldest->sqlstate), "%s", sqlstate);
    return oldest;
}

// Without the detail of the error: it may hold values.
static void write_line(const struct db_statement *statement, const PGresult *error) {
    const char *message = PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY);
    struct gw_log_quote quote;
    gw_log(GW_LOG_ERROR, "db", "statement refused statement=%s sqlstate=%s reason=%s%s",
           statement->name, PQresultErrorField(error, PG_DIAG_SQLSTATE),
           gw_log_quoted(&quote, gw_str_from(message == NULL ? "" : message)),
           db_pool_log_is_number_taken(error)
               ? " todo=\"something beside the gateways numbers the log or the audit, such as a "
                 "subscription or an older program: see 'Moving the database' in docs/running.md\""
               : "");
}

void db_pool_log_error(struct db_pool_log *log, const struct db_statement *statement,
                       const PGresult *error, uint64_t now_ms) {
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL)
        return;
    struct db_refusals *refusals = find(log, statement, sqlstate);
    bool is_new = refusals->last_ms == 0 || now_ms - refusals->last_ms >= DB_POOL_LOG_QUIET_MS;
    refusals->last_ms = now_ms;
    if (is_new)
        write_line(statement, error);
    log->running += is_new && refusals->count == 0;
    if (is_new)
        refusals->count = 1;
    else if (refusals->count > 0)
        refusals->count++;
}

void db_pool_log_success(struct db_pool_log *log, const struct db_statement *statement) {
    for (int i = 0; i < DB_POOL_LOG_MAX && log->running > 0; i++) {
        struct db_refusals *refusals = &log->refusals[i];
        if (refusals->statement != statement || refusals->count == 0)
            continue;
        if (refusals->count > 1) // one alone was an answer to its client
            gw_log(GW_LOG_INFO, "db", "statement runs again statement=%s sqlstate=%s refused=%llu",
                   statement->name, refusals->sqlstate, (unsigned long long)refusals->count);
        refusals->count = 0;
        log->running--;
    }
}
