// SPDX-License-Identifier: MIT
#include "db/sql_error.h"

#include <string.h>

#include "base/utf8.h"

struct sqlstate_rule {
    const char *prefix; // a whole SQLSTATE or its class
    struct db_sql_error error;
};

static const struct sqlstate_rule rules[] = {
    {"23505", {GW_CONFLICT, false}},    // unique_violation
    {"08", {GW_UNAVAILABLE, true}},     // connection exceptions
    {"57P01", {GW_UNAVAILABLE, true}},  // admin_shutdown
    {"57P02", {GW_UNAVAILABLE, true}},  // crash_shutdown
    {"57P03", {GW_UNAVAILABLE, true}},  // cannot_connect_now: starting up, in recovery
    {"57P04", {GW_UNAVAILABLE, true}},  // database_dropped
    {"57P05", {GW_UNAVAILABLE, true}},  // idle_session_timeout
    {"25006", {GW_UNAVAILABLE, true}},  // read_only_sql_transaction: the primary was demoted
    {"57014", {GW_BUSY, false}},        // query_canceled: a timeout of the server
    {"53", {GW_UNAVAILABLE, false}},    // insufficient resources
    {"40001", {GW_BUSY, false}},        // serialization_failure: it did not run
    {"40P01", {GW_BUSY, false}},        // deadlock_detected: it did not run
    {"40", {GW_UNAVAILABLE, false}},    // other rollbacks
    {"55P03", {GW_BUSY, false}},        // lock_not_available
    {"42501", {GW_UNAVAILABLE, false}}, // insufficient_privilege: a grant is missing
    // The schema is not (yet) what the statements need: connect again, prepare again.
    {"42P01", {GW_UNAVAILABLE, true}}, // undefined_table
    {"42703", {GW_UNAVAILABLE, true}}, // undefined_column
    {"42883", {GW_UNAVAILABLE, true}}, // undefined_function
    {"3F000", {GW_UNAVAILABLE, true}}, // invalid_schema_name
    {"0A000", {GW_UNAVAILABLE, true}}, // a cached plan whose result type changed
    {"26000", {GW_UNAVAILABLE, true}}, // invalid_sql_statement_name, of a query sent with its text
};

struct db_sql_error db_sql_error_judge(const char *sqlstate) {
    if (sqlstate == NULL || strlen(sqlstate) != DB_SQLSTATE_LENGTH)
        return (struct db_sql_error){GW_UNAVAILABLE, true};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (strncmp(sqlstate, rules[i].prefix, strlen(rules[i].prefix)) == 0)
            return rules[i].error;
    }
    return (struct db_sql_error){GW_INVALID, false};
}

bool db_sql_error_may_repeat(const char *sqlstate) {
    return sqlstate != NULL && (strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0);
}

bool db_sql_error_is_right_missing(const char *sqlstate) {
    return sqlstate != NULL && strcmp(sqlstate, "42501") == 0;
}

bool db_sql_error_is_doubt(const PGresult *notice) {
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity != NULL && strcmp(severity, "WARNING") == 0 &&
           PQresultErrorField(notice, PG_DIAG_CONTEXT) == NULL;
}

void db_sql_error_sentence(const char *message, char *out, size_t length) {
    gw_assert(length > 0);
    if (message == NULL || *message == '\0' || *message == '\n')
        message = "unknown reason";
    size_t used = 0;
    // A message of several lines (one per host tried) becomes one line.
    for (; *message != '\0' && used + 1 < length; message++) {
        unsigned char c = (unsigned char)*message;
        if (c == '\n' && message[1] == '\0')
            break;
        if (c == '\n' && used + 2 < length)
            out[used++] = ';';
        out[used++] = (char)c;
    }
    out[used] = '\0';
    gw_utf8_mask_controls(out, used);
}
