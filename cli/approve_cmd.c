// SPDX-License-Identifier: MIT
#include "cli/approve_cmd.h"

#include "cli/answer.h"
#include "cli/ask.h"
#include "token/user_code.h"

#define BODY_BYTES_MAX (64 * 1024)
#define HINT "check the code: it ends after a few minutes, and is approved once"

static enum cli_exit check_terminal(const struct cli_options *options, struct cli_reason *why) {
    if (cli_options_has(options, CLI_FLAG_YES) || cli_ask_can())
        return CLI_DONE;
    return cli_fail(why, CLI_USAGE,
                    "approve asks a question, which there is no terminal for: --yes approves the "
                    "code unasked");
}

// ---- requests ----

static void write_person(const struct cli_options *options, struct gw_json_writer *writer) {
    if (cli_options_has(options, CLI_FLAG_PERSON))
        gw_json_put_string(writer, "name", gw_str_from(options->values[CLI_FLAG_PERSON]));
    if (cli_options_has(options, CLI_FLAG_EMAIL))
        gw_json_put_string(writer, "email", gw_str_from(options->values[CLI_FLAG_EMAIL]));
}

// Of both requests the code, of the approval what it gives as well.
static enum gw_status write_body(const struct cli_options *options, const char *code,
                                 bool is_approval, struct gw_buf *body) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    gw_json_put_string(&writer, "userCode", gw_str_from(code));
    if (is_approval) {
        gw_json_key(&writer, "scopes");
        gw_scope_write_json(&writer, options->scopes);
        cli_expiry_write_json(&options->expiry, &writer);
        write_person(options, &writer);
    }
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

static enum cli_exit post(struct cli_session *session, const struct cli_options *options,
                          bool is_approval, struct gw_json *root, struct cli_reason *why) {
    char code[GW_USER_CODE_LENGTH + 1];
    struct gw_buf body;
    struct cli_api_request request = {
        .method = "POST", .path = is_approval ? "/auth/cli/approve" : "/auth/cli/lookup"};
    if (!gw_user_code_read(gw_str_from(options->id), code))
        return cli_fail_status(why, GW_INVALID); // which cli/options_read.c has refused
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum cli_exit exit = CLI_DONE;
    if (write_body(options, code, is_approval, &body) != GW_OK)
        exit = cli_fail(why, CLI_USAGE, "an argument is longer than any gateway takes");
    request.body = gw_buf_bytes(&body);
    if (exit == CLI_DONE)
        exit = cli_session_call(session, &request, HINT, root, why);
    gw_buf_deinit(&body);
    return exit;
}

// ---- who asks ----

static void put_line(struct cli_output *out, const char *label, struct gw_str value) {
    cli_output_put(out, label);
    cli_output_put_clean(out, value.at != NULL ? value : GW_STR("unknown"));
    cli_output_put(out, "\n");
}

static enum cli_exit show(struct cli_session *session, struct gw_json root,
                          struct cli_reason *why) {
    int64_t now_ms = cli_session_now_ms(session);
    struct gw_arena *arena = &session->answer;
    struct cli_output out;
    cli_output_init_for(&out, stderr);
    put_line(&out, "Code:     ", cli_answer_text(root, "userCode", arena));
    put_line(&out, "From:     ", cli_answer_text(root, "requestedFrom", arena));
    put_line(&out, "Program:  ", cli_answer_text(root, "userAgent", arena));
    put_line(&out, "Since:    ", cli_answer_ago(root, "requestedAt", now_ms, arena));
    put_line(&out, "Ends:     ", cli_answer_ahead(root, "expiresAt", now_ms, arena));
    cli_output_put(&out, out.symbols.warning);
    cli_output_put(&out,
                   " Approve it only if the person who has this code on their own screen asked "
                   "you.\n  Whoever sent you a code in a message would get in, not you.\n");
    return cli_output_send(&out, why);
}

static enum cli_exit ask(const struct cli_options *options, struct cli_reason *why) {
    if (cli_options_has(options, CLI_FLAG_YES))
        return CLI_DONE;
    const char *scopes = (options->scopes & GW_SCOPE_WRITE) != 0 ? "write" : "read";
    const char *life = options->values[CLI_FLAG_APPROVED_LIFE];
    switch (cli_ask("Give them a token with the scope %s, which ends %s%s?", scopes,
                    options->expiry.kind == CLI_EXPIRY_AT ? "at " : "after ",
                    life != NULL ? life : "12h")) {
    case CLI_ASK_YES:
        return CLI_DONE;
    case CLI_ASK_NOBODY:
        return check_terminal(options, why);
    default:
        return cli_fail(why, CLI_FAILED, "nothing was approved");
    }
}

// ---- together ----

static enum cli_exit print(struct cli_session *session, const struct cli_options *options,
                           struct gw_json root, struct cli_reason *why) {
    struct gw_arena *arena = &session->answer;
    struct gw_str org = cli_answer_text(root, "org", arena);
    struct cli_output out;
    if (org.at == NULL)
        return cli_session_fail_strange(session, why);
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON)) {
        cli_session_put_answer(session, &out);
        return cli_output_send(&out, why);
    }
    cli_output_put(&out, out.symbols.done);
    cli_output_put(&out, " Approved: ");
    cli_output_put_clean(&out, cli_answer_text(root, "userCode", arena));
    cli_output_put(&out, " gets a token of ");
    cli_output_put_clean(&out, org);
    put_line(&out, "\n  Scopes:   ", cli_answer_list(root, "scopes", arena));
    put_line(&out, "  Expires:  ",
             cli_answer_ahead(root, "expiresAt", cli_session_now_ms(session), arena));
    return cli_output_send(&out, why);
}

enum cli_exit cli_approve_cmd(struct cli_session *session, const struct cli_options *options,
                              struct cli_reason *why) {
    struct gw_json root = {.document = NULL};
    enum cli_exit exit = check_terminal(options, why);
    if (exit == CLI_DONE)
        exit = post(session, options, false, &root, why);
    if (exit == CLI_DONE)
        exit = show(session, root, why);
    if (exit == CLI_DONE)
        exit = ask(options, why);
    if (exit != CLI_DONE)
        return exit;
    exit = post(session, options, true, &root, why);
    if (exit != CLI_DONE && cli_session_is_outcome_unknown(session, exit, why))
        cli_note("the code may have been approved all the same: the login tells");
    return exit == CLI_DONE ? print(session, options, root, why) : exit;
}
