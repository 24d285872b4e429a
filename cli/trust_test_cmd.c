// SPDX-License-Identifier: MIT
#include "cli/trust_test_cmd.h"

#include <errno.h>
#include <string.h>

#include "base/secret_input.h"
#include "cli/answer.h"
#include "cli/id_token.h"
#include "cli/org_path.h"

#define INPUT_BYTES_MAX (CLI_ID_TOKEN_BYTES_MAX + 1) // and the '\r' of a line end
#define BODY_BYTES_MAX (CLI_ID_TOKEN_BYTES_MAX + 64)

// ---- the token ----

static enum cli_exit read_line(char *line, size_t *length, struct cli_reason *why) {
    const char *failed = NULL;
    switch (gw_secret_input_read("Identity token: ", line, INPUT_BYTES_MAX, length, &failed)) {
    case GW_OK:
        return CLI_DONE;
    case GW_NOT_FOUND:
        return cli_fail(why, CLI_USAGE,
                        "trust test takes an identity token from standard input, which is empty");
    case GW_TOO_BIG:
        return cli_fail(why, CLI_USAGE,
                        "standard input holds more than %d bytes, which no gateway takes for an "
                        "identity token",
                        CLI_ID_TOKEN_BYTES_MAX);
    case GW_CANCELLED:
        return cli_fail(why, CLI_FAILED, "interrupted, nothing was tested");
    default:
        return cli_fail(why, CLI_FAILED, "%s: %s", failed, strerror(errno));
    }
}

static enum cli_exit read_token(struct cli_id_token *token, struct cli_reason *why) {
    char line[INPUT_BYTES_MAX];
    size_t length = 0;
    enum cli_exit exit = read_line(line, &length, why);
    if (exit == CLI_DONE)
        exit = cli_id_token_set(token, gw_str(line, length), "standard input", why);
    gw_bytes_wipe(line, sizeof(line));
    return exit;
}

// Reserved whole, so that no copy of the token is left behind.
static enum gw_status write_body(const struct cli_id_token *token, struct gw_buf *body) {
    struct gw_json_writer writer;
    char *reserved;
    if (gw_buf_reserve(body, BODY_BYTES_MAX, &reserved) != GW_OK)
        return GW_NO_MEMORY;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    gw_json_put_string(&writer, "token", gw_str_from(token->text));
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

static enum cli_exit post(struct cli_session *session, const struct cli_id_token *token,
                          struct gw_json *root, struct cli_reason *why) {
    struct gw_buf body;
    struct cli_api_request request = {.method = "POST"};
    enum cli_exit exit = cli_org_path_make(session, "trust", "test", &request.path, why);
    if (exit != CLI_DONE)
        return exit;
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum gw_status status = write_body(token, &body);
    request.body = gw_buf_bytes(&body);
    exit = status == GW_OK ? cli_session_call(session, &request, "check the address", root, why)
                           : cli_fail_status(why, status);
    gw_buf_deinit_wiped(&body);
    return exit;
}

// ---- what is told ----

static void put_line(struct cli_output *out, const char *label, struct gw_str value) {
    if (value.length == 0)
        return;
    cli_output_put(out, label);
    cli_output_put_clean(out, value);
    cli_output_put(out, "\n");
}

static void put_claims(struct gw_json root, struct gw_arena *arena, struct cli_output *out) {
    struct gw_json claims;
    struct gw_str name;
    struct gw_json member;
    struct gw_str value;
    if (!gw_json_member(root, GW_STR("claims"), &claims))
        return;
    for (int i = 0; i < gw_json_count(claims); i++) {
        if (gw_json_member_at(claims, i, arena, &name, &member) != GW_OK)
            continue;
        if (gw_json_string(member, arena, &value) != GW_OK)
            value = gw_json_raw(member);
        put_line(out, i == 0 ? "Claims:    " : "           ",
                 gw_arena_printf(arena, "%.*s=%.*s", GW_STR_ARG(name), GW_STR_ARG(value)));
    }
}

static struct gw_str tell_verdict(struct gw_json rule, struct gw_arena *arena) {
    struct gw_str verdict = cli_answer_text(rule, "verdict", arena);
    struct gw_str claim = cli_answer_text(rule, "claim", arena);
    struct gw_str value = cli_answer_text(rule, "value", arena);
    if (gw_str_equal(verdict, GW_STR("met")))
        return GW_STR("met");
    if (gw_str_equal(verdict, GW_STR("other")))
        return GW_STR("not about this identity");
    if (!gw_str_equal(verdict, GW_STR("differs")))
        return GW_STR("cannot be read by this gateway, make it again");
    if (value.at == NULL)
        return gw_arena_printf(arena, "not met, the token has no %.*s that it takes",
                               GW_STR_ARG(claim));
    return gw_arena_printf(arena, "not met, %.*s is %.*s", GW_STR_ARG(claim), GW_STR_ARG(value));
}

static void put_rules(struct gw_json rules, struct gw_arena *arena, struct cli_output *out) {
    for (int i = 0; i < gw_json_count(rules); i++) {
        struct gw_json rule = gw_json_element(rules, i);
        put_line(out, i == 0 ? "Rules:     " : "           ",
                 gw_arena_printf(arena, "%.*s: %.*s",
                                 GW_STR_ARG(cli_answer_text(rule, "id", arena)),
                                 GW_STR_ARG(tell_verdict(rule, arena))));
    }
}

static enum cli_exit print(struct cli_session *session, const struct cli_options *options,
                           struct gw_json root, struct cli_reason *why) {
    struct gw_arena *arena = &session->answer;
    struct gw_json rules;
    struct cli_output out;
    if (!gw_json_member(root, GW_STR("rules"), &rules) || gw_json_type(rules) != GW_JSON_ARRAY)
        return cli_session_fail_strange(session, why);
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON)) {
        cli_session_put_answer(session, &out);
        return cli_output_send(&out, why);
    }
    put_line(&out, "Issuer:    ", cli_answer_text(root, "issuer", arena));
    put_line(&out, "Kind:      ", cli_answer_text(root, "kind", arena));
    put_line(&out, "Found by:  ", cli_answer_text(root, "anchor", arena));
    put_claims(root, arena, &out);
    put_rules(rules, arena, &out);
    return cli_output_send(&out, why);
}

// ---- the end ----

static bool is_any_met(struct gw_json rules, struct gw_arena *arena) {
    for (int i = 0; i < gw_json_count(rules); i++) {
        struct gw_str verdict = cli_answer_text(gw_json_element(rules, i), "verdict", arena);
        if (gw_str_equal(verdict, GW_STR("met")))
            return true;
    }
    return false;
}

static enum cli_exit judge(struct cli_session *session, struct gw_json root,
                           struct cli_reason *why) {
    struct gw_json rules;
    struct gw_str problem = cli_answer_text(root, "problem", &session->answer);
    if (problem.length > 0)
        return cli_fail(why, CLI_FAILED, "the identity token is not accepted: %.*s",
                        GW_STR_ARG(problem));
    if (!gw_json_member(root, GW_STR("rules"), &rules) || gw_json_count(rules) == 0)
        return cli_fail(why, CLI_FAILED, "no rule of the organisation is about this identity");
    if (!is_any_met(rules, &session->answer))
        return cli_fail(why, CLI_FAILED, "no rule is met by this identity");
    return CLI_DONE;
}

enum cli_exit cli_trust_test_cmd(struct cli_session *session, const struct cli_options *options,
                                 struct cli_reason *why) {
    struct cli_id_token token;
    struct gw_json root = {.document = NULL};
    enum cli_exit exit = read_token(&token, why);
    if (exit == CLI_DONE)
        exit = post(session, &token, &root, why);
    cli_id_token_wipe(&token);
    if (exit == CLI_DONE)
        exit = print(session, options, root, why);
    return exit == CLI_DONE ? judge(session, root, why) : exit;
}
