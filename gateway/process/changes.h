// SPDX-License-Identifier: MIT
#pragma once
// Hands each change that the log tells of (db/events.h) to the room that it is about: tokens and
// organisations to the memory of tokens, keys of issuers to the issuers. A gap is for both.

#include "db/event.h"

struct gw_services;

struct gw_changes {
    struct db_events_consumer consumer; // for db/events.h
    struct db_events_consumer *tokens;
    const struct gw_services *services;
};

// All are borrowed.
void gw_changes_init(struct gw_changes *changes, struct db_events_consumer *tokens,
                     const struct gw_services *services);
