// SPDX-License-Identifier: MIT
#include "gateway/auth/device_limits.h"

#include <stdlib.h>

#include "gateway/auth/failed_tokens.h"

struct gw_device_limits {
    struct gw_failed_tokens *steps[GW_DEVICE_STEP_COUNT];
};

static const uint64_t per_minute[GW_DEVICE_STEP_COUNT] = {
    [GW_DEVICE_START] = GW_DEVICE_STARTS_PER_MINUTE,
    [GW_DEVICE_GUESS] = GW_DEVICE_GUESSES_PER_MINUTE,
    [GW_DEVICE_POLL] = GW_DEVICE_POLLS_PER_MINUTE,
};

enum gw_status gw_device_limits_create(struct gw_metrics *metrics,
                                       struct gw_device_limits **limits) {
    struct gw_device_limits *made = calloc(1, sizeof(*made));
    enum gw_status status = made != NULL ? GW_OK : GW_NO_MEMORY;
    for (int i = 0; i < GW_DEVICE_STEP_COUNT && status == GW_OK; i++)
        status = gw_failed_tokens_create(per_minute[i], metrics, &made->steps[i]);
    if (status == GW_OK)
        *limits = made;
    else
        gw_device_limits_destroy(made);
    return status;
}

void gw_device_limits_destroy(struct gw_device_limits *limits) {
    if (limits == NULL)
        return;
    for (int i = 0; i < GW_DEVICE_STEP_COUNT; i++)
        gw_failed_tokens_destroy(limits->steps[i]);
    free(limits);
}

uint64_t gw_device_limits_charge(struct gw_device_limits *limits, enum gw_device_step step,
                                 const struct gw_client *client, uint64_t now_ms) {
    return gw_failed_tokens_charge(limits->steps[step], client, now_ms);
}

void gw_device_limits_give_back(struct gw_device_limits *limits, enum gw_device_step step,
                                const struct gw_client *client, uint64_t now_ms) {
    gw_failed_tokens_give_back(limits->steps[step], client, now_ms);
}
