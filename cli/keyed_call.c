// SPDX-License-Identifier: MIT
#include "cli/keyed_call.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/random.h"

#define KEY_RANDOM_BYTES 16
#define KEY_LENGTH (2 * KEY_RANDOM_BYTES)

static bool make_key(char key[KEY_LENGTH + 1]) {
    unsigned char random[KEY_RANDOM_BYTES];
    if (gw_random_bytes(random, sizeof(random)) != GW_OK)
        return false;
    gw_hex_encode(random, sizeof(random), key);
    key[KEY_LENGTH] = '\0';
    return true;
}

static bool is_answer_lost(const struct cli_session *session, enum cli_exit exit) {
    return exit == CLI_UNREACHABLE && session->client.was_sent;
}

enum cli_exit cli_keyed_call(struct cli_session *session, const struct cli_keyed_call *call,
                             struct gw_json *root, struct cli_reason *why) {
    char key[KEY_LENGTH + 1];
    if (!make_key(key))
        return cli_fail(why, CLI_FAILED, "the system gives no random bytes");
    const struct cli_api_request request = {
        .method = "POST", .path = call->path, .body = call->body, .idempotency_key = key};
    uint64_t deadline_ms = gw_clock_monotonic_ms() + CLI_API_TOTAL_TIMEOUT_MS;
    session->client.deadline_ms = deadline_ms;
    enum cli_exit exit = cli_session_call(session, &request, call->hint, root, why);
    bool is_unknown = exit != CLI_DONE && cli_session_is_outcome_unknown(session, exit, why);
    if (is_answer_lost(session, exit) && gw_clock_monotonic_ms() < deadline_ms &&
        call->knows_key(session))
        exit = cli_session_call(session, &request, call->hint, root, why);
    session->client.deadline_ms = 0;
    if (is_unknown && exit != CLI_DONE)
        cli_note("%s", call->note);
    return exit;
}
