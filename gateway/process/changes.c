// SPDX-License-Identifier: MIT
#include "gateway/process/changes.h"

#include "gateway/exchange/services.h"
#include "gateway/issuers/issuers.h"

static void on_event(struct db_events_consumer *consumer, const struct db_event *event) {
    struct gw_changes *changes = gw_container_of(consumer, struct gw_changes, consumer);
    if (event->kind != DB_EVENT_ISSUER_CHANGED)
        changes->tokens->on_event(changes->tokens, event);
    else if (changes->services->issuers != NULL)
        gw_issuers_on_event(changes->services->issuers, event);
}

static void on_gap(struct db_events_consumer *consumer) {
    struct gw_changes *changes = gw_container_of(consumer, struct gw_changes, consumer);
    changes->tokens->on_gap(changes->tokens);
    if (changes->services->issuers != NULL)
        gw_issuers_on_gap(changes->services->issuers);
}

void gw_changes_init(struct gw_changes *changes, struct db_events_consumer *tokens,
                     const struct gw_services *services) {
    *changes = (struct gw_changes){
        .consumer = {.on_event = on_event, .on_gap = on_gap},
        .tokens = tokens,
        .services = services,
    };
}
