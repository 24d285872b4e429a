// SPDX-License-Identifier: MIT
#pragma once
// One connection to PostgreSQL on the loop: libpq in nonblocking pipeline mode, watched with
// uv_poll. It connects, prepares the statements, then sends queries, each followed by a Sync of its
// own, and hands back each answer when its Sync has come (only then is it committed). When to
// connect and how long to wait is decided in db/link.h, where queries go in db/pool.h.
//
//            db_conn_open             PQconnectPoll says OK            every statement is prepared
//     DOWN --------------> CONNECTING --------------> PREPARING --------------> READY
//       ^                      |                         |                      |
//       +----------------------+-------------------------+----------------------+
//                 any failure, db_conn_fail, db_conn_close: on_down (except for close)
//
// Behind a pooler in transaction mode that does not keep prepared statements (PgBouncer before
// 1.21) the next server does not know the name of a statement, or knows it from another connection.
// The first connection with such an error logs it and sends the statement again; from then on all
// of them send the text with each query, which costs planning it.
//
// A commit that was cancelled while it waited for its synchronous standby succeeds with a warning.
// To a change that is no answer: it ends as GW_UNAVAILABLE, neither made nor refused.
//
// The owner embeds struct db_conn and gets back to itself with gw_container_of. Events fire from
// the loop, and from db_conn_send, db_conn_flush, db_conn_read and db_conn_fail for a connection
// that fails there; an event may call anything here. What libpq itself opens while the loop waits:
// the password file, a service file, its certificates and keys, and with a Kerberos ticket what
// that library asks (gssencmode=disable keeps it out). Names are not its business (db/hosts.h).

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/list.h"
#include "base/status.h"
#include "db/query.h"
#include "db/socket.h"
#include "db/sql_error.h"
#include "db/url.h"

#define DB_CONN_IN_FLIGHT_MAX 64
#define DB_CONN_REASON_LENGTH 256

#define DB_CONN_STATE_MAP(X)                                                                       \
    X(DOWN, "down")                                                                                \
    X(CONNECTING, "connecting")                                                                    \
    X(PREPARING, "preparing")                                                                      \
    X(READY, "ready")

enum db_conn_state {
#define X(name, text) DB_CONN_##name,
    DB_CONN_STATE_MAP(X)
#undef X
};

struct db_conn;
struct db_role_check;

struct db_conn_events {
    void (*on_ready)(struct db_conn *conn);
    // The answer to `query`, which is off every list already. `result` is NULL unless GW_OK. With
    // an error of the server `error` is its result, else NULL.
    void (*on_answer)(struct db_conn *conn, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error);
    // The connection is DOWN, conn->reason says why; queries without an answer are on
    // conn->in_flight for the owner to take.
    void (*on_down)(struct db_conn *conn);
    // One or more notifications came (LISTEN is a statement like others). May be NULL.
    void (*on_notify)(struct db_conn *conn);
    // A handle has closed; see db_conn_has_handles.
    void (*on_handle_closed)(struct db_conn *conn);
};

// What to prepare. Shared by the connections to one URL.
struct db_conn_statements {
    const struct db_statement *const *at;
    int count;
    uint32_t checksum;         // a part of each name, so that versions differ on the same server
    bool prepared_unsupported; // found out by one of the connections, for good
    struct db_role_check *role_check; // NULL: the role is not checked
};

// A query on its way; `query` is NULL when it was cancelled, or for the statements being prepared.
struct db_conn_slot {
    struct db_query *query;
    const struct db_statement *statement; // also of a cancelled query; NULL: being prepared
    uint64_t sent_ms;
    bool is_named;      // sent as the name of a prepared statement
    bool is_role_check; // what is set for the role
    bool is_in_doubt;   // the server warned of its commit
};

struct db_conn {
    struct db_socket socket; // of pg
    const struct db_conn_events *events;
    struct db_conn_statements *statements; // the owner's
    enum db_conn_state state;
    PGconn *pg;
    bool needs_flush;
    struct gw_list in_flight;                         // the queries of the slots
    struct db_conn_slot slots[DB_CONN_IN_FLIGHT_MAX]; // a ring, in the order of sending
    int slot_first;
    int slot_count;
    PGresult *result; // of the first slot, so far
    bool was_reached; // the last attempt came as far as PREPARING: the server let us in
    char reason[DB_CONN_REASON_LENGTH];
};

void db_conn_statements_init(struct db_conn_statements *statements,
                             const struct db_statement *const *at, int count);

// `statements` stay where they are until the connection is closed.
void db_conn_init(struct db_conn *conn, uv_loop_t *loop, struct db_conn_statements *statements,
                  const struct db_conn_events *events);
// Starts connecting; on_ready or on_down follows. On failure no event follows and conn->reason says
// why. `packet_timeout_ms` bounds each unanswered packet; the owner bounds the whole.
enum gw_status db_conn_open(struct db_conn *conn, const struct db_url *url,
                            const struct db_url_attempt *attempt,
                            uint64_t packet_timeout_ms) GW_MUST_USE;
static inline bool db_conn_has_room(const struct db_conn *conn) {
    return conn->state == DB_CONN_READY && conn->slot_count < DB_CONN_IN_FLIGHT_MAX;
}
// The connection must have room. The bytes leave with db_conn_flush at the latest. If the
// connection fails here the query comes back with on_down.
void db_conn_send(struct db_conn *conn, struct db_query *query);
void db_conn_flush(struct db_conn *conn);
// Takes what has arrived without waiting for the loop to say so.
void db_conn_read(struct db_conn *conn);
// on_answer will not be called for the query; its answer is dropped when it comes.
void db_conn_forget(struct db_conn *conn, struct db_query *query);
// When the oldest query was sent; UINT64_MAX when nothing is in flight.
uint64_t db_conn_oldest_sent_ms(const struct db_conn *conn);
// That statement; NULL when nothing is in flight, or the statements are being prepared.
const struct db_statement *db_conn_oldest_statement(const struct db_conn *conn);
// Drops the connection; on_down fires here.
void db_conn_fail(struct db_conn *conn, const char *reason);
// Drops the connection without an event. Queries in flight stay on conn->in_flight for the owner to
// take.
void db_conn_close(struct db_conn *conn);
// The memory of a closed connection is the owner's when this is false.
static inline bool db_conn_has_handles(const struct db_conn *conn) {
    return db_socket_has_handles(&conn->socket);
}
const char *db_conn_state_text(enum db_conn_state state);
