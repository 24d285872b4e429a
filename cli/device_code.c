// SPDX-License-Identifier: MIT
#include "cli/device_code.h"

#include <stdio.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/api_url.h"

static enum gw_status copy(struct gw_str text, char *out, size_t out_max) {
    if (text.length == 0 || text.length >= out_max || memchr(text.at, '\0', text.length) != NULL)
        return GW_INVALID;
    memcpy(out, text.at, text.length);
    out[text.length] = '\0';
    return GW_OK;
}

// Of 1 to `most`; what is no such number is `otherwise`.
static int64_t seconds(struct gw_json root, const char *key, int64_t otherwise, int64_t most) {
    struct gw_json member;
    int64_t number;
    if (!gw_json_member(root, gw_str_from(key), &member) ||
        gw_json_integer(member, &number) != GW_OK || number < 1)
        return otherwise;
    return number < most ? number : most;
}

static bool is_printable(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    }
    return text.length > 0;
}

// "//host" would be another host under the same scheme: no path.
static enum gw_status read_url(struct gw_str given, const char *base_url,
                               char out[CLI_DEVICE_URL_BYTES_MAX]) {
    char address[CLI_API_URL_BYTES_MAX];
    if (!is_printable(given))
        return GW_INVALID;
    if (gw_str_starts_with(given, GW_STR("https://")) ||
        gw_str_starts_with(given, GW_STR("http://")))
        return copy(given, out, CLI_DEVICE_URL_BYTES_MAX);
    if (given.at[0] != '/' || gw_str_starts_with(given, GW_STR("//")))
        return GW_INVALID;
    cli_api_url_address(base_url, address);
    int length = snprintf(out, CLI_DEVICE_URL_BYTES_MAX, "%s%.*s", address, GW_STR_ARG(given));
    return length > 0 && length < CLI_DEVICE_URL_BYTES_MAX ? GW_OK : GW_INVALID;
}

enum gw_status cli_device_code_read(struct gw_json root, const char *base_url,
                                    struct gw_arena *arena, struct cli_device_code *code) {
    enum gw_status status =
        copy(cli_answer_text(root, "deviceCode", arena), code->secret, sizeof(code->secret));
    if (status == GW_OK)
        status = copy(cli_answer_text(root, "userCode", arena), code->user_code,
                      sizeof(code->user_code));
    if (status == GW_OK)
        status = read_url(cli_answer_text(root, "verificationUrl", arena), base_url, code->url);
    code->interval_s = seconds(root, "interval", CLI_DEVICE_INTERVAL_S, CLI_DEVICE_INTERVAL_S_MAX);
    code->life_s = seconds(root, "expiresIn", CLI_DEVICE_LIFE_S, CLI_DEVICE_LIFE_S_MAX);
    return status;
}

enum gw_status cli_device_state_read(struct gw_json root, struct gw_arena *arena,
                                     enum cli_device_state *state, struct gw_str *token) {
    struct gw_str status = cli_answer_text(root, "status", arena);
    *token = gw_str(NULL, 0);
    if (gw_str_equal(status, GW_STR("pending"))) {
        *state = CLI_DEVICE_PENDING;
        return GW_OK;
    }
    *state = CLI_DEVICE_COMPLETE;
    if (!gw_str_equal(status, GW_STR("complete")) && !gw_str_equal(status, GW_STR("completed")))
        return GW_INVALID;
    *token = cli_answer_text(root, "token", arena);
    return token->length > 0 ? GW_OK : GW_INVALID;
}
