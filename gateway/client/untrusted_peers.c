// SPDX-License-Identifier: MIT
#include "gateway/client/untrusted_peers.h"

#include <inttypes.h>

#include "base/log.h"

void gw_untrusted_peers_note(struct gw_untrusted_peers *peers, const char *address,
                             uint64_t now_ms) {
    peers->unsaid++;
    if (now_ms < peers->quiet_until_ms)
        return;
    gw_log(GW_LOG_WARNING, "client",
           "connections refused, with --proxy-protocol, of an address that is not in "
           "--trusted-proxies peer=%s times=%" PRId64
           " todo=\"if it is the balancer, add it to --trusted-proxies\"",
           address, peers->unsaid);
    peers->unsaid = 0;
    peers->quiet_until_ms = now_ms + GW_UNTRUSTED_PEERS_QUIET_MS;
}
