// SPDX-License-Identifier: MIT
#include "db/trust.h"

#include <stdlib.h>

#include "db/result.h"

const struct db_statement db_trust_create_statement = {
    .name = "trust_create",
    .sql = "select outcome, id, created_at"
           " from skillreg.trust_create($1::text, $2::text, $3::text, $4::text, $5::text,"
           " $6::text::jsonb, $7::int2, $8::int8::int4, $9::cidr[], $10::int8::int4, $11::text,"
           " $12::text::inet)",
    .parameter_count = 12,
    .kind = DB_STATEMENT_CHANGE,
};

// The place of a rule that was removed is known still: its row stays.
const struct db_statement db_trust_list_statement = {
    .name = "trust_list",
    .sql = "select " DB_TRUST_RULE_COLUMNS
           " from skillreg.trust_rule r join skillreg.organisation o on o.id = r.org_id"
           " where r.org_id = $1::text and r.removed_at is null and ($2::text is null"
           "   or (r.created_at, r.id) < (select b.created_at, b.id from skillreg.trust_rule b"
           "                              where b.id = $2::text and b.org_id = $1::text))"
           " order by r.created_at desc, r.id desc limit $3::int8",
    .parameter_count = 3,
};

const struct db_statement db_trust_show_statement = {
    .name = "trust_show",
    .sql = "select " DB_TRUST_RULE_COLUMNS ", u.exchanges, u.last_at,"
           " (select count(*) from skillreg.api_token t where t.org_id = r.org_id and t.is_minted"
           "  and t.expires_at > now() and t.revoked_at is null and t.created_by = r.id)"
           " from skillreg.trust_rule r join skillreg.organisation o on o.id = r.org_id"
           " left join skillreg.trust_use u on u.rule_id = r.id"
           " where r.id = $1::text and r.org_id = $2::text and r.removed_at is null",
    .parameter_count = 2,
};

const struct db_statement db_trust_remove_statement = {
    .name = "trust_remove",
    .sql = DB_REVOKED_TOKENS_COLUMNS
    " from skillreg.trust_remove($1::text, $2::text, $3::text, $4::text::inet, $5::int8::int4)",
    .parameter_count = 5,
    .kind = DB_STATEMENT_CHANGE,
};

enum create_column { CREATE_OUTCOME, CREATE_ID, CREATE_CREATED_AT };

_Static_assert(CREATE_OUTCOME == DB_TOKEN_OUTCOME_COLUMN, "every change begins with its outcome");

enum rule_column {
    RULE_ID,
    RULE_ORG_ID,
    RULE_ORG_SLUG,
    RULE_KIND,
    RULE_ISSUER,
    RULE_ANCHOR,
    RULE_CONDITIONS,
    RULE_SCOPES,
    RULE_LIFE_S,
    RULE_EXCHANGES_PER_MINUTE,
    RULE_ALLOWED_IPS,
    RULE_CREATED_AT,
    RULE_CREATED_BY,
    RULE_CREATED_BY_NAME,
    RULE_CREATED_FROM,
    RULE_COLUMN_COUNT
};

_Static_assert(RULE_COLUMN_COUNT == DB_TRUST_RULE_COLUMN_COUNT, "DB_TRUST_RULE_COLUMNS");

enum show_column { SHOW_EXCHANGES = RULE_COLUMN_COUNT, SHOW_LAST_AT, SHOW_LIVE_TOKENS };

enum gw_status db_trust_rule_read(const PGresult *result, int row, struct db_trust_rule *rule,
                                  struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]) {
    *rule = (struct db_trust_rule){
        .id = db_get_bytes(result, row, RULE_ID),
        .org_id = db_get_bytes(result, row, RULE_ORG_ID),
        .org_slug = db_get_bytes(result, row, RULE_ORG_SLUG),
        .kind = db_get_bytes(result, row, RULE_KIND),
        .issuer = db_get_bytes(result, row, RULE_ISSUER),
        .anchor = db_get_bytes(result, row, RULE_ANCHOR),
        .conditions = db_get_bytes(result, row, RULE_CONDITIONS),
        .scopes = (gw_scope_set)db_get_int(result, row, RULE_SCOPES, 0),
        .allowed_ips = allowed_ips,
        .life_s = (uint32_t)db_get_number(result, row, RULE_LIFE_S),
        .exchanges_per_minute = (uint32_t)db_get_number(result, row, RULE_EXCHANGES_PER_MINUTE),
        .created_ms = db_get_time(result, row, RULE_CREATED_AT),
        .created_by = {db_get_bytes(result, row, RULE_CREATED_BY),
                       db_get_bytes(result, row, RULE_CREATED_BY_NAME)},
        .created_from = db_get_bytes(result, row, RULE_CREATED_FROM),
    };
    return db_get_ip_ranges(result, row, RULE_ALLOWED_IPS, allowed_ips, &rule->allowed_ip_count);
}

// ---- create ----

static void on_create_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_trust_create *create = gw_container_of(query, struct db_trust_create, query);
    struct db_trust_made made;
    if (status == GW_OK)
        status = db_token_outcome_read(result, &create->refusal);
    if (status == GW_OK) {
        made = (struct db_trust_made){.id = db_get_bytes(result, 0, CREATE_ID),
                                      .created_ms = db_get_time(result, 0, CREATE_CREATED_AT)};
        made.is_there = !gw_str_equal(made.id, create->id);
    }
    create->on_done(create, status, status == GW_OK ? &made : NULL);
}

enum gw_status db_trust_create_submit(struct db_pool *pool, struct db_trust_create *create) {
    struct db_query *query = &create->query;
    struct db_params *params = db_query_start(query, &db_trust_create_statement, on_create_done);
    db_put_text(params, create->id);
    db_put_text(params, create->org_id);
    db_put_text(params, create->kind);
    db_put_text(params, create->issuer);
    db_put_text(params, create->anchor);
    db_put_text(params, create->conditions);
    db_put_int2(params, create->scopes);
    db_put_int8(params, create->life_s);
    if (create->allowed_ip_count > 0)
        db_put_ip_ranges(params, create->allowed_ips, create->allowed_ip_count);
    else
        db_put_null(params);
    db_put_int8(params, create->exchanges_per_minute);
    db_put_text(params, create->created_by);
    db_put_text_or_null(params, create->created_from);
    return db_pool_submit(pool, query);
}

// ---- list ----

struct list_memory {
    struct db_trust_rule rules[GW_LIST_LIMIT_MAX];
    struct gw_ip_range allowed_ips[GW_LIST_LIMIT_MAX][GW_ALLOWED_IPS_MAX];
};

static enum gw_status read_list(const PGresult *result, int count, struct list_memory *memory) {
    enum gw_status status = GW_OK;
    for (int i = 0; i < count && status == GW_OK; i++)
        status = db_trust_rule_read(result, i, &memory->rules[i], memory->allowed_ips[i]);
    return status;
}

// The statement asks for one row more than `limit`: that row is `has_more`.
static void on_list_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_trust_list *list = gw_container_of(query, struct db_trust_list, query);
    struct list_memory *memory = NULL;
    int rows = status == GW_OK ? PQntuples(result) : 0;
    int count = rows > (int)list->limit ? (int)list->limit : rows;
    if (count > 0) {
        memory = malloc(sizeof(*memory)); // pages that no row needs are never touched
        status = memory == NULL ? GW_NO_MEMORY : read_list(result, count, memory);
    }
    if (status == GW_OK)
        list->on_done(list, GW_OK, count > 0 ? memory->rules : NULL, count, rows > count);
    else
        list->on_done(list, status, NULL, 0, false);
    free(memory);
}

enum gw_status db_trust_list_start(struct db_pool *pool, struct db_trust_list *list) {
    if (list->limit < 1 || list->limit > GW_LIST_LIMIT_MAX)
        return GW_INVALID;
    struct db_params *params = db_query_start(&list->query, &db_trust_list_statement, on_list_done);
    db_put_text(params, list->org_id);
    db_put_text_or_null(params, list->after);
    db_put_int8(params, (int64_t)list->limit + 1);
    return db_pool_submit(pool, &list->query);
}

// ---- one ----

static void on_show_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_trust_show *show = gw_container_of(query, struct db_trust_show, query);
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    struct db_trust_details details;
    if (status == GW_OK && PQntuples(result) == 0)
        status = GW_NOT_FOUND;
    if (status == GW_OK) {
        status = db_trust_rule_read(result, 0, &details.rule, allowed_ips);
        details.exchanges = db_get_number(result, 0, SHOW_EXCHANGES);
        details.last_exchange_ms = db_get_time(result, 0, SHOW_LAST_AT);
        details.live_tokens = db_get_number(result, 0, SHOW_LIVE_TOKENS);
    }
    show->on_done(show, status, status == GW_OK ? &details : NULL);
}

enum gw_status db_trust_show_start(struct db_pool *pool, struct db_trust_show *show) {
    struct db_params *params = db_query_start(&show->query, &db_trust_show_statement, on_show_done);
    db_put_text(params, show->id);
    db_put_text(params, show->org_id);
    return db_pool_submit(pool, &show->query);
}

// ---- remove ----

// The first row is the rule, in the shape of a token.
static void report_removal(struct db_trust_remove *remove, const struct db_revoked_token *rows,
                           int count) {
    gw_assert(count > 0);
    struct db_trust_removal removal = {
        .name = rows[0].name,
        .removed_ms = rows[0].revoked_ms,
        .tokens = rows + 1,
        .count = count - 1,
        .has_more = count > 1,
    };
    remove->on_done(remove, GW_OK, &removal);
}

static void on_remove_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_trust_remove *remove = gw_container_of(query, struct db_trust_remove, query);
    struct db_revoked_token *rows = NULL;
    int count = 0;
    if (status == GW_OK)
        status = db_token_outcome_read(result, &remove->refusal);
    if (status == GW_OK)
        status = db_revoked_tokens_read(result, &rows, &count);
    if (status == GW_OK)
        report_removal(remove, rows, count);
    else
        remove->on_done(remove, status, NULL);
    free(rows);
}

enum gw_status db_trust_remove_submit(struct db_pool *pool, struct db_trust_remove *remove) {
    struct db_query *query = &remove->query;
    struct db_params *params = db_query_start(query, &db_trust_remove_statement, on_remove_done);
    db_put_text(params, remove->org_id);
    db_put_text(params, remove->id);
    db_put_text(params, remove->removed_by);
    db_put_text_or_null(params, remove->removed_from);
    db_put_int8(params, DB_TRUST_REMOVE_ROWS_MAX);
    return db_pool_submit(pool, query);
}
