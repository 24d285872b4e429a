// SPDX-License-Identifier: MIT
#include "db/audit.h"

#include "db/result.h"
#include "token/limits.h"

const struct db_statement db_audit_list_statement = {
    .name = "audit_list",
    .sql = "select id, at, action, token_id, token_name, successor_id, actor_token_id, actor_name,"
           " host(address), ended_at, detail, by_rule, facts::text"
           " from skillreg.audit_page($1::text, $2::int8, $3::int8, $4::text, $5::text, $6::text,"
           " $7::timestamptz, $8::timestamptz, $9::int8)",
    .parameter_count = 9,
};

const struct db_audit_filter db_audit_filter_none = {
    .order = DB_AUDIT_NEWEST_FIRST,
    .position = INT64_MAX,
    .since_ms = DB_NO_TIME,
    .until_ms = DB_NO_TIME,
};

enum column {
    COLUMN_ID,
    COLUMN_AT,
    COLUMN_ACTION,
    COLUMN_TOKEN_ID,
    COLUMN_TOKEN_NAME,
    COLUMN_SUCCESSOR_ID,
    COLUMN_ACTOR_TOKEN_ID,
    COLUMN_ACTOR_NAME,
    COLUMN_ADDRESS,
    COLUMN_ENDED_AT,
    COLUMN_DETAIL,
    COLUMN_BY_RULE,
    COLUMN_FACTS
};

static void read_audit_event(const PGresult *result, int row, struct db_audit_event *out) {
    *out = (struct db_audit_event){
        .id = db_get_int(result, row, COLUMN_ID, 0),
        .at_ms = db_get_time(result, row, COLUMN_AT),
        .action = db_get_bytes(result, row, COLUMN_ACTION),
        .token_id = db_get_bytes(result, row, COLUMN_TOKEN_ID),
        .token_name = db_get_bytes(result, row, COLUMN_TOKEN_NAME),
        .successor_id = db_get_bytes(result, row, COLUMN_SUCCESSOR_ID),
        .actor_token_id = db_get_bytes(result, row, COLUMN_ACTOR_TOKEN_ID),
        .actor_name = db_get_bytes(result, row, COLUMN_ACTOR_NAME),
        .address = db_get_bytes(result, row, COLUMN_ADDRESS),
        .ended_ms = db_get_time(result, row, COLUMN_ENDED_AT),
        .changed = db_get_bytes(result, row, COLUMN_DETAIL),
        .by_rule = db_get_boolean(result, row, COLUMN_BY_RULE),
        .facts = db_get_bytes(result, row, COLUMN_FACTS),
    };
}

// The statement asks for one row more than `limit`: that row is `has_more`.
static void on_audit_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_audit_list *list = gw_container_of(query, struct db_audit_list, query);
    struct db_audit_event events[GW_LIST_LIMIT_MAX];
    if (status != GW_OK) {
        list->on_done(list, status, NULL, 0, false);
        return;
    }
    gw_assert(list->limit <= GW_LIST_LIMIT_MAX);
    int count = PQntuples(result);
    bool has_more = count > (int)list->limit;
    if (has_more)
        count = (int)list->limit;
    for (int i = 0; i < count; i++)
        read_audit_event(result, i, &events[i]);
    list->on_done(list, GW_OK, events, count, has_more);
}

static void put_filter(struct db_params *params, const struct db_audit_filter *filter) {
    if (filter->order == DB_AUDIT_OLDEST_FIRST)
        db_put_null(params);
    db_put_int8(params, filter->position);
    if (filter->order == DB_AUDIT_NEWEST_FIRST)
        db_put_null(params);
    db_put_text_or_null(params, filter->token_id);
    db_put_text_or_null(params, filter->actor);
    db_put_text_or_null(params, filter->action);
    db_put_time(params, filter->since_ms);
    db_put_time(params, filter->until_ms);
}

enum gw_status db_audit_list(struct db_pool *pool, struct db_audit_list *list) {
    if (list->limit < 1 || list->limit > GW_LIST_LIMIT_MAX)
        return GW_INVALID;
    struct db_query *query = &list->query;
    struct db_params *params = db_query_start(query, &db_audit_list_statement, on_audit_done);
    db_put_text(params, list->org_id);
    put_filter(params, &list->filter);
    db_put_int8(params, (int64_t)list->limit + 1);
    return db_pool_submit(pool, query);
}
