// SPDX-License-Identifier: MIT
#pragma once
// How many invalid tokens one client may try: a budget for each address (IPv6: each /64, which is
// what one client usually has), so that guessing does not keep the database busy. A /48 of IPv6,
// which is easy to get and is 65,536 of these, has a budget too, GW_FAILED_TOKENS_SITE_TIMES as
// wide: so many of its /64 may use up theirs at once and no more, and one of them alone uses up one
// part in as many. Clients of unknown address share one budget, apart from all others.
//
// Over its budget or its site's, a client's tokens pass only if they are known to be live; the
// others cannot be known for now (429). So the budget also bounds how many tokens that are not
// known yet a client may have looked up at the same time. Each process counts for itself.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "gateway/http/client.h"
#include "gateway/settings/metrics.h"

#define GW_RATE_ADDRESSES_MAX 65536    // remembered, 16 bytes each
#define GW_RATE_SITES_MAX 65536        // the same
#define GW_FAILED_TOKENS_SITE_TIMES 10 // the budget of an IPv6 /48, in budgets of an address
#define GW_REFUSAL_DELAY_MS 1000       // of a refusal to a client over its budget

struct gw_failed_tokens;

// `per_minute` of them, all at once or spread, from 1.
enum gw_status gw_failed_tokens_create(uint64_t per_minute, struct gw_metrics *metrics,
                                       struct gw_failed_tokens **failed) GW_MUST_USE;
void gw_failed_tokens_destroy(struct gw_failed_tokens *failed);

// Charges the client for a token that it tries, before the token is looked at: so tries at the same
// time are as many as tries one after another. 0: done; else nothing is charged, and it is so many
// seconds until the client may try one. `failed` NULL: there is no limit.
uint64_t gw_failed_tokens_charge(struct gw_failed_tokens *failed, const struct gw_client *client,
                                 uint64_t now_ms);
// The token was a live one, or nobody can say what it is: the charge goes back.
void gw_failed_tokens_give_back(struct gw_failed_tokens *failed, const struct gw_client *client,
                                uint64_t now_ms);
