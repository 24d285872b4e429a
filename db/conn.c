// SPDX-License-Identifier: MIT
#include "db/conn.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32.h"
#include "base/log.h"
#include "db/role_check.h"

const char *db_conn_state_text(enum db_conn_state state) {
    static const char *const texts[] = {
#define X(name, text) [DB_CONN_##name] = (text),
        DB_CONN_STATE_MAP(X)
#undef X
    };
    return texts[state];
}

static void set_state(struct db_conn *conn, enum db_conn_state state) {
    gw_log(GW_LOG_DEBUG, "db", "connection %s -> %s", db_conn_state_text(conn->state),
           db_conn_state_text(state));
    conn->state = state;
}

void db_conn_statements_init(struct db_conn_statements *statements,
                             const struct db_statement *const *at, int count) {
    *statements = (struct db_conn_statements){.at = at, .count = count};
    for (int i = 0; i < count; i++)
        statements->checksum = gw_crc32(statements->checksum, at[i]->sql, strlen(at[i]->sql));
}

static void on_socket_event(struct db_socket *socket);
static void on_socket_closed(struct db_socket *socket);

void db_conn_init(struct db_conn *conn, uv_loop_t *loop, struct db_conn_statements *statements,
                  const struct db_conn_events *events) {
    memset(conn, 0, sizeof(*conn));
    conn->socket = (struct db_socket){
        .loop = loop, .on_event = on_socket_event, .on_handle_closed = on_socket_closed};
    conn->statements = statements;
    conn->events = events;
    gw_list_init(&conn->in_flight);
}

// Waits for `events` of the socket that libpq uses now.
static enum gw_status watch_socket(struct db_conn *conn, int events) {
    gw_assert(conn->pg != NULL);
    return db_socket_watch(&conn->socket, PQsocket(conn->pg), events);
}

// ---- going down ----

static void disconnect(struct db_conn *conn) {
    db_socket_drop(&conn->socket);
    PQclear(conn->result);
    conn->result = NULL;
    PQfinish(conn->pg);
    conn->pg = NULL;
    conn->slot_first = conn->slot_count = 0;
    conn->needs_flush = false;
    struct gw_list *link;
    for (link = conn->in_flight.next; link != &conn->in_flight; link = link->next)
        gw_container_of(link, struct db_query, link)->conn = NULL;
    if (conn->state != DB_CONN_DOWN)
        set_state(conn, DB_CONN_DOWN);
}

void db_conn_fail(struct db_conn *conn, const char *reason) {
    gw_assert(conn->state != DB_CONN_DOWN);
    db_sql_error_sentence(reason, conn->reason, sizeof(conn->reason)); // may live in conn->pg
    disconnect(conn);
    conn->events->on_down(conn);
}

// The server's last words, if it had any, say more than "connection closed".
static void fail_by_libpq(struct db_conn *conn) {
    const char *last_words = conn->result == NULL ? "" : PQresultErrorMessage(conn->result);
    db_conn_fail(conn, *last_words != '\0' ? last_words : PQerrorMessage(conn->pg));
}

void db_conn_close(struct db_conn *conn) {
    disconnect(conn);
}

// ---- sending ----

static struct db_conn_slot *push_slot(struct db_conn *conn, struct db_query *query) {
    gw_assert(conn->slot_count < DB_CONN_IN_FLIGHT_MAX);
    int index = (conn->slot_first + conn->slot_count) % DB_CONN_IN_FLIGHT_MAX;
    conn->slots[index] = (struct db_conn_slot){.query = query,
                                               .statement = query == NULL ? NULL : query->statement,
                                               .sent_ms = uv_now(conn->socket.loop),
                                               .is_named = !conn->statements->prepared_unsupported};
    conn->slot_count++;
    conn->needs_flush = true;
    return &conn->slots[index];
}

static bool send_sync(PGconn *pg) {
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
    return PQsendPipelineSync(pg) == 1;
#else
    return PQpipelineSync(pg) == 1; // writes at once what it has
#endif
}

// As db/params.h writes them, and results come.
static const int binary[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
_Static_assert(sizeof(binary) / sizeof(binary[0]) == DB_PARAMS_MAX, "no parameter is text");
#define BINARY 1

struct statement_name {
    char text[64]; // as much as PostgreSQL looks at
};

// Without prepared statements the empty name.
static const char *name_of(const struct db_conn *conn, const struct db_statement *statement,
                           struct statement_name *name) {
    if (conn->statements->prepared_unsupported)
        return "";
    (void)snprintf(name->text, sizeof(name->text), "%s_%08x", statement->name,
                   (unsigned)conn->statements->checksum);
    return name->text;
}

static bool send_named(struct db_conn *conn, const struct db_query *query) {
    const struct db_params *params = &query->params;
    struct statement_name name;
    return PQsendQueryPrepared(conn->pg, name_of(conn, query->statement, &name), params->count,
                               params->values, params->lengths, binary, BINARY) == 1;
}

static bool send_text(struct db_conn *conn, const struct db_query *query) {
    const struct db_params *params = &query->params;
    return PQsendQueryParams(conn->pg, query->statement->sql, params->count, NULL, params->values,
                             params->lengths, binary, BINARY) == 1;
}

// The query is on conn->in_flight.
static void send_query(struct db_conn *conn, struct db_query *query) {
    (void)push_slot(conn, query);
    bool is_sent =
        conn->statements->prepared_unsupported ? send_text(conn, query) : send_named(conn, query);
    if (!is_sent || !send_sync(conn->pg))
        fail_by_libpq(conn);
}

void db_conn_send(struct db_conn *conn, struct db_query *query) {
    gw_assert(db_conn_has_room(conn) && query->conn == NULL);
    gw_assert(query->params.count == query->statement->parameter_count);
    query->conn = conn;
    gw_list_push_back(&conn->in_flight, &query->link);
    send_query(conn, query);
}

void db_conn_flush(struct db_conn *conn) {
    if (!conn->needs_flush)
        return;
    gw_assert(conn->state == DB_CONN_PREPARING || conn->state == DB_CONN_READY);
    int left = PQflush(conn->pg);
    if (left < 0 ||
        watch_socket(conn, left == 0 ? UV_READABLE : UV_READABLE | UV_WRITABLE) != GW_OK) {
        fail_by_libpq(conn);
        return;
    }
    conn->needs_flush = left != 0;
}

// ---- connecting, preparing ----

// libpq would print them. It takes a message no earlier than the one before it, and a commit ends
// its slot, so one of a commit is of the first slot.
static void on_notice(void *argument, const PGresult *notice) {
    struct db_conn *conn = argument;
    struct db_conn_slot *slot = &conn->slots[conn->slot_first];
    bool is_change = conn->slot_count > 0 && slot->statement != NULL &&
                     slot->statement->kind == DB_STATEMENT_CHANGE;
    if (!is_change || !db_sql_error_is_doubt(notice))
        return;
    slot->is_in_doubt = true;
    struct gw_log_quote quote;
    const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    gw_log(GW_LOG_WARNING, "db",
           "a change may not last, and is answered as not known statement=%s reason=%s",
           slot->statement->name,
           gw_log_quoted(&quote, gw_str_from(message == NULL ? "" : message)));
}

enum gw_status db_conn_open(struct db_conn *conn, const struct db_url *url,
                            const struct db_url_attempt *attempt, uint64_t packet_timeout_ms) {
    gw_assert(conn->state == DB_CONN_DOWN && conn->pg == NULL);
    conn->was_reached = false;
    conn->pg = db_url_connect_start(url, attempt, packet_timeout_ms);
    if (PQstatus(conn->pg) == CONNECTION_BAD || watch_socket(conn, UV_WRITABLE) != GW_OK) {
        db_sql_error_sentence(conn->pg == NULL ? "out of memory" : PQerrorMessage(conn->pg),
                              conn->reason, sizeof(conn->reason));
        disconnect(conn);
        return GW_UNAVAILABLE;
    }
    (void)PQsetNoticeReceiver(conn->pg, on_notice, conn);
    set_state(conn, DB_CONN_CONNECTING);
    return GW_OK;
}

// Warnings come whatever the role has set. Each array of prefixes has another length, which makes
// PostgreSQL plan `prefix = any($1)` anew every time: more work than the lookup itself. Each of our
// statements has one good plan. A memoize node in front of the organisations costs as much to set
// up as a lookup, and the index is quick enough without.
static const char *const settings[] = {"set client_min_messages = warning",
                                       "set plan_cache_mode = force_generic_plan",
                                       "set enable_memoize = off"};

// All statements in one go, with one Sync: one slot. Where prepared statements are unsupported each
// replaces the one before, without a name: that still checks the schema.
static void prepare(struct db_conn *conn) {
    bool are_kept = !conn->statements->prepared_unsupported;
    bool is_sent = true;
    for (size_t i = 0; are_kept && i < sizeof(settings) / sizeof(settings[0]) && is_sent; i++)
        is_sent = PQsendQueryParams(conn->pg, settings[i], 0, NULL, NULL, NULL, NULL, 0) == 1;
    for (int i = 0; i < conn->statements->count && is_sent; i++) {
        const struct db_statement *statement = conn->statements->at[i];
        struct statement_name name;
        is_sent = PQsendPrepare(conn->pg, name_of(conn, statement, &name), statement->sql,
                                statement->parameter_count, NULL) == 1;
    }
    if (!is_sent || !send_sync(conn->pg)) {
        fail_by_libpq(conn);
        return;
    }
    (void)push_slot(conn, NULL);
    db_conn_flush(conn);
}

// What is prepared waits for its answer: PgBouncer 1.18 gives the server to another client at the
// first Sync, also in the middle of a message behind it that is longer than its buffer.
static void check_role(struct db_conn *conn) {
    if (PQsendQueryParams(conn->pg, db_role_check_sql, 0, NULL, NULL, NULL, NULL, BINARY) != 1 ||
        !send_sync(conn->pg)) {
        fail_by_libpq(conn);
        return;
    }
    push_slot(conn, NULL)->is_role_check = true;
    db_conn_flush(conn);
}

static void start_preparing(struct db_conn *conn) {
    gw_assert(conn->state == DB_CONN_CONNECTING);
    set_state(conn, DB_CONN_PREPARING);
    conn->was_reached = true;
    if (PQsetnonblocking(conn->pg, 1) != 0 || PQenterPipelineMode(conn->pg) != 1)
        fail_by_libpq(conn);
    else if (conn->statements->role_check != NULL)
        check_role(conn);
    else
        prepare(conn);
}

static bool is_sqlstate(const PGresult *result, const char *wanted) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return sqlstate != NULL && strcmp(sqlstate, wanted) == 0;
}

static void note_unsupported(struct db_conn *conn) {
    if (conn->statements->prepared_unsupported)
        return;
    conn->statements->prepared_unsupported = true;
    gw_log(GW_LOG_WARNING, "db",
           "a pooler that keeps no prepared statements stands before PostgreSQL (PgBouncer: "
           "max_prepared_statements), going on without them: each lookup costs more");
}

// The usual cause is an old schema.
static void fail_preparing(struct db_conn *conn, const PGresult *result) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool is_schema =
        sqlstate != NULL && (strncmp(sqlstate, "42", 2) == 0 || strncmp(sqlstate, "3F", 2) == 0);
    char reason[DB_CONN_REASON_LENGTH];
    (void)snprintf(reason, sizeof(reason), "%s%s",
                   is_schema ? "the schema is missing or old, run skillreg-gateway migrate: " : "",
                   PQresultErrorMessage(result));
    db_conn_fail(conn, reason);
}

#define DUPLICATE_STATEMENT "42P05" // another connection prepared it on this server
#define UNKNOWN_STATEMENT "26000"   // this connection prepared it on another server

static void on_prepared(struct db_conn *conn, bool is_named, const PGresult *result) {
    gw_assert(conn->state == DB_CONN_PREPARING);
    if (is_named && is_sqlstate(result, DUPLICATE_STATEMENT)) {
        note_unsupported(conn);
        prepare(conn);
        return;
    }
    if (result != NULL && PQresultStatus(result) != PGRES_COMMAND_OK) {
        fail_preparing(conn, result);
        return;
    }
    set_state(conn, DB_CONN_READY);
    conn->events->on_ready(conn);
}

static void on_role_checked(struct db_conn *conn, const PGresult *result) {
    db_role_check_take(conn->statements->role_check, result);
    prepare(conn);
}

static void continue_connecting(struct db_conn *conn) {
    gw_assert(conn->state == DB_CONN_CONNECTING && conn->slot_count == 0);
    db_socket_pause(&conn->socket);
    enum gw_status status = GW_OK;
    switch (PQconnectPoll(conn->pg)) {
    case PGRES_POLLING_READING:
        status = watch_socket(conn, UV_READABLE);
        break;
    case PGRES_POLLING_WRITING:
        status = watch_socket(conn, UV_WRITABLE);
        break;
    case PGRES_POLLING_OK:
        start_preparing(conn);
        break;
    default:
        status = GW_UNAVAILABLE;
        break;
    }
    if (status != GW_OK)
        fail_by_libpq(conn);
}

// ---- receiving ----

static void answer(struct db_conn *conn, const struct db_conn_slot *slot, PGresult *result) {
    gw_assert(conn->state == DB_CONN_READY);
    struct db_query *query = slot->query;
    ExecStatusType outcome = PQresultStatus(result);
    bool is_error = outcome != PGRES_TUPLES_OK && outcome != PGRES_COMMAND_OK;
    bool is_ok = !is_error && !slot->is_in_doubt;
    struct db_sql_error error = {is_ok ? GW_OK : GW_UNAVAILABLE, false};
    if (is_error)
        error = db_sql_error_judge(PQresultErrorField(result, PG_DIAG_SQLSTATE));
    if (query != NULL) {
        gw_list_remove(&query->link);
        query->conn = NULL;
        conn->events->on_answer(conn, query, error.status, is_ok ? result : NULL,
                                is_error ? result : NULL);
    }
    if (error.drops_connection && conn->state == DB_CONN_READY)
        db_conn_fail(conn, PQresultErrorMessage(result));
}

// The query was not run: only its place in the line changes.
static void send_again(struct db_conn *conn, struct db_query *query) {
    note_unsupported(conn);
    if (query != NULL)
        send_query(conn, query);
}

// The Sync of the first slot has come: its statement is committed or rolled back.
static void finish_slot(struct db_conn *conn) {
    gw_assert(conn->slot_count > 0);
    struct db_conn_slot slot = conn->slots[conn->slot_first];
    conn->slot_first = (conn->slot_first + 1) % DB_CONN_IN_FLIGHT_MAX;
    conn->slot_count--;
    PGresult *result = conn->result;
    conn->result = NULL;
    if (slot.is_role_check)
        on_role_checked(conn, result);
    else if (conn->state == DB_CONN_PREPARING)
        on_prepared(conn, slot.is_named, result);
    else if (slot.is_named && is_sqlstate(result, UNKNOWN_STATEMENT))
        send_again(conn, slot.query);
    else
        answer(conn, &slot, result);
    PQclear(result);
}

// Keeps the first result of the slot, or the first error: the commit may fail after a result.
static void take_result(struct db_conn *conn, PGresult *result) {
    ExecStatusType outcome = PQresultStatus(result);
    if (outcome == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        finish_slot(conn);
        return;
    }
    bool is_error = outcome != PGRES_TUPLES_OK && outcome != PGRES_COMMAND_OK;
    ExecStatusType held = PQresultStatus(conn->result); // PGRES_FATAL_ERROR for NULL
    bool holds_ok = held == PGRES_TUPLES_OK || held == PGRES_COMMAND_OK;
    if (conn->result == NULL || (is_error && holds_ok)) {
        PQclear(conn->result);
        conn->result = result;
    } else {
        PQclear(result);
    }
}

// NULL ends the results of one statement; libpq gives at most two in a row.
#define NULL_RESULTS_MAX 3

static void drain(struct db_conn *conn) {
    int nulls = 0;
    while (conn->pg != NULL && conn->slot_count > 0 && PQstatus(conn->pg) == CONNECTION_OK &&
           PQisBusy(conn->pg) == 0) {
        PGresult *result = PQgetResult(conn->pg);
        if (result != NULL) {
            nulls = 0;
            take_result(conn, result);
        } else if (++nulls > NULL_RESULTS_MAX) {
            db_conn_fail(conn, "answers and queries do not match");
        }
    }
}

static bool take_notifications(PGconn *pg) {
    bool has_any = false;
    PGnotify *notify;
    while ((notify = PQnotifies(pg)) != NULL) {
        PQfreemem(notify);
        has_any = true;
    }
    return has_any;
}

void db_conn_read(struct db_conn *conn) {
    gw_assert(conn->state == DB_CONN_PREPARING || conn->state == DB_CONN_READY);
    bool is_alive = PQconsumeInput(conn->pg) == 1;
    PGconn *pg = conn->pg;
    drain(conn);
    if (conn->pg != pg)
        return; // failed or closed by an answer
    bool is_notified = take_notifications(pg);
    if (!is_alive || PQstatus(pg) != CONNECTION_OK)
        fail_by_libpq(conn);
    else if (is_notified && conn->events->on_notify != NULL)
        conn->events->on_notify(conn);
}

static void on_socket_event(struct db_socket *socket) {
    struct db_conn *conn = gw_container_of(socket, struct db_conn, socket);
    gw_assert(conn->state != DB_CONN_DOWN);
    if (conn->state == DB_CONN_CONNECTING) {
        continue_connecting(conn);
        return;
    }
    db_conn_read(conn);
    if (conn->pg == NULL)
        return;
    if (!db_socket_is_watched(socket))
        conn->needs_flush = true; // stopped by libuv: watch again
    db_conn_flush(conn);
}

static void on_socket_closed(struct db_socket *socket) {
    struct db_conn *conn = gw_container_of(socket, struct db_conn, socket);
    conn->events->on_handle_closed(conn);
}

void db_conn_forget(struct db_conn *conn, struct db_query *query) {
    gw_assert(query->conn == conn);
    for (int i = 0; i < conn->slot_count; i++) {
        struct db_conn_slot *slot = &conn->slots[(conn->slot_first + i) % DB_CONN_IN_FLIGHT_MAX];
        if (slot->query == query)
            slot->query = NULL;
    }
    gw_list_remove(&query->link);
    query->conn = NULL;
}

uint64_t db_conn_oldest_sent_ms(const struct db_conn *conn) {
    return conn->slot_count == 0 ? UINT64_MAX : conn->slots[conn->slot_first].sent_ms;
}

const struct db_statement *db_conn_oldest_statement(const struct db_conn *conn) {
    return conn->slot_count == 0 ? NULL : conn->slots[conn->slot_first].statement;
}
