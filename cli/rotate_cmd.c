// SPDX-License-Identifier: MIT
#include "cli/rotate_cmd.h"

#include "cli/answer.h"
#include "cli/asked.h"
#include "cli/config_path.h"
#include "cli/keyed_call.h"
#include "cli/new_token.h"
#include "cli/org_path.h"
#include "cli/stored_login.h"
#include "cli/whoami_cmd.h"

#define BODY_BYTES_MAX 1024
// When no answer came. A token is rotated again once its successor is revoked unused.
#define NOTE                                                                                       \
    "the token may have been rotated all the same: skillreg token list shows its successor, "      \
    "whose "                                                                                       \
    "secret is lost then; revoke the successor and rotate again"
#define SELF_NOTE                                                                                  \
    "the token may have been rotated all the same, and the secret of its successor is lost then: " \
    "ask an admin to revoke the successor and to rotate again"

struct rotation {
    const struct cli_options *options;
    bool own; // the token to rotate is the caller's
};

// ---- before anything is changed ----

static enum cli_exit check_store(const struct cli_session *session, const struct rotation *rotation,
                                 struct cli_reason *why) {
    if (!cli_options_has(rotation->options, CLI_FLAG_STORE))
        return CLI_DONE;
    if (session->settings->token_source != CLI_TOKEN_OF_FILE)
        return cli_fail(why, CLI_USAGE,
                        "--store replaces the stored token, but SKILLREG_TOKEN is set and is "
                        "used instead: unset it, or leave --store out");
    const char *file = session->settings->file;
    if (!rotation->own)
        return cli_fail(
            why, CLI_USAGE,
            "--store is for the token in %s itself, which has another id: leave --store out",
            cli_config_path_shown(file));
    return cli_config_file_check(file, why);
}

// A gateway without the mark is older than what this refuses, and would ignore it.
static enum cli_exit check_gateway(const struct cli_identity *identity,
                                   const struct cli_options *options, struct cli_reason *why) {
    struct gw_json mark;
    if (identity->has_token && gw_json_member(identity->token, GW_STR("selfRotate"), &mark))
        return CLI_DONE;
    if (cli_options_has(options, CLI_FLAG_SELF))
        return cli_fail(
            why, CLI_FAILED,
            "the gateway is older than --self, ask an admin to replace the token: skillreg "
            "token rotate <id>");
    if (options->expiry.kind == CLI_EXPIRY_AFTER)
        return cli_fail(why, CLI_FAILED,
                        "the gateway is too old to count a duration, give a time: --expires "
                        "2027-01-31T12:00:00Z");
    return CLI_DONE;
}

static enum cli_exit prepare(struct cli_session *session, struct rotation *rotation,
                             struct cli_reason *why) {
    struct cli_identity identity;
    const struct cli_options *options = rotation->options;
    enum cli_exit exit = cli_token_output_check(options->output, why);
    if (exit == CLI_DONE)
        exit = cli_whoami_cmd_ask(session, &identity, why);
    if (exit == CLI_DONE)
        exit = check_gateway(&identity, options, why);
    if (exit != CLI_DONE)
        return exit;
    rotation->own = cli_options_has(options, CLI_FLAG_SELF) ||
                    (session->own_token_id.at != NULL &&
                     gw_str_equal(session->own_token_id, gw_str_from(options->id)));
    return check_store(session, rotation, why);
}

// ---- the request ----

static enum gw_status write_body(const struct cli_options *options, struct gw_buf *body) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    gw_json_put_integer(&writer, "overlapSeconds", options->overlap_s);
    cli_expiry_write_json(&options->expiry, &writer);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

static enum cli_exit make_path(struct cli_session *session, const struct rotation *rotation,
                               const char **path, struct cli_reason *why) {
    if (cli_options_has(rotation->options, CLI_FLAG_SELF)) {
        *path = "/auth/token/rotate";
        return CLI_DONE;
    }
    enum cli_exit exit = cli_org_path_make(session, "tokens", rotation->options->id, path, why);
    if (exit != CLI_DONE)
        return exit;
    *path = gw_arena_printf(&session->memory, "%s/rotate", *path).at;
    return *path != NULL ? CLI_DONE : cli_fail_status(why, GW_NO_MEMORY);
}

// A gateway that rotates goes by the key of a rotation.
static bool knows_key(struct cli_session *session) {
    (void)session;
    return true;
}

static enum cli_exit ask_for_successor(struct cli_session *session, const struct rotation *rotation,
                                       struct gw_json *root, struct cli_reason *why) {
    struct gw_buf body;
    bool is_self = cli_options_has(rotation->options, CLI_FLAG_SELF);
    struct cli_keyed_call call = {
        .hint = is_self ? NULL : "skillreg token list shows the tokens there are",
        .note = is_self ? SELF_NOTE : NOTE,
        .knows_key = knows_key,
    };
    enum cli_exit exit = make_path(session, rotation, &call.path, why);
    if (exit != CLI_DONE)
        return exit;
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum gw_status status = write_body(rotation->options, &body);
    call.body = gw_buf_bytes(&body);
    exit =
        status == GW_OK ? cli_keyed_call(session, &call, root, why) : cli_fail_status(why, status);
    gw_buf_deinit(&body);
    return exit;
}

// ---- the successor ----

struct successor {
    struct cli_new_token token;
    struct gw_str old_expires; // until when the old token works
    bool is_stored;
};

static enum cli_exit store(const struct cli_settings *settings, struct gw_str secret,
                           struct cli_reason *why) {
    struct cli_config_file file;
    enum cli_exit exit = cli_config_file_open(&file, settings->file, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_stored_login_put(&file, settings->base_url, secret, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_save(&file, why);
    cli_config_file_close(&file);
    return exit;
}

static void render_old(const struct successor *successor, bool with_overlap,
                       struct cli_output *out) {
    if (!with_overlap) {
        cli_output_put(out, "  The old token does not work any more.\n");
        return;
    }
    cli_output_put(out, "  The old token works until ");
    cli_output_put_clean(out, successor->old_expires);
    cli_output_put(out, ".\n");
}

static void render(const struct cli_session *session, const struct rotation *rotation,
                   const struct successor *successor, struct cli_output *out) {
    cli_output_put(out, out->symbols.done);
    cli_output_put(out, " Token rotated successfully!\n");
    cli_new_token_render(&successor->token, out);
    render_old(successor, rotation->options->overlap_s > 0, out);
    if (!successor->is_stored)
        return;
    cli_output_put(out, "  The new token is in ");
    cli_output_put(out, cli_config_path_shown(session->settings->file));
    cli_output_put(out, ".\n");
}

static enum cli_exit print(struct cli_session *session, const struct rotation *rotation,
                           const struct successor *successor, struct cli_reason *why) {
    const struct cli_new_token *token = &successor->token;
    struct cli_output out;
    struct cli_reason fault = {.text = ""};
    enum cli_exit exit = CLI_DONE;
    cli_output_init(&out);
    if (cli_new_token_is_for_person(rotation->options))
        render(session, rotation, successor, &out);
    else
        exit = cli_new_token_hand_over(session, rotation->options, token, &out, &fault);
    if (exit == CLI_DONE)
        exit = cli_output_send(&out, &fault);
    cli_output_deinit(&out);
    if (exit == CLI_DONE)
        return CLI_DONE;
    bool is_told = fault.text[0] != '\0';
    if (successor->is_stored) // nothing is lost
        return cli_fail(why, CLI_FAILED,
                        "the token was rotated and the new one is in %s, but it could not be "
                        "shown%s%s%s",
                        cli_config_path_shown(session->settings->file), is_told ? " (" : "",
                        fault.text, is_told ? ")" : "");
    return cli_new_token_fail_unshown(token, &fault,
                                      "the token was rotated but the new one could not be shown",
                                      "rotate the new one: skillreg token rotate", why);
}

// The rotated token is the caller's: its owner has to replace it before it ends.
static void note_own(const struct cli_session *session) {
    if (session->settings->token_source == CLI_TOKEN_OF_FILE)
        cli_note("the old one is the token in %s: store the new one, skillreg login --token",
                 cli_config_path_shown(session->settings->file));
    else
        cli_note("the old one is the token in SKILLREG_TOKEN: set the new one there");
}

static bool read_successor(struct cli_session *session, struct gw_json root,
                           struct successor *successor) {
    struct gw_json old;
    *successor = (struct successor){.is_stored = false};
    if (gw_json_member(root, GW_STR("replaces"), &old))
        successor->old_expires = cli_answer_text(old, "expiresAt", &session->answer);
    return cli_new_token_read(session, root, &successor->token) &&
           successor->old_expires.at != NULL;
}

// Stored before it is printed, so that the text can say so; printed in any case, as it will not be
// shown again.
static enum cli_exit finish(struct cli_session *session, const struct rotation *rotation,
                            struct gw_json root, struct cli_reason *why) {
    struct successor successor;
    struct cli_reason unstored = {.text = ""};
    if (!read_successor(session, root, &successor))
        return cli_session_fail_strange(session, why);
    const char *unheeded = cli_asked_find_unheeded(rotation->options, root, &session->answer);
    if (unheeded != NULL)
        return cli_asked_take_back(session, successor.token.id, unheeded, why);
    bool wants_store = cli_options_has(rotation->options, CLI_FLAG_STORE);
    successor.is_stored =
        wants_store && store(session->settings, successor.token.secret, &unstored) == CLI_DONE;
    if (rotation->own)
        cli_session_forget_expiry(session);
    enum cli_exit exit = print(session, rotation, &successor, why);
    if (exit == CLI_DONE && wants_store && !successor.is_stored)
        return cli_fail(why, CLI_FAILED,
                        "the new token was not stored (%s), store it: skillreg login --token",
                        unstored.text);
    if (exit == CLI_DONE && rotation->own && !wants_store)
        note_own(session);
    return exit;
}

enum cli_exit cli_rotate_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) {
    gw_assert((options->id == NULL) == cli_options_has(options, CLI_FLAG_SELF));
    gw_assert(options->overlap_s >= 0);
    struct rotation rotation = {.options = options};
    struct gw_json root = {.document = NULL};
    enum cli_exit exit = prepare(session, &rotation, why);
    if (exit == CLI_DONE)
        exit = ask_for_successor(session, &rotation, &root, why);
    return exit == CLI_DONE ? finish(session, &rotation, root, why) : exit;
}
