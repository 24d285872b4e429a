// SPDX-License-Identifier: MIT
#pragma once
// What the process that a service manager started tells it, by the protocol of sd_notify(3): a
// datagram for each message to the socket that NOTIFY_SOCKET names. systemd waits for `ready` with
// Type=notify, and with WatchdogSec= ends a service of which it has not heard for so long. Without
// a manager nothing is sent. Nothing here waits: what the socket does not take at once is lost, and
// the next beat follows.

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct gw_notify {
    int fd;          // -1: there is nobody to tell
    bool is_watched; // the manager waits for beats
    struct sockaddr_un address;
    socklen_t address_bytes;
};

// Once, at the start: the variables are gone after it. A socket that cannot be used is in the log.
void gw_notify_open(struct gw_notify *notify);
// For a process whose parent does the telling.
void gw_notify_init_silent(struct gw_notify *notify);
// Clients may come. Logs why, if the manager cannot be told: it would wait for this in vain.
void gw_notify_ready(const struct gw_notify *notify);
// No more clients are wanted: the process ends by itself.
void gw_notify_stopping(const struct gw_notify *notify);
// Once a second or more often.
void gw_notify_beat(const struct gw_notify *notify);
void gw_notify_close(struct gw_notify *notify);
