// SPDX-License-Identifier: MIT
#include "cli/audit_query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/answer.h"
#include "cli/api_url.h"
#include "cli/moment.h"
#include "cli/older.h"
#include "token/id.h"

// A filter whose value goes as it is.
static const struct {
    enum cli_flag flag;
    const char *parameter;
} texts[] = {
    {CLI_FLAG_TOKEN_ID, "token"},
    {CLI_FLAG_ACTOR, "actor"},
    {CLI_FLAG_ACTION, "action"},
};
static const struct {
    enum cli_flag flag;
    const char *parameter;
} times[] = {
    {CLI_FLAG_SINCE, "since"},
    {CLI_FLAG_UNTIL, "until"},
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_id(const char *value) {
    return value == NULL || gw_id_valid(gw_str_from(value));
}

static bool is_event(const char *value) {
    uint64_t id;
    return value == NULL || (gw_str_to_u64(gw_str_from(value), &id) == GW_OK && id <= INT64_MAX);
}

static bool is_moment(const char *value) {
    int64_t moment_ms;
    return value == NULL ||
           cli_moment_parse(gw_str_from(value), gw_clock_wall_ms(), &moment_ms) == GW_OK;
}

bool cli_audit_query_chooses(const struct cli_options *options) {
    bool chooses = false;
    for (size_t i = 0; i < COUNT(texts); i++)
        chooses = chooses || cli_options_has(options, texts[i].flag);
    for (size_t i = 0; i < COUNT(times); i++)
        chooses = chooses || cli_options_has(options, times[i].flag);
    return chooses;
}

enum cli_exit cli_audit_query_check(const struct cli_options *options, struct cli_reason *why) {
    const char *const *values = options->values;
    if (!is_id(values[CLI_FLAG_TOKEN_ID]))
        return cli_fail(why, CLI_USAGE,
                        "--token-id takes the id of a token, as token list shows it");
    if (!is_id(values[CLI_FLAG_ACTOR]))
        return cli_fail(why, CLI_USAGE,
                        "--actor takes the id of a token or a rule, operator, registry, gitlab "
                        "or expiry");
    if (!is_event(values[CLI_FLAG_AFTER]))
        return cli_fail(why, CLI_USAGE, "--after takes the id of an event, or 0");
    if (!is_moment(values[CLI_FLAG_SINCE]) || !is_moment(values[CLI_FLAG_UNTIL]))
        return cli_fail(why, CLI_USAGE,
                        "--since and --until take a time ago (7d), a date (2026-12-31) or a time "
                        "(2026-12-31T12:00:00Z)");
    return CLI_DONE;
}

// ---- the answer ----

// A length of time such as 7d counts from the request, a moment before its answer is looked at.
#define MOMENT_MS 60000

struct period {
    int64_t since_ms;
    int64_t until_ms; // the first moment behind it
};

static bool is_member(struct gw_json object, const char *key, const char *value,
                      struct gw_arena *arena) {
    return gw_str_equal(cli_answer_text(object, key, arena), gw_str_from(value));
}

static bool is_by(struct gw_json event, const char *actor, struct gw_arena *arena) {
    struct gw_json by;
    return actor == NULL ||
           (gw_json_member(event, GW_STR("actor"), &by) &&
            (is_member(by, "kind", actor, arena) || is_member(by, "tokenId", actor, arena) ||
             is_member(by, "ruleId", actor, arena)));
}

static bool is_about(struct gw_json event, const char *token_id, struct gw_arena *arena) {
    return token_id == NULL || is_member(event, "tokenId", token_id, arena) ||
           is_member(event, "successorId", token_id, arena) ||
           is_member(event, "ruleId", token_id, arena);
}

static int64_t read_moment(const char *value, int64_t none) {
    int64_t moment_ms;
    if (value == NULL ||
        cli_moment_parse(gw_str_from(value), gw_clock_wall_ms(), &moment_ms) != GW_OK)
        return none;
    return moment_ms;
}

static struct period read_period(const struct cli_options *options) {
    const char *const *values = options->values;
    return (struct period){
        .since_ms = read_moment(values[CLI_FLAG_SINCE], INT64_MIN + MOMENT_MS) - MOMENT_MS,
        .until_ms = read_moment(values[CLI_FLAG_UNTIL], INT64_MAX),
    };
}

static bool is_asked_for(const struct cli_options *options, const struct period *period,
                         struct gw_json event, struct gw_arena *arena) {
    const char *const *values = options->values;
    int64_t at_ms;
    if (gw_clock_parse_iso(cli_answer_text(event, "at", arena), &at_ms) != GW_OK)
        return true; // that is another fault
    return is_about(event, values[CLI_FLAG_TOKEN_ID], arena) &&
           is_by(event, values[CLI_FLAG_ACTOR], arena) &&
           (values[CLI_FLAG_ACTION] == NULL ||
            is_member(event, "action", values[CLI_FLAG_ACTION], arena)) &&
           at_ms >= period->since_ms && at_ms < period->until_ms;
}

static enum cli_exit fail_older(const struct cli_options *options, struct cli_reason *why) {
    struct cli_older older = {.flags = ""};
    for (size_t i = 0; i < COUNT(texts); i++)
        cli_older_add(&older, options, texts[i].flag);
    for (size_t i = 0; i < COUNT(times); i++)
        cli_older_add(&older, options, times[i].flag);
    return cli_older_fail(&older, "choose events", why);
}

enum cli_exit cli_audit_query_check_answer(const struct cli_options *options, struct gw_json root,
                                           struct gw_arena *arena, struct cli_reason *why) {
    struct gw_json events;
    if (!cli_audit_query_chooses(options) || !gw_json_member(root, GW_STR("events"), &events) ||
        gw_json_type(events) != GW_JSON_ARRAY)
        return CLI_DONE;
    const struct period period = read_period(options);
    for (int i = 0; i < gw_json_count(events); i++) {
        if (!is_asked_for(options, &period, gw_json_element(events, i), arena))
            return fail_older(options, why);
    }
    return CLI_DONE;
}

// ---- the request ----

static enum gw_status append_time(struct gw_buf *out, const char *parameter, const char *value) {
    char iso[GW_CLOCK_ISO_LENGTH];
    int64_t moment_ms;
    enum gw_status status = cli_moment_parse(gw_str_from(value), gw_clock_wall_ms(), &moment_ms);
    gw_assert(status == GW_OK);
    gw_clock_format_iso(moment_ms, iso);
    return gw_buf_printf(out, "&%s=%.*s", parameter, GW_CLOCK_ISO_LENGTH, iso);
}

enum gw_status cli_audit_query_append(struct gw_buf *out, const char *path, int64_t limit,
                                      const struct cli_options *options) {
    enum gw_status status = gw_buf_printf(out, "%s?limit=%" PRId64, path, limit);
    for (size_t i = 0; i < COUNT(texts) && status == GW_OK; i++) {
        const char *value = options->values[texts[i].flag];
        if (value != NULL)
            status = gw_buf_printf(out, "&%s=%s", texts[i].parameter, value);
    }
    for (size_t i = 0; i < COUNT(times) && status == GW_OK; i++) {
        const char *value = options->values[times[i].flag];
        if (value != NULL)
            status = append_time(out, times[i].parameter, value);
    }
    return status;
}

enum gw_status cli_audit_query_append_place(struct gw_buf *out, const char *place,
                                            struct gw_str event) {
    enum gw_status status = gw_buf_printf(out, "&%s=", place);
    return status == GW_OK ? cli_api_url_append_encoded(out, event) : status;
}
