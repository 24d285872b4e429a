// SPDX-License-Identifier: MIT
#include "cli/token_members.h"

static void write_text(const struct cli_options *options, enum cli_flag flag, const char *key,
                       struct gw_json_writer *writer) {
    if (cli_options_has(options, flag))
        gw_json_put_string(writer, key, gw_str_from(options->values[flag]));
}

static void write_scopes(gw_scope_set scopes, struct gw_json_writer *writer) {
    if (scopes == 0)
        return;
    gw_json_key(writer, "scopes");
    gw_scope_write_json(writer, scopes);
}

static void write_allowed_ips(const struct cli_options *options, struct gw_json_writer *writer) {
    if (options->allowed_ip_count == 0)
        return;
    gw_json_key(writer, "allowedIps");
    gw_json_open_array(writer);
    for (size_t i = 0; i < options->allowed_ip_count; i++)
        gw_json_write_string(writer, gw_str_from(options->allowed_ips[i]));
    gw_json_close_array(writer);
}

void cli_token_members_write_limits(const struct cli_options *options,
                                    struct gw_json_writer *writer) {
    write_scopes(options->scopes, writer);
    write_allowed_ips(options, writer);
}

void cli_token_members_write(const struct cli_options *options, struct gw_json_writer *writer) {
    write_text(options, CLI_FLAG_NAME, "name", writer);
    write_scopes(options->scopes, writer);
    write_text(options, CLI_FLAG_DESCRIPTION, "description", writer);
    cli_expiry_write_json(&options->expiry, writer);
    write_allowed_ips(options, writer);
    write_text(options, CLI_FLAG_BIND_SAN, "boundSan", writer);
}
