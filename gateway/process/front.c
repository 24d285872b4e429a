// SPDX-License-Identifier: MIT
#include "gateway/process/front.h"

#include "base/log.h"

void gw_front_init(struct gw_front *front, struct gw_services *services) {
    *front = (struct gw_front){.services = services};
    uv_timer_init(services->loop, &front->timer);
    gw_conn_group_open(&front->clients, services, services->config->connections_max);
}

// ---- opening ----

static enum gw_status open_port(struct gw_front *front, struct tls_context *tls, enum gw_port port,
                                int fd) {
    const struct gw_config *config = front->services->config;
    const struct gw_listener_options options = {.name = gw_port_name(port),
                                                .address = gw_port_address(config, port),
                                                .shares_port = front->services->worker_count > 1 ||
                                                               config->reuse_port,
                                                .is_handed_over = fd >= 0,
                                                .fd = fd};
    if (options.address == NULL)
        return GW_OK;
    return gw_listener_open(&front->listeners[port], &front->clients,
                            port == GW_PORT_HTTP ? NULL : tls,
                            port == GW_PORT_PAGE ? GW_SITE_PAGE : GW_SITE_GATEWAY, &options);
}

enum gw_status gw_front_open(struct gw_front *front, struct tls_context *tls,
                             const struct gw_handed_over *sockets) {
    enum gw_status status = GW_OK;
    gw_assert(front->stage == GW_FRONT_SERVING);
    for (int port = 0; port < GW_PORT_CLIENTS_COUNT && status == GW_OK; port++)
        status = open_port(front, tls, (enum gw_port)port, sockets->fds[port]);
    return status;
}

void gw_front_replace_tls(struct gw_front *front, struct tls_context *tls) {
    for (int port = 0; port < GW_PORT_CLIENTS_COUNT; port++) {
        if (front->listeners[port].tls != NULL)
            front->listeners[port].tls = tls;
    }
}

enum gw_status gw_front_listen(struct gw_front *front) {
    enum gw_status status = GW_OK;
    gw_assert(front->stage == GW_FRONT_SERVING && !front->services->is_listening);
    for (int port = 0; port < GW_PORT_CLIENTS_COUNT && status == GW_OK; port++) {
        if (front->listeners[port].is_open)
            status = gw_listener_listen(&front->listeners[port]);
    }
    front->services->is_listening = status == GW_OK;
    return status;
}

// ---- leaving ----

static void close_ports(struct gw_front *front) {
    for (int port = 0; port < GW_PORT_CLIENTS_COUNT; port++)
        gw_listener_close(&front->listeners[port]);
}

static bool is_any_port_open(const struct gw_front *front) {
    for (int port = 0; port < GW_PORT_CLIENTS_COUNT; port++) {
        if (front->listeners[port].is_open)
            return true;
    }
    return false;
}

static void on_closed(struct gw_conn_group *clients) {
    struct gw_front *front = gw_container_of(clients, struct gw_front, clients);
    if (front->stage == GW_FRONT_CUT)
        front->on_left(front);
}

void gw_front_cut(struct gw_front *front) {
    if (front->stage != GW_FRONT_DELAYED && front->stage != GW_FRONT_DRAINING)
        return;
    front->stage = GW_FRONT_CUT;
    uv_timer_stop(&front->timer);
    close_ports(front);
    int cut_count = gw_conn_group_dismiss(&front->clients);
    if (cut_count > 0)
        gw_log(GW_LOG_WARNING, "server", "connections cut at the end of the drain count=%d",
               cut_count);
    gw_conn_group_close(&front->clients, on_closed);
}

static void end_if_empty(struct gw_front *front) {
    if (!is_any_port_open(front) && front->clients.open_count == 0)
        gw_front_cut(front);
}

static void on_drained(struct gw_conn_group *clients) {
    end_if_empty(gw_container_of(clients, struct gw_front, clients));
}

static void on_port_finished(struct gw_listener *listener) {
    end_if_empty(gw_container_of(listener->group, struct gw_front, clients));
}

static void on_drain_timeout(uv_timer_t *timer) {
    gw_front_cut(gw_container_of(timer, struct gw_front, timer));
}

static void drain(struct gw_front *front) {
    const struct gw_config *config = front->services->config;
    front->stage = GW_FRONT_DRAINING;
    uv_timer_start(&front->timer, on_drain_timeout, config->drain_timeout_ms, 0);
    gw_conn_group_drain(&front->clients, on_drained);
    if (!front->services->is_listening)
        close_ports(front);
    uint64_t settle_ms = config->drain_delay_ms < GW_LISTENER_SETTLE_MS ? config->drain_delay_ms
                                                                        : GW_LISTENER_SETTLE_MS;
    if (config->reuse_port)
        settle_ms =
            0; // what is dropped would wait for its second SYN, beside a gateway that listens
    for (int port = 0; port < GW_PORT_CLIENTS_COUNT; port++) {
        if (front->listeners[port].is_open)
            gw_listener_finish(&front->listeners[port], settle_ms, on_port_finished);
    }
    end_if_empty(front);
}

static void on_delay_over(uv_timer_t *timer) {
    drain(gw_container_of(timer, struct gw_front, timer));
}

void gw_front_leave(struct gw_front *front, void (*on_left)(struct gw_front *front)) {
    gw_assert(front->stage == GW_FRONT_SERVING);
    uint64_t delay_ms = front->services->config->drain_delay_ms;
    front->on_left = on_left;
    front->services->is_draining = true;
    front->stage = GW_FRONT_DELAYED;
    if (delay_ms > 0 && front->services->is_listening)
        uv_timer_start(&front->timer, on_delay_over, delay_ms, 0);
    else
        drain(front);
}

void gw_front_close(struct gw_front *front) {
    close_ports(front);
    if (front->stage != GW_FRONT_CUT)
        gw_conn_group_close(&front->clients, on_closed);
    front->stage = GW_FRONT_CLOSED;
    uv_close((uv_handle_t *)&front->timer, NULL);
}
