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
