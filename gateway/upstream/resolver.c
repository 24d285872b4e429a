// SPDX-License-Identifier: MIT
#include "gateway/upstream/resolver.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static bool take_numeric(struct gw_upstream_addresses *addresses,
                         const struct gw_upstream_url *url) {
    struct sockaddr_storage *socket = &addresses->list[0];
    if (uv_ip4_addr(url->host, url->port, (struct sockaddr_in *)socket) != 0 &&
        uv_ip6_addr(url->host, url->port, (struct sockaddr_in6 *)socket) != 0)
        return false;
    addresses->count = 1;
    return true;
}

// Logs the first failure of a series, and its end.
static void log_outcome(struct gw_upstream_addresses *addresses, int failure) {
    struct gw_log_quote host;
    bool is_failing = failure != 0;
    if (is_failing == addresses->was_failing)
        return;
    addresses->was_failing = is_failing;
    gw_log_quoted(&host, gw_str_from(addresses->url->host));
    if (is_failing)
        gw_log(GW_LOG_WARNING, "upstream", "cannot resolve host=%s reason=\"%s\"", host.text,
               uv_strerror(failure));
    else
        gw_log(GW_LOG_INFO, "upstream", "resolves again host=%s addresses=%d", host.text,
               addresses->count);
}

static void take_results(struct gw_upstream_addresses *addresses, const struct addrinfo *results) {
    int count = 0;
    for (; results != NULL && count < GW_UPSTREAM_ADDRESSES_MAX; results = results->ai_next) {
        struct sockaddr_storage *address = &addresses->list[count];
        if (results->ai_addrlen > sizeof(*address))
            continue;
        memset(address, 0, sizeof(*address));
        memcpy(address, results->ai_addr, results->ai_addrlen);
        count++;
    }
    if (count > 0)
        addresses->count = count;
}

static void end_close(struct gw_upstream_addresses *addresses) {
    if (addresses->is_timer_closed && !addresses->is_looking_up)
        addresses->on_closed(addresses);
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int failure, struct addrinfo *results) {
    struct gw_upstream_addresses *addresses =
        gw_container_of(lookup, struct gw_upstream_addresses, lookup);
    gw_assert(addresses->is_looking_up);
    addresses->is_looking_up = false;
    if (addresses->is_closing) {
        uv_freeaddrinfo(results);
        end_close(addresses);
        return;
    }
    if (failure == 0)
        take_results(addresses, results);
    uv_freeaddrinfo(results);
    log_outcome(addresses, failure);
    addresses->on_resolved(addresses);
}

bool gw_upstream_addresses_refresh(struct gw_upstream_addresses *addresses) {
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    uint64_t now_ms = uv_now(addresses->timer.loop);
    if (addresses->is_looking_up)
        return true;
    if (addresses->is_numeric || addresses->is_closing ||
        (addresses->looked_up_ms != 0 &&
         now_ms - addresses->looked_up_ms < GW_UPSTREAM_RESOLVE_MIN_MS))
        return false;
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", (unsigned)addresses->url->port);
    addresses->looked_up_ms = now_ms;
    int failure = uv_getaddrinfo(addresses->timer.loop, &addresses->lookup, on_looked_up,
                                 addresses->url->host, port, &hints);
    if (failure != 0)
        log_outcome(addresses, failure);
    addresses->is_looking_up = failure == 0;
    return addresses->is_looking_up;
}

static void on_interval(uv_timer_t *timer) {
    (void)gw_upstream_addresses_refresh(
        gw_container_of(timer, struct gw_upstream_addresses, timer));
}

void gw_upstream_addresses_open(struct gw_upstream_addresses *addresses, uv_loop_t *loop,
                                const struct gw_upstream_url *url,
                                void (*on_resolved)(struct gw_upstream_addresses *addresses)) {
    memset(addresses, 0, sizeof(*addresses));
    addresses->url = url;
    addresses->on_resolved = on_resolved;
    int failure = uv_timer_init(loop, &addresses->timer);
    gw_assert(failure == 0);
    uv_unref((uv_handle_t *)&addresses->timer);
    addresses->is_numeric = take_numeric(addresses, url);
    if (addresses->is_numeric)
        return;
    failure = uv_timer_start(&addresses->timer, on_interval, GW_UPSTREAM_RESOLVE_INTERVAL_MS,
                             GW_UPSTREAM_RESOLVE_INTERVAL_MS);
    gw_assert(failure == 0);
    (void)gw_upstream_addresses_refresh(addresses);
}

static void on_timer_closed(uv_handle_t *handle) {
    struct gw_upstream_addresses *addresses =
        gw_container_of((uv_timer_t *)handle, struct gw_upstream_addresses, timer);
    addresses->is_timer_closed = true;
    end_close(addresses);
}

void gw_upstream_addresses_close(struct gw_upstream_addresses *addresses,
                                 void (*on_closed)(struct gw_upstream_addresses *addresses)) {
    gw_assert(!addresses->is_closing);
    addresses->is_closing = true;
    addresses->on_closed = on_closed;
    if (addresses->is_looking_up)
        (void)uv_cancel(
            (uv_req_t *)&addresses->lookup); // when already running, its callback comes late
    uv_close((uv_handle_t *)&addresses->timer, on_timer_closed);
}
