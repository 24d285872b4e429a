// SPDX-License-Identifier: MIT
#include "gateway/api/requests.h"

#include "base/clock.h"
#include "base/json.h"
#include "db/token.h"
#include "token/limits.h"
#include "token/name.h"

static bool refuse(struct gw_refusal *refusal, enum gw_error error, const char *message) {
    *refusal = (struct gw_refusal){error, message};
    return false;
}

static bool refuse_field(struct gw_refusal *refusal, const char *message) {
    return refuse(refusal, GW_ERROR_VALIDATION_FAILED, message);
}

static bool refuse_memory(struct gw_refusal *refusal) {
    *refusal = gw_refusal_no_memory;
    return false;
}

static bool parse_name(struct gw_arena *arena, struct gw_json body, struct gw_str *name,
                       struct gw_refusal *refusal) {
    struct gw_json value;
    if (!gw_json_member(body, GW_STR("name"), &value))
        return refuse_field(refusal, "name is required.");
    if (gw_json_type(value) != GW_JSON_STRING)
        return refuse_field(refusal, "name must be a string.");
    if (gw_json_string(value, arena, name) != GW_OK || !gw_token_name_valid(*name))
        return refuse_field(
            refusal, "name must be 1 to 100 characters, not all blank, none a control character.");
    return true;
}

static bool parse_scope(struct gw_arena *arena, struct gw_json value, gw_scope_set *scopes,
                        struct gw_refusal *refusal) {
    struct gw_str text;
    enum gw_scope scope;
    if (gw_json_string(value, arena, &text) != GW_OK || gw_scope_parse(text, &scope) != GW_OK)
        return refuse_field(refusal, "scopes must be of read, write and admin.");
    *scopes |= (gw_scope_set)scope;
    return true;
}

static bool parse_scopes(struct gw_arena *arena, struct gw_json body, gw_scope_set *scopes,
                         struct gw_refusal *refusal) {
    struct gw_json value;
    *scopes = GW_SCOPE_READ | GW_SCOPE_WRITE;
    if (!gw_json_member(body, GW_STR("scopes"), &value))
        return true;
    if (gw_json_type(value) != GW_JSON_ARRAY || gw_json_count(value) == 0)
        return refuse_field(refusal,
                            "scopes must be a list of at least one of read, write, admin.");
    *scopes = 0;
    for (int i = 0; i < gw_json_count(value); i++) {
        if (!parse_scope(arena, gw_json_element(value, i), scopes, refusal))
            return false;
    }
    return true;
}

static bool parse_expiry(struct gw_arena *arena, struct gw_json body, int64_t now_ms,
                         int64_t *expires_ms, struct gw_refusal *refusal) {
    struct gw_json value;
    struct gw_str text;
    *expires_ms = DB_NO_TIME;
    if (!gw_json_member(body, GW_STR("expiresAt"), &value) || gw_json_type(value) == GW_JSON_NULL)
        return true;
    if (gw_json_string(value, arena, &text) != GW_OK ||
        gw_clock_parse_iso(text, expires_ms) != GW_OK)
        return refuse_field(refusal, "expiresAt must be a time such as 2026-12-31T00:00:00Z.");
    if (*expires_ms <= now_ms)
        return refuse_field(refusal, "expiresAt must be in the future.");
    return true;
}

static bool refuse_range(struct gw_arena *arena, int index, struct gw_refusal *refusal) {
    struct gw_str message = gw_arena_printf(arena,
                                            "allowedIps[%d] must be an address, or a range that "
                                            "begins at its first one, such as 10.0.0.0/8.",
                                            index);
    return refuse_field(refusal, message.at != NULL ? message.at : "allowedIps is wrong.");
}

static bool parse_allowed_ips(struct gw_arena *arena, struct gw_json body,
                              struct gw_token_request *request, struct gw_refusal *refusal) {
    struct gw_json value;
    struct gw_str text;
    request->allowed_ips = NULL;
    request->allowed_ip_count = 0;
    if (!gw_json_member(body, GW_STR("allowedIps"), &value) || gw_json_type(value) == GW_JSON_NULL)
        return true;
    int count = gw_json_count(value);
    if (gw_json_type(value) != GW_JSON_ARRAY || count > GW_ALLOWED_IPS_MAX)
        return refuse_field(refusal,
                            "allowedIps must be a list of at most 32 addresses or ranges.");
    struct gw_ip_range *ranges = gw_arena_allocate(arena, (size_t)count * sizeof(*ranges) + 1);
    if (ranges == NULL)
        return refuse_memory(refusal);
    for (int i = 0; i < count; i++) {
        if (gw_json_string(gw_json_element(value, i), arena, &text) != GW_OK ||
            gw_ip_range_parse(text, &ranges[i]) != GW_OK)
            return refuse_range(arena, i, refusal);
    }
    request->allowed_ips = ranges;
    request->allowed_ip_count = (uint8_t)count;
    return true;
}

static bool parse_binding(struct gw_json body, bool *binds_children, struct gw_refusal *refusal) {
    struct gw_json value;
    *binds_children = false;
    return !gw_json_member(body, GW_STR("bindChildren"), &value) ||
           gw_json_type(value) == GW_JSON_NULL || gw_json_boolean(value, binds_children) == GW_OK ||
           refuse_field(refusal, "bindChildren must be true or false.");
}

// A member twice is refused: readers differ in which one they take.
static bool refuse_json(struct gw_arena *arena, size_t offset, struct gw_refusal *refusal) {
    struct gw_str message = gw_arena_printf(
        arena, "The body is not valid JSON, or names a member twice, at byte %zu.", offset + 1);
    return refuse(refusal, GW_ERROR_INVALID_JSON,
                  message.at != NULL ? message.at : "The body is not valid JSON.");
}

static bool parse_object(struct gw_arena *arena, struct gw_str body, struct gw_json *root,
                         struct gw_refusal *refusal) {
    size_t offset;
    enum gw_status status = gw_json_parse(arena, body, GW_JSON_TOKENS_MAX, root, &offset);
    if (status == GW_NO_MEMORY)
        return refuse_memory(refusal);
    if (status == GW_TOO_BIG)
        return refuse(refusal, GW_ERROR_INVALID_JSON,
                      "The body is too deep or has too many values.");
    if (status != GW_OK)
        return refuse_json(arena, offset, refusal);
    if (gw_json_type(*root) != GW_JSON_OBJECT)
        return refuse_field(refusal, "The body must be an object.");
    return true;
}

bool gw_token_request_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                            struct gw_token_request *request, struct gw_refusal *refusal) {
    struct gw_json root;
    return parse_object(arena, body, &root, refusal) &&
           parse_name(arena, root, &request->name, refusal) &&
           parse_scopes(arena, root, &request->scopes, refusal) &&
           parse_expiry(arena, root, now_ms, &request->expires_ms, refusal) &&
           parse_allowed_ips(arena, root, request, refusal) &&
           parse_binding(root, &request->binds_children, refusal);
}

static bool parse_overlap(struct gw_json body, int64_t *overlap_s, struct gw_refusal *refusal) {
    struct gw_json value;
    *overlap_s = GW_ROTATE_OVERLAP_S_DEFAULT;
    if (!gw_json_member(body, GW_STR("overlapSeconds"), &value) ||
        gw_json_type(value) == GW_JSON_NULL)
        return true;
    if (gw_json_integer(value, overlap_s) != GW_OK || *overlap_s < 0 ||
        *overlap_s > GW_ROTATE_OVERLAP_S_MAX)
        return refuse_field(refusal, "overlapSeconds must be a whole number from 0 to 2592000.");
    return true;
}

bool gw_rotate_request_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                             struct gw_rotate_request *request, struct gw_refusal *refusal) {
    struct gw_json root;
    if (body.length == 0)
        body = GW_STR("{}");
    return parse_object(arena, body, &root, refusal) &&
           parse_overlap(root, &request->overlap_s, refusal) &&
           parse_expiry(arena, root, now_ms, &request->expires_ms, refusal);
}

static bool is_visible_ascii(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    }
    return true;
}

bool gw_idempotency_key_read(const struct gw_http_head *request, struct gw_str *key,
                             struct gw_refusal *refusal) {
    *key = gw_str(NULL, 0);
    for (int i = 0; i < request->field_count; i++) {
        const struct gw_http_field *field = &request->fields[i];
        if (!gw_str_equal_nocase(field->name, GW_STR("idempotency-key")))
            continue;
        bool is_right = key->at == NULL && field->value.length > 0 &&
                        field->value.length <= GW_IDEMPOTENCY_KEY_LENGTH_MAX &&
                        is_visible_ascii(field->value);
        if (!is_right)
            return refuse(refusal, GW_ERROR_BAD_REQUEST,
                          "Idempotency-Key must be 1 to 64 visible ASCII characters, once.");
        *key = field->value;
    }
    return true;
}

static bool parse_number(struct gw_str text, uint32_t max, uint32_t *number) {
    uint64_t value;
    if (gw_str_to_u64(text, &value) != GW_OK || value < 1 || value > max)
        return false;
    *number = (uint32_t)value;
    return true;
}

// Takes the next parameter of a query, raw.
static bool next_parameter(struct gw_str *query, struct gw_str *name, struct gw_str *value) {
    struct gw_str part;
    if (!gw_str_next(query, '&', &part))
        return false;
    size_t equals = gw_str_find(part, '=');
    *name = gw_str_slice(part, 0, equals);
    *value = gw_str_slice(part, equals + 1, part.length);
    return true;
}

static bool parse_limit(struct gw_str value, uint32_t *limit, struct gw_refusal *refusal) {
    return parse_number(value, GW_LIST_LIMIT_MAX, limit) ||
           refuse_field(refusal, "limit must be a number from 1 to 200.");
}

bool gw_page_request_parse(struct gw_str query, struct gw_page_request *request,
                           struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    *request = (struct gw_page_request){.page = 1, .limit = GW_LIST_LIMIT_DEFAULT};
    while (next_parameter(&query, &name, &value)) {
        if (gw_str_equal(name, GW_STR("page")) && !parse_number(value, 1000000, &request->page))
            return refuse_field(refusal, "page must be a number from 1 to 1000000.");
        if (gw_str_equal(name, GW_STR("limit")) && !parse_limit(value, &request->limit, refusal))
            return false;
    }
    return true;
}

static bool parse_before(struct gw_str value, int64_t *before, struct gw_refusal *refusal) {
    uint64_t id;
    if (gw_str_to_u64(value, &id) != GW_OK || id < 1 || id > INT64_MAX)
        return refuse_field(refusal, "before must be the id of an event.");
    *before = (int64_t)id;
    return true;
}

bool gw_audit_request_parse(struct gw_str query, struct gw_audit_request *request,
                            struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    *request = (struct gw_audit_request){.before = INT64_MAX, .limit = GW_LIST_LIMIT_DEFAULT};
    while (next_parameter(&query, &name, &value)) {
        if (gw_str_equal(name, GW_STR("before")) && !parse_before(value, &request->before, refusal))
            return false;
        if (gw_str_equal(name, GW_STR("limit")) && !parse_limit(value, &request->limit, refusal))
            return false;
    }
    return true;
}

static bool parse_wait(struct gw_str value, uint64_t *wait_ms, struct gw_refusal *refusal) {
    uint64_t seconds;
    if (gw_str_equal(value, GW_STR("0s"))) // which gw_clock_parse_duration refuses
        *wait_ms = 0;
    else if (gw_str_to_u64(value, &seconds) == GW_OK && seconds <= GW_REVOKE_WAIT_MS_MAX / 1000)
        *wait_ms = seconds * 1000;
    else if (gw_clock_parse_duration(value, wait_ms) != GW_OK || *wait_ms > GW_REVOKE_WAIT_MS_MAX)
        return refuse_field(refusal, "wait must be a time of up to 30 seconds, such as 5s.");
    return true;
}

static bool parse_successors(struct gw_str value, bool *with_successors,
                             struct gw_refusal *refusal) {
    *with_successors = gw_str_equal(value, GW_STR("true"));
    return *with_successors || gw_str_equal(value, GW_STR("false")) ||
           refuse_field(refusal, "successors must be true or false.");
}

bool gw_revoke_request_parse(struct gw_str query, struct gw_revoke_request *request,
                             struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    *request = (struct gw_revoke_request){.wait_ms = 0};
    while (next_parameter(&query, &name, &value)) {
        if (gw_str_equal(name, GW_STR("wait")) && !parse_wait(value, &request->wait_ms, refusal))
            return false;
        if (gw_str_equal(name, GW_STR("successors")) &&
            !parse_successors(value, &request->with_successors, refusal))
            return false;
    }
    return true;
}
