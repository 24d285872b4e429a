// SPDX-License-Identifier: MIT
#include "gateway/api/device_request.h"

#include "base/json.h"
#include "db/device_login.h"
#include "gateway/api/json_body.h"
#include "gateway/api/known_names.h"
#include "gateway/api/query.h"
#include "gateway/api/token_limits.h"
#include "gateway/api/token_text.h"
#include "token/mask.h"
#include "token/name.h"

#define APPROVE_MEMBERS GW_STR("userCode, scopes, expiresAt, expiresIn, name, email")
#define EMAIL_LENGTH_MAX 254 // RFC 5321 section 4.5.3.1.3, without its brackets

// ---- poll ----

static bool is_device_code(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if (!gw_base64url_is_char(text.at[i]))
            return false;
    }
    return text.length == GW_DEVICE_CODE_LENGTH;
}

bool gw_device_poll_parse(struct gw_str query, struct gw_str *code, struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    int count = 0;
    while (gw_query_next(&query, &name, &value)) {
        if (!gw_str_equal(name, GW_STR("device_code")))
            continue;
        *code = value;
        count++;
    }
    if (count != 1)
        return gw_refuse_value(refusal, "device_code is required, once: the code of the login.");
    if (!is_device_code(*code))
        *code = GW_STR("");
    return true;
}

// ---- who asks ----

struct gw_str gw_device_user_agent(struct gw_arena *arena, const struct gw_http_head *request) {
    struct gw_str given = gw_str(NULL, 0);
    for (int i = 0; i < request->field_count && given.at == NULL; i++) {
        if (gw_str_equal_nocase(request->fields[i].name, GW_STR("user-agent")))
            given = gw_str_trim(request->fields[i].value);
    }
    if (given.length == 0)
        return gw_str(NULL, 0);
    char *text = gw_arena_allocate(arena, DB_USER_AGENT_LENGTH_MAX);
    if (text == NULL)
        return gw_str(NULL, 0);
    size_t length = gw_token_mask(given, text, DB_USER_AGENT_LENGTH_MAX);
    for (size_t i = 0; i < length; i++)
        text[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
    return gw_str(text, length);
}

// ---- approval ----

static bool parse_code(struct gw_arena *arena, struct gw_json body,
                       char user_code[GW_USER_CODE_LENGTH + 1], struct gw_refusal *refusal) {
    struct gw_json value;
    struct gw_str typed;
    if (!gw_json_body_find(body, GW_STR("userCode"), &value))
        return gw_refuse_value(refusal, "userCode is required: the code that the program shows.");
    if (gw_json_string(value, arena, &typed) != GW_OK || !gw_user_code_read(typed, user_code))
        return gw_refuse_value(refusal,
                               "userCode must be four letters and four digits, as BCDF-1234.");
    return true;
}

bool gw_device_lookup_parse(struct gw_arena *arena, struct gw_str body,
                            char user_code[GW_USER_CODE_LENGTH + 1], struct gw_refusal *refusal) {
    struct gw_json root;
    return gw_json_body_parse(arena, body, &root, refusal) &&
           gw_known_members_check(arena, root, GW_STR("userCode"), refusal) &&
           parse_code(arena, root, user_code, refusal);
}

static bool parse_scopes(struct gw_arena *arena, struct gw_json body, gw_scope_set *scopes,
                         struct gw_refusal *refusal) {
    if (!gw_token_limits_find_scopes(arena, body, GW_SCOPE_READ, scopes, refusal))
        return false;
    return !(*scopes & GW_SCOPE_ADMIN) ||
           gw_refuse_value(refusal, "scopes can be read and write: admin is not given by a code.");
}

static bool parse_name(struct gw_arena *arena, struct gw_json body, struct gw_str *name,
                       struct gw_refusal *refusal) {
    struct gw_json value;
    *name = gw_str(NULL, 0);
    return !gw_json_body_find(body, GW_STR("name"), &value) ||
           gw_token_text_name(arena, value, name, refusal);
}

// As much as keeps an address from looking like anything else: who it belongs to nobody checks.
static bool is_address(struct gw_str text) {
    size_t at = gw_str_find(text, '@');
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c <= ' ' || c > '~' || c == '<' || c == '>' || (c == '@' && i != at))
            return false;
    }
    return at > 0 && at + 1 < text.length && text.length <= EMAIL_LENGTH_MAX;
}

static bool parse_email(struct gw_arena *arena, struct gw_json body, struct gw_str *email,
                        struct gw_refusal *refusal) {
    struct gw_json value;
    *email = gw_str(NULL, 0);
    if (!gw_json_body_find(body, GW_STR("email"), &value))
        return true;
    const char *unused;
    if (gw_json_string(value, arena, email) != GW_OK || !is_address(*email) ||
        gw_token_description_normalise(arena, *email, email, &unused) != GW_OK) // a secret
        return gw_refuse_value(refusal, "email must be an address such as ada@example.org.");
    return true;
}

static bool describe(struct gw_arena *arena, struct gw_str name, struct gw_str email,
                     struct gw_device_approval *approval, struct gw_refusal *refusal) {
    approval->token_name = name.at != NULL ? name : GW_STR("login by code");
    approval->description = name.at != NULL ? name : email;
    if (name.at == NULL || email.at == NULL)
        return true;
    approval->description =
        gw_arena_printf(arena, "%.*s <%.*s>", GW_STR_ARG(name), GW_STR_ARG(email));
    return approval->description.at != NULL || gw_refuse_no_memory(refusal);
}

bool gw_device_approval_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                              struct gw_device_approval *approval, struct gw_refusal *refusal) {
    struct gw_json root;
    struct gw_str name;
    struct gw_str email;
    return gw_json_body_parse(arena, body, &root, refusal) &&
           gw_known_members_check(arena, root, APPROVE_MEMBERS, refusal) &&
           parse_code(arena, root, approval->user_code, refusal) &&
           parse_scopes(arena, root, &approval->scopes, refusal) &&
           gw_token_limits_expiry(arena, root, now_ms, &approval->expires_ms, refusal) &&
           parse_name(arena, root, &name, refusal) && parse_email(arena, root, &email, refusal) &&
           describe(arena, name, email, approval, refusal);
}
