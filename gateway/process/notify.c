// SPDX-License-Identifier: MIT
#include "gateway/process/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/status.h"
#include "base/str.h"

static void complain(const char *reason) {
    gw_log(GW_LOG_ERROR, "server", "cannot tell the service manager reason=\"%s\"", reason);
}

// A path, or with "@" in front a name of the abstract namespace, which begins with a NUL.
static bool read_address(struct gw_notify *notify, const char *text) {
    size_t length = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || length >= sizeof(notify->address.sun_path))
        return false;
    notify->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(notify->address.sun_path, text, length);
    if (text[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

// WATCHDOG_PID names the process that is to beat; without it, any.
static bool is_watched(void) {
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t number;
    if (getenv("WATCHDOG_USEC") == NULL)
        return false;
    return pid == NULL ||
           (gw_str_to_u64(gw_str_from(pid), &number) == GW_OK && number == (uint64_t)getpid());
}

static void forget_variables(void) {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void gw_notify_open(struct gw_notify *notify) {
    const char *socket_name = getenv("NOTIFY_SOCKET");
    gw_notify_init_silent(notify);
    if (socket_name == NULL || socket_name[0] == '\0') {
        forget_variables();
        return;
    }
    notify->is_watched = is_watched();
    if (!read_address(notify, socket_name)) {
        complain("NOTIFY_SOCKET is no path and no abstract name");
    } else {
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (notify->fd < 0)
            complain(strerror(errno));
    }
    forget_variables();
}

void gw_notify_init_silent(struct gw_notify *notify) {
    *notify = (struct gw_notify){.fd = -1};
}

static bool tell(const struct gw_notify *notify, const char *message) {
    if (notify->fd < 0)
        return true;
    return sendto(notify->fd, message, strlen(message), MSG_NOSIGNAL,
                  (const struct sockaddr *)&notify->address, notify->address_bytes) >= 0;
}

void gw_notify_ready(const struct gw_notify *notify) {
    if (!tell(notify, "READY=1"))
        complain(strerror(errno));
}

void gw_notify_stopping(const struct gw_notify *notify) {
    (void)tell(notify, "STOPPING=1");
}

void gw_notify_beat(const struct gw_notify *notify) {
    if (notify->is_watched)
        (void)tell(notify, "WATCHDOG=1");
}

void gw_notify_close(struct gw_notify *notify) {
    if (notify->fd >= 0)
        close(notify->fd);
    gw_notify_init_silent(notify);
}
