// SPDX-License-Identifier: MIT
#pragma once
// A rule of trust as the API shows it (gateway/api/trust.h).

#include "base/json.h"
#include "db/trust.h"

// The most that one takes: its conditions, and GW_ALLOWED_IPS_MAX ranges.
#define GW_TRUST_JSON_BYTES_MAX                                                                    \
    (DB_TRUST_CONDITIONS_BYTES_MAX + DB_TRUST_ISSUER_BYTES_MAX +                                   \
     GW_ALLOWED_IPS_MAX * (GW_IP_RANGE_TEXT_BYTES_MAX + 3) + 2048)

// Write the members into an object that the caller has opened.
void gw_trust_json_write(struct gw_json_writer *json, const struct db_trust_rule *rule);
void gw_trust_json_write_details(struct gw_json_writer *json,
                                 const struct db_trust_details *details);
