// SPDX-License-Identifier: MIT
#include "cli/audit_stream.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/audit_query.h"
#include "cli/audit_text.h"
#include "cli/org_path.h"

#define PATH_BYTES_MAX (16 * 1024)
#define EVENT_BYTES_MAX 24 // of an id
#define PAUSE_S 2
#define PAUSE_S_MAX 30 // while the gateway does not answer
#define HINT "check the organisation and the address"

struct stream {
    struct cli_session *session;
    const struct cli_options *options;
    const char *path;
    char after[EVENT_BYTES_MAX];
    int count; // of events in the last page
    bool lines_are_json;
};

// ---- signals ----

// Between lines nothing is lost.
static void on_signal(int number) {
    (void)number;
    _exit(CLI_DONE);
}

static void catch_signals(void) {
    const struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static void hold_signals(int how) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(how, &set, NULL);
}

// ---- one page ----

static enum cli_exit ask(struct stream *stream, const char *place, struct gw_str event,
                         int64_t limit, struct gw_json *root, struct cli_reason *why) {
    struct gw_buf text;
    gw_buf_init(&text, PATH_BYTES_MAX);
    enum gw_status status = cli_audit_query_append(&text, stream->path, limit, stream->options);
    if (status == GW_OK && event.length > 0)
        status = cli_audit_query_append_place(&text, place, event);
    if (status == GW_OK)
        status = gw_buf_append(&text, "", 1);
    enum cli_exit exit = status == GW_OK ? CLI_DONE : cli_fail_status(why, status);
    if (exit == CLI_DONE) {
        const struct cli_api_request request = {.method = "GET", .path = gw_buf_bytes(&text).at};
        exit = cli_session_call(stream->session, &request, HINT, root, why);
    }
    gw_buf_deinit(&text);
    return exit;
}

static enum cli_exit print(struct stream *stream, struct gw_json events, struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    stream->count = gw_json_count(events);
    for (int i = 0; i < stream->count; i++) {
        struct gw_json event = gw_json_element(events, i);
        if (stream->lines_are_json)
            cli_output_put_json(&out, gw_json_raw(event));
        else
            cli_audit_text_put_line(&out, event, &stream->session->answer);
        cli_output_put(&out, "\n");
    }
    hold_signals(SIG_BLOCK);
    enum cli_exit exit = cli_output_send(&out, why);
    hold_signals(SIG_UNBLOCK);
    return exit;
}

static enum cli_exit keep_place(struct stream *stream, struct gw_json root,
                                struct cli_reason *why) {
    struct gw_str next = cli_answer_text(root, "next", &stream->session->answer);
    if (next.length == 0 || next.length >= sizeof(stream->after))
        return cli_session_fail_strange(stream->session, why);
    (void)snprintf(stream->after, sizeof(stream->after), "%.*s", GW_STR_ARG(next));
    return CLI_DONE;
}

// A gateway that does not know `after` answers with its newest events each time, newest first.
static bool goes_on(const struct stream *stream, struct gw_json events) {
    uint64_t before = 0;
    uint64_t id = 0;
    if (gw_str_to_u64(gw_str_from(stream->after), &before) != GW_OK)
        return false;
    for (int i = 0; i < gw_json_count(events); i++, before = id) {
        struct gw_json event = gw_json_element(events, i);
        struct gw_str text = cli_answer_text(event, "id", &stream->session->answer);
        if (gw_str_to_u64(text, &id) != GW_OK || id <= before)
            return false;
    }
    return true;
}

static enum cli_exit take_page(struct stream *stream, struct cli_reason *why) {
    struct gw_json root;
    struct gw_json events;
    enum cli_exit exit =
        ask(stream, "after", gw_str_from(stream->after), CLI_AUDIT_PAGE_MAX, &root, why);
    if (exit != CLI_DONE)
        return exit;
    if (!gw_json_member(root, GW_STR("events"), &events) || gw_json_type(events) != GW_JSON_ARRAY)
        return cli_session_fail_strange(stream->session, why);
    if (!goes_on(stream, events))
        return cli_fail(why, CLI_FAILED,
                        "the gateway is older than --follow, --ndjson and --after, leave them out");
    exit = cli_audit_query_check_answer(stream->options, root, &stream->session->answer, why);
    if (exit == CLI_DONE)
        exit = print(stream, events, why);
    return exit == CLI_DONE ? keep_place(stream, root, why) : exit;
}

// ---- the stream ----

// The id of the newest event, whatever the filters are: they are of the same numbers.
static enum cli_exit find_newest(struct stream *stream, struct cli_reason *why) {
    struct gw_json root;
    struct gw_json events;
    enum cli_exit exit = ask(stream, "before", gw_str(NULL, 0), 1, &root, why);
    if (exit != CLI_DONE)
        return exit;
    if (!gw_json_member(root, GW_STR("events"), &events))
        return cli_session_fail_strange(stream->session, why);
    struct gw_str id = GW_STR("0");
    if (gw_json_count(events) > 0)
        id = cli_answer_text(gw_json_element(events, 0), "id", &stream->session->answer);
    (void)snprintf(stream->after, sizeof(stream->after), "%.*s", GW_STR_ARG(id));
    return CLI_DONE;
}

static void pause_for(int seconds) {
    const struct timespec pause = {.tv_sec = seconds};
    (void)nanosleep(&pause, NULL);
}

static bool is_outage(enum cli_exit exit) {
    return exit == CLI_UNREACHABLE || exit == CLI_UNAVAILABLE;
}

// Asks again until there is an answer, or a refusal.
static enum cli_exit outlast(struct stream *stream, struct cli_reason *why) {
    int pause_s = PAUSE_S;
    enum cli_exit exit = take_page(stream, why);
    if (is_outage(exit))
        cli_note("trying again: %s", why->text);
    while (is_outage(exit)) {
        pause_for(pause_s);
        pause_s = pause_s * 2 < PAUSE_S_MAX ? pause_s * 2 : PAUSE_S_MAX;
        exit = take_page(stream, why);
        if (exit == CLI_DONE)
            cli_note("the gateway answers again");
    }
    return exit;
}

static enum cli_exit follow(struct stream *stream, struct cli_reason *why) {
    catch_signals();
    enum cli_exit exit = take_page(stream, why); // an address that is wrong is no outage
    while (exit == CLI_DONE) {
        if (stream->count < CLI_AUDIT_PAGE_MAX)
            pause_for(PAUSE_S);
        exit = outlast(stream, why);
    }
    return exit;
}

static enum cli_exit take_all(struct stream *stream, struct cli_reason *why) {
    enum cli_exit exit = take_page(stream, why);
    while (exit == CLI_DONE && stream->count == CLI_AUDIT_PAGE_MAX)
        exit = take_page(stream, why);
    return exit;
}

enum cli_exit cli_audit_stream(struct cli_session *session, const struct cli_options *options,
                               struct cli_reason *why) {
    struct stream stream = {.session = session, .options = options, .after = "0"};
    bool is_endless = cli_options_has(options, CLI_FLAG_FOLLOW);
    const char *after = options->values[CLI_FLAG_AFTER];
    stream.lines_are_json =
        cli_options_has(options, CLI_FLAG_NDJSON) || cli_options_has(options, CLI_FLAG_JSON);
    enum cli_exit exit = cli_org_path_make(session, "audit", NULL, &stream.path, why);
    if (exit == CLI_DONE && after != NULL)
        (void)snprintf(stream.after, sizeof(stream.after), "%s", after);
    else if (exit == CLI_DONE && is_endless && !cli_options_has(options, CLI_FLAG_SINCE))
        exit = find_newest(&stream, why);
    if (exit != CLI_DONE)
        return exit;
    return is_endless ? follow(&stream, why) : take_all(&stream, why);
}
