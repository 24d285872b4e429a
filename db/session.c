// SPDX-License-Identifier: MIT
#include "db/session.h"

#include <stdio.h>
#include <string.h>

#include "db/connect.h"
#include "db/sql_error.h"

#define BINARY 1

static const struct db_statement read_begin = {
    .name = "read_begin",
    .sql = "begin isolation level repeatable read read only",
};
static const struct db_statement read_for_long = {
    .name = "read_for_long",
    .sql = "set local statement_timeout = 0",
};
static const struct db_statement read_commit = {.name = "read_commit", .sql = "commit"};

// The argument is what PQsetNoticeReceiver was given.
static void on_notice(void *session, const PGresult *notice) {
    if (db_sql_error_is_doubt(notice))
        ((struct db_session *)session)->is_in_doubt = true;
}

enum gw_status db_session_open(struct db_session *session, const char *url) {
    *session = (struct db_session){.is_reached = false};
    enum gw_status status =
        db_connect(url, "skillreg-gateway", &session->pg, session->reason, sizeof(session->reason));
    if (status != GW_OK)
        return status;
    session->is_reached = true;
    (void)PQsetNoticeReceiver(session->pg, on_notice, session);
    return GW_OK;
}

void db_session_close(struct db_session *session) {
    PQclear(session->result);
    PQfinish(session->pg); // ends a transaction that is open, and a result that is not read
    *session = (struct db_session){.is_reached = false};
}

// ---- answers ----

// The usual cause is an old schema.
static bool is_schema_missing(const char *sqlstate) {
    return sqlstate != NULL && (strcmp(sqlstate, "3F000") == 0 || strcmp(sqlstate, "42P01") == 0 ||
                                strcmp(sqlstate, "42703") == 0 || strcmp(sqlstate, "42883") == 0);
}

// `answer` is NULL when libpq has none.
static enum gw_status fail(struct db_session *session, const PGresult *answer) {
    const char *message = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    char sentence[DB_SESSION_REASON_LENGTH / 2];
    db_sql_error_sentence(message != NULL ? message : PQerrorMessage(session->pg), sentence,
                          sizeof(sentence));
    (void)snprintf(session->reason, sizeof(session->reason), "%s%s%s",
                   is_schema_missing(sqlstate)
                       ? "the schema is missing or old, run skillreg-gateway migrate: "
                       : "",
                   sentence, db_sql_error_is_right_missing(sqlstate) ? DB_SQL_ERROR_OWNER : "");
    session->is_reached = PQstatus(session->pg) == CONNECTION_OK;
    return db_sql_error_judge(sqlstate).status;
}

static enum gw_status doubt(struct db_session *session) {
    (void)snprintf(session->reason, sizeof(session->reason),
                   "PostgreSQL did not confirm it: look before you try again");
    return GW_UNAVAILABLE;
}

// `answer` becomes the session's.
static enum gw_status take(struct db_session *session, PGresult *answer) {
    PQclear(session->result);
    session->result = answer;
    ExecStatusType outcome = PQresultStatus(answer);
    if (outcome != PGRES_TUPLES_OK && outcome != PGRES_COMMAND_OK && outcome != PGRES_SINGLE_TUPLE)
        return fail(session, answer);
    return session->is_in_doubt ? doubt(session) : GW_OK;
}

// ---- statements ----

static const int all_binary[DB_PARAMS_MAX] = {BINARY, BINARY, BINARY, BINARY, BINARY, BINARY,
                                              BINARY, BINARY, BINARY, BINARY, BINARY, BINARY};

static enum gw_status execute(struct db_session *session, const struct db_statement *statement,
                              const struct db_params *params) {
    gw_assert(params->count == statement->parameter_count);
    if (params->status != GW_OK)
        return params->status;
    return take(session, PQexecParams(session->pg, statement->sql, params->count, NULL,
                                      params->values, params->lengths, all_binary, BINARY));
}

static enum gw_status execute_alone(struct db_session *session,
                                    const struct db_statement *statement) {
    struct db_params none;
    db_params_init(&none);
    return execute(session, statement, &none);
}

enum gw_status db_session_run(struct db_session *session, const struct db_statement *statement,
                              struct db_params *params, const PGresult **result) {
    enum gw_status status = execute(session, statement, params);
    db_params_deinit(params);
    if (status == GW_OK)
        *result = session->result;
    return status;
}

static enum gw_status send_for_rows(struct db_session *session,
                                    const struct db_statement *statement,
                                    const struct db_params *params) {
    gw_assert(params->count == statement->parameter_count);
    if (params->status != GW_OK)
        return params->status;
    if (PQsendQueryParams(session->pg, statement->sql, params->count, NULL, params->values,
                          params->lengths, all_binary, BINARY) == 1 &&
        PQsetSingleRowMode(session->pg) == 1)
        return GW_OK;
    return fail(session, NULL);
}

enum gw_status db_session_read(struct db_session *session, const struct db_statement *statement,
                               struct db_params *params) {
    enum gw_status status = execute_alone(session, &read_begin);
    if (status == GW_OK)
        status = execute_alone(session, &read_for_long);
    if (status == GW_OK)
        status = send_for_rows(session, statement, params);
    db_params_deinit(params);
    return status;
}

// Behind the last row comes an empty result, then none.
enum gw_status db_session_next(struct db_session *session, const PGresult **row) {
    enum gw_status status = take(session, PQgetResult(session->pg));
    *row = session->result;
    if (status != GW_OK || PQresultStatus(session->result) == PGRES_SINGLE_TUPLE)
        return status;
    PGresult *rest;
    while ((rest = PQgetResult(session->pg)) != NULL)
        PQclear(rest);
    status = execute_alone(session, &read_commit);
    return status == GW_OK ? GW_NOT_FOUND : status;
}
