// SPDX-License-Identifier: MIT
#include "gateway/settings/rate.h"

#define COUNT_MAX_PER_SECOND 1000000U // the interval is at least a microsecond
#define US_PER_SECOND 1000000U

enum gw_status gw_rate_parse(struct gw_str text, struct gw_rate *rate) {
    if (gw_str_equal(text, GW_STR("off"))) {
        *rate = (struct gw_rate){.count = 0};
        return GW_OK;
    }
    uint64_t count;
    size_t slash = gw_str_find(text, '/');
    struct gw_str unit = gw_str_slice(text, slash, text.length);
    uint64_t period_s = gw_str_equal(unit, GW_STR("/s"))   ? 1
                        : gw_str_equal(unit, GW_STR("/m")) ? 60
                        : gw_str_equal(unit, GW_STR("/h")) ? 3600
                                                           : 0;
    if (period_s == 0 || gw_str_to_u64(gw_str_slice(text, 0, slash), &count) != GW_OK || count == 0)
        return GW_INVALID;
    if (count / period_s > COUNT_MAX_PER_SECOND)
        return GW_TOO_BIG;
    *rate = (struct gw_rate){.count = count, .period_s = period_s, .burst = count};
    return GW_OK;
}

// Never 0, however many are allowed.
static uint64_t interval_us_of(const struct gw_rate *rate) {
    gw_assert(rate->count > 0 && rate->period_s > 0);
    uint64_t interval_us = rate->period_s * US_PER_SECOND / rate->count;
    return interval_us > 0 ? interval_us : 1;
}

struct gw_rate_verdict gw_rate_judge(const struct gw_rate *rate, uint64_t arrival_us,
                                     uint64_t now_us) {
    uint64_t interval_us = interval_us_of(rate);
    uint64_t latest_us = now_us + rate->burst * interval_us;
    uint64_t next_us = (arrival_us > now_us ? arrival_us : now_us) + interval_us;
    if (next_us > latest_us)
        return (struct gw_rate_verdict){.arrival_us = arrival_us, .wait_us = next_us - latest_us};
    uint64_t left = (latest_us - next_us) / interval_us;
    return (struct gw_rate_verdict){.is_allowed = true,
                                    .arrival_us = next_us,
                                    .left = left,
                                    .wait_us = next_us + (left + 1) * interval_us - latest_us};
}

uint64_t gw_rate_give_back(const struct gw_rate *rate, uint64_t arrival_us) {
    uint64_t interval_us = interval_us_of(rate);
    return arrival_us > interval_us ? arrival_us - interval_us : 0;
}

uint64_t gw_rate_seconds(uint64_t wait_us) {
    return wait_us <= US_PER_SECOND ? 1 : (wait_us + US_PER_SECOND - 1) / US_PER_SECOND;
}
