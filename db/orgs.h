// SPDX-License-Identifier: MIT
#pragma once
// Organisations: create, find. Rules of calls as in db/tokens.h.

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"

extern const struct db_statement db_org_create_statement;
extern const struct db_statement db_org_find_statement;

struct db_org_create {
    struct db_query query;
    struct gw_str id;
    struct gw_str slug;
    struct gw_str name;
    // GW_CONFLICT: the slug is taken.
    void (*on_done)(struct db_org_create *create, enum gw_status status);
};
enum gw_status db_orgs_create(struct db_pool *pool, struct db_org_create *create) GW_MUST_USE;

struct db_org_find {
    struct db_query query;
    struct gw_str slug;
    // GW_NOT_FOUND: there is no such organisation, or it was deleted.
    void (*on_done)(struct db_org_find *find, enum gw_status status, struct gw_str id,
                    struct gw_str name);
};
enum gw_status db_orgs_find(struct db_pool *pool, struct db_org_find *find) GW_MUST_USE;
