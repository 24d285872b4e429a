// SPDX-License-Identifier: MIT
#include "cli/rotate_cmd.h"

#include "base/hex.h"
#include "base/random.h"
#include "cli/answer.h"
#include "cli/config_file.h"
#include "cli/new_token.h"
#include "cli/org_path.h"
#include "cli/whoami_cmd.h"

#define BODY_BYTES_MAX 1024
#define KEY_RANDOM_BYTES 16
#define KEY_LENGTH (2 * KEY_RANDOM_BYTES)

struct rotation {
    const struct cli_options *options;
    bool own; // the token to rotate is the caller's
    char key[KEY_LENGTH + 1];
};

static bool make_key(char key[KEY_LENGTH + 1]) {
    unsigned char random[KEY_RANDOM_BYTES];
    if (gw_random_bytes(random, sizeof(random)) != GW_OK)
        return false;
    gw_hex_encode(random, sizeof(random), key);
    key[KEY_LENGTH] = '\0';
    return true;
}

// ---- before anything is changed ----

static enum cli_exit check_store(const struct cli_session *session, const struct rotation *rotation,
                                 struct cli_reason *why) {
    char path[PATH_MAX];
    if (!cli_options_has(rotation->options, CLI_FLAG_STORE))
        return CLI_DONE;
    if (session->settings->token_source != CLI_TOKEN_OF_FILE)
        return cli_fail(why, CLI_USAGE,
                        "--store replaces the token in ~/.skillreg/config.json, but SKILLREG_TOKEN "
                        "is set and goes before it, unset it or leave --store out");
    if (!rotation->own)
        return cli_fail(why, CLI_USAGE,
                        "--store is for the token in ~/.skillreg/config.json itself, which has "
                        "another id, leave it out");
    enum cli_exit exit = cli_config_file_path(path, why);
    return exit == CLI_DONE ? cli_config_file_check(path, why) : exit;
}

static enum cli_exit prepare(struct cli_session *session, struct rotation *rotation,
                             struct cli_reason *why) {
    struct cli_identity identity;
    enum cli_exit exit = cli_whoami_cmd_ask(session, &identity, why);
    if (exit != CLI_DONE)
        return exit;
    rotation->own = session->own_token_id.at != NULL &&
                    gw_str_equal(session->own_token_id, gw_str_from(rotation->options->id));
    if (!make_key(rotation->key))
        return cli_fail(why, CLI_FAILED, "the system gives no random bytes");
    return check_store(session, rotation, why);
}

// ---- the request ----

static enum gw_status write_body(const struct cli_options *options, struct gw_buf *body) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    gw_json_put_integer(&writer, "overlapSeconds", options->overlap_s);
    if (options->expires_ms != CLI_OPTION_NO_TIME)
        gw_json_put_time(&writer, "expiresAt", options->expires_ms);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

static enum cli_exit make_path(struct cli_session *session, const struct rotation *rotation,
                               const char **path, struct cli_reason *why) {
    enum cli_exit exit = cli_org_path_make(session, "tokens", rotation->options->id, path, why);
    if (exit != CLI_DONE)
        return exit;
    *path = gw_arena_printf(&session->memory, "%s/rotate", *path).at;
    return *path != NULL ? CLI_DONE : cli_fail_status(why, GW_NO_MEMORY);
}

static enum cli_exit ask_for_successor(struct cli_session *session, const struct rotation *rotation,
                                       struct gw_json *root, struct cli_reason *why) {
    struct gw_buf body;
    struct cli_api_request request = {.method = "POST", .idempotency_key = rotation->key};
    enum cli_exit exit = make_path(session, rotation, &request.path, why);
    if (exit != CLI_DONE)
        return exit;
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum gw_status status = write_body(rotation->options, &body);
    request.body = gw_buf_bytes(&body);
    exit = status != GW_OK
               ? cli_fail_status(why, status)
               : cli_session_call(session, &request,
                                  "skillreg token list shows the tokens there are", root, why);
    gw_buf_deinit(&body);
    if (exit == CLI_UNREACHABLE)
        cli_note("the token may have been rotated all the same: skillreg token list shows it");
    return exit;
}

// ---- the successor ----

struct successor {
    struct cli_new_token token;
    struct gw_str old_expires; // until when the old token works
    bool is_stored;
};

static enum cli_exit store(struct gw_str secret, struct cli_reason *why) {
    char path[PATH_MAX];
    struct cli_config_file file;
    enum cli_exit exit = cli_config_file_path(path, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_open(&file, path, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_config_file_set(&file, "token", secret, why);
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

static void render(const struct rotation *rotation, const struct successor *successor,
                   struct cli_output *out) {
    cli_output_put(out, out->symbols.done);
    cli_output_put(out, " Token rotated successfully!\n");
    cli_new_token_render(&successor->token, out);
    render_old(successor, rotation->options->overlap_s > 0, out);
    if (successor->is_stored)
        cli_output_put(out, "  The new token is in ~/.skillreg/config.json.\n");
}

static enum cli_exit print(struct cli_session *session, const struct rotation *rotation,
                           const struct successor *successor, struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(rotation->options, CLI_FLAG_JSON))
        cli_session_put_answer(session, &out);
    else
        render(rotation, successor, &out);
    if (cli_output_send(&out, why) == CLI_DONE)
        return CLI_DONE;
    return cli_fail(why, CLI_FAILED,
                    "the token was rotated but the new one could not be shown, rotate that: "
                    "skillreg token rotate %.*s",
                    GW_STR_ARG(gw_str_slice(successor->token.id, 0, 64)));
}

// The rotated token is the caller's: its owner has to replace it before it ends.
static void note_own(const struct cli_session *session) {
    if (session->settings->token_source == CLI_TOKEN_OF_FILE)
        cli_note("that is the token in ~/.skillreg/config.json, store the new one: skillreg login "
                 "--token");
    else
        cli_note("that is the token in SKILLREG_TOKEN, set the new one there");
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
    bool wants_store = cli_options_has(rotation->options, CLI_FLAG_STORE);
    successor.is_stored = wants_store && store(successor.token.secret, &unstored) == CLI_DONE;
    if (rotation->own)
        cli_session_forget_expiry(session);
    enum cli_exit exit = print(session, rotation, &successor, why);
    if (exit == CLI_DONE && wants_store && !successor.is_stored)
        return cli_fail(why, CLI_FAILED, "the new token was not stored: %s", unstored.text);
    if (exit == CLI_DONE && rotation->own && !wants_store)
        note_own(session);
    return exit;
}

enum cli_exit cli_rotate_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) {
    gw_assert(options->id != NULL && options->overlap_s >= 0);
    struct rotation rotation = {.options = options};
    struct gw_json root = {.document = NULL};
    enum cli_exit exit = prepare(session, &rotation, why);
    if (exit == CLI_DONE)
        exit = ask_for_successor(session, &rotation, &root, why);
    return exit == CLI_DONE ? finish(session, &rotation, root, why) : exit;
}
