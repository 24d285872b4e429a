// SPDX-License-Identifier: MIT
#pragma once
// The memory of gateway/auth/transfers.h: a group is what one token has under way, found by the
// digest, and by shelf: groups stand on shelves, by a hash of their organisation. A change of an
// organisation is for a whole shelf. Another organisation that is on it by chance costs some
// questions, which the cache answers, and nothing else; so there is no record of an organisation to
// make, to count and to free. Knows nothing of time, of the event log or of the loop.

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"
#include "db/token.h"
#include "gateway/auth/cache.h"

#define GW_TRANSFER_SHELVES 256

struct gw_exchange;
struct gw_transfers;

enum gw_transfer_knowledge { GW_TRANSFER_UNKNOWN, GW_TRANSFER_LIVE, GW_TRANSFER_GONE };

struct gw_transfer_group {
    struct gw_list shelf_link;
    struct gw_list work_link; // of to_ask, to_judge or unsure, if any
    struct gw_list end_link;  // of those whose token has an end
    struct gw_list settled;   // transfers
    struct gw_list doubted;   // those that were there at the latest change
    struct gw_transfers *transfers;
    struct gw_auth_question question; // with prefix and digest
    bool is_asked;
    bool is_held; // not to be freed: it is being worked on
    enum gw_transfer_knowledge knowledge;
    struct db_token_row *row; // GW_TRANSFER_LIVE: on the heap, with its texts behind it
    int64_t expires_ms;       // the newest that is known
    const char *end_code;     // of the first that ended since the last log line
    uint32_t ended_count;
    uint8_t id_length;
    char id[DB_ID_LENGTH_MAX]; // for the log
};

struct gw_transfer_shelf {
    struct gw_list link; // of those with doubted groups
    struct gw_list groups;
    struct gw_list doubted;
};

struct gw_transfer_groups {
    struct gw_table by_digest;
    struct gw_transfer_shelf shelves[GW_TRANSFER_SHELVES];
};

enum gw_status gw_transfer_groups_init(struct gw_transfer_groups *groups) GW_MUST_USE;
void gw_transfer_groups_deinit(struct gw_transfer_groups *groups);
bool gw_transfer_groups_is_empty(const struct gw_transfer_groups *groups);
// NULL: the token has nothing under way.
struct gw_transfer_group *gw_transfer_groups_find(const struct gw_transfer_groups *groups,
                                                  const unsigned char digest[DB_DIGEST_LENGTH]);
// The group of the exchange's token, made if need be: then without an end, and to be freed. NULL:
// no memory.
struct gw_transfer_group *gw_transfer_groups_acquire(struct gw_transfer_groups *groups,
                                                     const struct gw_exchange *exchange);
struct gw_transfer_shelf *gw_transfer_groups_shelf(struct gw_transfer_groups *groups,
                                                   struct gw_str org_id);
bool gw_transfer_group_is_empty(const struct gw_transfer_group *group);
// Off every list. The group is empty and has no answer.
void gw_transfer_groups_free(struct gw_transfer_groups *groups, struct gw_transfer_group *group);
