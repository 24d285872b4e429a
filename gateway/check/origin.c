// SPDX-License-Identifier: MIT
#include "gateway/check/origin.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "gateway/check/probe.h"

#define PORT_BYTES 8
#define ADDRESS_BYTES 64
#define PROBLEMS_NAMED_MAX 4
#define MORE_BYTES 32
#define WAY_BYTES 320

struct attempts {
    int count;
    int failed;
    char problems[GW_CHECK_TEXT_BYTES]; // of the first that failed, by address
};

static enum gw_status probe(const struct gw_upstream_origin *origin, const struct addrinfo *info,
                            uint64_t timeout_ms, char *problem) {
    const struct tls_server server = {.context = origin->origins->tls, .name = origin->url.host};
    struct gw_check_target target = {.address = info->ai_addr,
                                     .address_length = info->ai_addrlen,
                                     .tls = origin->url.is_tls ? &server : NULL,
                                     .timeout_ms = timeout_ms};
    enum gw_status status = GW_OK;
    struct gw_buf tunnel;
    gw_buf_init(&tunnel, GW_UPSTREAM_PROXY_REQUEST_BYTES_MAX);
    if (origin->proxy != NULL)
        status = gw_upstream_proxy_write_request(origin->proxy, &origin->url, &tunnel);
    target.tunnel = gw_buf_bytes(&tunnel);
    if (status == GW_OK)
        status = gw_check_probe(&target, problem);
    else
        (void)snprintf(problem, GW_CHECK_PROBE_BYTES, "%s", gw_status_text(status));
    gw_buf_deinit_wiped(&tunnel);
    return status;
}

static void try_address(const struct gw_upstream_origin *origin, const struct addrinfo *info,
                        uint64_t timeout_ms, struct attempts *attempts) {
    char problem[GW_CHECK_PROBE_BYTES];
    char address[ADDRESS_BYTES] = "";
    attempts->count++;
    if (probe(origin, info, timeout_ms, problem) == GW_OK)
        return;
    (void)getnameinfo(info->ai_addr, info->ai_addrlen, address, sizeof(address), NULL, 0,
                      NI_NUMERICHOST);
    if (attempts->failed++ >= PROBLEMS_NAMED_MAX)
        return;
    size_t used = strlen(attempts->problems);
    (void)snprintf(attempts->problems + used, sizeof(attempts->problems) - used, "%s%s: %s",
                   used > 0 ? "; " : "", address, problem);
}

static void report_attempts(const struct gw_check_origin *check, const struct attempts *attempts,
                            struct gw_check_report *report) {
    const struct gw_upstream_origin *origin = check->origin;
    struct gw_str name = origin->url.authority;
    const char *scheme = origin->url.is_tls ? "https" : "http";
    char more[MORE_BYTES] = "";
    char way[WAY_BYTES] = "";
    if (origin->proxy != NULL)
        (void)snprintf(way, sizeof(way), " through the proxy %s", origin->proxy->name);
    if (attempts->failed > PROBLEMS_NAMED_MAX)
        (void)snprintf(more, sizeof(more), "; and %d more", attempts->failed - PROBLEMS_NAMED_MAX);
    if (attempts->failed == 0)
        gw_check_add(report, GW_CHECK_OK, check->subject, NULL,
                     "%s://%.*s: reached%s, %d address%s", scheme, GW_STR_ARG(name), way,
                     attempts->count, attempts->count == 1 ? "" : "es");
    else
        gw_check_add(report, attempts->failed == attempts->count ? check->level : GW_CHECK_WARNING,
                     check->subject, attempts->failed == attempts->count ? check->todo : NULL,
                     "%s://%.*s: %d of %d addresses not reached%s: %s%s", scheme, GW_STR_ARG(name),
                     attempts->failed, attempts->count, way, attempts->problems, more);
}

void gw_check_origin(const struct gw_check_origin *check, struct gw_check_report *report) {
    const struct gw_upstream_origin *origin = check->origin;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[PORT_BYTES];
    struct attempts attempts = {.count = 0};
    const struct gw_upstream_url *url = origin->proxy != NULL ? &origin->proxy->url : &origin->url;
    (void)snprintf(port, sizeof(port), "%d", url->port);
    int failure = getaddrinfo(url->host, port, &hints, &found);
    if (failure != 0) {
        gw_check_add(report, check->level, check->subject, check->todo,
                     "%s%s: its address is not known: %s", origin->proxy != NULL ? "proxy " : "",
                     url->host, gai_strerror(failure));
        return;
    }
    for (const struct addrinfo *info = found; info != NULL; info = info->ai_next)
        try_address(origin, info, check->timeout_ms, &attempts);
    freeaddrinfo(found);
    report_attempts(check, &attempts, report);
}
