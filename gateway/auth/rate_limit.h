// SPDX-License-Identifier: MIT
#pragma once
// How many requests of a token and of an organisation are allowed in a time (--rate-limit,
// --search-rate-limit, --org-rate-limit). Asked when everything else allows the request: a refusal
// uses up nothing, and revoking a token is never limited. A search counts against the search limit
// in place of the token's; without a token, by the client's address, and all clients of unknown
// address by one count. Each process counts for itself.
//
// Clients see it in the response: RateLimit-Policy and RateLimit as in
// draft-ietf-httpapi-ratelimit-headers-11, with the policies "token", "search" and "org". `r`
// further requests are allowed now, and `t` seconds later one more than that.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "gateway/http/client.h"
#include "gateway/settings/metrics.h"
#include "gateway/settings/rate.h"

#define GW_RATE_KEYS_MAX 65536 // tokens, and organisations, remembered, 16 bytes each

struct gw_rate_limit;

struct gw_rate_limit_options {
    struct gw_rate token; // a count of 0: no limit
    struct gw_rate search;
    struct gw_rate org;
};

struct gw_rate_subject {
    struct gw_str token_id; // empty: without a token
    struct gw_str org_id;   // of the token
    const struct gw_client *client;
    bool is_search;
};

#define GW_RATE_FIELDS_BYTES_MAX 256

struct gw_rate_use {
    bool is_allowed;
    uint64_t wait_s; // else: until it would be
    size_t length;   // of `fields`: whole lines of a head; empty where no limit applies
    char fields[GW_RATE_FIELDS_BYTES_MAX];
};

// *limit is NULL when there is no limit at all.
enum gw_status gw_rate_limit_create(const struct gw_rate_limit_options *options,
                                    struct gw_metrics *metrics,
                                    struct gw_rate_limit **limit) GW_MUST_USE;
void gw_rate_limit_destroy(struct gw_rate_limit *limit);
// One more request; counted if it is allowed.
void gw_rate_limit_use(struct gw_rate_limit *limit, const struct gw_rate_subject *subject,
                       uint64_t now_ms, struct gw_rate_use *use);
