// SPDX-License-Identifier: MIT
#include "gateway/operator/token_revoke.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "db/token_admin.h"
#include "gateway/operator/text.h"
#include "gateway/settings/complaint.h"

#define OUTPUT_BYTES_MAX 65536
#define WAIT_MS 10000
#define ASK_INTERVAL_MS 50

static enum gw_operator_exit fail_unknown(const struct gw_operator_options *options) {
    gw_complain(
        "there is no token with the id %.*s%s%.*s, or it was revoked before (skillreg-gateway "
        "token show %.*s)",
        GW_STR_ARG(options->id), options->slug.at != NULL ? " in " : "", GW_STR_ARG(options->slug),
        GW_STR_ARG(options->id));
    return GW_OPERATOR_REFUSED;
}

// ---- showing ----

static void write_members(struct gw_json_writer *json, const struct db_token_admin_revoked *token) {
    gw_json_put_string(json, "id", token->id);
    gw_json_put_string(json, "name", token->name);
    gw_json_put_time(json, "revokedAt", token->revoked_ms);
}

static enum gw_status append_json(struct gw_buf *out, const struct db_session *session, int count) {
    struct gw_json_writer json;
    struct db_token_admin_revoked token = db_token_admin_revoked_at(session, 0);
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    write_members(&json, &token);
    gw_json_key(&json, "successors");
    gw_json_open_array(&json);
    for (int i = 1; i < count; i++) {
        token = db_token_admin_revoked_at(session, i);
        gw_json_open_object(&json);
        write_members(&json, &token);
        gw_json_close_object(&json);
    }
    gw_json_close_array(&json);
    return gw_operator_end_json(&json, out);
}

static enum gw_status append_text(struct gw_buf *out, const struct db_session *session) {
    enum gw_status status = gw_buf_append_str(out, GW_STR("\xE2\x9C\x93 Token \""));
    if (status == GW_OK)
        status = gw_operator_append_name(out, db_token_admin_revoked_at(session, 0).name);
    return status == GW_OK ? gw_buf_append_str(out, GW_STR("\" has been revoked.\n")) : status;
}

// A rotated token has a successor, which works on when the old token alone is revoked.
static void note_successors(const struct db_session *session, int count) {
    for (int i = 1; i < count; i++) {
        struct db_token_admin_revoked token = db_token_admin_revoked_at(session, i);
        if (token.revoked_ms != DB_NO_TIME)
            gw_complain("its successor %.*s has been revoked with it", GW_STR_ARG(token.id));
        else
            gw_complain("its successor %.*s is still live, revoke it: skillreg-gateway token "
                        "revoke %.*s",
                        GW_STR_ARG(token.id), GW_STR_ARG(token.id));
    }
}

static enum gw_operator_exit show(const struct gw_operator_options *options,
                                  const struct db_session *session, int count) {
    struct gw_buf out;
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    enum gw_status status =
        options->wants_json ? append_json(&out, session, count) : append_text(&out, session);
    bool is_shown = status == GW_OK && gw_operator_write_beyond(&out, 0);
    gw_buf_deinit(&out);
    if (!is_shown)
        return gw_operator_fail("the token is revoked, but standard output cannot be written");
    if (!options->wants_json)
        note_successors(session, count);
    return GW_OPERATOR_DONE;
}

// ---- waiting ----

static bool is_confirmed(const struct db_events_reach *reach) {
    return reach->pending + reach->silent == 0;
}

static enum gw_operator_exit fail_unconfirmed(const struct db_events_reach *reach) {
    char until[GW_OPERATOR_TIME_LENGTH + 1];
    gw_complain("the token is revoked, but not confirmed everywhere: %d %s not heard of it yet, "
                "%d fell silent; there it may still be let in, until %s UTC at the latest",
                reach->pending, reach->pending == 1 ? "has" : "have", reach->silent,
                gw_operator_time_text(reach->until_ms, "-", until));
    return GW_OPERATOR_IN_PART;
}

static enum gw_operator_exit wait_for_gateways(struct db_session *session, uint64_t event_seq) {
    const struct timespec pause = {.tv_nsec = ASK_INTERVAL_MS * 1000000L};
    uint64_t deadline_ms = gw_clock_monotonic_ms() + WAIT_MS;
    struct db_events_reach reach;
    for (;;) {
        enum gw_status status = db_token_admin_reach(session, event_seq, &reach);
        if (status != GW_OK) {
            gw_complain("the token is revoked, but it is not known whether every gateway has "
                        "heard of it");
            return GW_OPERATOR_IN_PART;
        }
        if (is_confirmed(&reach))
            return GW_OPERATOR_DONE;
        if (gw_clock_monotonic_ms() >= deadline_ms)
            return fail_unconfirmed(&reach);
        (void)nanosleep(&pause, NULL);
    }
}

// The newest of what was written: who has heard of that has heard of all.
static uint64_t newest_event(const struct db_session *session, int count) {
    uint64_t newest = 0;
    for (int i = 0; i < count; i++) {
        uint64_t seq = db_token_admin_revoked_at(session, i).event_seq;
        newest = seq > newest ? seq : newest;
    }
    return newest;
}

// ---- revoke ----

static enum gw_operator_exit revoke_one(const struct gw_operator_options *options,
                                        struct db_session *session) {
    const struct db_token_admin_revoke call = {
        .id = options->id, .org_slug = options->slug, .with_successors = options->with_successors};
    int count = 0;
    enum gw_status status = db_token_admin_revoke(session, &call, &count);
    if (status == GW_NOT_FOUND)
        return fail_unknown(options);
    if (status != GW_OK)
        return gw_operator_fail_session(session, status);
    uint64_t event_seq = newest_event(session, count);
    enum gw_operator_exit code = show(options, session, count);
    if (code != GW_OPERATOR_DONE || !options->waits)
        return code;
    return wait_for_gateways(session, event_seq);
}

enum gw_operator_exit gw_operator_token_revoke(const struct gw_operator_options *options) {
    return gw_operator_with_session(options, revoke_one);
}
