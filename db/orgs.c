// SPDX-License-Identifier: MIT
#include "db/orgs.h"

#include "db/result.h"

const struct db_statement db_org_create_statement = {
    .name = "org_create",
    .sql = "insert into skillreg.organisation (id, slug, name)"
           " values ($1::text, $2::text, $3::text)",
    .parameter_count = 3,
    .kind = DB_STATEMENT_CHANGE,
};

const struct db_statement db_org_find_statement = {
    .name = "org_find",
    .sql = "select id, name from skillreg.organisation"
           " where slug = $1::text and deleted_at is null",
    .parameter_count = 1,
};

enum find_column { FIND_ID, FIND_NAME };

static void on_org_create_done(struct db_query *query, enum gw_status status,
                               const PGresult *result) {
    (void)result;
    struct db_org_create *create = gw_container_of(query, struct db_org_create, query);
    create->on_done(create, status);
}

enum gw_status db_orgs_create(struct db_pool *pool, struct db_org_create *create) {
    struct db_query *query = &create->query;
    struct db_params *params = db_query_start(query, &db_org_create_statement, on_org_create_done);
    db_put_text(params, create->id);
    db_put_text(params, create->slug);
    db_put_text(params, create->name);
    return db_pool_submit(pool, query);
}

static void on_org_find_done(struct db_query *query, enum gw_status status,
                             const PGresult *result) {
    struct db_org_find *find = gw_container_of(query, struct db_org_find, query);
    struct gw_str id = gw_str(NULL, 0);
    struct gw_str name = gw_str(NULL, 0);
    if (status == GW_OK && PQntuples(result) != 1) {
        status = GW_NOT_FOUND;
    } else if (status == GW_OK) {
        id = db_get_bytes(result, 0, FIND_ID);
        name = db_get_bytes(result, 0, FIND_NAME);
    }
    find->on_done(find, status, id, name);
}

enum gw_status db_orgs_find(struct db_pool *pool, struct db_org_find *find) {
    struct db_query *query = &find->query;
    db_put_text(db_query_start(query, &db_org_find_statement, on_org_find_done), find->slug);
    return db_pool_submit(pool, query);
}
