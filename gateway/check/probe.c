// SPDX-License-Identifier: MIT
#include "gateway/check/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "gateway/net/tunnel_answer.h"
#include "tls/session.h"

#define OUTPUT_BYTES_MAX 65536
#define INPUT_BYTES 16384

static const char handshake_name[] = "TLS handshake";

struct probe {
    int fd;
    uint64_t deadline_ms;
    struct gw_buf output; // to send: the request for a tunnel, then ciphertext
    char input[INPUT_BYTES];
    char *problem;
};

static enum gw_status fail(struct probe *probe, const char *what, const char *why) {
    (void)snprintf(probe->problem, GW_CHECK_PROBE_BYTES, "%s%s%s", what, *why == '\0' ? "" : ": ",
                   why);
    return GW_UNAVAILABLE;
}

static enum gw_status wait_for(struct probe *probe, short events, const char *what) {
    uint64_t now_ms = gw_clock_monotonic_ms();
    struct pollfd pollfd = {.fd = probe->fd, .events = events};
    int left_ms = now_ms >= probe->deadline_ms ? 0 : (int)(probe->deadline_ms - now_ms);
    int ready = poll(&pollfd, 1, left_ms);
    if (ready < 0 && errno == EINTR)
        return wait_for(probe, events, what);
    return ready > 0 ? GW_OK : fail(probe, what, "no answer in time");
}

static enum gw_status connect_to(struct probe *probe, const struct gw_check_target *target) {
    int problem = 0;
    socklen_t length = sizeof(problem);
    probe->fd = socket(target->address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe->fd < 0)
        return fail(probe, "no socket", strerror(errno));
    if (connect(probe->fd, target->address, target->address_length) == 0)
        return GW_OK;
    if (errno != EINPROGRESS)
        return fail(probe, "cannot connect", strerror(errno));
    enum gw_status status = wait_for(probe, POLLOUT, "cannot connect");
    if (status != GW_OK)
        return status;
    if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &problem, &length) != 0)
        problem = errno;
    return problem == 0 ? GW_OK : fail(probe, "cannot connect", strerror(problem));
}

// ---- bytes ----

static enum gw_status send_output(struct probe *probe, const char *what) {
    enum gw_status status = GW_OK;
    while (status == GW_OK && gw_buf_length(&probe->output) > 0) {
        struct gw_str bytes = gw_buf_bytes(&probe->output);
        ssize_t sent = send(probe->fd, bytes.at, bytes.length, MSG_NOSIGNAL);
        if (sent >= 0)
            gw_buf_take(&probe->output, (size_t)sent);
        else if (errno == EAGAIN)
            status = wait_for(probe, POLLOUT, what);
        else if (errno != EINTR)
            status = fail(probe, what, strerror(errno));
    }
    return status;
}

// *bytes are of the probe.
static enum gw_status receive(struct probe *probe, const char *what, struct gw_str *bytes) {
    enum gw_status status = wait_for(probe, POLLIN, what);
    if (status != GW_OK)
        return status;
    ssize_t received = recv(probe->fd, probe->input, sizeof(probe->input), 0);
    if (received == 0)
        return fail(probe, what, "the server hung up");
    if (received < 0)
        return fail(probe, what, strerror(errno));
    *bytes = gw_str(probe->input, (size_t)received);
    return GW_OK;
}

// ---- the tunnel ----

static enum gw_status judge_answer(struct probe *probe, const struct gw_tunnel_answer *answer,
                                   enum gw_status status) {
    if (status == GW_TOO_BIG)
        return fail(probe, "the head of the proxy's answer is longer than 8 KiB", "");
    if (status != GW_OK)
        return fail(probe, "the proxy answered with something that is no HTTP/1", "");
    const char *refusal = gw_tunnel_refusal(answer->status);
    return refusal == NULL ? GW_OK : fail(probe, refusal, "");
}

static enum gw_status ask_for_tunnel(struct probe *probe, struct gw_str request) {
    struct gw_tunnel_answer answer;
    enum gw_status status = gw_buf_append_str(&probe->output, request);
    gw_tunnel_answer_init(&answer);
    if (status != GW_OK)
        return fail(probe, gw_status_text(status), "");
    status = send_output(probe, "the proxy");
    for (enum gw_status taken = GW_WANT_INPUT; status == GW_OK && taken == GW_WANT_INPUT;) {
        size_t consumed = 0;
        struct gw_str bytes = {NULL, 0};
        status = receive(probe, "the proxy", &bytes);
        if (status == GW_OK)
            taken = gw_tunnel_answer_feed(&answer, bytes, &consumed);
        if (taken != GW_WANT_INPUT)
            status = judge_answer(probe, &answer, taken);
    }
    return status;
}

// ---- TLS ----

static enum gw_status fail_handshake(struct probe *probe, const struct tls_session *session) {
    const char *certificate = tls_session_certificate_problem(session);
    struct tls_problem problem = tls_session_problem(session);
    if (certificate != NULL)
        return fail(probe, handshake_name, certificate);
    return fail(probe, handshake_name, problem.reason != NULL ? problem.reason : "it hung up");
}

static enum gw_status shake_hands(struct probe *probe, struct tls_session *session) {
    enum gw_status handshake;
    while ((handshake = tls_session_handshake(session)) == GW_WANT_INPUT) {
        struct gw_str bytes;
        enum gw_status status = send_output(probe, handshake_name);
        if (status == GW_OK)
            status = receive(probe, handshake_name, &bytes);
        if (status != GW_OK)
            return status;
        tls_session_feed(session, bytes);
    }
    enum gw_status status = handshake == GW_OK ? GW_OK : fail_handshake(probe, session);
    if (status == GW_OK)
        tls_session_close_notify(session);
    struct gw_buf *output = &probe->output;
    if (send_output(probe, handshake_name) != GW_OK && status == GW_OK)
        gw_buf_clear(output); // it hung up first
    return status;
}

static enum gw_status speak_tls(struct probe *probe, const struct gw_check_target *target) {
    struct tls_session *session;
    probe->deadline_ms = gw_clock_monotonic_ms() + target->timeout_ms;
    enum gw_status status = tls_session_create_client(target->tls, &probe->output, &session);
    if (status != GW_OK)
        return fail(probe, "TLS", gw_status_text(status));
    status = shake_hands(probe, session);
    tls_session_destroy(session);
    return status;
}

enum gw_status gw_check_probe(const struct gw_check_target *target, char *problem) {
    struct probe probe = {.fd = -1, .deadline_ms = gw_clock_monotonic_ms() + target->timeout_ms};
    probe.problem = problem;
    gw_buf_init(&probe.output, OUTPUT_BYTES_MAX);
    enum gw_status status = connect_to(&probe, target);
    if (status == GW_OK && target->tunnel.length > 0)
        status = ask_for_tunnel(&probe, target->tunnel);
    if (status == GW_OK && target->tls != NULL)
        status = speak_tls(&probe, target);
    if (probe.fd >= 0)
        close(probe.fd);
    gw_buf_deinit_wiped(&probe.output);
    return status;
}
