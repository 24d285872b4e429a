// SPDX-License-Identifier: MIT
#include "gateway/process/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/status.h"

#define OTHERS_MAX 512 // descriptors of the process that no client brings

void gw_descriptors_raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int gw_descriptors_max_for_clients(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    int max = (int)limit.rlim_cur;
    return max - (max / 4 < GW_DESCRIPTOR_RESERVE ? max / 4 : GW_DESCRIPTOR_RESERVE);
}

bool gw_descriptors_are_left(void) {
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0)
        return errno != EMFILE && errno != ENFILE;
    close(fd);
    return true;
}

static void on_closed(uv_handle_t *handle) {
    close(gw_container_of((uv_poll_t *)handle, struct gw_descriptor_room, poll)->fd);
}

// The highest descriptor that may be needed and is granted, or -1.
static int open_highest(int connections_max) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return -1;
    rlim_t wanted = 2 * (rlim_t)connections_max + OTHERS_MAX;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -1;
    int highest =
        fcntl(fd, F_DUPFD_CLOEXEC, (int)(wanted < limit.rlim_cur ? wanted : limit.rlim_cur) - 1);
    close(fd);
    return highest;
}

void gw_descriptors_make_room(struct gw_descriptor_room *room, uv_loop_t *loop,
                              int connections_max) {
    gw_assert(connections_max > 0);
    room->fd = open_highest(connections_max);
    if (room->fd < 0)
        return;
    if (uv_poll_init(loop, &room->poll, room->fd) != 0) {
        close(room->fd);
        return;
    }
    (void)uv_poll_start(&room->poll, UV_READABLE, NULL);
    uv_close((uv_handle_t *)&room->poll, on_closed);
}
