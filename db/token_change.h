// SPDX-License-Identifier: MIT
#pragma once
// The statements that change tokens, and what their answers mean: part of db/token_store.h, which
// declares the calls. What a change may do is decided in the functions of the schema
// (db/sql/0006_guarded_changes.sql), in one transaction.

#include "db/token_store.h"

extern const struct db_statement db_token_create_statement;
extern const struct db_statement db_token_revoke_statement;
extern const struct db_statement db_token_rotate_statement;

// The store's.
struct db_pool *db_token_store_pool(struct db_token_store *store);
