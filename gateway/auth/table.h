// SPDX-License-Identifier: MIT
#pragma once
// The memory of the authentication cache: a hash table of entries with two budgets (live,
// negative), each evicted by its own clock (an entry used since the hand last passed gets a second
// round). Knows nothing of time and of the event log.
//
// Every call is a bounded step, whatever the number of entries. What concerns many of them (remove
// an organisation, clear) makes them dead at once: from then on no call returns them. A sweep in
// slices frees their memory later; until then they are in `count` and `bytes`.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"
#include "base/table.h"
#include "db/token.h"

enum gw_auth_kind {
    GW_AUTH_ENTRY_LIVE,
    GW_AUTH_ENTRY_ABSENT,
    GW_AUTH_ENTRY_REVOKED, // for good, unless the token is made once more
    GW_AUTH_ENTRY_ENDED    // expired when it was changed last, by the clock of the database
};

// An organisation of rows, shared by the entries of its tokens.
struct gw_auth_org {
    struct gw_list versions; // a ring: of the same id, with another name or of another epoch
    uint64_t epoch;          // the table's when it was made; 0: removed
    uint32_t use_count;
    uint8_t id_length, slug_length;
    uint16_t name_length;
    char text[]; // id, slug, name
};

struct gw_auth_entry {
    struct gw_auth_entry *next; // of its bucket
    struct gw_list turn;        // of its budget
    unsigned char digest[DB_DIGEST_LENGTH];
    uint64_t verified_ms; // uv_now when its lookup was sent
    uint32_t fresh_ms;    // how long it may answer without another
    uint8_t kind : 2;
    bool was_used : 1;      // since the hand passed
    bool is_refreshing : 1; // a background lookup is on its way
    // Of live ones:
    uint8_t scopes : 3; // a gw_scope_set
    bool rotates_itself : 1;
    uint8_t id_length : 6;
    bool is_bound : 1; // a binding lies behind the ranges, its length in two bytes before it
    uint16_t name_length : 10;
    uint16_t allowed_ip_count : 6;
    struct gw_auth_org *org;
    union {
        int64_t created_ms;
        uint64_t event_seq; // of revoked and ended ones: their event; 0: older than all to come
    };
    union {
        int64_t last_used_ms;
        uint64_t epoch; // of the others: the table's when it was put
    };
    int64_t expires_ms;
    char text[]; // prefix, id, name, the ranges of addresses and the binding, if any
};

struct gw_auth_budget {
    struct gw_list turns;
    uint32_t count;
    uint32_t count_max;
    uint32_t to_sweep; // entries from the hand on that may be dead
};

struct gw_auth_table {
    struct gw_auth_entry **buckets;
    uint32_t bucket_bits;
    uint64_t seed; // odd; a peer cannot choose digests for one bucket
    struct gw_auth_budget live;
    struct gw_auth_budget negative;
    struct gw_table orgs;  // by id: the newest of each
    uint64_t epoch;        // rises with each change of many entries
    uint64_t clear_epoch;  // of the last clear: what is older is dead
    uint64_t absent_epoch; // absent entries that are older are dead
    size_t bytes;
};

// After a failure, too, the table is to be deinitialised.
enum gw_status gw_auth_table_init(struct gw_auth_table *table, uint32_t live_max,
                                  uint32_t negative_max) GW_MUST_USE;
void gw_auth_table_deinit(struct gw_auth_table *table);
// NULL when not there. Marks the entry as used.
struct gw_auth_entry *gw_auth_table_find(struct gw_auth_table *table,
                                         const unsigned char digest[DB_DIGEST_LENGTH]);
// Puts a live entry made of `row` in the place of the digest's entry, if any. NULL: no memory, or
// no budget.
struct gw_auth_entry *gw_auth_table_put_live(struct gw_auth_table *table,
                                             const unsigned char digest[DB_DIGEST_LENGTH],
                                             const struct db_token_row *row);
struct gw_auth_entry *gw_auth_table_put_negative(struct gw_auth_table *table,
                                                 const unsigned char digest[DB_DIGEST_LENGTH],
                                                 enum gw_auth_kind kind);
void gw_auth_table_remove(struct gw_auth_table *table, struct gw_auth_entry *entry);
// Every live entry of the organisation, and every absent one: its token may be of an organisation
// that has come back. To be followed by a sweep.
void gw_auth_table_remove_org(struct gw_auth_table *table, struct gw_str org_id);
// All except the revoked ones: an event to come may be about any of those, whatever its number. To
// be followed by a sweep.
void gw_auth_table_clear(struct gw_auth_table *table);
// Looks at `visits` entries and frees those that are dead. False: nothing is left to sweep.
bool gw_auth_table_sweep(struct gw_auth_table *table, uint32_t visits);
// Slices point into the entry.
void gw_auth_entry_row(const struct gw_auth_entry *entry, struct db_token_row *row);
