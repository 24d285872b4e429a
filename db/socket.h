// SPDX-License-Identifier: MIT
#pragma once
// Watches whichever socket libpq uses at the moment. A uv_poll handle outlives the socket it
// watches: libpq closes sockets on its own while it tries hosts, libuv lets go of a handle only in
// a later turn. So each socket has a watch of its own on the heap.
//
// The owner embeds struct db_socket, fills in the loop and the two callbacks, and may free it once
// db_socket_has_handles is false. Callbacks fire from the loop alone.

#include <stdbool.h>

#include <uv.h>

#include "base/status.h"

struct db_watch;

struct db_socket {
    uv_loop_t *loop;
    // The socket is readable or writable as asked, or has an error, which libpq will find.
    void (*on_event)(struct db_socket *socket);
    // A handle has closed.
    void (*on_handle_closed)(struct db_socket *socket);
    struct db_watch *watch; // of the socket in use; NULL: no socket is watched
    int handle_count;       // watches open or closing
};

// Waits for `events` (UV_READABLE, UV_WRITABLE) of `fd`, in place of what was waited for before.
// GW_SYSTEM, GW_NO_MEMORY: nothing is waited for.
enum gw_status db_socket_watch(struct db_socket *socket, int fd, int events) GW_MUST_USE;
// Before libpq may close the socket: afterwards its number can belong to another one.
void db_socket_pause(struct db_socket *socket);
// Ends the watch; on_handle_closed follows.
void db_socket_drop(struct db_socket *socket);
// False after libuv has stopped the watch by itself, which it does at an error of the socket.
bool db_socket_is_watched(const struct db_socket *socket);
static inline bool db_socket_has_handles(const struct db_socket *socket) {
    return socket->handle_count > 0;
}
