// SPDX-License-Identifier: MIT
#include "cli/device_login.h"

#include "base/clock.h"
#include "cli/api_url.h"
#include "cli/ask.h"
#include "cli/device_code.h"
#include "cli/output.h"
#include "cli/session.h"

#define PATH_BYTES_MAX 2048
#define POLL_TIMEOUT_MS 10000 // Ctrl-C waits no longer
#define PAUSE_S_MAX 30        // while the gateway does not answer
#define HTTP_GONE 410
#define HTTP_SERVER_ERROR 500

struct login {
    const struct cli_held_signals *signals;
    struct cli_session session;
    struct cli_device_code code;
    struct gw_buf path; // of the poll, with the code in it
    uint64_t deadline_ms;
    bool may_be_lost; // a poll had no answer, which may have held the token
};

enum cli_exit cli_device_login_check(struct cli_reason *why) {
    if (cli_ask_can())
        return CLI_DONE;
    return cli_fail(why, CLI_USAGE,
                    "login shows a code that somebody has to read, and there is no terminal: use "
                    "skillreg login --token, or in a CI job skillreg login --oidc");
}

// ---- the codes ----

static enum cli_exit make_path(struct login *login, struct cli_reason *why) {
    enum gw_status status = gw_buf_append_str(&login->path, GW_STR("/auth/cli/poll?device_code="));
    if (status == GW_OK)
        status = cli_api_url_append_encoded(&login->path, gw_str_from(login->code.secret));
    if (status == GW_OK)
        status = gw_buf_append(&login->path, "", 1);
    return status == GW_OK ? CLI_DONE : cli_fail_status(why, status);
}

static enum cli_exit initiate(struct login *login, struct cli_reason *why) {
    const struct cli_api_request request = {
        .method = "POST", .path = "/auth/cli/initiate", .body = GW_STR("")};
    struct cli_session *session = &login->session;
    struct gw_json root;
    enum cli_exit exit =
        cli_session_call(session, &request,
                         "this gateway has no login by a code: skillreg login --token", &root, why);
    if (exit != CLI_DONE)
        return exit;
    if (cli_device_code_read(root, session->settings->base_url, &session->answer, &login->code) !=
        GW_OK)
        return cli_session_fail_strange(session, why);
    login->deadline_ms = gw_clock_monotonic_ms() + (uint64_t)login->code.life_s * 1000;
    return make_path(login, why);
}

static enum cli_exit show(const struct login *login, struct cli_reason *why) {
    char life[32];
    struct cli_output out;
    cli_output_init_for(&out, stderr);
    (void)snprintf(life, sizeof(life), "%lld", (long long)((login->code.life_s + 59) / 60));
    cli_output_put(&out, "Open ");
    cli_output_put_clean(&out, gw_str_from(login->code.url));
    cli_output_put(&out, "\nand type this code there: ");
    cli_output_put_clean(&out, gw_str_from(login->code.user_code));
    cli_output_put(&out, "\nOr an admin of the organisation runs: skillreg approve ");
    cli_output_put_clean(&out, gw_str_from(login->code.user_code));
    cli_output_put(&out, "\nWaiting for that, ");
    cli_output_put(&out, life);
    cli_output_put(&out, " minutes at most; Ctrl-C ends it.\n");
    return cli_output_send(&out, why);
}

// ---- polling ----

static enum cli_exit fail_expired(const struct login *login, struct cli_reason *why) {
    if (login->may_be_lost)
        cli_note(
            "an answer of the gateway was lost, with the token perhaps, which nobody has then");
    return cli_fail(why, CLI_FAILED,
                    "the code has expired before it was approved, nothing was stored; for a new "
                    "one run: skillreg login");
}

// Asks once. *is_done: the token is in the settings.
static enum cli_exit ask_once(struct login *login, struct cli_settings *settings, bool *is_done,
                              struct cli_reason *why) {
    const struct cli_api_request request = {.method = "GET", .path = gw_buf_bytes(&login->path).at};
    struct cli_session *session = &login->session;
    struct gw_json root;
    struct gw_str token;
    enum cli_device_state state;
    session->client.deadline_ms = gw_clock_monotonic_ms() + POLL_TIMEOUT_MS;
    enum cli_exit exit = cli_session_call(session, &request, NULL, &root, why);
    if (exit != CLI_DONE)
        return exit;
    if (cli_device_state_read(root, &session->answer, &state, &token) != GW_OK)
        return cli_session_fail_strange(session, why);
    if (state == CLI_DEVICE_PENDING)
        return CLI_DONE;
    if (cli_settings_set_token(settings, token, why) != CLI_DONE)
        return cli_session_fail_strange(session, why);
    *is_done = true;
    return CLI_DONE;
}

static bool is_for_now(enum cli_exit exit, const struct cli_reason *why) {
    return exit == CLI_UNREACHABLE || exit == CLI_UNAVAILABLE || why->status >= HTTP_SERVER_ERROR;
}

static enum cli_exit wait_a_while(const struct login *login, int64_t seconds,
                                  struct cli_reason *why) {
    if (cli_held_signals_wait(login->signals, seconds))
        return CLI_DONE;
    cli_note("interrupted, nothing was stored");
    return cli_fail(why, CLI_FAILED, "interrupted, nothing was stored");
}

static int64_t longer(int64_t pause_s) {
    int64_t most_s = PAUSE_S_MAX > pause_s ? PAUSE_S_MAX : pause_s;
    return 2 * pause_s < most_s ? 2 * pause_s : most_s;
}

static enum cli_exit wait_for_token(struct login *login, struct cli_settings *settings,
                                    struct cli_reason *why) {
    int64_t pause_s = login->code.interval_s;
    bool is_done = false;
    while (!is_done) {
        enum cli_exit exit = wait_a_while(login, pause_s, why);
        if (exit != CLI_DONE)
            return exit;
        if (gw_clock_monotonic_ms() >= login->deadline_ms)
            return fail_expired(login, why);
        exit = ask_once(login, settings, &is_done, why);
        if (exit != CLI_DONE && why->status == HTTP_GONE)
            return fail_expired(login, why);
        if (exit != CLI_DONE && !is_for_now(exit, why))
            return exit;
        if (exit != CLI_DONE)
            login->may_be_lost = true;
        pause_s = exit == CLI_DONE ? login->code.interval_s : longer(pause_s);
    }
    return CLI_DONE;
}

enum cli_exit cli_device_login(const struct cli_held_signals *signals,
                               struct cli_settings *settings, struct cli_reason *why) {
    gw_assert(settings->token[0] == '\0');
    struct login login = {.signals = signals};
    enum cli_exit exit = cli_session_open(&login.session, settings, why);
    if (exit != CLI_DONE)
        return exit;
    gw_buf_init(&login.path, PATH_BYTES_MAX);
    exit = initiate(&login, why);
    if (exit == CLI_DONE)
        exit = show(&login, why);
    if (exit == CLI_DONE)
        exit = wait_for_token(&login, settings, why);
    gw_buf_deinit_wiped(&login.path);
    gw_bytes_wipe(login.code.secret, sizeof(login.code.secret));
    cli_session_close(&login.session);
    return exit;
}
