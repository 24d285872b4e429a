// SPDX-License-Identifier: MIT
#include "cli/trust_add_cmd.h"

#include <string.h>

#include "cli/answer.h"
#include "cli/org_path.h"
#include "cli/token_members.h"
#include "cli/trust_text.h"

#define BODY_BYTES_MAX (64 * 1024)
#define CLAIMS_MAX 64
#define CLAIM_NAME_LENGTH_MAX 128

// What the second operand is, by kind; `behind` is what stands behind its last slash.
static const struct {
    const char *kind;
    const char *claim;
    const char *behind; // or NULL
    const char *shown;
} kinds[] = {
    {"github", "repository", NULL, "<owner>/<repository>"},
    {"gitlab", "project_path", NULL, "<group>/<project>"},
    {"kubernetes", "namespace", "service_account", "<namespace>/<service account>"},
    {"spiffe", "sub", NULL, "spiffe://<trust domain>/<path>"},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static const struct {
    enum cli_flag flag;
    const char *claim;
} flags[] = {{CLI_FLAG_WORKFLOW, "workflow_file"},
             {CLI_FLAG_ENVIRONMENT, "environment"},
             {CLI_FLAG_REF, "ref"}};

static size_t find_kind(const char *name) {
    size_t kind = 0;
    while (kind < KIND_COUNT && strcmp(kinds[kind].kind, name) != 0)
        kind++;
    return kind;
}

// ---- what is said ----

struct claims {
    struct gw_str names[CLAIMS_MAX];
    struct gw_str values[CLAIMS_MAX];
    size_t count;
};

static void add(struct claims *claims, struct gw_str name, struct gw_str value) {
    if (claims->count == CLAIMS_MAX)
        return; // which the gateway refuses
    claims->names[claims->count] = name;
    claims->values[claims->count++] = value;
}

static bool is_claim_name(struct gw_str name) {
    bool is_right = name.length > 0 && name.length <= CLAIM_NAME_LENGTH_MAX;
    for (size_t i = 0; i < name.length && is_right; i++)
        is_right = name.at[i] > ' ' && name.at[i] <= '~' && name.at[i] != '"' && name.at[i] != '\\';
    return is_right;
}

static void add_named(const struct cli_options *options, struct claims *claims) {
    size_t kind = find_kind(options->id);
    if (kind == KIND_COUNT || options->operand_count < 2)
        return;
    struct gw_str name = gw_str_from(options->operands[1]);
    if (kinds[kind].behind == NULL) {
        add(claims, gw_str_from(kinds[kind].claim), name);
        return;
    }
    size_t slash = gw_str_find(name, '/');
    add(claims, gw_str_from(kinds[kind].claim), gw_str_slice(name, 0, slash));
    add(claims, gw_str_from(kinds[kind].behind), gw_str_slice(name, slash + 1, name.length));
}

static void collect(const struct cli_options *options, struct claims *claims) {
    const char *given;
    claims->count = 0;
    add_named(options, claims);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (cli_options_has(options, flags[i].flag))
            add(claims, gw_str_from(flags[i].claim), gw_str_from(options->values[flags[i].flag]));
    }
    for (size_t at = 0; cli_options_next(options, CLI_FLAG_CLAIM, &at, &given);) {
        struct gw_str text = gw_str_from(given);
        size_t equals = gw_str_find(text, '=');
        add(claims, gw_str_slice(text, 0, equals), gw_str_slice(text, equals + 1, text.length));
    }
}

static enum cli_exit check_named(const struct cli_options *options, struct cli_reason *why) {
    size_t kind = find_kind(options->id);
    bool is_named = options->operand_count > 1;
    if (kind == KIND_COUNT && is_named)
        return cli_fail(why, CLI_USAGE, "trust add %s takes its claims by --claim alone",
                        options->id);
    if (kind == KIND_COUNT)
        return CLI_DONE;
    if (!is_named)
        return cli_fail(why, CLI_USAGE, "trust add %s needs %s", options->id, kinds[kind].shown);
    struct gw_str name = gw_str_from(options->operands[1]);
    size_t slash = gw_str_find(name, '/');
    if (slash == 0 || slash + 1 >= name.length)
        return cli_fail(why, CLI_USAGE, "trust add %s takes %s", options->id, kinds[kind].shown);
    return CLI_DONE;
}

enum cli_exit cli_trust_add_check(const struct cli_options *options, struct cli_reason *why) {
    const char *given;
    if (options->id == NULL)
        return cli_fail(why, CLI_USAGE,
                        "trust add needs what kind of issuer it is, such as github");
    enum cli_exit exit = check_named(options, why);
    for (size_t at = 0;
         exit == CLI_DONE && cli_options_next(options, CLI_FLAG_CLAIM, &at, &given);) {
        struct gw_str text = gw_str_from(given);
        size_t equals = gw_str_find(text, '=');
        if (equals + 1 >= text.length || !is_claim_name(gw_str_slice(text, 0, equals)))
            exit = cli_fail(why, CLI_USAGE,
                            "--claim takes <name>=<value>, such as ref=refs/heads/main");
    }
    return exit;
}

// ---- the request ----

static bool is_first(const struct claims *claims, size_t at) {
    for (size_t i = 0; i < at; i++) {
        if (gw_str_equal(claims->names[i], claims->names[at]))
            return false;
    }
    return true;
}

// Of each claim all its values, where it came first.
static void write_conditions(const struct claims *claims, struct gw_json_writer *writer) {
    char name[CLAIM_NAME_LENGTH_MAX + 1];
    gw_json_key(writer, "conditions");
    gw_json_open_object(writer);
    for (size_t i = 0; i < claims->count; i++) {
        if (!is_first(claims, i))
            continue;
        memcpy(name, claims->names[i].at, claims->names[i].length);
        name[claims->names[i].length] = '\0';
        gw_json_key(writer, name);
        gw_json_open_array(writer);
        for (size_t j = i; j < claims->count; j++) {
            if (gw_str_equal(claims->names[i], claims->names[j]))
                gw_json_write_string(writer, claims->values[j]);
        }
        gw_json_close_array(writer);
    }
    gw_json_close_object(writer);
}

static void write_limits(const struct cli_options *options, struct gw_json_writer *writer) {
    cli_token_members_write_limits(options, writer);
    if (options->life_ms > 0)
        gw_json_put_integer(writer, "expiresIn", options->life_ms / 1000);
}

static enum gw_status write_body(const struct cli_options *options, struct gw_buf *body) {
    struct claims claims;
    struct gw_json_writer writer;
    collect(options, &claims);
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    gw_json_put_string(&writer, "kind", gw_str_from(options->id));
    if (cli_options_has(options, CLI_FLAG_ISSUER))
        gw_json_put_string(&writer, "issuer", gw_str_from(options->values[CLI_FLAG_ISSUER]));
    write_conditions(&claims, &writer);
    write_limits(options, &writer);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

static enum cli_exit print_added(struct cli_session *session, const struct cli_options *options,
                                 struct gw_json rule, struct cli_reason *why) {
    struct cli_output out;
    if (cli_answer_text(rule, "id", &session->answer).length == 0)
        return cli_session_fail_strange(session, why);
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON)) {
        cli_session_put_answer(session, &out);
    } else {
        cli_output_put(&out, out.symbols.done);
        cli_output_put(&out, " These identities are exchanged for tokens from now on.\n\n");
        cli_trust_render(session, rule, &out);
    }
    return cli_output_send(&out, why);
}

enum cli_exit cli_trust_add_cmd(struct cli_session *session, const struct cli_options *options,
                                struct cli_reason *why) {
    struct gw_buf body;
    struct gw_json rule;
    struct cli_api_request request = {.method = "POST"};
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum cli_exit exit = cli_org_path_make(session, "trust", NULL, &request.path, why);
    if (exit == CLI_DONE && write_body(options, &body) != GW_OK)
        exit = cli_fail(why, CLI_USAGE, "an argument is longer than any gateway takes");
    if (exit == CLI_DONE) {
        request.body = gw_buf_bytes(&body);
        exit = cli_session_call(session, &request, "check the organisation and the address", &rule,
                                why);
        if (exit != CLI_DONE && cli_session_is_outcome_unknown(session, exit, why))
            cli_note("the rule may have been made all the same: add it again, it is made once");
    }
    if (exit == CLI_DONE)
        exit = print_added(session, options, rule, why);
    gw_buf_deinit(&body);
    return exit;
}
