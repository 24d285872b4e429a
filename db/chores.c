// SPDX-License-Identifier: MIT
#include "db/chores.h"

#include "base/log.h"
#include "db/backoff.h"
#include "db/result.h"

const struct db_statement db_chore_prune_statement = {
    .name = "event_prune",
    .sql = "select skillreg.token_event_prune($1::int8::int4)",
    .parameter_count = 1,
};

const struct db_statement db_chore_expiry_statement = {
    .name = "expiry_note",
    .sql = "select skillreg.expiry_note($1::int8::int4)",
    .parameter_count = 1,
};

const struct db_statement db_chore_exchanges_statement = {
    .name = "exchange_prune",
    .sql = "select skillreg.exchange_prune($1::int8::int4)",
    .parameter_count = 1,
};

const struct db_statement db_chore_logins_statement = {
    .name = "device_login_prune",
    .sql = "select skillreg.device_login_prune($1::int8::int4)",
    .parameter_count = 1,
};

enum column { COLUMN_DONE };

static const struct {
    const struct db_statement *statement;
    uint64_t interval_ms;
    int64_t rows_max; // at once: rows of the log are locked or numbered for that long
    const char *refused;
} kinds[DB_CHORE_COUNT] = {
    {&db_chore_prune_statement, 3600 * 1000ULL, 5000, "cannot delete old events"},
    {&db_chore_expiry_statement, 60 * 1000ULL, 500, "cannot note the ends of tokens in the audit"},
    {&db_chore_exchanges_statement, 600 * 1000ULL, 1000, "cannot delete old minted tokens"},
    {&db_chore_logins_statement, 600 * 1000ULL, 1000, "cannot delete old logins"},
};

// DB_CHORE_COUNT: none.
static int find(const struct db_chores *chores, const struct db_query *query) {
    int kind = 0;
    while (kind < DB_CHORE_COUNT && query != &chores->all[kind].query)
        kind++;
    return kind;
}

void db_chores_init(struct db_chores *chores) {
    for (int i = 0; i < DB_CHORE_COUNT; i++) {
        (void)db_query_start(&chores->all[i].query, kinds[i].statement, NULL);
        chores->all[i].due_ms = 0;
    }
}

// At random times, so that gateways that were started together take turns.
static void send_chore(struct db_chores *chores, int kind, struct db_link *link, uint64_t now_ms) {
    struct db_chore *chore = &chores->all[kind];
    uint64_t interval_ms = kinds[kind].interval_ms;
    chore->due_ms = now_ms + interval_ms / 2 + db_backoff_random_below(interval_ms);
    db_put_int8(db_query_start(&chore->query, kinds[kind].statement, NULL), kinds[kind].rows_max);
    db_link_send(link, &chore->query);
}

void db_chores_run(struct db_chores *chores, struct db_link *link, uint64_t now_ms) {
    for (int i = 0; i < DB_CHORE_COUNT; i++) {
        bool is_on_its_way = !gw_list_is_empty(&chores->all[i].query.link);
        if (now_ms >= chores->all[i].due_ms && !is_on_its_way && db_link_has_room(link))
            send_chore(chores, i, link, now_ms);
    }
}

bool db_chores_take(struct db_chores *chores, const struct db_query *query,
                    const PGresult *result) {
    int kind = find(chores, query);
    if (kind == DB_CHORE_COUNT)
        return false;
    if (PQntuples(result) == 1 &&
        (int64_t)db_get_number(result, 0, COLUMN_DONE) >= kinds[kind].rows_max)
        chores->all[kind].due_ms = 0;
    return true;
}

bool db_chores_refuse(const struct db_chores *chores, const struct db_query *query,
                      const PGresult *error) {
    int kind = find(chores, query);
    if (kind == DB_CHORE_COUNT)
        return false;
    const char *message = PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY);
    struct gw_log_quote quote;
    gw_log(GW_LOG_WARNING, "db", "%s reason=%s", kinds[kind].refused,
           gw_log_quoted(&quote, gw_str_from(message == NULL ? "" : message)));
    return true;
}
