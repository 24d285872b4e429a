// SPDX-License-Identifier: MIT
#include "gateway/operator/store.h"

#include <stdio.h>
#include <string.h>

#include "db/orgs.h"
#include "db/pool.h"
#include "db/sql_error.h"
#include "db/statements.h"

#define WATCH_MS 20

// Ends a turn of the loop, so that wait_for sees a lost connection.
static void on_watch(uv_timer_t *watch) {
    (void)watch;
}

enum gw_status gw_operator_store_open(struct gw_operator_store *store, const char *database_url) {
    memset(store, 0, sizeof(*store));
    if (uv_loop_init(&store->loop) != 0)
        return GW_SYSTEM;
    const struct db_pool_options options = {
        .url = database_url,
        .connections = 1,
        .queue_max = 1,
        .query_timeout_ms = 2ULL * GW_DB_CONNECT_TIMEOUT_MS, // the connect comes first
        .connect_timeout_ms = GW_DB_CONNECT_TIMEOUT_MS,
        .statements = db_statements,
        .statement_count = db_statement_count,
    };
    enum gw_status status = db_pool_create(&store->loop, &options, &store->pool);
    if (status != GW_OK) {
        gw_operator_store_close(store);
        return status;
    }
    // neither can fail; see their manual
    (void)uv_timer_init(&store->loop, &store->watch);
    (void)uv_timer_start(&store->watch, on_watch, WATCH_MS, WATCH_MS);
    return GW_OK;
}

void gw_operator_store_close(struct gw_operator_store *store) {
    if (store->pool != NULL) {
        uv_close((uv_handle_t *)&store->watch, NULL);
        db_pool_close(store->pool, NULL);
    }
    (void)uv_run(&store->loop, UV_RUN_DEFAULT);
    int error = uv_loop_close(&store->loop);
    gw_assert(error == 0);
}

// Stores why a call was not answered.
static void keep_reason(struct gw_operator_store *store, const struct db_query *query) {
    const char *trouble = db_pool_trouble(store->pool, &store->is_reached);
    if (query->is_right_missing) {
        store->is_reached = true;
        trouble = "permission denied, nothing was changed" DB_SQL_ERROR_OWNER;
    } else if (trouble == NULL && db_pool_is_ready(store->pool)) {
        store->is_reached = true;
        trouble = "PostgreSQL did not confirm it: look before you try again";
    }
    (void)snprintf(store->reason, sizeof(store->reason), "%s",
                   trouble != NULL ? trouble : "no answer in time");
}

// Runs the loop until *is_done; returns the call's *status, or GW_UNAVAILABLE when there is no
// connection.
static enum gw_status wait_for(struct gw_operator_store *store, struct db_query *query,
                               const bool *is_done, const enum gw_status *status) {
    gw_assert(store->pool != NULL);
    bool is_reached;
    while (!*is_done && db_pool_trouble(store->pool, &is_reached) == NULL)
        (void)uv_run(&store->loop, UV_RUN_ONCE);
    enum gw_status outcome = *is_done ? *status : GW_UNAVAILABLE;
    db_pool_cancel(store->pool, query);
    if (outcome == GW_UNAVAILABLE)
        keep_reason(store, query);
    return outcome;
}

// ---- organisations ----

struct find_call {
    struct db_org_find find;
    char id[DB_ID_LENGTH_MAX];
    size_t id_length;
    enum gw_status status;
    bool is_done;
};

static void on_found(struct db_org_find *find, enum gw_status status, struct gw_str id,
                     struct gw_str name) {
    (void)name;
    struct find_call *call = gw_container_of(find, struct find_call, find);
    call->is_done = true;
    call->status = status;
    if (status != GW_OK)
        return;
    if (id.length > DB_ID_LENGTH_MAX) {
        call->status = GW_INVALID;
        return;
    }
    memcpy(call->id, id.at, id.length);
    call->id_length = id.length;
}

enum gw_status gw_operator_store_find_org(struct gw_operator_store *store, struct gw_str slug,
                                          char id[DB_ID_LENGTH_MAX], size_t *id_length) {
    struct find_call call = {.find = {.slug = slug, .on_done = on_found}};
    enum gw_status status = db_orgs_find(store->pool, &call.find);
    if (status == GW_OK)
        status = wait_for(store, &call.find.query, &call.is_done, &call.status);
    if (status != GW_OK)
        return status;
    gw_assert(call.is_done && call.id_length <= DB_ID_LENGTH_MAX);
    memcpy(id, call.id, call.id_length);
    *id_length = call.id_length;
    return GW_OK;
}

struct org_call {
    struct db_org_create create;
    enum gw_status status;
    bool is_done;
};

static void on_org_created(struct db_org_create *create, enum gw_status status) {
    struct org_call *call = gw_container_of(create, struct org_call, create);
    call->status = status;
    call->is_done = true;
}

enum gw_status gw_operator_store_create_org(struct gw_operator_store *store, struct gw_str id,
                                            struct gw_str slug, struct gw_str name) {
    struct org_call call = {
        .create = {.id = id, .slug = slug, .name = name, .on_done = on_org_created}};
    enum gw_status status = db_orgs_create(store->pool, &call.create);
    if (status == GW_OK)
        status = wait_for(store, &call.create.query, &call.is_done, &call.status);
    return status;
}

// ---- tokens ----

struct token_call {
    struct db_token_create create;
    int64_t created_ms;
    enum gw_status status;
    bool is_done;
};

static void on_token_created(struct db_token_create *create, enum gw_status status,
                             const struct db_token_row *made) {
    struct token_call *call = gw_container_of(create, struct token_call, create);
    call->status = status;
    call->created_ms = made != NULL ? made->created_ms : DB_NO_TIME;
    call->is_done = true;
}

enum gw_status gw_operator_store_create_token(struct gw_operator_store *store,
                                              struct db_token_create *create, int64_t *created_ms) {
    struct token_call call = {.create = *create};
    call.create.on_done = on_token_created;
    enum gw_status status = db_tokens_create(store->pool, &call.create);
    if (status == GW_OK)
        status = wait_for(store, &call.create.query, &call.is_done, &call.status);
    if (status == GW_OK)
        *created_ms = call.created_ms;
    return status;
}
