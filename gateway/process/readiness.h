// SPDX-License-Identifier: MIT
#pragma once
// When clients may come to this worker. It listens once it can decide, so that no newcomer finds a
// worker with an empty cache and no database yet. Or GW_LISTEN_PATIENCE_MS after its start, so that
// clients get an answer without a database, too: unless another worker can give a better one, or
// the first attempt to connect is still under way (for GW_LISTEN_PATIENCE_MAX_MS at most). After
// each turn of the loop the worker notes in its metrics, which all workers share, whether it
// listens and can decide: /readyz looks at those.

#include <uv.h>

#include "gateway/exchange/services.h"

#define GW_LISTEN_PATIENCE_MS 1000
#define GW_LISTEN_PATIENCE_MAX_MS 5000
#define GW_LISTEN_LOOK_MS 100 // after that, time and again

struct gw_readiness {
    struct gw_services *services; // receives has_decided; is_listening is the owner's to set
    void (*on_may_listen)(struct gw_readiness *readiness); // from the loop, once
    uv_check_t turn;
    uv_timer_t patience; // running: on_may_listen follows
    uint64_t opened_ms;
    bool is_open;
};

// Once the services can be asked. Keeps the loop alive until on_may_listen.
void gw_readiness_open(struct gw_readiness *readiness, struct gw_services *services,
                       void (*on_may_listen)(struct gw_readiness *readiness));
// Takes note now, not only after this turn: is_draining or is_listening was set.
void gw_readiness_note(struct gw_readiness *readiness);
// Harmless when not open.
void gw_readiness_close(struct gw_readiness *readiness);
