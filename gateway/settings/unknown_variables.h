// SPDX-License-Identifier: MIT
#pragma once
// Variables of the environment that begin with GATEWAY_ and are of no setting: a misspelt one would
// pass unnoticed. Those that Kubernetes and Docker make for a service of the name "gateway"
// (GATEWAY_SERVICE_HOST, GATEWAY_PORT_8443_TCP and the like) are told of only where a setting has
// nearly their name.

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct gw_unknown_variable {
    struct gw_str name; // of the environment
    const char *meant;  // the variable of a setting that looks like it; NULL: none does
    size_t next;        // where to look on; 0 at first
};

// The next one; false: there are no more.
bool gw_unknown_variable_next(struct gw_unknown_variable *variable);
