// SPDX-License-Identifier: MIT
#include "gateway/check/ports.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/host_port.h"
#include "base/ip.h"
#include "gateway/process/healthcheck.h"

// 0, or why the address cannot be taken. Nobody can connect: it is not listened on.
static int try_to_bind(const struct addrinfo *info, bool shares_port) {
    const int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int problem = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (shares_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0)
        problem = errno;
    close(fd);
    return problem;
}

static void report_taken(const struct gw_config *config, const char *name, const char *address,
                         struct gw_check_report *report) {
    if (config->listen_admin == NULL)
        gw_check_add(report, GW_CHECK_WARNING, name, "see which program listens there: ss -ltnp",
                     "%s is taken, by a gateway that runs or by another program", address);
    else if (gw_healthcheck_is_answered(config->listen_admin))
        gw_check_add(report, GW_CHECK_OK, name, NULL,
                     "%s is taken; a gateway that runs answers on %s", address,
                     config->listen_admin);
    else
        gw_check_add(report, GW_CHECK_ERROR, name, "see which program listens there: ss -ltnp",
                     "%s is taken, and no gateway answers on %s", address, config->listen_admin);
}

static void check_port(const struct gw_config *config, const char *name, const char *address,
                       bool shares_port, struct gw_check_report *report) {
    char host[GW_HOST_BYTES_MAX + 1];
    const char *port;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (address == NULL)
        return;
    if (gw_host_port_read(address, host, &port) != GW_OK) {
        gw_check_add(report, GW_CHECK_ERROR, name, "write it as 0.0.0.0:8443 or [::]:8443",
                     "%s is not of the form host:port, the port 0 to 65535", address);
        return;
    }
    int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0) {
        gw_check_add(report, GW_CHECK_ERROR, name, NULL, "%s: %s", address, gai_strerror(failure));
        return;
    }
    int problem = try_to_bind(found, shares_port);
    freeaddrinfo(found);
    if (problem == EADDRINUSE)
        report_taken(config, name, address, report);
    else if (problem != 0)
        gw_check_add(report, GW_CHECK_ERROR, name,
                     problem == EACCES
                         ? "ports below 1024 need the right to take them, or a socket of systemd"
                         : NULL,
                     "%s: %s", address, strerror(problem));
    else
        gw_check_add(report, GW_CHECK_OK, name, NULL, "%s can be taken", address);
}

// Of what --trusted-proxies and an address to listen on may say.
static bool has_loopback(const struct gw_ip_range *range) {
    static const char *const texts[] = {"127.0.0.0/8", "::1"};
    for (int i = 0; i < 2; i++) {
        struct gw_ip_range loopback;
        if (gw_ip_range_parse(gw_str_from(texts[i]), &loopback) == GW_OK &&
            (gw_ip_range_contains(&loopback, &range->first) ||
             gw_ip_range_contains(range, &loopback.first)))
            return true;
    }
    return false;
}

static bool is_loopback(const char *address) {
    char host[GW_HOST_BYTES_MAX + 1];
    const char *port;
    struct gw_ip_range range;
    if (address == NULL || gw_host_port_read(address, host, &port) != GW_OK)
        return false;
    if (gw_ip_range_parse(gw_str_from(host), &range) != GW_OK)
        return strcmp(host, "localhost") == 0;
    return has_loopback(&range);
}

// With --proxy-protocol every client comes through a balancer, and only the admin port answers
// /readyz: without a header, and on loopback to nobody from outside.
static void check_probes(const struct gw_config *config, struct gw_check_report *report) {
    bool is_near = false;
    for (int i = 0; i < config->trusted_proxies.count; i++)
        is_near |= has_loopback(&config->trusted_proxies.ranges[i]);
    if (!config->proxy_protocol || !is_loopback(config->listen_admin) || is_near)
        return;
    gw_check_add(report, GW_CHECK_WARNING, "listen-admin", "give it an address inside your network",
                 "%s is reached from this machine alone, and no trusted-proxies are on it: none of "
                 "them can ask /readyz",
                 config->listen_admin);
}

void gw_check_ports(const struct gw_config *config, struct gw_check_report *report) {
    check_port(config, "listen-https", config->listen_https, config->reuse_port, report);
    check_port(config, "listen-http", config->listen_http, config->reuse_port, report);
    check_port(config, "tokens-page", config->tokens_page, config->reuse_port, report);
    check_port(config, "listen-admin", config->listen_admin, false, report);
    check_probes(config, report);
}
