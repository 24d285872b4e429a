// SPDX-License-Identifier: MIT
#include "gateway/process/handed_over.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

#define FIRST_FD 3

static uint64_t read_number(const char *variable) {
    const char *text = getenv(variable);
    uint64_t number;
    return text != NULL && gw_str_to_u64(gw_str_from(text), &number) == GW_OK ? number : 0;
}

static enum gw_port find_port(struct gw_str name) {
    enum gw_port port = GW_PORT_HTTPS;
    while (port < GW_PORT_COUNT && !gw_str_equal(name, gw_str_from(gw_port_name(port))))
        port++;
    return port;
}

static int option_of(int fd, int option) {
    int value = -1;
    socklen_t length = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

static bool is_listening_tcp(int fd) {
    int family = option_of(fd, SO_DOMAIN);
    return (family == AF_INET || family == AF_INET6) && option_of(fd, SO_TYPE) == SOCK_STREAM &&
           option_of(fd, SO_ACCEPTCONN) == 1;
}

// NULL: it was taken.
static const char *take_one(struct gw_handed_over *sockets, int fd, struct gw_str name) {
    enum gw_port port = find_port(name);
    if (port == GW_PORT_COUNT)
        return "its FileDescriptorName is none of https, http, page and admin";
    if (sockets->fds[port] >= 0)
        return "another one has its name";
    if (!is_listening_tcp(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return "not a listening TCP socket";
    sockets->fds[port] = fd;
    return NULL;
}

static enum gw_status take_all(struct gw_handed_over *sockets, uint64_t count) {
    const char *names = getenv("LISTEN_FDNAMES");
    struct gw_str rest = gw_str_from(names != NULL ? names : "");
    for (uint64_t i = 0; i < count; i++) {
        struct gw_log_quote quote;
        struct gw_str name = GW_STR("");
        (void)gw_str_next(&rest, ':', &name);
        const char *problem = take_one(sockets, FIRST_FD + (int)i, name);
        if (problem == NULL)
            continue;
        gw_log(GW_LOG_ERROR, "server", "cannot use a socket handed over name=%s reason=\"%s\"",
               gw_log_quoted(&quote, name), problem);
        return GW_INVALID;
    }
    return GW_OK;
}

static enum gw_status replace_addresses(const struct gw_handed_over *sockets,
                                        struct gw_config *config) {
    for (int port = 0; port < GW_PORT_COUNT; port++) {
        if (sockets->fds[port] >= 0)
            gw_port_set_address(config, (enum gw_port)port, "handed over");
    }
    if (config->listen_https == NULL || config->tls_certs.count > 0)
        return GW_OK;
    gw_log(GW_LOG_ERROR, "server", "cannot use a socket handed over name=\"https\" reason=\"%s\"",
           "--tls-cert is missing");
    return GW_INVALID;
}

enum gw_status gw_handed_over_take(struct gw_handed_over *sockets, struct gw_config *config) {
    enum gw_status status = GW_OK;
    for (int port = 0; port < GW_PORT_COUNT; port++)
        sockets->fds[port] = -1;
    uint64_t count = read_number("LISTEN_FDS");
    if (read_number("LISTEN_PID") == (uint64_t)getpid() && count <= INT16_MAX)
        status = take_all(sockets, count);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return status == GW_OK ? replace_addresses(sockets, config) : status;
}
