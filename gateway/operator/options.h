// SPDX-License-Identifier: MIT
#pragma once
// The arguments of the operator commands. A mistake is one line on stderr that never repeats a
// value: it could be a secret in the wrong place.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"
#include "token/limits.h"
#include "token/scope.h"
#include "token/syntax.h"

enum gw_operator_command {
    GW_OPERATOR_MIGRATE = 1,
    GW_OPERATOR_ORG_CREATE = 2,
    GW_OPERATOR_TOKEN_CREATE = 4,
    GW_OPERATOR_TOKEN_IMPORT = 8,
    GW_OPERATOR_GRANTS = 16
};

// Slices and strings live as long as argv and the environment.
struct gw_operator_options {
    enum gw_operator_command command;
    const char *database_url; // NULL for grants, which needs no database
    struct gw_str role;       // migrate, grants: of the gateway; .at NULL: not given
    struct gw_str slug;       // of the organisation
    struct gw_str name;
    gw_scope_set scopes;
    uint64_t expires_in_ms; // 0: never
    enum gw_token_kind kind;
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    uint8_t allowed_ip_count; // 0: anywhere
    bool wants_json;
    bool binds_children;
};

enum gw_operator_parse { GW_OPERATOR_RUN, GW_OPERATOR_HELP_SHOWN, GW_OPERATOR_WRONG };

// argv[0] is the first word of the command.
enum gw_operator_parse gw_operator_options_read(int argc, char **argv,
                                                struct gw_operator_options *options);
