// SPDX-License-Identifier: MIT
#include "gateway/process/ports.h"

#include <stddef.h>
#include <string.h>

#include "base/status.h"

static const struct {
    const char *name;
    size_t setting; // offset in struct gw_config
} ports[GW_PORT_COUNT] = {
    [GW_PORT_HTTPS] = {"https", offsetof(struct gw_config, listen_https)},
    [GW_PORT_HTTP] = {"http", offsetof(struct gw_config, listen_http)},
    [GW_PORT_PAGE] = {"page", offsetof(struct gw_config, tokens_page)},
    [GW_PORT_ADMIN] = {"admin", offsetof(struct gw_config, listen_admin)},
};

const char *gw_port_name(enum gw_port port) {
    gw_assert(port < GW_PORT_COUNT);
    return ports[port].name;
}

const char *gw_port_address(const struct gw_config *config, enum gw_port port) {
    const char *address;
    gw_assert(port < GW_PORT_COUNT);
    memcpy(&address, (const char *)config + ports[port].setting, sizeof(address));
    return address;
}

void gw_port_set_address(struct gw_config *config, enum gw_port port, const char *address) {
    gw_assert(port < GW_PORT_COUNT);
    memcpy((char *)config + ports[port].setting, &address, sizeof(address));
}
