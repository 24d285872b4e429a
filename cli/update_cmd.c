// SPDX-License-Identifier: MIT
#include "cli/update_cmd.h"

#include <string.h>

#include "cli/answer.h"
#include "cli/confirmation.h"
#include "cli/org_path.h"
#include "cli/show_cmd.h"
#include "cli/token_members.h"

#define BODY_BYTES_MAX (64 * 1024)
#define HTTP_METHOD_NOT_ALLOWED 405

// ---- the request ----

static enum cli_exit make_path(struct cli_session *session, const struct cli_options *options,
                               const char **path, struct cli_reason *why) {
    const char *const parameters[] = {
        cli_options_has(options, CLI_FLAG_WAIT_FOR_CHANGE) ? "wait=10" : NULL,
        cli_options_has(options, CLI_FLAG_LAST) ? "last=true" : NULL,
    };
    enum cli_exit exit = cli_org_path_make(session, "tokens", options->id, path, why);
    return exit == CLI_DONE ? cli_path_add_parameters(session, path, parameters, 2, why) : exit;
}

static enum gw_status write_body(const struct cli_options *options, struct gw_buf *body) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    cli_token_members_write(options, &writer);
    if (cli_options_has(options, CLI_FLAG_NO_DESCRIPTION)) {
        gw_json_key(&writer, "description");
        gw_json_write_null(&writer);
    }
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

// ---- the answer ----

// A gateway that has no changes has other methods at the path; a server that has no path there
// sends no code of ours.
static bool is_older(enum cli_exit exit, const struct cli_reason *why) {
    return why->status == HTTP_METHOD_NOT_ALLOWED ||
           (exit == CLI_NOT_FOUND && why->code[0] == '\0');
}

static void explain_refused(enum cli_exit exit, struct cli_reason *why) {
    if (is_older(exit, why))
        cli_reason_reword(why, "the gateway is too old to change tokens, or the address is not a "
                               "gateway's: update it, check the address, or create another "
                               "token and revoke this one");
    else if (strcmp(why->code, "last_admin") == 0)
        cli_reason_reword(why,
                          "the organisation would have no live admin token any more, and "
                          "nobody could create another one: create one first, or give --last to "
                          "do it all the same");
}

static enum cli_exit explain(const struct cli_session *session, enum cli_exit exit,
                             struct cli_reason *why) {
    if (cli_session_is_outcome_unknown(session, exit, why))
        cli_note(
            "the token may have been changed all the same: skillreg token show says what it is");
    if (why->status > 0)
        explain_refused(exit, why);
    return exit;
}

static enum cli_exit print_changed(struct cli_session *session, const struct cli_options *options,
                                   struct gw_json token, struct gw_str name,
                                   struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON)) {
        cli_session_put_answer(session, &out);
    } else {
        cli_output_put(&out, out.symbols.done);
        cli_output_put(&out, " Token \"");
        cli_output_put_clean(&out, name);
        cli_output_put(&out, "\" has been changed.\n\n");
        cli_show_render(session, token, &out);
    }
    return cli_output_send(&out, why);
}

static enum cli_exit finish_changed(struct cli_session *session, const struct cli_options *options,
                                    struct gw_json token, struct cli_reason *why) {
    static const struct cli_confirmation words = {"the token is changed", "may go by what it was",
                                                  "it may still be what it was"};
    struct gw_str name = cli_answer_text(token, "name", &session->answer);
    if (name.at == NULL)
        return cli_session_fail_strange(session, why);
    enum cli_exit exit = print_changed(session, options, token, name, why);
    return exit == CLI_DONE ? cli_confirmation_check(session, token, &words, why) : exit;
}

enum cli_exit cli_update_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) {
    struct gw_buf body;
    struct gw_json token;
    struct cli_api_request request = {.method = "PATCH"};
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum cli_exit exit = make_path(session, options, &request.path, why);
    if (exit != CLI_DONE)
        goto out;
    if (write_body(options, &body) != GW_OK) {
        exit = cli_fail(why, CLI_USAGE, "an argument is longer than any gateway takes");
        goto out;
    }
    request.body = gw_buf_bytes(&body);
    exit = cli_session_call(session, &request, "skillreg token list shows the ids", &token, why);
    exit = exit == CLI_DONE ? finish_changed(session, options, token, why)
                            : explain(session, exit, why);
out:
    gw_buf_deinit(&body);
    return exit;
}
