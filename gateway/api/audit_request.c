// SPDX-License-Identifier: MIT
#include "gateway/api/audit_request.h"

#include <string.h>

#include "base/clock.h"
#include "gateway/api/form.h"
#include "gateway/api/query.h"
#include "token/id.h"
#include "token/limits.h"

#define TIME_BYTES_MAX 128 // with each byte escaped
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// ---- one reader for each parameter; false: it is wrong ----

static bool read_position(struct gw_str value, uint64_t min, struct db_audit_filter *filter,
                          enum db_audit_order order) {
    uint64_t id;
    if (gw_str_to_u64(value, &id) != GW_OK || id < min || id > INT64_MAX)
        return false;
    filter->order = order;
    filter->position = (int64_t)id;
    return true;
}

static bool read_before(struct gw_str value, struct gw_audit_request *request) {
    return read_position(value, 1, &request->filter, DB_AUDIT_NEWEST_FIRST);
}

static bool read_after(struct gw_str value, struct gw_audit_request *request) {
    return read_position(value, 0, &request->filter, DB_AUDIT_OLDEST_FIRST);
}

static bool read_limit(struct gw_str value, struct gw_audit_request *request) {
    return gw_query_number(value, GW_LIST_LIMIT_MAX, &request->limit);
}

static bool read_token(struct gw_str value, struct gw_audit_request *request) {
    request->filter.token_id = value;
    return gw_id_valid(value);
}

static bool read_actor(struct gw_str value, struct gw_audit_request *request) {
    request->filter.actor = value;
    return gw_id_valid(value);
}

static bool read_action(struct gw_str value, struct gw_audit_request *request) {
    static const char *const actions[] = {"create", "import",   "rotate", "revoke",  "change",
                                          "expire", "exchange", "trust",  "untrust", "approve"};
    request->filter.action = value;
    for (size_t i = 0; i < COUNT(actions); i++) {
        if (gw_str_equal(value, gw_str_from(actions[i])))
            return true;
    }
    return false;
}

// Clients escape the colons.
static bool read_time(struct gw_str value, int64_t *time_ms) {
    char bytes[TIME_BYTES_MAX];
    struct gw_str text;
    if (value.length > sizeof(bytes))
        return false;
    memcpy(bytes, value.at, value.length);
    return gw_form_unescape(bytes, value.length, &text) == GW_OK &&
           gw_clock_parse_iso(text, time_ms) == GW_OK && *time_ms >= DB_TIME_FIRST_MS;
}

static bool read_since(struct gw_str value, struct gw_audit_request *request) {
    return read_time(value, &request->filter.since_ms);
}

static bool read_until(struct gw_str value, struct gw_audit_request *request) {
    return read_time(value, &request->filter.until_ms);
}

static const struct parameter {
    struct gw_str name;
    bool (*read)(struct gw_str value, struct gw_audit_request *request);
    const char *rule;
} parameters[] = {
    {GW_STR_INIT("before"), read_before, "before must be the id of an event."},
    {GW_STR_INIT("after"), read_after, "after must be the id of an event, or 0 for all of them."},
    {GW_STR_INIT("limit"), read_limit, "limit must be a number from 1 to 200."},
    {GW_STR_INIT("token"), read_token,
     "token must be the id of a token or of a rule: 1 to 32 of a-z and 0-9."},
    {GW_STR_INIT("actor"), read_actor,
     "actor must be the id of a token or of a rule, operator, registry, gitlab or expiry."},
    {GW_STR_INIT("action"), read_action,
     "action must be create, import, rotate, revoke, change, expire, exchange, trust, untrust or "
     "approve."},
    {GW_STR_INIT("since"), read_since, "since must be a time such as 2026-12-31T00:00:00Z."},
    {GW_STR_INIT("until"), read_until, "until must be a time such as 2026-12-31T00:00:00Z."},
};

static const struct parameter *find_parameter(struct gw_str name) {
    for (size_t i = 0; i < COUNT(parameters); i++) {
        if (gw_str_equal(name, parameters[i].name))
            return &parameters[i];
    }
    return NULL;
}

// `given` has a bit for each parameter that came before.
static bool take_parameter(const struct parameter *parameter, struct gw_str value, unsigned *given,
                           struct gw_audit_request *request, struct gw_refusal *refusal) {
    unsigned bit = 1U << (unsigned)(parameter - parameters);
    if (!parameter->read(value, request))
        return gw_refuse_value(refusal, parameter->rule);
    if ((*given & bit) != 0)
        return gw_refuse_value(refusal,
                               "before, after, limit, token, actor, action, since and until are "
                               "given once at the most.");
    *given |= bit;
    return (*given & 3U) != 3U || gw_refuse_value(refusal, "before and after exclude each other.");
}

bool gw_audit_request_parse(struct gw_str query, struct gw_audit_request *request,
                            struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    unsigned given = 0;
    *request =
        (struct gw_audit_request){.filter = db_audit_filter_none, .limit = GW_LIST_LIMIT_DEFAULT};
    while (gw_query_next(&query, &name, &value)) {
        const struct parameter *parameter = find_parameter(name);
        if (parameter != NULL && !take_parameter(parameter, value, &given, request, refusal))
            return false;
    }
    return true;
}
