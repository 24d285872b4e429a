// SPDX-License-Identifier: MIT
#pragma once
// The client of a request: an address, or unknown, when a trusted proxy passed the request on
// without a readable address. Unknown is never mistaken for an address, least of all the proxy's:
// no list of addresses contains it, limits for each address count it apart, log and audit say
// "unknown". So `ip` is not read directly; each use goes through a function below, whose contract
// covers the unknown client.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"

// All zeros: unknown.
struct gw_client {
    bool is_known;
    uint8_t text_length;
    struct gw_ip ip;
    char text[GW_IP_TEXT_BYTES_MAX];
};

struct gw_client gw_client_at(const struct gw_ip *ip);
struct gw_client gw_client_unknown(void);
// An unknown client is in no list, not even in one that covers every address.
bool gw_client_is_in(const struct gw_client *client, const struct gw_ip_range *ranges,
                     size_t count);
// The key for limits, by gw_ip_client_key; false for an unknown client, which has none.
bool gw_client_key(const struct gw_client *client, uint64_t *key) GW_MUST_USE;
// The key of its site, by gw_ip_site_key; false for an unknown client.
bool gw_client_site_key(const struct gw_client *client, uint64_t *key) GW_MUST_USE;
// The canonical text of the address, valid as long as the client; .at is NULL for an unknown
// client, as in the database.
struct gw_str gw_client_address(const struct gw_client *client);
// For people: the address, or "unknown".
struct gw_str gw_client_name(const struct gw_client *client);
