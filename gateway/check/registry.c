// SPDX-License-Identifier: MIT
#include "gateway/check/registry.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "gateway/check/probe.h"
#include "gateway/upstream/origins.h"

#define SUBJECT "registry"
#define TODO_START "a gateway starts without it and answers 503 until it is there"
#define PORT_BYTES 8
#define ADDRESS_BYTES 64
#define PROBLEMS_NAMED_MAX 4
#define MORE_BYTES 32

struct attempts {
    int count;
    int failed;
    char problems[GW_CHECK_TEXT_BYTES]; // of the first that failed, by address
};

static void try_address(const struct gw_upstream_origin *origin, const struct addrinfo *info,
                        uint64_t timeout_ms, struct attempts *attempts) {
    char problem[GW_CHECK_PROBE_BYTES];
    char address[ADDRESS_BYTES] = "";
    const struct tls_server server = {.context = origin->origins->tls, .name = origin->url.host};
    const struct gw_check_target target = {.address = info->ai_addr,
                                           .address_length = info->ai_addrlen,
                                           .tls = origin->url.is_tls ? &server : NULL,
                                           .timeout_ms = timeout_ms};
    attempts->count++;
    if (gw_check_probe(&target, problem) == GW_OK)
        return;
    (void)getnameinfo(info->ai_addr, info->ai_addrlen, address, sizeof(address), NULL, 0,
                      NI_NUMERICHOST);
    if (attempts->failed++ >= PROBLEMS_NAMED_MAX)
        return;
    size_t used = strlen(attempts->problems);
    (void)snprintf(attempts->problems + used, sizeof(attempts->problems) - used, "%s%s: %s",
                   used > 0 ? "; " : "", address, problem);
}

static void report_attempts(const struct gw_upstream_origin *origin,
                            const struct attempts *attempts, struct gw_check_report *report) {
    struct gw_str name = origin->url.authority;
    const char *scheme = origin->url.is_tls ? "https" : "http";
    char more[MORE_BYTES] = "";
    if (attempts->failed > PROBLEMS_NAMED_MAX)
        (void)snprintf(more, sizeof(more), "; and %d more", attempts->failed - PROBLEMS_NAMED_MAX);
    if (attempts->failed == 0)
        gw_check_add(report, GW_CHECK_OK, SUBJECT, NULL, "%s://%.*s: reached, %d address%s", scheme,
                     GW_STR_ARG(name), attempts->count, attempts->count == 1 ? "" : "es");
    else
        gw_check_add(report,
                     attempts->failed == attempts->count ? GW_CHECK_ERROR : GW_CHECK_WARNING,
                     SUBJECT, attempts->failed == attempts->count ? TODO_START : NULL,
                     "%s://%.*s: %d of %d addresses not reached: %s%s", scheme, GW_STR_ARG(name),
                     attempts->failed, attempts->count, attempts->problems, more);
}

static void check_origin(const struct gw_upstream_origin *origin, uint64_t timeout_ms,
                         struct gw_check_report *report) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[PORT_BYTES];
    struct attempts attempts = {.count = 0};
    (void)snprintf(port, sizeof(port), "%d", origin->url.port);
    int failure = getaddrinfo(origin->url.host, port, &hints, &found);
    if (failure != 0) {
        gw_check_add(report, GW_CHECK_ERROR, SUBJECT, TODO_START,
                     "%s: its address is not known: %s", origin->url.host, gai_strerror(failure));
        return;
    }
    for (const struct addrinfo *info = found; info != NULL; info = info->ai_next)
        try_address(origin, info, timeout_ms, &attempts);
    freeaddrinfo(found);
    report_attempts(origin, &attempts, report);
}

void gw_check_registry(const struct gw_config *config, struct gw_check_report *report) {
    static struct gw_upstream_origins origins; // large, and of zeros
    struct gw_upstream_problem problem;
    const struct gw_upstream_options options = {.texts = config->upstreams.at,
                                                .text_count = config->upstreams.count,
                                                .authorities_file = config->upstream_ca};
    if (options.text_count == 0) {
        gw_check_add(report, GW_CHECK_WARNING, SUBJECT, "set upstream",
                     "none is set: what is to be forwarded is answered with 503");
        return;
    }
    if (gw_upstream_origins_read(&origins, &options, &problem) != GW_OK) {
        gw_check_add(report, GW_CHECK_ERROR, SUBJECT, "a start ends here", "%.*s: %s",
                     GW_STR_ARG(problem.culprit), problem.text);
        return;
    }
    for (int i = 0; i < origins.count; i++)
        check_origin(&origins.list[i], config->upstream_connect_timeout_ms, report);
    gw_upstream_origins_deinit(&origins);
}
