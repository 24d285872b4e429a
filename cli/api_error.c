// SPDX-License-Identifier: MIT
#include "cli/api_error.h"

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
    const char *advice; // about a 403, with a comma in front; empty: the message says it all
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

static const char *advice_for(struct gw_str code) {
    if (gw_str_equal(code, GW_STR("insufficient_scope")))
        return ", use a token with that scope";
    if (gw_str_equal(code, GW_STR("org_mismatch")))
        return ", use a token of that organisation";
    return "";
}

static void read_detail(const struct cli_api_response *response, struct detail *detail) {
    gw_assert(response->status < 200 || response->status >= 300);
    struct gw_arena arena;
    struct gw_json root;
    struct gw_json error;
    struct gw_str message = GW_STR("");
    gw_arena_init(&arena, ARENA_BYTES_MAX);
    *detail = (struct detail){.text = "", .advice = ""};
    if (gw_json_parse(&arena, response->body, JSON_TOKENS_MAX, &root, NULL) == GW_OK &&
        gw_json_member(root, GW_STR("error"), &error)) {
        message = without_full_stop(member_text(error, "message", &arena));
        detail->advice = advice_for(member_text(error, "code", &arena));
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
    switch (context->token_source) {
    case CLI_TOKEN_OF_ENVIRONMENT:
        return cli_fail(why, CLI_FAILED,
                        "the token in SKILLREG_TOKEN was refused%s, set another one, or unset it "
                        "and run: skillreg login --token",
                        detail->text);
    case CLI_TOKEN_OF_LOGIN:
        return cli_fail(why, CLI_FAILED, "the token was refused%s, nothing was stored",
                        detail->text);
    default:
        return cli_fail(why, CLI_FAILED, "the token was refused%s, run: skillreg login --token",
                        detail->text);
    }
}

enum cli_exit cli_api_error_check(const struct cli_api_response *response,
                                  const struct cli_api_context *context, struct cli_reason *why) {
    if (response->status >= 200 && response->status < 300)
        return CLI_DONE;
    struct detail detail;
    char retry[ADVICE_BYTES_MAX];
    read_detail(response, &detail);
    format_retry(response, retry);
    switch (response->status) {
    case 401:
        return explain_unauthorised(context, &detail, why);
    case 403:
        return cli_fail(why, CLI_FAILED, "the token may not do this%s%s", detail.text,
                        detail.advice);
    case 404:
        return cli_fail(why, CLI_FAILED, "not found%s, %s", detail.text,
                        context->hint != NULL ? context->hint : "check the address of the gateway");
    case 409:
        return cli_fail(why, CLI_FAILED, "the gateway refused the request%s%s%s", detail.text,
                        context->hint != NULL ? ", " : "",
                        context->hint != NULL ? context->hint : "");
    case 400:
    case 413:
    case 415:
    case 422:
        if (detail.text[0] == '\0') // not in our words: perhaps http:// to a port that speaks TLS
            return cli_fail(why, CLI_FAILED,
                            "the gateway refused the request (HTTP %ld), check its address",
                            response->status);
        return cli_fail(why, CLI_FAILED, "the gateway refused the request%s", detail.text);
    case 429:
        return cli_fail(why, CLI_FAILED, "too many requests%s, %s", detail.text, retry);
    case 503:
        return cli_fail(why, CLI_FAILED, "the gateway cannot answer now%s, %s", detail.text, retry);
    default:
        break;
    }
    if (response->status >= 300 && response->status < 400)
        return cli_fail(why, CLI_FAILED,
                        "%s answers with a redirect%s, which is not followed with a token, set "
                        "the address it leads to",
                        context->base_url, detail.text);
    return cli_fail(why, CLI_FAILED, "%s answered with status %ld%s, %s", context->base_url,
                    response->status, detail.text,
                    response->status >= 500 ? retry : "check the address of the gateway");
}
