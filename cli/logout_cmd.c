// SPDX-License-Identifier: MIT
#include "cli/logout_cmd.h"

#include <stdlib.h>

#include "cli/answer.h"
#include "cli/config_path.h"
#include "cli/lost_revoke.h"
#include "cli/session.h"
#include "cli/stored_login.h"

#define NAME_BYTES_MAX 512
#define JSON_BYTES_MAX (8 * NAME_BYTES_MAX + CLI_API_URL_BYTES_MAX)

struct logout {
    const struct cli_options *options;
    struct cli_settings *settings;
    char address[CLI_API_URL_BYTES_MAX]; // empty: none is set
    bool is_removed;
    bool is_revoked;
    char name[NAME_BYTES_MAX]; // of the revoked token
};

// ---- at the gateway ----

static enum cli_exit ask_to_revoke(struct logout *logout, struct cli_session *session,
                                   struct cli_reason *why) {
    const struct cli_api_request request = {.method = "DELETE", .path = "/auth/token"};
    struct gw_json root;
    enum cli_exit exit = cli_session_call(session, &request, NULL, &root, why);
    if (exit == CLI_UNAUTHENTICATED) {
        cli_note(
            "the gateway refuses the token already, as revoked, expired or unknown: nothing was "
            "revoked");
        cli_session_forget_expiry(session);
        return CLI_DONE;
    }
    if (exit != CLI_DONE && cli_session_is_outcome_unknown(session, exit, why))
        cli_lost_revoke_explain(CLI_LOST_REVOKE_UNKNOWN, why);
    if (exit != CLI_DONE)
        return exit;
    struct gw_str name = cli_answer_text(root, "name", &session->answer);
    if (name.at == NULL)
        return cli_session_fail_strange(session, why);
    (void)snprintf(logout->name, sizeof(logout->name), "%.*s", GW_STR_ARG(name));
    logout->is_revoked = true;
    cli_session_forget_expiry(session);
    return CLI_DONE;
}

static enum cli_exit revoke(struct logout *logout, struct gw_str token, struct cli_reason *why) {
    struct cli_settings *settings = logout->settings;
    struct cli_session session;
    settings->token_source = CLI_TOKEN_OF_FILE;
    enum cli_exit exit = cli_config_file_check(settings->file, why);
    if (exit == CLI_DONE)
        exit = cli_settings_set_token(settings, token, why);
    if (exit == CLI_DONE)
        exit = cli_session_open(&session, settings, why);
    if (exit != CLI_DONE)
        return exit;
    exit = ask_to_revoke(logout, &session, why);
    cli_session_close(&session);
    if (exit != CLI_DONE)
        cli_note("the token is still in %s; without --revoke, logout takes it out there",
                 cli_config_path_shown(settings->file));
    return exit;
}

// ---- in the file ----

static enum cli_exit take_out(struct logout *logout, struct cli_config_file *file,
                              struct cli_reason *why) {
    struct cli_reason fault;
    enum cli_exit exit = cli_stored_login_forget(file, logout->settings->base_url, &fault);
    if (exit == CLI_DONE)
        exit = cli_config_file_save(file, &fault);
    logout->is_removed = exit == CLI_DONE;
    if (exit == CLI_DONE)
        return CLI_DONE;
    (void)cli_fail(why, exit, "%s%s", logout->is_revoked ? "the token was revoked, but " : "",
                   fault.text);
    cli_reason_set_code(why, gw_str_from(fault.code));
    return exit;
}

// Without an address it is not known whose token is meant, unless there is none at all.
static enum cli_exit check_address(const struct logout *logout, struct cli_config_file *file,
                                   struct cli_reason *why) {
    struct gw_str token;
    struct gw_json further;
    if (logout->settings->base_url[0] != '\0')
        return CLI_DONE;
    enum cli_exit exit = cli_config_file_get(file, CLI_CONFIG_TOP("token"), &token, why);
    if (exit != CLI_DONE)
        return exit;
    if (token.at == NULL && !gw_json_member(file->root, GW_STR("gateways"), &further))
        return CLI_DONE;
    return cli_fail(
        why, CLI_USAGE,
        "no gateway address, so it is not known which token to take out of %s, give --url "
        "or set SKILLREG_URL",
        cli_config_path_shown(logout->settings->file));
}

static enum cli_exit log_out(struct logout *logout, struct cli_config_file *file,
                             struct cli_reason *why) {
    struct cli_settings *settings = logout->settings;
    struct cli_stored_login stored;
    enum cli_exit exit = check_address(logout, file, why);
    if (exit != CLI_DONE || settings->base_url[0] == '\0')
        return exit;
    exit = cli_stored_login_find(file, settings->base_url, &stored, why);
    if (exit != CLI_DONE)
        return exit;
    (void)snprintf(logout->address, sizeof(logout->address), "%s", stored.address);
    if (stored.is_token_homeless)
        cli_note("the token in %s belongs to no address, as there is no \"apiUrl\" beside it, and "
                 "stays",
                 cli_config_path_shown(settings->file));
    if (stored.token.at == NULL)
        return CLI_DONE;
    if (cli_options_has(logout->options, CLI_FLAG_REVOKE))
        exit = revoke(logout, stored.token, why);
    return exit == CLI_DONE ? take_out(logout, file, why) : exit;
}

// ---- what was done ----

static enum gw_status write_json(const struct logout *logout, struct gw_buf *json) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, json);
    gw_json_open_object(&writer);
    if (logout->address[0] != '\0')
        gw_json_put_string(&writer, "address", gw_str_from(logout->address));
    else
        gw_json_put_null(&writer, "address");
    gw_json_put_boolean(&writer, "removed", logout->is_removed);
    gw_json_put_boolean(&writer, "revoked", logout->is_revoked);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

static enum cli_exit print_json(const struct logout *logout, struct cli_reason *why) {
    struct cli_output out;
    struct gw_buf json;
    gw_buf_init(&json, JSON_BYTES_MAX);
    cli_output_init(&out);
    out.status = write_json(logout, &json);
    cli_output_put_json(&out, gw_buf_bytes(&json));
    cli_output_put(&out, "\n");
    gw_buf_deinit(&json);
    return cli_output_send(&out, why);
}

static enum cli_exit print_text(const struct logout *logout, struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    if (logout->is_revoked) {
        cli_output_put(&out, out.symbols.done);
        cli_output_put(&out, " Token \"");
        cli_output_put_clean(&out, gw_str_from(logout->name));
        cli_output_put(&out, "\" has been revoked.\n");
    }
    if (logout->is_removed) {
        cli_output_put(&out, out.symbols.done);
        cli_output_put(&out, " Logged out of ");
    } else {
        cli_output_put(&out, logout->address[0] != '\0' ? "No token is stored for "
                                                        : "No token is stored");
    }
    cli_output_put_clean(&out, gw_str_from(logout->address));
    cli_output_put(&out, ".\n");
    return cli_output_send(&out, why);
}

static void note_variable(void) {
    const char *variable = getenv("SKILLREG_TOKEN");
    if (variable != NULL && variable[0] != '\0')
        cli_note("SKILLREG_TOKEN is still set, and its token is still used: unset SKILLREG_TOKEN");
}

enum cli_exit cli_logout_cmd(const struct cli_options *options, struct cli_settings *settings,
                             struct cli_reason *why) {
    gw_assert(options->command == CLI_COMMAND_LOGOUT);
    struct logout logout = {.options = options, .settings = settings};
    struct cli_config_file file;
    enum cli_exit exit = cli_config_path_find(settings->file, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_open(&file, settings->file, why);
    if (exit != CLI_DONE)
        return exit;
    exit = log_out(&logout, &file, why);
    cli_config_file_close(&file);
    if (exit != CLI_DONE)
        return exit;
    note_variable();
    return cli_options_has(options, CLI_FLAG_JSON) ? print_json(&logout, why)
                                                   : print_text(&logout, why);
}
