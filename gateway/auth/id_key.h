// SPDX-License-Identifier: MIT
#pragma once
// An id of the database as a key of base/table.h, which are all of one size.

#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "db/token.h"

struct gw_id_key {
    uint64_t length;
    char text[DB_ID_LENGTH_MAX]; // zero behind its length
};

static inline struct gw_id_key gw_id_key_of(struct gw_str id) {
    gw_assert(id.length <= DB_ID_LENGTH_MAX);
    struct gw_id_key key = {.length = id.length};
    if (id.length > 0)
        memcpy(key.text, id.at, id.length);
    return key;
}
