// SPDX-License-Identifier: MIT
#include "db/exchange.h"

#include <stdlib.h>

#include "db/result.h"

#define TEXT_OF(number) #number
#define TEXT_OF_VALUE(macro) TEXT_OF(macro)

// One row more than there can be of an organisation.
const struct db_statement db_exchange_rules_statement = {
    .name = "exchange_rules",
    .sql = "select " DB_TRUST_RULE_COLUMNS
           " from skillreg.trust_rule r join skillreg.organisation o on o.id = r.org_id"
           " where r.issuer = $1::text and r.anchor = $2::text and r.removed_at is null"
           " and o.deleted_at is null and ($3::text is null or o.slug = $3::text)"
           " order by r.created_at, r.id limit " TEXT_OF_VALUE(DB_EXCHANGE_RULES_MAX) " + 1",
    .parameter_count = 3,
};
_Static_assert(DB_EXCHANGE_RULES_MAX >= DB_TRUST_ANCHOR_RULES_MAX, "all of one organisation");

const struct db_statement db_exchange_mint_statement = {
    .name = "exchange_mint",
    .sql = "select outcome, id, created_at, expires_at,"
           " ceil(extract(epoch from retry_at - created_at))::int8, is_revoked, revoked_digest,"
           " revoked_event_seq"
           " from skillreg.exchange_mint(array[row($1::text, $2::text, $3::text, $4::text,"
           " $5::bytea, $6::int2, $7::int8::int4, $8::bytea, $9::timestamptz, $10::int8::int4,"
           " $11::text, $12::bytea, $13::text, $14::text::json, $15::text::inet)"
           "::skillreg.exchange_row])",
    .parameter_count = 15,
    .kind = DB_STATEMENT_CHANGE,
};

enum mint_column {
    MINT_OUTCOME,
    MINT_ID,
    MINT_CREATED_AT,
    MINT_EXPIRES_AT,
    MINT_RETRY_AFTER_S,
    MINT_IS_REVOKED,
    MINT_REVOKED_DIGEST,
    MINT_REVOKED_EVENT_SEQ
};

// ---- the rules ----

struct rules_memory {
    struct db_trust_rule rules[DB_EXCHANGE_RULES_MAX];
    struct gw_ip_range allowed_ips[DB_EXCHANGE_RULES_MAX][GW_ALLOWED_IPS_MAX];
};

static enum gw_status read_rules(const PGresult *result, int count, struct rules_memory *memory) {
    enum gw_status status = GW_OK;
    for (int i = 0; i < count && status == GW_OK; i++)
        status = db_trust_rule_read(result, i, &memory->rules[i], memory->allowed_ips[i]);
    return status;
}

static void on_rules_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_exchange_rules *call = gw_container_of(query, struct db_exchange_rules, query);
    struct rules_memory *memory = NULL;
    int rows = status == GW_OK ? PQntuples(result) : 0;
    int count = rows > DB_EXCHANGE_RULES_MAX ? DB_EXCHANGE_RULES_MAX : rows;
    if (count > 0) {
        memory = malloc(sizeof(*memory)); // pages that no row needs are never touched
        status = memory == NULL ? GW_NO_MEMORY : read_rules(result, count, memory);
    }
    if (status == GW_OK)
        call->on_done(call, GW_OK, count > 0 ? memory->rules : NULL, count, rows > count);
    else
        call->on_done(call, status, NULL, 0, false);
    free(memory);
}

enum gw_status db_exchange_rules_start(struct db_pool *pool, struct db_exchange_rules *call) {
    struct db_params *params =
        db_query_start(&call->query, &db_exchange_rules_statement, on_rules_done);
    db_put_text(params, call->issuer);
    db_put_text(params, call->anchor);
    db_put_text_or_null(params, call->org_slug);
    return db_pool_submit(pool, &call->query);
}

// ---- the token ----

static const struct gw_str refusals[] = {
    [DB_EXCHANGE_MADE] = GW_STR_INIT("made"),
    [DB_EXCHANGE_RULE_GONE] = GW_STR_INIT("rule_gone"),
    [DB_EXCHANGE_REPLAYED] = GW_STR_INIT("replayed"),
    [DB_EXCHANGE_TOO_MANY] = GW_STR_INIT("too_many"),
    [DB_EXCHANGE_IN_PROGRESS] = GW_STR_INIT("in_progress"),
    [DB_EXCHANGE_OTHER_BODY] = GW_STR_INIT("other_body"),
    [DB_EXCHANGE_MADE_BEFORE] = GW_STR_INIT("made_before"),
    [DB_EXCHANGE_MAY_REPEAT] = GW_STR_INIT("may_repeat"),
};
#define REFUSAL_COUNT (sizeof(refusals) / sizeof(refusals[0]))

// GW_UNAVAILABLE: an outcome of a newer schema, or no row.
static enum gw_status read_refusal(const PGresult *result, enum db_exchange_refusal *refusal) {
    struct gw_str name =
        PQntuples(result) == 1 ? db_get_bytes(result, 0, MINT_OUTCOME) : GW_STR("");
    size_t found = 0;
    while (found < REFUSAL_COUNT && !gw_str_equal(refusals[found], name))
        found++;
    if (found == REFUSAL_COUNT)
        return GW_UNAVAILABLE;
    *refusal = (enum db_exchange_refusal)found;
    return found == DB_EXCHANGE_MADE ? GW_OK : GW_DENIED;
}

static void read_outcome(const PGresult *result, struct db_exchange_outcome *outcome) {
    outcome->created_ms = db_get_time(result, 0, MINT_CREATED_AT);
    outcome->expires_ms = db_get_time(result, 0, MINT_EXPIRES_AT);
    outcome->retry_after_s = (uint32_t)db_get_number(result, 0, MINT_RETRY_AFTER_S);
    outcome->superseded.event_seq = db_get_number(result, 0, MINT_REVOKED_EVENT_SEQ);
    outcome->superseded.is_there =
        db_get_fixed(result, 0, MINT_REVOKED_DIGEST, outcome->superseded.digest, DB_DIGEST_LENGTH);
    if (outcome->refusal == DB_EXCHANGE_MADE)
        return;
    outcome->earlier_id = db_get_bytes(result, 0, MINT_ID);
    outcome->is_earlier_revoked = db_get_boolean(result, 0, MINT_IS_REVOKED);
}

static void on_mint_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_exchange_mint *mint = gw_container_of(query, struct db_exchange_mint, query);
    struct db_exchange_outcome outcome = {.refusal = DB_EXCHANGE_MADE};
    if (status == GW_OK)
        status = read_refusal(result, &outcome.refusal);
    bool is_told = status == GW_OK || status == GW_DENIED;
    if (is_told)
        read_outcome(result, &outcome);
    mint->on_done(mint, status, is_told ? &outcome : NULL);
}

static void put_request(struct db_params *params, const struct db_request_key *request) {
    db_put_text_or_null(params, request->key);
    if (request->key.at != NULL)
        db_put_bytes(params, request->body_digest, DB_DIGEST_LENGTH);
    else
        db_put_null(params);
    db_put_text_or_null(params, request->instead_of);
}

enum gw_status db_exchange_mint_submit(struct db_pool *pool, struct db_exchange_mint *mint) {
    if (mint->facts.length > DB_EXCHANGE_FACTS_BYTES_MAX)
        return GW_INVALID;
    struct db_query *query = &mint->query;
    struct db_params *params = db_query_start(query, &db_exchange_mint_statement, on_mint_done);
    db_put_text(params, mint->rule_id);
    db_put_text(params, mint->id);
    db_put_text(params, mint->name);
    db_put_text(params, mint->prefix);
    db_put_bytes(params, mint->digest, DB_DIGEST_LENGTH);
    db_put_int2(params, mint->scopes);
    db_put_int8(params, mint->life_s);
    db_put_bytes(params, mint->replay_key, DB_EXCHANGE_KEY_LENGTH);
    db_put_time(params, mint->replay_until_ms);
    db_put_int8(params, mint->live_max);
    put_request(params, &mint->request);
    db_put_text(params, mint->facts);
    db_put_text_or_null(params, mint->from);
    return db_pool_submit(pool, query);
}
