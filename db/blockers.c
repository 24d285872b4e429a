// SPDX-License-Identifier: MIT
#include "db/blockers.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/conn.h"
#include "db/result.h"

const struct db_statement db_blockers_statement = {
    .name = "blockers",
    .sql = "select pid, usename, application_name, state, since"
           " from skillreg.blockers($1::text::int4[])",
    .parameter_count = 1,
    .kind = DB_STATEMENT_READ,
};

enum column { COLUMN_PID, COLUMN_USER, COLUMN_APPLICATION, COLUMN_STATE, COLUMN_SINCE };

void db_blockers_init(struct db_blockers *blockers, const struct db_statement *const *statements,
                      int count,
                      void (*on_done)(struct db_query *query, enum gw_status status,
                                      const PGresult *result)) {
    *blockers = (struct db_blockers){.on_done = on_done};
    (void)db_query_start(&blockers->query, &db_blockers_statement, on_done);
    for (int i = 0; i < count; i++)
        blockers->is_prepared |= statements[i] == &db_blockers_statement;
}

void db_blockers_watch(struct db_blockers *blockers, const struct db_conn *conn) {
    if (blockers->is_prepared && blockers->conn_count < DB_BLOCKED_MAX)
        blockers->conns[blockers->conn_count++] = conn;
}

// ---- looking ----

// Since when a statement is on its way there; UINT64_MAX: the connection is idle.
static uint64_t busy_since_ms(const struct db_conn *conn) {
    return db_conn_oldest_statement(conn) == NULL ? UINT64_MAX : db_conn_oldest_sent_ms(conn);
}

static bool is_waiting(const struct db_conn *conn, uint64_t now_ms) {
    uint64_t since_ms = busy_since_ms(conn);
    return since_ms != UINT64_MAX && now_ms - since_ms >= GW_DB_WAIT_NOTED_MS;
}

static const struct db_conn *longest_waiting(const struct db_blockers *blockers, uint64_t now_ms) {
    const struct db_conn *longest = NULL;
    for (int i = 0; i < blockers->conn_count; i++) {
        const struct db_conn *conn = blockers->conns[i];
        if (is_waiting(conn, now_ms) &&
            (longest == NULL || busy_since_ms(conn) < busy_since_ms(longest)))
            longest = conn;
    }
    return longest;
}

uint64_t db_blockers_due_ms(const struct db_blockers *blockers) {
    uint64_t since_ms = UINT64_MAX;
    for (int i = 0; i < blockers->conn_count; i++) {
        uint64_t busy_ms = busy_since_ms(blockers->conns[i]);
        since_ms = busy_ms < since_ms ? busy_ms : since_ms;
    }
    if (since_ms == UINT64_MAX)
        return UINT64_MAX;
    uint64_t noted_ms = since_ms + GW_DB_WAIT_NOTED_MS;
    uint64_t next_ms = blockers->looked_ms + GW_DB_WAIT_LOOK_MS;
    return blockers->looked_ms == 0 || noted_ms > next_ms ? noted_ms : next_ms;
}

bool db_blockers_look(struct db_blockers *blockers, uint64_t now_ms) {
    if (db_blockers_due_ms(blockers) > now_ms)
        return false;
    const struct db_conn *longest = longest_waiting(blockers, now_ms);
    gw_assert(longest != NULL); // db_blockers_due_ms
    if (busy_since_ms(longest) > blockers->looked_ms)
        blockers->pid = 0; // of another wait
    blockers->looked_ms = now_ms;
    if (!gw_list_is_empty(&blockers->query.link))
        return false; // not answered yet
    size_t length = 0;
    for (int i = 0; i < blockers->conn_count; i++) {
        if (is_waiting(blockers->conns[i], now_ms))
            length +=
                (size_t)snprintf(blockers->pids + length, sizeof(blockers->pids) - length, "%c%d",
                                 length == 0 ? '{' : ',', PQbackendPID(blockers->conns[i]->pg));
    }
    gw_assert(length > 0 && length < sizeof(blockers->pids));
    blockers->pids[length++] = '}';
    db_put_text(db_query_start(&blockers->query, &db_blockers_statement, blockers->on_done),
                gw_str(blockers->pids, length));
    return true;
}

// ---- log and statistics ----

void db_blockers_count(const struct db_blockers *blockers, uint64_t now_ms,
                       struct db_blockers_stats *stats) {
    const struct db_conn *longest = longest_waiting(blockers, now_ms);
    *stats = (struct db_blockers_stats){
        .waiting_ms = longest == NULL ? 0 : now_ms - busy_since_ms(longest),
        .blocker_pid = longest == NULL ? 0 : blockers->pid,
        .waited_total = blockers->waited_total,
        .waited_ms_total = blockers->waited_ms_total,
    };
    for (int i = 0; i < blockers->conn_count; i++)
        stats->waiting += is_waiting(blockers->conns[i], now_ms);
}

// As far as PostgreSQL shows it: of a session of another role that may be little.
static void log_blocker(const struct db_conn *longest, uint64_t waited_ms, const PGresult *result,
                        int row) {
    struct gw_log_quote user;
    struct gw_log_quote application;
    struct gw_log_quote state;
    char since[GW_CLOCK_ISO_LENGTH + 1] = "unknown";
    int64_t since_ms = db_get_time(result, row, COLUMN_SINCE);
    if (since_ms != DB_NO_TIME) {
        gw_clock_format_iso(since_ms, since);
        since[GW_CLOCK_ISO_LENGTH] = '\0';
    }
    gw_log(GW_LOG_WARNING, "db",
           "a change waits for another transaction statement=%s waited_ms=%llu blocker_pid=%d "
           "blocker_user=%s blocker_application=%s blocker_state=%s blocker_since=%s",
           db_conn_oldest_statement(longest)->name, (unsigned long long)waited_ms,
           (int)db_get_int(result, row, COLUMN_PID, 0),
           gw_log_quoted(&user, db_get_bytes(result, row, COLUMN_USER)),
           gw_log_quoted(&application, db_get_bytes(result, row, COLUMN_APPLICATION)),
           gw_log_quoted(&state, db_get_bytes(result, row, COLUMN_STATE)), since);
}

// A late answer may find that nothing waits any more.
void db_blockers_take(struct db_blockers *blockers, enum gw_status status, const PGresult *result,
                      uint64_t now_ms) {
    const struct db_conn *longest = longest_waiting(blockers, now_ms);
    if (status != GW_OK || PQntuples(result) == 0 || longest == NULL)
        return;
    blockers->pid = (int)db_get_int(result, 0, COLUMN_PID, 0);
    if (blockers->pid == blockers->logged_pid && now_ms - blockers->logged_ms < GW_DB_WAIT_LOG_MS)
        return;
    blockers->logged_pid = blockers->pid;
    blockers->logged_ms = now_ms;
    for (int row = 0; row < PQntuples(result); row++)
        log_blocker(longest, now_ms - busy_since_ms(longest), result, row);
}

void db_blockers_note_answer(struct db_blockers *blockers, const struct db_query *query,
                             enum gw_status status, uint64_t now_ms) {
    uint64_t waited_ms = now_ms - query->sent_ms;
    bool is_undone = status == GW_BUSY;
    if (waited_ms < GW_DB_WAIT_NOTED_MS)
        return;
    blockers->waited_total++;
    blockers->waited_ms_total += waited_ms;
    gw_log(is_undone ? GW_LOG_WARNING : GW_LOG_INFO, "db",
           "a change was held up%s statement=%s waited_ms=%llu blocker_pid=%d",
           is_undone ? " and not made" : "", query->statement->name, (unsigned long long)waited_ms,
           blockers->pid);
}
