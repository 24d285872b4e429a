// SPDX-License-Identifier: MIT
#include "gateway/net/transport_peer.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define PROBES_PAUSE_S 1

static bool find_socket(const struct gw_transport *transport, uv_os_fd_t *fd) {
    return transport->is_connected && !transport->is_closing &&
           uv_fileno((const uv_handle_t *)&transport->tcp, fd) == 0;
}

bool gw_transport_is_quiet(const struct gw_transport *transport) {
    uv_os_fd_t fd;
    char byte;
    return find_socket(transport, &fd) && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool gw_transport_has_unread(const struct gw_transport *transport) {
    uv_os_fd_t fd;
    char byte;
    return find_socket(transport, &fd) && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

// A failure leaves it as it was: the peer is noticed later, by the deadlines.
static void set_option(uv_os_fd_t fd, int level, int name, uint64_t value) {
    int number = value < INT_MAX ? (int)value : INT_MAX;
    (void)setsockopt(fd, level, name, &number, sizeof(number));
}

void gw_transport_watch_host(struct gw_transport *transport, uint64_t silence_ms) {
    uv_os_fd_t fd;
    if (!find_socket(transport, &fd))
        return;
    uint64_t silence_s = (silence_ms + 999) / 1000;
    uint64_t before_s = silence_s / 2 > 0 ? silence_s / 2 : 1; // the first probe
    uint64_t probes = silence_s > before_s ? (silence_s - before_s) / PROBES_PAUSE_S : 1;
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, before_s);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBES_PAUSE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, probes);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void gw_transport_limit_silence(struct gw_transport *transport, uint64_t silence_ms) {
    uv_os_fd_t fd;
    if (find_socket(transport, &fd))
        set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, silence_ms);
}
