// SPDX-License-Identifier: MIT
#pragma once
// How many descriptors the process may have, room for them in libuv's table, and a reserve.

#include <stdbool.h>
#include <uv.h>

#define GW_DESCRIPTOR_RESERVE 64 // or a quarter, where there are few

// Embedded by the server until the loop has ended.
struct gw_descriptor_room {
    uv_poll_t poll;
    int fd;
};

// As many descriptors as the system grants: each client may bring one to the registry.
void gw_descriptors_raise_limit(void);
// The kernel hands out the lowest free number: while clients, and connections to the registry for
// them, stay below this number, what lies above is left for the admin port, the database and files.
// By the limit as it is now.
int gw_descriptors_max_for_clients(void);
// False: not one is left. libuv accepts and closes newcomers then, and says nothing.
bool gw_descriptors_are_left(void);
// libuv ends the process when it finds no memory for its table of descriptors, which is as long as
// the highest descriptor that it has watched. So the highest one is watched for a moment at the
// start; clients, and what each may bring to the registry, lie below it.
void gw_descriptors_make_room(struct gw_descriptor_room *room, uv_loop_t *loop,
                              int connections_max);
