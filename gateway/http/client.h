// SPDX-License-Identifier: MIT
#pragma once
// Who asks, as far as that is known: an address, or nobody in particular, when a proxy of ours
// passed on a request without saying readably for whom. Not known is no address and is never taken
// for one, least of all for the proxy's: no list of addresses contains it, what is counted for each
// address counts it apart, the log and the audit say "unknown". So nobody reads `ip`; each use goes
// through a function below, whose contract says what becomes of an unknown client.

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
// An unknown client is in no list, also not in one that covers every address.
bool gw_client_is_in(const struct gw_client *client, const struct gw_ip_range *ranges,
                     size_t count);
// By which limits count it, as gw_ip_client_key says; false for an unknown client, which has none.
bool gw_client_key(const struct gw_client *client, uint64_t *key) GW_MUST_USE;
// The same of its site, as gw_ip_site_key says; false for an unknown client, too.
bool gw_client_site_key(const struct gw_client *client, uint64_t *key) GW_MUST_USE;
// The canonical text of its address, which lives as long as the client; .at NULL for an unknown
// client, as the database keeps it.
struct gw_str gw_client_address(const struct gw_client *client);
// For people: the same text, or "unknown".
struct gw_str gw_client_name(const struct gw_client *client);
