// SPDX-License-Identifier: MIT
#pragma once
// The arguments of the operator commands. A mistake is one line on stderr that never repeats a
// value: it could be a secret in the wrong place.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"
#include "gateway/bulk/fields.h"
#include "gateway/settings/config_source.h"
#include "gateway/settings/secret_line.h"
#include "token/limits.h"
#include "token/name.h"
#include "token/scope.h"
#include "token/syntax.h"

enum gw_operator_command {
    GW_OPERATOR_MIGRATE = 1,
    GW_OPERATOR_ORG_CREATE = 2,
    GW_OPERATOR_TOKEN_CREATE = 4,
    GW_OPERATOR_TOKEN_IMPORT = 8,
    GW_OPERATOR_GRANTS = 16,
    GW_OPERATOR_ORG_LIST = 32,
    GW_OPERATOR_ORG_SHOW = 64,
    GW_OPERATOR_ORG_RENAME = 128,
    GW_OPERATOR_ORG_DELETE = 256,
    GW_OPERATOR_ORG_RESTORE = 512,
    GW_OPERATOR_TOKEN_LIST = 1024,
    GW_OPERATOR_TOKEN_SHOW = 2048,
    GW_OPERATOR_TOKEN_REVOKE = 4096,
    GW_OPERATOR_TOKEN_EXPORT = 8192,
    GW_OPERATOR_PRUNE = 16384
};

// Slices and strings live as long as argv and the environment, and as this struct.
struct gw_operator_options {
    enum gw_operator_command command;
    const char *database_url;      // NULL for grants, which needs no database
    const char *database_url_file; // which holds it; NULL: it was given itself
    struct gw_secret_line database_url_line;
    const char *config_file; // of the server, for its database and environment; NULL: none
    struct gw_config_source config;
    struct gw_str role;     // migrate, grants: of the gateway; .at NULL: not given
    struct gw_str slug;     // of the organisation; .at NULL: not given
    struct gw_str new_slug; // org rename; .at NULL: it keeps its own
    struct gw_str id;       // of the token
    struct gw_str name;     // .at NULL: not given; a slice of the next
    char name_bytes[GW_TOKEN_NAME_BYTES_MAX];
    gw_scope_set scopes;
    uint64_t expires_in_ms; // 0: never
    enum gw_token_kind kind;
    bool has_kind; // it was given
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    uint8_t allowed_ip_count; // 0: anywhere
    bool wants_json;
    bool binds_children;
    bool wants_all;       // lists: also what is deleted, revoked or expired
    bool is_agreed;       // org delete: nobody is asked
    bool with_successors; // token revoke
    bool waits;           // token revoke: until the gateways refuse it
    const char *file;     // token import: of many; "-": standard input; NULL: one is asked for
    const char *report;   // where the refused rows go; NULL: stderr
    enum gw_bulk_format format;
    bool is_dry_run;
    bool with_digests;     // token export
    uint64_t audit_age_ms; // prune; 0: nothing of that, here and below
    uint64_t revoked_age_ms;
    uint64_t expired_age_ms;
};

enum gw_operator_parse { GW_OPERATOR_RUN, GW_OPERATOR_HELP_SHOWN, GW_OPERATOR_WRONG };

// argv[0] is the first word of the command.
enum gw_operator_parse gw_operator_options_read(int argc, char **argv,
                                                struct gw_operator_options *options);
