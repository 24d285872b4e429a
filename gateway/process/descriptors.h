// SPDX-License-Identifier: MIT
#pragma once
// How many descriptors the process may have, and room for them in libuv's table.

#include <uv.h>

// Embedded by the server until the loop has ended.
struct gw_descriptor_room {
    uv_poll_t poll;
    int fd;
};

// As many descriptors as the system grants: each client may bring one to the registry.
void gw_descriptors_raise_limit(void);
// libuv ends the process when it finds no memory for its table of descriptors, which is as long as
// the highest descriptor that it has watched. So the highest one is watched for a moment at the
// start; clients, and what each may bring to the registry, lie below it.
void gw_descriptors_make_room(struct gw_descriptor_room *room, uv_loop_t *loop,
                              int connections_max);
