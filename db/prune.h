// SPDX-License-Identifier: MIT
#pragma once
// Deleting what nobody needs any more (db/sql/0018_prune.sql), in transactions of a bounded number
// of rows. Only the owner of the schema may. Rules of calls as in db/session.h.

#include <stdbool.h>
#include <stdint.h>

#include "db/session.h"
#include "db/token.h"

// How old a row must be, by the database's clock; 0: nothing of that goes.
struct db_prune_ages {
    uint64_t audit_ms;
    uint64_t revoked_ms;
    uint64_t expired_ms;
};

struct db_prune_counts {
    uint64_t audit_events;
    uint64_t revoked;
    uint64_t expired;
};

// Where it has come to; all zero at first.
struct db_prune_audit {
    int64_t after;
    uint64_t deleted; // by the last call
    bool is_over;
};
struct db_prune_tokens {
    char after[DB_ID_LENGTH_MAX];
    size_t after_length;
    uint64_t deleted; // by the last call
    bool is_over;
};

// What there is to delete.
enum gw_status db_prune_preview(struct db_session *session, const struct db_prune_ages *ages,
                                struct db_prune_counts *counts) GW_MUST_USE;
// One transaction. GW_BUSY: somebody held a row for too long, nothing was deleted by this call.
enum gw_status db_prune_audit_step(struct db_session *session, const struct db_prune_ages *ages,
                                   struct db_prune_audit *at) GW_MUST_USE;
enum gw_status db_prune_tokens_step(struct db_session *session, const struct db_prune_ages *ages,
                                    struct db_prune_tokens *at) GW_MUST_USE;
