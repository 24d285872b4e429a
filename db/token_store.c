// SPDX-License-Identifier: MIT
#include "db/token_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "db/blockers.h"
#include "db/result.h"
#include "db/token_change.h"
#include "db/token_lookup.h"

struct db_token_store {
    struct db_pool *pool;
    struct db_token_lookups lookups;
    void (*on_closed)(struct db_token_store *store);
};

// A row always comes, for the total; its other columns are null when the page is empty.
static const struct db_statement token_list_statement = {
    .name = "token_list",
    .sql = "select c.total, p.id, p.name, p.prefix, p.scopes, p.created_at, p.last_used_at,"
           " p.expires_at, p.allowed_ips, p.binds_children"
           " from (select count(*) as total from skillreg.api_token"
           "   where org_id = $1::text and revoked_at is null"
           "   and (expires_at is null or expires_at > now())) c"
           " left join (select * from skillreg.api_token"
           "   where org_id = $1::text and revoked_at is null"
           "   and (expires_at is null or expires_at > now())"
           "   order by created_at desc, id desc limit $2::int8 offset $3::int8) p on true"
           " order by p.created_at desc, p.id desc",
    .parameter_count = 3,
};

static const struct db_statement audit_list_statement = {
    .name = "audit_list",
    .sql = "select id, at, action, token_id, token_name, successor_id, actor_token_id, actor_name,"
           " host(address)"
           " from skillreg.token_audit where org_id = $1::text and id < $2::int8"
           " order by id desc limit $3::int8",
    .parameter_count = 3,
};

static const struct db_statement last_used_statement = {
    .name = "last_used_write",
    .sql = "select skillreg.last_used_write($1::text[], $2::timestamptz[])",
    .parameter_count = 2,
    .kind = DB_STATEMENT_NOTE,
};

static const struct db_statement org_create_statement = {
    .name = "org_create",
    .sql = "insert into skillreg.organisation (id, slug, name)"
           " values ($1::text, $2::text, $3::text)",
    .parameter_count = 3,
    .kind = DB_STATEMENT_CHANGE,
};

static const struct db_statement org_find_statement = {
    .name = "org_find",
    .sql = "select id, name from skillreg.organisation"
           " where slug = $1::text and deleted_at is null",
    .parameter_count = 1,
};

const struct db_statement *const db_token_store_statements[] = {
    &db_token_lookup_statement, &db_token_create_statement, &db_token_revoke_statement,
    &db_token_rotate_statement, &token_list_statement,      &audit_list_statement,
    &last_used_statement,       &org_create_statement,      &org_find_statement,
    &db_blockers_statement,
};
const int db_token_store_statement_count =
    sizeof(db_token_store_statements) / sizeof(db_token_store_statements[0]);

// ---- life ----

enum gw_status db_token_store_create(uv_loop_t *loop, struct db_pool *pool,
                                     struct db_token_store **store_out) {
    struct db_token_store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return GW_NO_MEMORY;
    store->pool = pool;
    db_token_lookups_init(&store->lookups, loop, pool);
    *store_out = store;
    return GW_OK;
}

static void on_lookups_closed(struct db_token_lookups *lookups) {
    struct db_token_store *store = gw_container_of(lookups, struct db_token_store, lookups);
    if (store->on_closed != NULL)
        store->on_closed(store);
    free(store);
}

void db_token_store_close(struct db_token_store *store,
                          void (*on_closed)(struct db_token_store *store)) {
    store->on_closed = on_closed;
    db_token_lookups_close(&store->lookups, on_lookups_closed);
}

struct db_pool *db_token_store_pool(struct db_token_store *store) {
    return store->pool;
}

enum gw_status db_token_store_lookup(struct db_token_store *store, struct db_token_lookup *lookup) {
    return db_token_lookups_add(&store->lookups, lookup);
}

void db_token_store_cancel(struct db_token_store *store, struct db_query *query) {
    db_pool_cancel(store->pool, query);
}

// ---- list ----

static enum gw_status read_list_row(const PGresult *result, int row, struct db_token_row *out,
                                    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]) {
    *out = (struct db_token_row){
        .id = db_get_bytes(result, row, 1),
        .name = db_get_bytes(result, row, 2),
        .prefix = db_get_bytes(result, row, 3),
        .scopes = (gw_scope_set)db_get_int(result, row, 4, 0),
        .created_ms = db_get_time(result, row, 5),
        .last_used_ms = db_get_time(result, row, 6),
        .expires_ms = db_get_time(result, row, 7),
        .binds_children = db_get_boolean(result, row, 9),
        .allowed_ips = allowed_ips,
    };
    return db_get_ip_ranges(result, row, 8, allowed_ips, &out->allowed_ip_count);
}

static void on_list_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_list *list = gw_container_of(query, struct db_token_list, query);
    struct db_token_row rows[GW_LIST_LIMIT_MAX];
    struct gw_ip_range(*allowed_ips)[GW_ALLOWED_IPS_MAX] = NULL; // of each row
    int count = status == GW_OK ? PQntuples(result) : 0;
    gw_assert(count <= GW_LIST_LIMIT_MAX); // asked for with that limit
    uint64_t total = count == 0 ? 0 : (uint64_t)db_get_int(result, 0, 0, 0);
    if (count > 0 && PQgetisnull(result, 0, 1))
        count = 0;
    if (count > 0) {
        allowed_ips = malloc((size_t)count * sizeof(*allowed_ips));
        status = allowed_ips == NULL ? GW_NO_MEMORY : GW_OK;
    }
    for (int i = 0; i < count && status == GW_OK; i++)
        status = read_list_row(result, i, &rows[i], allowed_ips[i]);
    if (status == GW_OK)
        list->on_done(list, GW_OK, rows, count, total);
    else
        list->on_done(list, status, NULL, 0, 0);
    free(allowed_ips);
}

enum gw_status db_token_store_list_tokens(struct db_token_store *store,
                                          struct db_token_list *list) {
    if (list->limit < 1 || list->limit > GW_LIST_LIMIT_MAX || list->offset > INT64_MAX)
        return GW_INVALID;
    struct db_query *query = &list->query;
    struct db_params *params = db_query_start(query, &token_list_statement, on_list_done);
    db_put_text(params, list->org_id);
    db_put_int8(params, list->limit);
    db_put_int8(params, (int64_t)list->offset);
    return db_pool_submit(store->pool, query);
}

// ---- audit ----

static void read_audit_event(const PGresult *result, int row, struct db_audit_event *out) {
    *out = (struct db_audit_event){
        .id = db_get_int(result, row, 0, 0),
        .at_ms = db_get_time(result, row, 1),
        .action = db_get_bytes(result, row, 2),
        .token_id = db_get_bytes(result, row, 3),
        .token_name = db_get_bytes(result, row, 4),
        .successor_id = db_get_bytes(result, row, 5),
        .actor_token_id = db_get_bytes(result, row, 6),
        .actor_name = db_get_bytes(result, row, 7),
        .address = db_get_bytes(result, row, 8),
    };
}

// One row more was asked for than is wanted: it says whether there are more.
static void on_audit_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_audit_list *list = gw_container_of(query, struct db_audit_list, query);
    struct db_audit_event events[GW_LIST_LIMIT_MAX];
    if (status != GW_OK) {
        list->on_done(list, status, NULL, 0, false);
        return;
    }
    int count = PQntuples(result);
    bool has_more = count > (int)list->limit;
    if (has_more)
        count = (int)list->limit;
    for (int i = 0; i < count; i++)
        read_audit_event(result, i, &events[i]);
    list->on_done(list, GW_OK, events, count, has_more);
}

enum gw_status db_token_store_list_audit(struct db_token_store *store, struct db_audit_list *list) {
    if (list->limit < 1 || list->limit > GW_LIST_LIMIT_MAX)
        return GW_INVALID;
    struct db_query *query = &list->query;
    struct db_params *params = db_query_start(query, &audit_list_statement, on_audit_done);
    db_put_text(params, list->org_id);
    db_put_int8(params, list->before);
    db_put_int8(params, (int64_t)list->limit + 1);
    return db_pool_submit(store->pool, query);
}

// ---- last used ----

static void on_last_used_done(struct db_query *query, enum gw_status status,
                              const PGresult *result) {
    struct db_last_used_write *write = gw_container_of(query, struct db_last_used_write, query);
    uint64_t written = 0;
    if (status == GW_OK)
        written = (uint64_t)db_get_int(result, 0, 0, 0);
    write->on_done(write, status, written);
}

static void put_ids(struct db_params *params, const struct gw_str *ids, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += ids[i].length;
    db_put_array(params, DB_ARRAY_TEXT, count, bytes);
    for (size_t i = 0; i < count; i++)
        db_add_text(params, ids[i]);
}

static void put_times(struct db_params *params, const int64_t *times_ms, size_t count) {
    db_put_array(params, DB_ARRAY_TIMESTAMPTZ, count, count * DB_TIME_BYTES);
    for (size_t i = 0; i < count; i++)
        db_add_time(params, times_ms[i]);
}

enum gw_status db_token_store_write_last_used(struct db_token_store *store,
                                              struct db_last_used_write *write) {
    gw_assert(write->count > 0);
    struct db_query *query = &write->query;
    struct db_params *params = db_query_start(query, &last_used_statement, on_last_used_done);
    put_ids(params, write->ids, (size_t)write->count);
    put_times(params, write->used_ms, (size_t)write->count);
    return db_pool_submit(store->pool, query);
}

// ---- organisations ----

static void on_org_create_done(struct db_query *query, enum gw_status status,
                               const PGresult *result) {
    (void)result;
    struct db_org_create *create = gw_container_of(query, struct db_org_create, query);
    create->on_done(create, status);
}

enum gw_status db_token_store_create_org(struct db_token_store *store,
                                         struct db_org_create *create) {
    struct db_query *query = &create->query;
    struct db_params *params = db_query_start(query, &org_create_statement, on_org_create_done);
    db_put_text(params, create->id);
    db_put_text(params, create->slug);
    db_put_text(params, create->name);
    return db_pool_submit(store->pool, query);
}

static void on_org_find_done(struct db_query *query, enum gw_status status,
                             const PGresult *result) {
    struct db_org_find *find = gw_container_of(query, struct db_org_find, query);
    struct gw_str id = gw_str(NULL, 0);
    struct gw_str name = gw_str(NULL, 0);
    if (status == GW_OK && PQntuples(result) != 1) {
        status = GW_NOT_FOUND;
    } else if (status == GW_OK) {
        id = db_get_bytes(result, 0, 0);
        name = db_get_bytes(result, 0, 1);
    }
    find->on_done(find, status, id, name);
}

enum gw_status db_token_store_find_org(struct db_token_store *store, struct db_org_find *find) {
    struct db_query *query = &find->query;
    db_put_text(db_query_start(query, &org_find_statement, on_org_find_done), find->slug);
    return db_pool_submit(store->pool, query);
}
