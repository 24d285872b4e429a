// SPDX-License-Identifier: MIT
#include "cli/api_error.h"

#include <string.h>

#include "cli/answer.h"

#define JSON_TOKENS_MAX 256
#define ARENA_BYTES_MAX (64 * 1024)
#define DETAIL_BYTES_MAX 512
#define MESSAGE_BYTES_MAX 300
#define ADVICE_BYTES_MAX 64

// The gateway's own words, in brackets after ours: " (<message>; request <id>)", or as
// much as there is.
struct detail {
    char text[DETAIL_BYTES_MAX];
    char code[CLI_REASON_CODE_BYTES_MAX];
};

static struct gw_str member_text(struct gw_json object, const char *key, struct gw_arena *arena) {
    struct gw_str text = cli_answer_text(object, key, arena);
    return text.at != NULL ? text : GW_STR("");
}

// A full stop in the middle of our sentence reads badly.
static struct gw_str without_full_stop(struct gw_str text) {
    if (text.length > 0 && text.at[text.length - 1] == '.')
        text.length--;
    return gw_str_slice(text, 0, MESSAGE_BYTES_MAX);
}

static void read_detail(const struct cli_api_response *response, struct detail *detail) {
    gw_assert(response->status < 200 || response->status >= 300);
    struct gw_arena arena;
    struct gw_json root;
    struct gw_json error;
    struct gw_str message = GW_STR("");
    gw_arena_init(&arena, ARENA_BYTES_MAX);
    *detail = (struct detail){.text = "", .code = ""};
    if (gw_json_parse(&arena, response->body, JSON_TOKENS_MAX, &root, NULL) == GW_OK &&
        gw_json_member(root, GW_STR("error"), &error)) {
        message = without_full_stop(member_text(error, "message", &arena));
        struct gw_str code = member_text(error, "code", &arena);
        (void)snprintf(detail->code, sizeof(detail->code), "%.*s", GW_STR_ARG(code));
    }
    bool with_id = response->request_id[0] != '\0';
    if (message.length > 0 || with_id)
        (void)snprintf(detail->text, sizeof(detail->text), " (%.*s%s%s%s)", GW_STR_ARG(message),
                       message.length > 0 && with_id ? "; " : "", with_id ? "request " : "",
                       response->request_id);
    gw_arena_deinit(&arena);
}

static void format_retry(const struct cli_api_response *response, char out[ADVICE_BYTES_MAX]) {
    if (response->retry_after_s > 0)
        (void)snprintf(out, ADVICE_BYTES_MAX, "try again in %ld second%s", response->retry_after_s,
                       response->retry_after_s == 1 ? "" : "s");
    else
        (void)snprintf(out, ADVICE_BYTES_MAX, "try again later");
}

static enum cli_exit explain_unauthorised(const struct cli_api_context *context,
                                          const struct detail *detail, struct cli_reason *why) {
    switch (context->settings->token_source) {
    case CLI_TOKEN_OF_ENVIRONMENT:
        return cli_fail(why, CLI_UNAUTHENTICATED,
                        "the token in SKILLREG_TOKEN was refused%s, set another one, or unset it "
                        "and run: skillreg login --token",
                        detail->text);
    case CLI_TOKEN_OF_LOGIN:
        return cli_fail(why, CLI_UNAUTHENTICATED, "the token was refused%s, nothing was stored",
                        detail->text);
    default:
        return cli_fail(why, CLI_UNAUTHENTICATED,
                        "the token was refused%s, run: skillreg login --token", detail->text);
    }
}

// Where the organisation of the request came from: a variable that was set long ago is not thought
// of.
static enum cli_exit explain_org_mismatch(const struct cli_settings *settings,
                                          const struct detail *detail, struct cli_reason *why) {
    char place[CLI_SETTING_PLACE_BYTES_MAX];
    if (settings->org_place == CLI_SETTING_NOWHERE)
        return cli_fail(why, CLI_FORBIDDEN,
                        "the token may not do this%s, use a token of that organisation",
                        detail->text);
    return cli_fail(
        why, CLI_FORBIDDEN,
        "the token may not do this%s, \"%s\" comes from %s: change that, or use a token of that "
        "organisation",
        detail->text, settings->org,
        cli_setting_place_name(&cli_setting_org, settings->org_place, settings->file, place));
}

// What helps with a code of 403; empty for others.
static const char *find_advice(const char *code) {
    static const struct {
        const char *code;
        const char *advice;
    } rows[] = {
        {"insufficient_scope", ", use a token with that scope"},
        {"address_not_allowed", ", use it from an address that it allows"},
        {"self_rotation_not_allowed", ", ask an admin to rotate it"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(code, rows[i].code) == 0)
            return rows[i].advice;
    }
    return "";
}

static enum cli_exit explain_forbidden(const struct cli_settings *settings,
                                       const struct detail *detail, struct cli_reason *why) {
    if (strcmp(detail->code, "org_mismatch") == 0)
        return explain_org_mismatch(settings, detail, why);
    if (strcmp(detail->code, "identity_not_accepted") == 0)
        return cli_fail(why, CLI_FORBIDDEN,
                        "the identity token is not accepted%s, ask an admin of the organisation "
                        "for a rule of trust that covers it",
                        detail->text);
    return cli_fail(why, CLI_FORBIDDEN, "the token may not do this%s%s", detail->text,
                    find_advice(detail->code));
}

// Of a proxy or a load balancer in front of the gateway too: it does not reach it now.
static bool is_for_now(long status) {
    return status == 429 || (status >= 502 && status <= 504);
}

static enum cli_exit explain_other(const struct cli_api_response *response,
                                   const struct cli_api_context *context,
                                   const struct detail *detail, struct cli_reason *why) {
    char retry[ADVICE_BYTES_MAX];
    format_retry(response, retry);
    if (response->status >= 300 && response->status < 400)
        return cli_fail(why, CLI_FAILED,
                        "%s answers with a redirect%s, which is not followed with a token, set "
                        "the address it leads to",
                        context->settings->base_url, detail->text);
    return cli_fail(why, is_for_now(response->status) ? CLI_UNAVAILABLE : CLI_FAILED,
                    "%s answered with status %ld%s, %s", context->settings->base_url,
                    response->status, detail->text,
                    response->status >= 500 ? retry : "check the address of the gateway");
}

static enum cli_exit explain_invalid(const struct cli_api_response *response,
                                     const struct detail *detail, struct cli_reason *why) {
    if (detail->text[0] == '\0') // not in our words: perhaps http:// to a port that speaks TLS
        return cli_fail(why, CLI_FAILED,
                        "the gateway refused the request (HTTP %ld), check its address",
                        response->status);
    return cli_fail(why, CLI_FAILED, "the gateway refused the request%s", detail->text);
}

static enum cli_exit explain(const struct cli_api_response *response,
                             const struct cli_api_context *context, const struct detail *detail,
                             struct cli_reason *why) {
    const char *hint = context->hint;
    char retry[ADVICE_BYTES_MAX];
    format_retry(response, retry);
    switch (response->status) {
    case 401:
        return explain_unauthorised(context, detail, why);
    case 403:
        return explain_forbidden(context->settings, detail, why);
    case 404:
        if (hint == NULL || detail->code[0] == '\0') // a gateway of ours says its code
            hint = "check the address of the gateway";
        return cli_fail(why, CLI_NOT_FOUND, "not found%s, %s", detail->text, hint);
    case 409:
        return cli_fail(why, CLI_CONFLICT, "the gateway refused the request%s%s%s", detail->text,
                        hint != NULL ? ", " : "", hint != NULL ? hint : "");
    case 400:
    case 413:
    case 415:
    case 422:
        return explain_invalid(response, detail, why);
    case 429:
        return cli_fail(why, CLI_UNAVAILABLE, "too many requests%s, %s", detail->text, retry);
    case 503:
        return cli_fail(why, CLI_UNAVAILABLE, "the gateway cannot answer now%s, %s", detail->text,
                        retry);
    default:
        return explain_other(response, context, detail, why);
    }
}

enum cli_exit cli_api_error_check(const struct cli_api_response *response,
                                  const struct cli_api_context *context, struct cli_reason *why) {
    if (response->status >= 200 && response->status < 300)
        return CLI_DONE;
    struct detail detail;
    read_detail(response, &detail);
    enum cli_exit exit = explain(response, context, &detail, why);
    cli_reason_set_answer(why, response->status, gw_str_from(detail.code), response->request_id);
    return exit;
}
