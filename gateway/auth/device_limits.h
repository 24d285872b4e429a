// SPDX-License-Identifier: MIT
#pragma once
// How often one client may take each step of a login by a code: a budget for each address, counted
// as that of invalid tokens (gateway/auth/failed_tokens.h). Each process counts for itself; what
// waits in all is bounded in the database (db/device_login.h).

#include <stdint.h>

#include "base/status.h"
#include "gateway/http/client.h"
#include "gateway/settings/metrics.h"

enum gw_device_step {
    GW_DEVICE_START, // a program asks for codes
    GW_DEVICE_GUESS, // somebody types a code; given back when there is such a one
    GW_DEVICE_POLL,
    GW_DEVICE_STEP_COUNT
};

#define GW_DEVICE_STARTS_PER_MINUTE 30
#define GW_DEVICE_GUESSES_PER_MINUTE 20
#define GW_DEVICE_POLLS_PER_MINUTE 6000 // 300 programs behind one address, at their interval

struct gw_device_limits;

enum gw_status gw_device_limits_create(struct gw_metrics *metrics,
                                       struct gw_device_limits **limits) GW_MUST_USE;
void gw_device_limits_destroy(struct gw_device_limits *limits);
// 0: done; else nothing is charged, and it is so many seconds until the client may try again.
uint64_t gw_device_limits_charge(struct gw_device_limits *limits, enum gw_device_step step,
                                 const struct gw_client *client, uint64_t now_ms);
void gw_device_limits_give_back(struct gw_device_limits *limits, enum gw_device_step step,
                                const struct gw_client *client, uint64_t now_ms);
