// SPDX-License-Identifier: MIT
#include "db/device_login.h"

#include "db/result.h"

#define TEXT_OF(number) #number
#define TEXT_OF_VALUE(macro) TEXT_OF(macro)

const struct db_statement db_device_login_start_statement = {
    .name = "device_login_start",
    .sql = "select outcome, coalesce(expires_at, retry_at)"
           " from skillreg.device_login_start($1::bytea, $2::bytea, $3::text::inet, $4::text,"
           " " TEXT_OF_VALUE(DB_DEVICE_LOGIN_S) ", " TEXT_OF_VALUE(
               DB_DEVICE_LOGINS_HERE_MAX) ", " TEXT_OF_VALUE(DB_DEVICE_LOGINS_MAX) ")",
    .parameter_count = 4,
    .kind = DB_STATEMENT_CHANGE,
};

const struct db_statement db_device_login_show_statement = {
    .name = "device_login_show",
    .sql = "select host(requested_from), user_agent, requested_at, expires_at"
           " from skillreg.device_login"
           " where user_digest = $1::bytea and approved_by is null"
           " and expires_at > clock_timestamp()",
    .parameter_count = 1,
};

const struct db_statement db_device_login_approve_statement = {
    .name = "device_login_approve",
    .sql = "select outcome, expires_at, host(requested_from)"
           " from skillreg.device_login_approve($1::text, $2::text, $3::text::inet, $4::bytea,"
           " $5::text, $6::text, $7::text, $8::int2, $9::timestamptz,"
           " " TEXT_OF_VALUE(DB_DEVICE_TOKEN_S) ")",
    .parameter_count = 9,
    .kind = DB_STATEMENT_CHANGE,
};

const struct db_statement db_device_login_look_statement = {
    .name = "device_login_look",
    .sql = "select approved_by is not null from skillreg.device_login"
           " where device_digest = $1::bytea and expires_at > clock_timestamp()",
    .parameter_count = 1,
};

const struct db_statement db_device_login_collect_statement = {
    .name = "device_login_collect",
    .sql = "select outcome from skillreg.device_login_collect($1::bytea, $2::text, $3::bytea,"
           " $4::text::inet)",
    .parameter_count = 4,
    .kind = DB_STATEMENT_CHANGE,
};

enum start_column { START_OUTCOME, START_TIME };
enum show_column { SHOW_FROM, SHOW_USER_AGENT, SHOW_REQUESTED_AT, SHOW_EXPIRES_AT };
enum approve_column { APPROVE_OUTCOME, APPROVE_EXPIRES_AT, APPROVE_FROM };
enum look_column { LOOK_IS_APPROVED };

// ---- a program asks ----

static enum gw_status read_start(const PGresult *result, enum db_device_start_outcome *outcome) {
    static const struct {
        struct gw_str name;
        enum db_device_start_outcome outcome;
    } outcomes[] = {{GW_STR_INIT("started"), DB_DEVICE_STARTED},
                    {GW_STR_INIT("taken"), DB_DEVICE_TAKEN},
                    {GW_STR_INIT("too_many_here"), DB_DEVICE_TOO_MANY_HERE},
                    {GW_STR_INIT("too_many"), DB_DEVICE_TOO_MANY}};
    struct gw_str name =
        PQntuples(result) > 0 ? db_get_bytes(result, 0, START_OUTCOME) : GW_STR("");
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        *outcome = outcomes[i].outcome;
        if (gw_str_equal(outcomes[i].name, name))
            return GW_OK;
    }
    return GW_UNAVAILABLE;
}

static void on_started(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_device_login_start *call =
        gw_container_of(query, struct db_device_login_start, query);
    enum db_device_start_outcome outcome = DB_DEVICE_TOO_MANY;
    if (status == GW_OK)
        status = read_start(result, &outcome);
    call->on_done(call, status, outcome,
                  status == GW_OK ? db_get_time(result, 0, START_TIME) : DB_NO_TIME);
}

enum gw_status db_device_login_start(struct db_pool *pool, struct db_device_login_start *call) {
    struct db_params *params =
        db_query_start(&call->query, &db_device_login_start_statement, on_started);
    db_put_bytes(params, call->device_digest, DB_DIGEST_LENGTH);
    db_put_bytes(params, call->user_digest, DB_DIGEST_LENGTH);
    db_put_text_or_null(params, call->requested_from);
    db_put_text_or_null(params, call->user_agent);
    return db_pool_submit(pool, &call->query);
}

// ---- somebody approves ----

static void on_shown(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_device_login_show *call = gw_container_of(query, struct db_device_login_show, query);
    struct db_device_login login;
    if (status == GW_OK && PQntuples(result) == 0)
        status = GW_NOT_FOUND;
    if (status == GW_OK)
        login = (struct db_device_login){
            .requested_from = db_get_bytes(result, 0, SHOW_FROM),
            .user_agent = db_get_bytes(result, 0, SHOW_USER_AGENT),
            .requested_ms = db_get_time(result, 0, SHOW_REQUESTED_AT),
            .expires_ms = db_get_time(result, 0, SHOW_EXPIRES_AT),
        };
    call->on_done(call, status, status == GW_OK ? &login : NULL);
}

enum gw_status db_device_login_show(struct db_pool *pool, struct db_device_login_show *call) {
    struct db_params *params =
        db_query_start(&call->query, &db_device_login_show_statement, on_shown);
    db_put_bytes(params, call->user_digest, DB_DIGEST_LENGTH);
    return db_pool_submit(pool, &call->query);
}

static void on_approved(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_device_login_approve *call =
        gw_container_of(query, struct db_device_login_approve, query);
    int64_t expires_ms = DB_NO_TIME;
    struct gw_str requested_from = gw_str(NULL, 0);
    if (status == GW_OK) {
        status = db_token_outcome_read(result, &call->refusal);
        expires_ms = db_get_time(result, 0, APPROVE_EXPIRES_AT);
        requested_from = db_get_bytes(result, 0, APPROVE_FROM);
    }
    call->on_done(call, status, expires_ms, requested_from);
}

enum gw_status db_device_login_approve(struct db_pool *pool, struct db_device_login_approve *call) {
    struct db_params *params =
        db_query_start(&call->query, &db_device_login_approve_statement, on_approved);
    db_put_text(params, call->org_id);
    db_put_text(params, call->approved_by);
    db_put_text_or_null(params, call->approved_from);
    db_put_bytes(params, call->user_digest, DB_DIGEST_LENGTH);
    db_put_text(params, call->token_id);
    db_put_text(params, call->token_name);
    db_put_text_or_null(params, call->description);
    db_put_int2(params, call->scopes);
    db_put_time(params, call->expires_ms);
    return db_pool_submit(pool, &call->query);
}

// ---- the program picks it up ----

static void on_looked(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_device_login_look *call = gw_container_of(query, struct db_device_login_look, query);
    if (status == GW_OK && PQntuples(result) == 0)
        status = GW_NOT_FOUND;
    call->on_done(call, status, status == GW_OK && db_get_boolean(result, 0, LOOK_IS_APPROVED));
}

enum gw_status db_device_login_look(struct db_pool *pool, struct db_device_login_look *call) {
    struct db_params *params =
        db_query_start(&call->query, &db_device_login_look_statement, on_looked);
    db_put_bytes(params, call->device_digest, DB_DIGEST_LENGTH);
    return db_pool_submit(pool, &call->query);
}

static void on_collected(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_device_login_collect *call =
        gw_container_of(query, struct db_device_login_collect, query);
    enum db_refusal refusal;
    if (status == GW_OK)
        status = db_token_outcome_read(result, &refusal);
    call->on_done(call, status);
}

enum gw_status db_device_login_collect(struct db_pool *pool, struct db_device_login_collect *call) {
    struct db_params *params =
        db_query_start(&call->query, &db_device_login_collect_statement, on_collected);
    db_put_bytes(params, call->device_digest, DB_DIGEST_LENGTH);
    db_put_text(params, call->prefix);
    db_put_bytes(params, call->digest, DB_DIGEST_LENGTH);
    db_put_text_or_null(params, call->collected_from);
    return db_pool_submit(pool, &call->query);
}
