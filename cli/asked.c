// SPDX-License-Identifier: MIT
#include "cli/asked.h"

#include "base/clock.h"
#include "base/ip.h"
#include "cli/answer.h"
#include "cli/org_path.h"

#define CLOCKS_DIFFER_MS (INT64_C(10) * 60 * 1000) // of the gateway and its database, at most

// GW_JSON_NO_TIME: not a time.
static int64_t time_of(struct gw_json answer, const char *key, struct gw_arena *arena) {
    int64_t time_ms;
    struct gw_str text = cli_answer_text(answer, key, arena);
    bool is_time = text.at != NULL && gw_clock_parse_iso(text, &time_ms) == GW_OK;
    return is_time ? time_ms : GW_JSON_NO_TIME;
}

static bool is_end_heeded(const struct cli_expiry *expiry, struct gw_json answer,
                          struct gw_arena *arena) {
    int64_t made_ms = time_of(answer, "createdAt", arena);
    int64_t end_ms = time_of(answer, "expiresAt", arena);
    if (expiry->kind == CLI_EXPIRY_NOT_GIVEN || expiry->kind == CLI_EXPIRY_NEVER)
        return true;
    return made_ms != GW_JSON_NO_TIME && end_ms != GW_JSON_NO_TIME &&
           end_ms <= cli_expiry_end(expiry, made_ms) + CLOCKS_DIFFER_MS;
}

static bool are_scopes_heeded(gw_scope_set asked, struct gw_json answer, struct gw_arena *arena) {
    struct gw_json scopes;
    if (!gw_json_member(answer, GW_STR("scopes"), &scopes))
        return false;
    for (int i = 0; i < gw_json_count(scopes); i++) {
        struct gw_str text;
        enum gw_scope scope;
        if (gw_json_string(gw_json_element(scopes, i), arena, &text) != GW_OK ||
            gw_scope_parse(text, &scope) != GW_OK || !gw_scope_allows(asked, scope))
            return false;
    }
    return true;
}

static bool is_same_range(struct gw_str one, struct gw_str other) {
    struct gw_ip_range ranges[2];
    char texts[2][GW_IP_RANGE_TEXT_BYTES_MAX];
    if (gw_ip_range_parse(one, &ranges[0]) != GW_OK ||
        gw_ip_range_parse(other, &ranges[1]) != GW_OK)
        return gw_str_equal(one, other);
    size_t length = gw_ip_range_format(&ranges[0], texts[0]);
    size_t other_length = gw_ip_range_format(&ranges[1], texts[1]);
    return gw_str_equal(gw_str(texts[0], length), gw_str(texts[1], other_length));
}

static bool is_asked_range(const struct cli_options *options, struct gw_str range) {
    for (size_t i = 0; i < options->allowed_ip_count; i++) {
        if (is_same_range(range, gw_str_from(options->allowed_ips[i])))
            return true;
    }
    return false;
}

static bool are_addresses_heeded(const struct cli_options *options, struct gw_json answer,
                                 struct gw_arena *arena) {
    struct gw_json ranges;
    if (options->allowed_ip_count == 0)
        return true;
    if (!gw_json_member(answer, GW_STR("allowedIps"), &ranges) || gw_json_count(ranges) == 0)
        return false; // it works from everywhere
    for (int i = 0; i < gw_json_count(ranges); i++) {
        struct gw_str text;
        if (gw_json_string(gw_json_element(ranges, i), arena, &text) != GW_OK ||
            !is_asked_range(options, text))
            return false;
    }
    return true;
}

// A token that a bound one makes is bound, too, without being asked.
static bool is_binding_heeded(const struct cli_options *options, struct gw_json answer,
                              struct gw_arena *arena) {
    return !cli_options_has(options, CLI_FLAG_BIND_SAN) ||
           gw_str_equal(cli_answer_text(answer, "boundSan", arena),
                        gw_str_from(options->values[CLI_FLAG_BIND_SAN]));
}

static const char *find_unheeded_of_creation(const struct cli_options *options,
                                             struct gw_json answer, struct gw_arena *arena) {
    if (!are_scopes_heeded(options->scopes, answer, arena))
        return "--scopes";
    if (!are_addresses_heeded(options, answer, arena))
        return "--allow-ip";
    if (!is_binding_heeded(options, answer, arena))
        return "--bind-san";
    if (cli_options_has(options, CLI_FLAG_BIND_CHILDREN) &&
        !cli_answer_is_true(answer, "bindChildren"))
        return "--bind-children";
    if (cli_options_has(options, CLI_FLAG_SELF_ROTATE) != cli_answer_is_true(answer, "selfRotate"))
        return "--self-rotate";
    return NULL;
}

const char *cli_asked_find_unheeded(const struct cli_options *options, struct gw_json answer,
                                    struct gw_arena *arena) {
    if (!is_end_heeded(&options->expiry, answer, arena))
        return "--expires";
    return options->command == CLI_COMMAND_TOKEN_CREATE
               ? find_unheeded_of_creation(options, answer, arena)
               : NULL;
}

static enum cli_exit revoke(struct cli_session *session, const char *id, struct cli_reason *why) {
    struct cli_api_request request = {.method = "DELETE"};
    struct gw_json root;
    enum cli_exit exit = cli_org_path_make(session, "tokens", id, &request.path, why);
    return exit == CLI_DONE ? cli_session_call(session, &request, NULL, &root, why) : exit;
}

enum cli_exit cli_asked_take_back(struct cli_session *session, struct gw_str id,
                                  const char *unheeded, struct cli_reason *why) {
    struct cli_reason fault = {.text = ""};
    const char *kept = gw_arena_copy(&session->memory, gw_str_slice(id, 0, 64));
    if (kept != NULL && revoke(session, kept, &fault) == CLI_DONE)
        return cli_fail(why, CLI_FAILED,
                        "the gateway is older than %s and made a token that is not what was asked "
                        "for: it has been revoked, and its secret is not shown",
                        unheeded);
    return cli_fail(why, CLI_FAILED,
                    "the gateway is older than %s and made a token that is not what was asked for, "
                    "and it could not be revoked (%s), do that: skillreg token revoke %s",
                    unheeded, fault.text, kept != NULL ? kept : "<id>");
}
