// SPDX-License-Identifier: MIT
// Parameters are bound in the binary format: text then needs no terminator and no quoting.
#include "db/token_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "db/blockers.h"
#include "db/pg_binary.h"
#include "db/token_lookup.h"

// NOLINTNEXTLINE(misc-redundant-expression): two names of two headers
_Static_assert(DB_TIME_NULL == DB_NO_TIME, "null times pass through");
_Static_assert(sizeof((struct db_token_create){0}.scratch) >=
                   16 + DB_IP_RANGES_BYTES(GW_ALLOWED_IPS_MAX),
               "room for every parameter");

struct db_token_store {
    struct db_pool *pool;
    struct db_token_lookups lookups;
    void (*on_closed)(struct db_token_store *store);
};

static const struct db_statement token_create_statement = {
    .name = "token_create",
    .sql = "select skillreg.token_create($1::text, $2::text, $3::text, $4::text, $5::bytea,"
           " $6::int2, $7::timestamptz, $8::text, $9::text::inet, $10::boolean,"
           " $11::cidr[])",
    .parameter_count = 11,
    .kind = DB_STATEMENT_CHANGE,
};

static const struct db_statement token_revoke_statement = {
    .name = "token_revoke",
    .sql = "select name, revoked_at, digest, event_seq"
           " from skillreg.token_revoke($1::text, $2::text, $3::text, $4::text::inet)",
    .parameter_count = 4,
    .kind = DB_STATEMENT_CHANGE,
};

static const struct db_statement token_rotate_statement = {
    .name = "token_rotate",
    .sql = "select is_made, may_repeat, id, name, scopes, created_at, expires_at, old_expires_at,"
           " old_digest, revoked_digest, allowed_ips"
           " from skillreg.token_rotate($1::text, $2::text, $3::text, $4::text, $5::bytea,"
           " $6::int8, $7::timestamptz, $8::text, $9::text, $10::text::inet,"
           " $11::text)",
    .parameter_count = 11,
    .kind = DB_STATEMENT_CHANGE,
};

// A row always comes, for the total; its other columns are null when the page is empty.
static const struct db_statement token_list_statement = {
    .name = "token_list",
    .sql = "select c.total, p.id, p.name, p.prefix, p.scopes, p.created_at, p.last_used_at,"
           " p.expires_at, p.allowed_ips"
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

// Rows are locked in the order of their ids, whatever plan the update takes, so that two gateways cannot deadlock.
static const struct db_statement last_used_statement = {
    .name = "last_used_write",
    .sql = "update skillreg.api_token t set last_used_at = u.at"
           " from (select t.id, u.at"
           "   from unnest($1::text[], $2::timestamptz[]) u(id, at)"
           "   join skillreg.api_token t on t.id = u.id"
           "   where t.revoked_at is null and (t.last_used_at is null or t.last_used_at < u.at)"
           "   order by t.id for no key update of t) u"
           " where t.id = u.id and t.revoked_at is null"
           " and (t.last_used_at is null or t.last_used_at < u.at)",
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
    &db_token_lookup_statement, &token_create_statement, &token_revoke_statement,
    &token_rotate_statement,    &token_list_statement,   &audit_list_statement,
    &last_used_statement,       &org_create_statement,   &org_find_statement,
    &db_blockers_statement,
};
const int db_token_store_statement_count =
    sizeof(db_token_store_statements) / sizeof(db_token_store_statements[0]);

// ---- life ---------------------------------------------------------------------------------------------------------

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

enum gw_status db_token_store_lookup(struct db_token_store *store, struct db_token_lookup *lookup) {
    return db_token_lookups_add(&store->lookups, lookup);
}

void db_token_store_cancel_lookup(struct db_token_store *store, struct db_token_lookup *lookup) {
    (void)store;
    gw_list_remove(&lookup->link);
}

static void free_scratch(struct db_query *query) {
    if (query->statement != &last_used_statement)
        return;
    struct db_last_used_write *write = gw_container_of(query, struct db_last_used_write, query);
    free(write->scratch);
    write->scratch = NULL;
}

void db_token_store_cancel(struct db_token_store *store, struct db_query *query) {
    if (gw_list_is_empty(&query->link))
        return;
    db_pool_cancel(store->pool, query);
    free_scratch(query);
}

// ---- create -------------------------------------------------------------------------------------------------------

static void on_create_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_create *create = gw_container_of(query, struct db_token_create, query);
    int64_t created_ms = DB_NO_TIME;
    if (status == GW_OK) {
        if (PQntuples(result) == 1)
            created_ms = db_get_time(result, 0, 0);
        if (created_ms == DB_NO_TIME)
            status = GW_NOT_FOUND;
    }
    create->on_done(create, status, created_ms);
}

// Null for none: no restriction.
static void bind_allowed_ips(struct db_token_create *create, int index, char *out) {
    struct db_array ranges;
    db_array_start(&ranges, out, DB_OID_CIDR);
    gw_assert(create->allowed_ip_count <= GW_ALLOWED_IPS_MAX);
    for (int i = 0; i < create->allowed_ip_count; i++)
        db_array_add_ip_range(&ranges, &create->allowed_ips[i]);
    struct gw_str array = db_array_finish(&ranges);
    db_set_bytes_or_null(&create->query, index, ranges.count > 0 ? array : gw_str(NULL, 0));
}

enum gw_status db_token_store_create_token(struct db_token_store *store,
                                           struct db_token_create *create) {
    struct db_query *query = &create->query;
    query->statement = &token_create_statement;
    query->on_done = on_create_done;
    db_set_bytes(query, 0, create->id);
    db_set_bytes(query, 1, create->org_id);
    db_set_bytes(query, 2, create->name);
    db_set_bytes(query, 3, create->prefix);
    db_set_bytes(query, 4, gw_str((const char *)create->digest, DB_DIGEST_LENGTH));
    db_set_int2(query, 5, create->scopes, create->scratch);
    enum gw_status status = db_set_time(query, 6, create->expires_ms, create->scratch + 8);
    db_set_bytes(query, 7, create->created_by);
    db_set_bytes_or_null(query, 8, create->created_from);
    db_set_boolean(query, 9, create->is_imported);
    bind_allowed_ips(create, 10, create->scratch + 16);
    return status == GW_OK ? db_pool_submit(store->pool, query) : status;
}

// ---- revoke -------------------------------------------------------------------------------------------------------

static void on_revoke_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_revoke *revoke = gw_container_of(query, struct db_token_revoke, query);
    struct gw_str name = gw_str(NULL, 0);
    int64_t revoked_ms = DB_NO_TIME;
    if (status == GW_OK && PQntuples(result) != 1) {
        status = GW_NOT_FOUND;
    } else if (status == GW_OK) {
        name = db_get_bytes(result, 0, 0);
        revoked_ms = db_get_time(result, 0, 1);
        (void)db_get_fixed(result, 0, 2, revoke->digest, DB_DIGEST_LENGTH);
        revoke->event_seq = (uint64_t)db_get_int(result, 0, 3, 0);
    }
    revoke->on_done(revoke, status, name, revoked_ms);
}

enum gw_status db_token_store_revoke_token(struct db_token_store *store,
                                           struct db_token_revoke *revoke) {
    struct db_query *query = &revoke->query;
    query->statement = &token_revoke_statement;
    query->on_done = on_revoke_done;
    db_set_bytes(query, 0, revoke->org_id);
    db_set_bytes(query, 1, revoke->id);
    db_set_bytes(query, 2, revoke->revoked_by);
    db_set_bytes_or_null(query, 3, revoke->revoked_from);
    return db_pool_submit(store->pool, query);
}

// ---- rotate -------------------------------------------------------------------------------------------------------

static enum gw_status read_rotation(const PGresult *result, struct db_token_rotation *out) {
    *out = (struct db_token_rotation){
        .successor = {.id = db_get_bytes(result, 0, 2),
                      .name = db_get_bytes(result, 0, 3),
                      .scopes = (gw_scope_set)db_get_int(result, 0, 4, 0),
                      .created_ms = db_get_time(result, 0, 5),
                      .last_used_ms = DB_NO_TIME,
                      .expires_ms = db_get_time(result, 0, 6)},
        .old_expires_ms = db_get_time(result, 0, 7),
        .may_repeat = db_get_boolean(result, 0, 1),
    };
    (void)db_get_fixed(result, 0, 8, out->old_digest, DB_DIGEST_LENGTH);
    out->has_revoked = db_get_fixed(result, 0, 9, out->revoked_digest, DB_DIGEST_LENGTH);
    out->successor.allowed_ips = out->allowed_ips;
    return db_get_ip_ranges(result, 0, 10, out->allowed_ips, &out->successor.allowed_ip_count);
}

static void on_rotate_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_rotate *rotate = gw_container_of(query, struct db_token_rotate, query);
    struct db_token_rotation rotation;
    if (status == GW_CONFLICT)
        status = GW_INVALID; // the new id or digest is taken: no successor to speak of
    else if (status == GW_OK && PQntuples(result) != 1)
        status = GW_NOT_FOUND;
    if (status == GW_OK)
        status = read_rotation(result, &rotation);
    if (status != GW_OK) {
        rotate->on_done(rotate, status, NULL);
        return;
    }
    rotation.successor.prefix = rotate->new_prefix;
    bool is_made = db_get_boolean(result, 0, 0);
    rotate->on_done(rotate, is_made ? GW_OK : GW_CONFLICT, &rotation);
}

enum gw_status db_token_store_rotate_token(struct db_token_store *store,
                                           struct db_token_rotate *rotate) {
    struct db_query *query = &rotate->query;
    query->statement = &token_rotate_statement;
    query->on_done = on_rotate_done;
    db_set_bytes(query, 0, rotate->org_id);
    db_set_bytes(query, 1, rotate->id);
    db_set_bytes(query, 2, rotate->new_id);
    db_set_bytes(query, 3, rotate->new_prefix);
    db_set_bytes(query, 4, gw_str((const char *)rotate->new_digest, DB_DIGEST_LENGTH));
    db_set_int8(query, 5, rotate->overlap_s, rotate->scratch);
    enum gw_status status = db_set_time(query, 6, rotate->expires_ms, rotate->scratch + 8);
    db_set_bytes_or_null(query, 7, rotate->key);
    db_set_bytes(query, 8, rotate->rotated_by);
    db_set_bytes_or_null(query, 9, rotate->rotated_from);
    db_set_bytes_or_null(query, 10, rotate->instead_of);
    return status == GW_OK ? db_pool_submit(store->pool, query) : status;
}

// ---- list ---------------------------------------------------------------------------------------------------------

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
    query->statement = &token_list_statement;
    query->on_done = on_list_done;
    db_set_bytes(query, 0, list->org_id);
    db_set_int8(query, 1, list->limit, list->scratch);
    db_set_int8(query, 2, (int64_t)list->offset, list->scratch + 8);
    return db_pool_submit(store->pool, query);
}

// ---- audit --------------------------------------------------------------------------------------------------------

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
    query->statement = &audit_list_statement;
    query->on_done = on_audit_done;
    db_set_bytes(query, 0, list->org_id);
    db_set_int8(query, 1, list->before, list->scratch);
    db_set_int8(query, 2, (int64_t)list->limit + 1, list->scratch + 8);
    return db_pool_submit(store->pool, query);
}

// ---- last used ----------------------------------------------------------------------------------------------------

static void on_last_used_done(struct db_query *query, enum gw_status status,
                              const PGresult *result) {
    struct db_last_used_write *write = gw_container_of(query, struct db_last_used_write, query);
    uint64_t written = 0;
    if (status == GW_OK) {
        // PQcmdTuples only reads; its parameter lost a const
        const char *tuples = PQcmdTuples((PGresult *)(uintptr_t)result);
        written = strtoull(tuples, NULL, 10);
    }
    free_scratch(query);
    write->on_done(write, status, written);
}

// Both arrays in one block. GW_INVALID for a time that PostgreSQL has not.
static enum gw_status bind_last_used(struct db_last_used_write *write) {
    size_t count = (size_t)write->count;
    size_t id_bytes = 0;
    for (size_t i = 0; i < count; i++)
        id_bytes += write->ids[i].length;
    size_t ids_room = db_array_bytes(count, id_bytes);
    write->scratch = malloc(ids_room + db_array_bytes(count, 8 * count));
    if (write->scratch == NULL)
        return GW_NO_MEMORY;
    struct db_array ids;
    struct db_array times;
    db_array_start(&ids, write->scratch, DB_OID_TEXT);
    db_array_start(&times, write->scratch + ids_room, DB_OID_TIMESTAMPTZ);
    enum gw_status status = GW_OK;
    for (size_t i = 0; i < count && status == GW_OK; i++) {
        db_array_add_text(&ids, write->ids[i]);
        status = db_array_add_time(&times, write->used_ms[i]);
    }
    db_set_bytes(&write->query, 0, db_array_finish(&ids));
    db_set_bytes(&write->query, 1, db_array_finish(&times));
    return status;
}

enum gw_status db_token_store_write_last_used(struct db_token_store *store,
                                              struct db_last_used_write *write) {
    gw_assert(write->count > 0);
    struct db_query *query = &write->query;
    query->statement = &last_used_statement;
    query->on_done = on_last_used_done;
    enum gw_status status = bind_last_used(write);
    if (status == GW_OK)
        status = db_pool_submit(store->pool, query);
    if (status != GW_OK)
        free_scratch(query);
    return status;
}

// ---- organisations ------------------------------------------------------------------------------------------------

static void on_org_create_done(struct db_query *query, enum gw_status status,
                               const PGresult *result) {
    (void)result;
    struct db_org_create *create = gw_container_of(query, struct db_org_create, query);
    create->on_done(create, status);
}

enum gw_status db_token_store_create_org(struct db_token_store *store,
                                         struct db_org_create *create) {
    struct db_query *query = &create->query;
    query->statement = &org_create_statement;
    query->on_done = on_org_create_done;
    db_set_bytes(query, 0, create->id);
    db_set_bytes(query, 1, create->slug);
    db_set_bytes(query, 2, create->name);
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
    query->statement = &org_find_statement;
    query->on_done = on_org_find_done;
    db_set_bytes(query, 0, find->slug);
    return db_pool_submit(store->pool, query);
}
