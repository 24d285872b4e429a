// SPDX-License-Identifier: MIT
#include "gateway/upstream/balancer.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define AWAITING_ANSWER UINT64_MAX

// "192.0.2.1:8080", "[2001:db8::1]:8080".
static const char *address_text(const struct gw_upstream_peer *peer,
                                char text[INET6_ADDRSTRLEN + 10]) {
    char host[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_storage *address = &peer->address;
    bool is_ipv6 = address->ss_family == AF_INET6;
    (void)uv_ip_name((const struct sockaddr *)address, host, sizeof(host));
    uint16_t port = is_ipv6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                            : ((const struct sockaddr_in *)address)->sin_port;
    (void)snprintf(text, INET6_ADDRSTRLEN + 10, is_ipv6 ? "[%s]:%u" : "%s:%u", host,
                   (unsigned)ntohs(port));
    return text;
}

void gw_upstream_balancer_init(struct gw_upstream_balancer *balancer, struct gw_metrics *metrics) {
    memset(balancer, 0, sizeof(*balancer));
    balancer->metrics = metrics;
}

void gw_upstream_balancer_deinit(struct gw_upstream_balancer *balancer) {
    for (int i = 0; i < balancer->count; i++)
        tls_kept_session_drop(&balancer->list[i].tls_session);
}

// ---- the peers ----

static bool is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}

static bool is_ejected(const struct gw_upstream_peer *peer) {
    return peer->window_ms > 0;
}

static void end_ejection(struct gw_upstream_balancer *balancer, struct gw_upstream_peer *peer) {
    gw_assert(!is_ejected(peer) || balancer->metrics->upstreams_ejected > 0);
    if (is_ejected(peer))
        balancer->metrics->upstreams_ejected--;
    peer->failures = 0;
    peer->window_ms = peer->ejected_until_ms = 0;
}

// The peer of an address, perhaps no longer listed; NULL when there is none.
static struct gw_upstream_peer *find(struct gw_upstream_balancer *balancer, int origin,
                                     const struct sockaddr_storage *address) {
    for (int i = 0; i < balancer->count; i++) {
        struct gw_upstream_peer *peer = &balancer->list[i];
        if (peer->origin == origin && is_same(&peer->address, address))
            return peer;
    }
    return NULL;
}

static bool is_free(const struct gw_upstream_peer *peer) {
    return !peer->is_listed && gw_upstream_conn_lists_count(&peer->conns) == 0;
}

static struct gw_upstream_peer *take_place(struct gw_upstream_balancer *balancer) {
    for (int i = 0; i < balancer->count; i++) {
        if (is_free(&balancer->list[i]))
            return &balancer->list[i];
    }
    return balancer->count < GW_UPSTREAM_PEERS_MAX ? &balancer->list[balancer->count++] : NULL;
}

static void add(struct gw_upstream_balancer *balancer, int origin,
                const struct sockaddr_storage *address) {
    struct gw_upstream_peer *peer = find(balancer, origin, address);
    if (peer == NULL) {
        peer = take_place(balancer);
        if (peer == NULL) {
            if (!balancer->was_full)
                gw_log(GW_LOG_WARNING, "upstream", "too many addresses, some are not used most=%d",
                       GW_UPSTREAM_PEERS_MAX);
            balancer->was_full = true;
            return;
        }
        end_ejection(balancer, peer); // of the address that had this place
        tls_kept_session_drop(&peer->tls_session);
        *peer = (struct gw_upstream_peer){.address = *address, .origin = origin};
        gw_upstream_conn_lists_init(&peer->conns);
    }
    peer->is_listed = true;
}

void gw_upstream_balancer_update(struct gw_upstream_balancer *balancer, int origin,
                                 const struct sockaddr_storage *addresses, int address_count) {
    for (int i = 0; i < balancer->count; i++) {
        if (balancer->list[i].origin == origin)
            balancer->list[i].is_listed = false;
    }
    for (int i = 0; i < address_count; i++)
        add(balancer, origin, &addresses[i]);
    for (int i = 0; i < balancer->count; i++) {
        if (!balancer->list[i].is_listed)
            end_ejection(balancer, &balancer->list[i]);
    }
}

// ---- the next one ----

static int in_flight(const struct gw_upstream_peer *peer) {
    return peer->conns.counts[GW_UPSTREAM_CONN_CONNECTING] +
           peer->conns.counts[GW_UPSTREAM_CONN_BUSY];
}

static bool is_left_out(const struct gw_upstream_peer *peer, uint64_t now_ms) {
    return is_ejected(peer) && now_ms < peer->ejected_until_ms;
}

// Ready peers before ejected ones; then fewer requests in flight, or an earlier end of the
// ejection.
static bool is_better(const struct gw_upstream_peer *peer, const struct gw_upstream_peer *best,
                      uint64_t now_ms) {
    bool is_out = is_left_out(peer, now_ms);
    if (best == NULL || is_out != is_left_out(best, now_ms))
        return best == NULL || !is_out;
    return is_out ? peer->ejected_until_ms < best->ejected_until_ms
                  : in_flight(peer) < in_flight(best);
}

static uint64_t bit_of(int index) {
    return UINT64_C(1) << ((unsigned)index % GW_UPSTREAM_PEERS_MAX);
}

// Whether the request may go to the best peer that is left: it tries only a few ejected ones.
static bool may_try(const struct gw_upstream_peer *best, struct gw_upstream_tries *tries,
                    uint64_t now_ms) {
    if (best == NULL || !is_left_out(best, now_ms))
        return best != NULL;
    return tries->left_out++ < GW_UPSTREAM_LEFT_OUT_TRIES_MAX;
}

struct gw_upstream_peer *gw_upstream_balancer_pick(struct gw_upstream_balancer *balancer,
                                                   struct gw_upstream_tries *tries,
                                                   uint64_t now_ms) {
    struct gw_upstream_peer *best = NULL;
    int best_index = 0;
    for (int i = 0; i < balancer->count; i++) {
        int index = balancer->next + i < balancer->count ? balancer->next + i
                                                         : balancer->next + i - balancer->count;
        struct gw_upstream_peer *peer = &balancer->list[index];
        bool is_tried = (tries->places & bit_of(index)) != 0;
        if (!peer->is_listed || is_tried || !is_better(peer, best, now_ms))
            continue;
        best = peer;
        best_index = index;
    }
    if (!may_try(best, tries, now_ms))
        return NULL;
    tries->places |= bit_of(best_index);
    balancer->next = best_index + 1 < balancer->count ? best_index + 1 : 0;
    if (is_ejected(best))
        best->ejected_until_ms = AWAITING_ANSWER;
    return best;
}

void gw_upstream_balancer_allow_again(struct gw_upstream_balancer *balancer,
                                      struct gw_upstream_peer *peer,
                                      struct gw_upstream_tries *tries, uint64_t now_ms) {
    tries->places &= ~bit_of((int)(peer - balancer->list));
    gw_upstream_balancer_report_nothing(peer, now_ms);
}

// ---- reports ----

void gw_upstream_balancer_report_answer(struct gw_upstream_balancer *balancer,
                                        struct gw_upstream_peer *peer) {
    char text[INET6_ADDRSTRLEN + 10];
    if (is_ejected(peer))
        gw_log(GW_LOG_INFO, "upstream", "answers again address=%s", address_text(peer, text));
    end_ejection(balancer, peer);
}

static bool is_last(const struct gw_upstream_balancer *balancer,
                    const struct gw_upstream_peer *peer) {
    for (int i = 0; i < balancer->count; i++) {
        const struct gw_upstream_peer *other = &balancer->list[i];
        if (other != peer && other->is_listed && !is_ejected(other))
            return false;
    }
    return true;
}

static void eject(struct gw_upstream_balancer *balancer, struct gw_upstream_peer *peer,
                  uint64_t now_ms, const char *reason) {
    char text[INET6_ADDRSTRLEN + 10];
    peer->window_ms = GW_UPSTREAM_EJECTION_MIN_MS;
    peer->ejected_until_ms = now_ms + peer->window_ms;
    balancer->metrics->upstreams_ejected++;
    gw_log(GW_LOG_WARNING, "upstream", "left out for a while address=%s failures=%d reason=\"%s\"",
           address_text(peer, text), peer->failures, reason);
}

static void prolong(struct gw_upstream_peer *peer, uint64_t now_ms) {
    peer->window_ms *= 2;
    if (peer->window_ms > GW_UPSTREAM_EJECTION_MAX_MS)
        peer->window_ms = GW_UPSTREAM_EJECTION_MAX_MS;
    peer->ejected_until_ms = now_ms + peer->window_ms;
}

void gw_upstream_balancer_report_failure(struct gw_upstream_balancer *balancer,
                                         struct gw_upstream_peer *peer, uint64_t now_ms,
                                         const char *reason) {
    peer->failures++;
    if (peer->ejected_until_ms == AWAITING_ANSWER)
        prolong(peer, now_ms);
    else if (!is_ejected(peer) && peer->is_listed && peer->failures >= GW_UPSTREAM_FAILURES_MAX &&
             !is_last(balancer, peer))
        eject(balancer, peer, now_ms, reason);
}

void gw_upstream_balancer_report_nothing(struct gw_upstream_peer *peer, uint64_t now_ms) {
    if (peer->ejected_until_ms == AWAITING_ANSWER)
        peer->ejected_until_ms = now_ms;
}
