// SPDX-License-Identifier: MIT
#include "cli/create_cmd.h"

#include "cli/answer.h"
#include "cli/asked.h"
#include "cli/keyed_call.h"
#include "cli/new_token.h"
#include "cli/org_path.h"
#include "cli/token_members.h"
#include "cli/whoami_cmd.h"

#define BODY_BYTES_MAX (64 * 1024)

// ---- create ----

static enum gw_status write_create_body(const struct cli_options *options, struct gw_buf *body) {
    gw_assert(options->values[CLI_FLAG_NAME] != NULL);
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    cli_token_members_write(options, &writer);
    if (cli_options_has(options, CLI_FLAG_BIND_CHILDREN))
        gw_json_put_boolean(&writer, "bindChildren", true);
    if (cli_options_has(options, CLI_FLAG_SELF_ROTATE))
        gw_json_put_boolean(&writer, "selfRotate", true);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

static enum cli_exit print_created(struct cli_session *session, const struct cli_options *options,
                                   struct gw_json root, struct cli_reason *why) {
    struct cli_new_token token;
    if (!cli_new_token_read(session, root, &token))
        return cli_session_fail_strange(session, why);
    struct cli_output out;
    struct cli_reason fault = {.text = ""};
    enum cli_exit exit = CLI_DONE;
    cli_output_init(&out);
    if (cli_new_token_is_for_person(options)) {
        cli_output_put(&out, out.symbols.done);
        cli_output_put(&out, " Token created successfully!\n");
        cli_new_token_render(&token, &out);
    } else {
        exit = cli_new_token_hand_over(session, options, &token, &out, &fault);
    }
    if (exit == CLI_DONE)
        exit = cli_output_send(&out, &fault);
    cli_output_deinit(&out);
    if (exit == CLI_DONE)
        return CLI_DONE;
    return cli_new_token_fail_unshown(&token, &fault,
                                      "the token was created but could not be shown",
                                      "revoke it: skillreg token revoke", why);
}

static enum cli_exit finish_created(struct cli_session *session, const struct cli_options *options,
                                    struct gw_json root, struct cli_reason *why) {
    const char *unheeded = cli_asked_find_unheeded(options, root, &session->answer);
    struct gw_str id = cli_answer_text(root, "id", &session->answer);
    if (unheeded != NULL && id.at != NULL)
        return cli_asked_take_back(session, id, unheeded, why);
    return print_created(session, options, root, why);
}

// Creations have had keys for as long as tokens could be made to rotate themselves.
static bool knows_key(struct cli_session *session) {
    struct cli_identity identity;
    struct cli_reason ignored;
    struct gw_json mark;
    return cli_whoami_cmd_ask(session, &identity, &ignored) == CLI_DONE && identity.has_token &&
           gw_json_member(identity.token, GW_STR("selfRotate"), &mark);
}

enum cli_exit cli_create_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) {
    struct gw_buf body;
    struct gw_json root;
    struct cli_keyed_call call = {
        .hint = "check the organisation and the address",
        .note = "the token may have been created all the same: skillreg token list shows it; its "
                "secret is lost then, so revoke it",
        .knows_key = knows_key,
    };
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum cli_exit exit = cli_token_output_check(options->output, why);
    if (exit == CLI_DONE)
        exit = cli_org_path_make(session, "tokens", NULL, &call.path, why);
    if (exit != CLI_DONE)
        goto out;
    if (write_create_body(options, &body) != GW_OK) {
        exit = cli_fail(why, CLI_USAGE, "an argument is longer than any gateway takes");
        goto out;
    }
    call.body = gw_buf_bytes(&body);
    exit = cli_keyed_call(session, &call, &root, why);
    if (exit == CLI_DONE)
        exit = finish_created(session, options, root, why);
out:
    gw_buf_deinit(&body);
    return exit;
}
