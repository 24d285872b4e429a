// SPDX-License-Identifier: MIT
#include "gateway/process/listener.h"

#include <errno.h>
#include <linux/filter.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/host_port.h"
#include "base/log.h"
#include "base/str.h"
#include "gateway/exchange/services.h"
#include "gateway/settings/metrics.h"

#define BACKLOG 4096
#define COMPLAIN_EVERY_MS 10000
#define ADDRESS_BYTES_MAX 64

// A bound socket, or -1 with errno.
static int bind_socket(const struct addrinfo *info, bool shares_port) {
    const int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (!shares_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0)
        return fd;
    int problem = errno;
    close(fd);
    errno = problem;
    return -1;
}

static void log_refused(const struct gw_listener_options *options, const char *why) {
    struct gw_log_quote address;
    gw_log(GW_LOG_ERROR, "server", "cannot listen kind=%s address=%s reason=\"%s\"", options->name,
           gw_log_quoted(&address, gw_str_from(options->address)), why);
}

// The socket for options->address, or -1 after a log line.
static int open_socket(const struct gw_listener_options *options) {
    char host[GW_HOST_BYTES_MAX + 1];
    const char *port;
    if (gw_host_port_read(options->address, host, &port) != GW_OK) {
        log_refused(options, "not of the form host:port, the port 0 to 65535");
        return -1;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0) {
        log_refused(options, gai_strerror(failure));
        return -1;
    }
    int fd = bind_socket(found, options->shares_port);
    if (fd < 0)
        log_refused(options, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

// "host:port" of a bound socket.
static void format_bound(int fd, char text[GW_LISTENER_ADDRESS_BYTES]) {
    struct sockaddr_storage address;
    memset(&address, 0, sizeof(address));
    socklen_t length = sizeof(address);
    char host[ADDRESS_BYTES_MAX] = "";
    (void)getsockname(fd, (struct sockaddr *)&address, &length);
    uv_ip_name((const struct sockaddr *)&address, host, sizeof(host));
    bool is_v6 = address.ss_family == AF_INET6;
    int port = ntohs(is_v6 ? ((const struct sockaddr_in6 *)&address)->sin6_port
                           : ((const struct sockaddr_in *)&address)->sin_port);
    snprintf(text, GW_LISTENER_ADDRESS_BYTES, "%s%s%s:%d", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
             port);
}

// Another gateway that listens there would let itself be joined.
static bool is_free(const struct gw_listener_options *options) {
    struct gw_listener_options alone = *options;
    alone.shares_port = false;
    int fd = open_socket(&alone);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int gw_listener_reserve(const struct gw_listener_options *options, bool is_alone,
                        char bound[GW_LISTENER_ADDRESS_BYTES]) {
    if (is_alone && !is_free(options))
        return -1;
    int fd = open_socket(options);
    if (fd >= 0)
        format_bound(fd, bound);
    return fd;
}

// At most once in COMPLAIN_EVERY_MS: without descriptors every newcomer fails.
static void complain(struct gw_listener *listener, int failure) {
    uint64_t now_ms = uv_now(listener->tcp.loop);
    if (now_ms < listener->complain_ms)
        return;
    listener->complain_ms = now_ms + COMPLAIN_EVERY_MS;
    gw_log(GW_LOG_WARNING, "server", "cannot accept reason=\"%s\"", uv_strerror(failure));
}

static void take_connection(struct gw_listener *listener);

static void on_turned_away(uv_handle_t *handle) {
    struct gw_listener *listener =
        gw_container_of((uv_tcp_t *)handle, struct gw_listener, turned_away);
    listener->is_turning_away = false;
    if (listener->is_one_waiting && listener->is_open)
        take_connection(listener);
}

// Needs no memory. One connection at a time; the next waits in libuv, which then takes no more.
static void turn_away(struct gw_listener *listener) {
    listener->is_one_waiting = listener->is_turning_away;
    if (listener->is_turning_away)
        return;
    listener->is_turning_away = true;
    listener->group->services->metrics->connections_refused_total++;
    int failure = uv_tcp_init(listener->tcp.loop, &listener->turned_away);
    gw_assert(failure == 0); // without a socket there is nothing that could fail
    (void)uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)&listener->turned_away);
    uv_close((uv_handle_t *)&listener->turned_away, on_turned_away);
}

static void take_connection(struct gw_listener *listener) {
    gw_assert(listener->is_open);
    listener->is_one_waiting = false;
    listener->taken++;
    uv_stream_t *stream = (uv_stream_t *)&listener->tcp;
    if (gw_conn_accept(listener->group, stream, listener->tls, listener->site) == GW_OK)
        return;
    complain(listener, UV_ENOMEM);
    turn_away(listener);
}

// libuv holds a connection that is not taken at once, and looks for no other until then.
static void on_connection(uv_stream_t *stream, int failure) {
    struct gw_listener *listener = gw_container_of((uv_tcp_t *)stream, struct gw_listener, tcp);
    if (failure != 0)
        complain(listener, failure);
    else if (listener->taken < GW_ACCEPTS_PER_TURN_MAX)
        take_connection(listener);
    else
        listener->is_one_waiting = true;
}

static int descriptor_of(const struct gw_listener *listener) {
    uv_os_fd_t fd;
    int failure = uv_fileno((const uv_handle_t *)&listener->tcp, &fd);
    gw_assert(failure == 0);
    return fd;
}

static bool is_queue_empty(const struct gw_listener *listener) {
    struct pollfd queue = {.fd = descriptor_of(listener), .events = POLLIN};
    return poll(&queue, 1, 0) <= 0;
}

static void finish_when_empty(struct gw_listener *listener) {
    if (uv_is_active((uv_handle_t *)&listener->settle) || listener->is_one_waiting ||
        (!listener->options.is_handed_over && !is_queue_empty(listener)))
        return;
    gw_listener_close(listener);
    listener->on_finished(listener);
}

static void on_turn_end(uv_prepare_t *turn_end) {
    struct gw_listener *listener = gw_container_of(turn_end, struct gw_listener, turn_end);
    listener->taken = 0;
    if (listener->is_one_waiting && !listener->is_turning_away)
        take_connection(listener);
    if (listener->on_finished != NULL)
        finish_when_empty(listener);
}

static enum gw_status give_up(struct gw_listener *listener, int failure) {
    log_refused(&listener->options, uv_strerror(failure));
    gw_listener_close(listener);
    return GW_SYSTEM;
}

enum gw_status gw_listener_open(struct gw_listener *listener, struct gw_conn_group *group,
                                struct tls_context *tls, enum gw_site site,
                                const struct gw_listener_options *options) {
    *listener = (struct gw_listener){.options = *options, .group = group, .tls = tls, .site = site};
    int fd = options->is_handed_over ? options->fd : open_socket(options);
    if (fd < 0)
        return GW_SYSTEM;
    int failure = uv_tcp_init(group->services->loop, &listener->tcp);
    gw_assert(failure == 0);
    uv_prepare_init(group->services->loop, &listener->turn_end);
    uv_prepare_start(&listener->turn_end, on_turn_end);
    uv_unref((uv_handle_t *)&listener->turn_end);
    uv_timer_init(group->services->loop, &listener->settle);
    listener->is_open = true;
    failure = uv_tcp_open(&listener->tcp, fd);
    if (failure != 0)
        close(fd);
    if (failure == 0)
        failure = uv_tcp_nodelay(&listener->tcp, 1); // which what is accepted inherits
    return failure == 0 ? GW_OK : give_up(listener, failure);
}

enum gw_status gw_listener_listen(struct gw_listener *listener) {
    gw_assert(listener->is_open);
    int failure = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
    if (failure != 0)
        return give_up(listener, failure);
    char bound[GW_LISTENER_ADDRESS_BYTES];
    format_bound(descriptor_of(listener), bound);
    gw_log(GW_LOG_INFO, "server", "listening kind=%s address=\"%s\"", listener->options.name,
           bound);
    return GW_OK;
}

// A filter that drops what begins a connection: SYN without ACK, in the flags of the TCP header.
// The rest of a handshake passes. Without it newcomers that come now may be reset by the close.
static void drop_newcomers(const struct gw_listener *listener) {
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    if (setsockopt(descriptor_of(listener), SOL_SOCKET, SO_ATTACH_FILTER, &program,
                   sizeof(program)) != 0)
        gw_log(GW_LOG_DEBUG, "server", "no filter for newcomers reason=\"%s\"", strerror(errno));
}

static void on_settled(uv_timer_t *settle) {
    (void)settle; // the end of this turn looks at the queue
}

void gw_listener_finish(struct gw_listener *listener, uint64_t settle_ms,
                        void (*on_finished)(struct gw_listener *listener)) {
    gw_assert(listener->is_open && listener->on_finished == NULL);
    listener->on_finished = on_finished;
    bool is_last = !listener->options.is_handed_over;
    if (is_last && settle_ms > 0)
        drop_newcomers(listener);
    uv_timer_start(&listener->settle, on_settled, is_last ? settle_ms : 0, 0);
}

void gw_listener_close(struct gw_listener *listener) {
    if (!listener->is_open)
        return;
    listener->is_open = false;
    uv_close((uv_handle_t *)&listener->turn_end, NULL);
    uv_close((uv_handle_t *)&listener->settle, NULL);
    uv_close((uv_handle_t *)&listener->tcp, NULL);
}
