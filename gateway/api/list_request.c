// SPDX-License-Identifier: MIT
#include "gateway/api/list_request.h"

#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "gateway/api/form.h"
#include "gateway/api/list_cursor.h"
#include "gateway/api/query.h"
#include "token/limits.h"
#include "token/syntax.h"

#define PAGE_MAX 1000000
#define DURATION_MS_MAX (100ULL * 365 * 24 * 60 * 60 * 1000)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct reading {
    struct gw_arena *arena;
    struct gw_list_request *request;
    struct gw_str after; // read when the order is known; .at NULL: not given
    bool has_page;
};

// ---- one reader for each parameter; false: it is wrong ----

static bool read_after(struct gw_str value, struct reading *reading) {
    reading->after = value;
    reading->request->by_cursor = true;
    return true;
}

static bool read_page(struct gw_str value, struct reading *reading) {
    reading->has_page = true;
    return gw_query_number(value, PAGE_MAX, &reading->request->page);
}

static bool read_limit(struct gw_str value, struct reading *reading) {
    return gw_query_number(value, GW_LIST_AFTER_LIMIT_MAX, &reading->request->limit);
}

static bool read_all(struct gw_str value, struct reading *reading) {
    reading->request->filter.all = gw_str_equal(value, GW_STR("true"));
    return reading->request->filter.all || gw_str_equal(value, GW_STR("false"));
}

static bool read_minted(struct gw_str value, struct reading *reading) {
    reading->request->filter.minted = gw_str_equal(value, GW_STR("true"));
    return reading->request->filter.minted || gw_str_equal(value, GW_STR("false"));
}

static bool read_duration(struct gw_str value, uint64_t *ms) {
    return gw_clock_parse_duration(value, ms) == GW_OK && *ms > 0 && *ms <= DURATION_MS_MAX;
}

static bool read_unused(struct gw_str value, struct reading *reading) {
    return read_duration(value, &reading->request->filter.unused_ms);
}

static bool read_expiring(struct gw_str value, struct reading *reading) {
    return read_duration(value, &reading->request->filter.expiring_ms);
}

static bool read_name(struct gw_str value, struct reading *reading) {
    struct gw_str token;
    struct gw_str *name = &reading->request->filter.name;
    char *copy = gw_arena_copy(reading->arena, value);
    return copy != NULL && gw_form_unescape(copy, value.length, name) == GW_OK &&
           name->length > 0 && gw_utf8_valid(*name) &&
           !gw_token_syntax_find(*name, GW_TOKEN_PART_MIN, &token);
}

static bool read_prefix(struct gw_str value, struct reading *reading) {
    reading->request->filter.prefix = value;
    return value.length > 0 && value.length <= GW_TOKEN_PREFIX_LENGTH;
}

static bool read_scope(struct gw_str value, struct reading *reading) {
    enum gw_scope scope;
    if (gw_scope_parse(value, &scope) != GW_OK)
        return false;
    reading->request->filter.scopes = (gw_scope_set)scope;
    return true;
}

static bool read_sort(struct gw_str value, struct reading *reading) {
    static const char *const names[] = {
        [DB_TOKENS_NEWEST_FIRST] = "-created", [DB_TOKENS_BY_CREATED] = "created",
        [DB_TOKENS_BY_NAME] = "name",          [DB_TOKENS_BY_NAME_DOWN] = "-name",
        [DB_TOKENS_BY_LAST_USED] = "lastUsed", [DB_TOKENS_BY_LAST_USED_DOWN] = "-lastUsed",
        [DB_TOKENS_BY_EXPIRES] = "expires",    [DB_TOKENS_BY_EXPIRES_DOWN] = "-expires",
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!gw_str_equal(value, gw_str_from(names[i])))
            continue;
        reading->request->order = (enum db_token_order)i;
        return true;
    }
    return false;
}

static const struct parameter {
    struct gw_str name;
    bool (*read)(struct gw_str value, struct reading *reading);
    const char *wrong;
} parameters[] = {
    {GW_STR_INIT("after"), read_after, "after must be what a page gave as next, or empty."},
    {GW_STR_INIT("page"), read_page, "page must be a number from 1 to 1000000."},
    {GW_STR_INIT("limit"), read_limit, "limit must be a number from 1 to 200, with after to 1000."},
    {GW_STR_INIT("all"), read_all, "all must be true or false."},
    {GW_STR_INIT("minted"), read_minted, "minted must be true or false."},
    {GW_STR_INIT("unused"), read_unused,
     "unused must be a length of time of at most 100 years, such as 90d."},
    {GW_STR_INIT("expiring"), read_expiring,
     "expiring must be a length of time of at most 100 years, such as 14d."},
    {GW_STR_INIT("name"), read_name,
     "name must be a part of a name, not empty, escaped as in a form, no part of a token."},
    {GW_STR_INIT("prefix"), read_prefix,
     "prefix must be 1 to 12 characters, and never the whole token."},
    {GW_STR_INIT("scope"), read_scope, "scope must be read, write or admin."},
    {GW_STR_INIT("sort"), read_sort,
     "sort must be created, name, lastUsed or expires, or one of them behind a -."},
};

static bool read_parameters(struct gw_str query, struct reading *reading,
                            struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    while (gw_query_next(&query, &name, &value)) {
        for (size_t i = 0; i < COUNT(parameters); i++) {
            if (!gw_str_equal(name, parameters[i].name))
                continue;
            if (!parameters[i].read(value, reading))
                return gw_refuse_value(refusal, parameters[i].wrong);
        }
    }
    return true;
}

// What one parameter means for another.
static bool check_together(struct reading *reading, struct gw_refusal *refusal) {
    struct gw_list_request *request = reading->request;
    if (!request->by_cursor && request->limit > GW_LIST_LIMIT_MAX)
        return gw_refuse_value(refusal,
                               "limit must be a number from 1 to 200, with after to 1000.");
    if (request->by_cursor && reading->has_page)
        return gw_refuse_value(refusal, "after and page are two ways of paging: give one of them.");
    if (reading->after.length == 0)
        return true;
    enum gw_status status =
        gw_list_cursor_read(reading->arena, reading->after, request->order, &request->after);
    if (status == GW_INVALID)
        return gw_refuse_value(refusal,
                               "after is not what a page of this list gave as next: begin anew, "
                               "with an empty after.");
    if (status != GW_OK)
        *refusal = gw_refusal_no_memory;
    return status == GW_OK;
}

bool gw_list_request_parse(struct gw_arena *arena, struct gw_str query,
                           struct gw_list_request *request, struct gw_refusal *refusal) {
    *request = (struct gw_list_request){.page = 1, .limit = GW_LIST_LIMIT_DEFAULT};
    struct reading reading = {.arena = arena, .request = request};
    return read_parameters(query, &reading, refusal) && check_together(&reading, refusal);
}
