// SPDX-License-Identifier: MIT
#pragma once
// With --proxy-protocol, those who are not in --trusted-proxies: each connection of theirs is
// closed, which only a line of the log explains to the operator of a balancer whose address is
// missing. At most one in ten seconds, with the last address and how many there were.

#include <stdint.h>

#define GW_UNTRUSTED_PEERS_QUIET_MS 10000

struct gw_untrusted_peers { // zero: none yet
    int64_t unsaid;
    uint64_t quiet_until_ms;
};

void gw_untrusted_peers_note(struct gw_untrusted_peers *peers, const char *address,
                             uint64_t now_ms);
