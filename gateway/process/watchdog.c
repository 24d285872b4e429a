// SPDX-License-Identifier: MIT
#include "gateway/process/watchdog.h"

#include "base/status.h"

void gw_watchdog_start(struct gw_watchdog *watchdog, int64_t beats, uint64_t now_ms) {
    *watchdog = (struct gw_watchdog){.beats = beats, .looked_ms = now_ms};
}

uint64_t gw_watchdog_look(struct gw_watchdog *watchdog, int64_t beats, uint64_t now_ms) {
    gw_assert(now_ms >= watchdog->looked_ms);
    uint64_t passed_ms = now_ms - watchdog->looked_ms;
    watchdog->looked_ms = now_ms;
    watchdog->silent_ms +=
        passed_ms < GW_WATCHDOG_LOOK_MS_MAX ? passed_ms : GW_WATCHDOG_LOOK_MS_MAX;
    if (beats != watchdog->beats) {
        watchdog->silent_ms = 0;
        watchdog->has_beaten = true;
    }
    watchdog->beats = beats;
    return watchdog->silent_ms;
}
