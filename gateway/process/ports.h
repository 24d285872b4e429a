// SPDX-License-Identifier: MIT
#pragma once
// The ports that a gateway may listen on: their names, and where the settings have their addresses.

#include "gateway/settings/config.h"

// Those of clients come first.
enum gw_port { GW_PORT_HTTPS, GW_PORT_HTTP, GW_PORT_PAGE, GW_PORT_ADMIN, GW_PORT_COUNT };
#define GW_PORT_CLIENTS_COUNT GW_PORT_ADMIN

// As the log and LISTEN_FDNAMES have it: "https".
const char *gw_port_name(enum gw_port port);
// The address in the settings; NULL: off.
const char *gw_port_address(const struct gw_config *config, enum gw_port port);
// Takes its place. `address` is lent to the settings.
void gw_port_set_address(struct gw_config *config, enum gw_port port, const char *address);
