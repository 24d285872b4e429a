// SPDX-License-Identifier: MIT
#include "gateway/process/healthcheck.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/host_port.h"
#include "gateway/settings/complaint.h"

#define ADDRESS_DEFAULT "127.0.0.1:9090"
#define TIMEOUT_SECONDS 3

static int usage(FILE *stream, int code) {
    fputs("usage: skillreg-gateway healthcheck [--listen-admin host:port]\n", stream);
    return code;
}

// A connected socket, or -1.
static int connect_to(const char *address) {
    char host[GW_HOST_BYTES_MAX + 1];
    const char *port;
    if (gw_host_port_read(address, host, &port) != GW_OK)
        return -1;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    const struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
                    connect(fd, found->ai_addr, found->ai_addrlen) != 0)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static bool answers(int fd) {
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    char head[12] = "";
    if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
        return false;
    return recv(fd, head, sizeof(head), MSG_WAITALL) == (ssize_t)sizeof(head) &&
           memcmp(head, "HTTP/1.1 200", sizeof(head)) == 0;
}

bool gw_healthcheck_is_answered(const char *address) {
    int fd = connect_to(address);
    bool is_answered = fd >= 0 && answers(fd);
    if (fd >= 0)
        close(fd);
    return is_answered;
}

int gw_healthcheck_run(int argc, char **argv) {
    const char *address = getenv("GATEWAY_LISTEN_ADMIN");
    if (argc == 3 && strcmp(argv[1], "--listen-admin") == 0)
        address = argv[2];
    else if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    else if (argc != 1)
        return usage(stderr, 2);
    if (address == NULL || address[0] == '\0')
        address = ADDRESS_DEFAULT;
    bool is_healthy = gw_healthcheck_is_answered(address);
    if (!is_healthy)
        gw_complain("no answer from /healthz on %s", address);
    return is_healthy ? 0 : 1;
}
