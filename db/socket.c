// SPDX-License-Identifier: MIT
#include "db/socket.h"

#include <stdlib.h>

struct db_watch {
    uv_poll_t poll;
    struct db_socket *socket;
    int fd;
    int events; // asked for; 0: stopped
};

static void on_closed(uv_handle_t *handle) {
    struct db_watch *watch = gw_container_of(handle, struct db_watch, poll);
    struct db_socket *socket = watch->socket;
    gw_assert(socket->watch != watch && socket->handle_count > 0);
    free(watch);
    socket->handle_count--;
    socket->on_handle_closed(socket);
}

// With a failed `status` too: libpq finds the error.
static void on_poll(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct db_watch *watch = gw_container_of(poll, struct db_watch, poll);
    gw_assert(watch->socket->watch == watch);
    watch->socket->on_event(watch->socket);
}

static enum gw_status open_watch(struct db_socket *socket, int fd) {
    struct db_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return GW_NO_MEMORY;
    if (uv_poll_init(socket->loop, &watch->poll, fd) != 0) {
        free(watch);
        return GW_SYSTEM;
    }
    watch->socket = socket;
    watch->fd = fd;
    socket->watch = watch;
    socket->handle_count++;
    return GW_OK;
}

enum gw_status db_socket_watch(struct db_socket *socket, int fd, int events) {
    gw_assert(events != 0);
    if (fd < 0)
        return GW_SYSTEM;
    if (socket->watch != NULL && socket->watch->fd != fd)
        db_socket_drop(socket);
    if (socket->watch == NULL) {
        enum gw_status status = open_watch(socket, fd);
        if (status != GW_OK)
            return status;
    }
    struct db_watch *watch = socket->watch;
    if (watch->events == events && db_socket_is_watched(socket))
        return GW_OK;
    watch->events = events;
    return uv_poll_start(&watch->poll, events, on_poll) == 0 ? GW_OK : GW_SYSTEM;
}

void db_socket_pause(struct db_socket *socket) {
    if (socket->watch == NULL)
        return;
    (void)uv_poll_stop(&socket->watch->poll);
    socket->watch->events = 0;
}

void db_socket_drop(struct db_socket *socket) {
    if (socket->watch == NULL)
        return;
    uv_close((uv_handle_t *)&socket->watch->poll, on_closed);
    socket->watch = NULL;
}

bool db_socket_is_watched(const struct db_socket *socket) {
    return socket->watch != NULL && uv_is_active((const uv_handle_t *)&socket->watch->poll);
}
