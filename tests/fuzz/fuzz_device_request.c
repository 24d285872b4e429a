// SPDX-License-Identifier: MIT
// What a login by a code is asked with, by anybody (a query, a User-Agent) and by approvers (two
// bodies). What must hold beyond memory safety: what is accepted fits the columns that keep it, is
// readable, never gives admin, and a code that was taken is taken again as the same one.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "db/device_login.h"
#include "gateway/api/device_request.h"
#include "gateway/exchange/exchange.h"
#include "token/name.h"

#define NOW_MS 1767225600000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_refusal(const struct gw_refusal *refusal) {
    int status = gw_error_row(refusal->error)->status;
    gw_assert(status == 400 || status == 422 || status == 503);
    gw_assert(refusal->message[strlen(refusal->message) - 1] == '.');
}

static void check_code(const char *code) {
    char again[GW_USER_CODE_LENGTH + 1];
    gw_assert(strlen(code) == GW_USER_CODE_LENGTH);
    gw_assert(gw_user_code_read(gw_str_from(code), again) && strcmp(code, again) == 0);
}

static void check_approval(struct gw_arena *arena, struct gw_str body) {
    struct gw_device_approval approval;
    struct gw_refusal refusal;
    struct gw_str same;
    const char *wrong;
    if (!gw_device_approval_parse(arena, body, NOW_MS, &approval, &refusal)) {
        check_refusal(&refusal);
        return;
    }
    check_code(approval.user_code);
    gw_assert(approval.scopes >= 1 && approval.scopes <= 3);
    gw_assert(approval.expires_ms == DB_NO_TIME || approval.expires_ms > NOW_MS);
    gw_assert(gw_token_name_normalise(arena, approval.token_name, &same, &wrong) == GW_OK);
    gw_assert(gw_str_equal(approval.token_name, same));
    if (approval.description.at == NULL)
        return;
    gw_assert(gw_token_description_normalise(arena, approval.description, &same, &wrong) == GW_OK);
    gw_assert(gw_str_equal(approval.description, same));
}

static void check_lookup(struct gw_arena *arena, struct gw_str body) {
    char code[GW_USER_CODE_LENGTH + 1];
    struct gw_refusal refusal;
    if (gw_device_lookup_parse(arena, body, code, &refusal))
        check_code(code);
    else
        check_refusal(&refusal);
}

static void check_poll(struct gw_str query) {
    struct gw_str code = gw_str(NULL, 0);
    struct gw_refusal refusal;
    if (gw_device_poll_parse(query, &code, &refusal))
        gw_assert(code.length == 0 || code.length == GW_DEVICE_CODE_LENGTH);
    else
        check_refusal(&refusal);
}

static void check_agent(struct gw_arena *arena, struct gw_str value) {
    struct gw_http_head request = {.field_count = 1};
    request.fields[0] = (struct gw_http_field){.name = GW_STR("User-Agent"), .value = value};
    struct gw_str agent = gw_device_user_agent(arena, &request);
    gw_assert(agent.at == NULL || (agent.length > 0 && agent.length <= DB_USER_AGENT_LENGTH_MAX));
    for (size_t i = 0; i < agent.length; i++)
        gw_assert(agent.at[i] >= ' ' && agent.at[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_str text = gw_str((const char *)bytes, length);
    struct gw_arena arena;
    char code[GW_USER_CODE_LENGTH + 1];
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    check_approval(&arena, text);
    check_lookup(&arena, text);
    check_poll(text);
    check_agent(&arena, text);
    if (gw_user_code_make(bytes, length, code))
        check_code(code);
    if (gw_user_code_read(text, code))
        check_code(code);
    gw_arena_deinit(&arena);
    return 0;
}
