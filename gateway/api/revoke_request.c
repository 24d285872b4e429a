// SPDX-License-Identifier: MIT
#include "gateway/api/revoke_request.h"

#include "base/clock.h"
#include "gateway/api/known_names.h"
#include "gateway/api/query.h"

#define ENDING_PARAMETERS GW_STR("wait, last")
#define BULK_PARAMETERS GW_STR("wait, last, rules")
#define REVOKE_PARAMETERS GW_STR("wait, last, successors, chain, rules")

static bool parse_wait(struct gw_str value, uint64_t *wait_ms, struct gw_refusal *refusal) {
    uint64_t seconds;
    if (gw_str_equal(value, GW_STR("0s"))) // which gw_clock_parse_duration refuses
        *wait_ms = 0;
    else if (gw_str_to_u64(value, &seconds) == GW_OK && seconds <= GW_REVOKE_WAIT_MS_MAX / 1000)
        *wait_ms = seconds * 1000;
    else if (gw_clock_parse_duration(value, wait_ms) != GW_OK || *wait_ms > GW_REVOKE_WAIT_MS_MAX)
        return gw_refuse_value(refusal, "wait must be a time of up to 30 seconds, such as 5s.");
    return true;
}

static bool parse_boolean(struct gw_arena *arena, struct gw_str name, struct gw_str value,
                          bool *is_true, struct gw_refusal *refusal) {
    *is_true = gw_str_equal(value, GW_STR("true"));
    if (*is_true || gw_str_equal(value, GW_STR("false")))
        return true;
    struct gw_str message = gw_arena_printf(arena, "%.*s must be true or false.", GW_STR_ARG(name));
    return gw_refuse_value(refusal, message.at != NULL ? message.at : "It must be true or false.");
}

// A parameter that all have; others are left alone.
static bool parse_ending(struct gw_arena *arena, struct gw_str name, struct gw_str value,
                         struct gw_ending_request *request, struct gw_refusal *refusal) {
    if (gw_str_equal(name, GW_STR("wait")))
        return parse_wait(value, &request->wait_ms, refusal);
    if (gw_str_equal(name, GW_STR("last")))
        return parse_boolean(arena, name, value, &request->may_end_last, refusal);
    return true;
}

bool gw_ending_request_parse(struct gw_arena *arena, struct gw_str query,
                             struct gw_ending_request *request, struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    *request = (struct gw_ending_request){.wait_ms = 0};
    if (!gw_known_parameters_check(arena, query, ENDING_PARAMETERS, refusal))
        return false;
    while (gw_query_next(&query, &name, &value)) {
        if (!parse_ending(arena, name, value, request, refusal))
            return false;
    }
    return true;
}

bool gw_wait_request_parse(struct gw_arena *arena, struct gw_str query, uint64_t *wait_ms,
                           struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    *wait_ms = 0;
    if (!gw_known_parameters_check(arena, query, GW_STR("wait"), refusal))
        return false;
    while (gw_query_next(&query, &name, &value)) {
        if (!parse_wait(value, wait_ms, refusal))
            return false;
    }
    return true;
}

// Those that a request does not take are refused before.
static bool parse_revoke(struct gw_arena *arena, struct gw_str query,
                         struct gw_revoke_request *request, struct gw_refusal *refusal) {
    struct gw_str name;
    struct gw_str value;
    bool successors = false;
    bool chain = false;
    *request = (struct gw_revoke_request){.kin = DB_REVOKE_ALONE};
    while (gw_query_next(&query, &name, &value)) {
        bool *flag = gw_str_equal(name, GW_STR("successors")) ? &successors
                     : gw_str_equal(name, GW_STR("chain"))    ? &chain
                     : gw_str_equal(name, GW_STR("rules"))    ? &request->with_rules
                                                              : NULL;
        if (!(flag != NULL ? parse_boolean(arena, name, value, flag, refusal)
                           : parse_ending(arena, name, value, &request->ending, refusal)))
            return false;
    }
    if (chain)
        request->kin = DB_REVOKE_CHAIN;
    else if (successors)
        request->kin = DB_REVOKE_SUCCESSORS;
    return true;
}

bool gw_revoke_request_parse(struct gw_arena *arena, struct gw_str query,
                             struct gw_revoke_request *request, struct gw_refusal *refusal) {
    return gw_known_parameters_check(arena, query, REVOKE_PARAMETERS, refusal) &&
           parse_revoke(arena, query, request, refusal);
}

bool gw_bulk_revoke_request_parse(struct gw_arena *arena, struct gw_str query,
                                  struct gw_revoke_request *request, struct gw_refusal *refusal) {
    return gw_known_parameters_check(arena, query, BULK_PARAMETERS, refusal) &&
           parse_revoke(arena, query, request, refusal);
}
