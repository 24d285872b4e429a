// SPDX-License-Identifier: MIT
#include "db/backoff.h"

#include <uv.h>

#include "base/random.h"
#include "base/status.h"

uint64_t db_backoff_random_below(uint64_t bound) {
    gw_assert(bound > 0);
    uint64_t value = 0;
    if (gw_random_bytes(&value, sizeof(value)) != GW_OK)
        value = uv_hrtime();
    return value % bound;
}

uint64_t db_backoff_pause_ms(int attempts) {
    uint64_t pause_ms = GW_DB_RECONNECT_MIN_MS;
    for (int i = 0; i < attempts && pause_ms < GW_DB_RECONNECT_MAX_MS; i++)
        pause_ms *= 2;
    if (pause_ms > GW_DB_RECONNECT_MAX_MS)
        pause_ms = GW_DB_RECONNECT_MAX_MS;
    return pause_ms / 2 + db_backoff_random_below(pause_ms / 2 + 1);
}
