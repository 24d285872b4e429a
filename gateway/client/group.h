// SPDX-License-Identifier: MIT
#pragma once
// The client connections of one kind in a process: how many there may be, which of them have output
// to flush at the end of a turn, and how all of them drain and close. Knows a connection as a
// member alone: its place in the lists and three calls. Embedded by the server.

#include <stdbool.h>
#include <uv.h>

#include "base/ip.h"
#include "base/list.h"
#include "gateway/exchange/services.h"
#include "gateway/net/connection_counts.h"

struct gw_group_member;

// Implemented by the connection.
struct gw_group_member_calls {
    // Once after gw_conn_group_flush_later, before the loop looks at the sockets again.
    void (*on_flush)(struct gw_group_member *member);
    // services->is_draining was set.
    void (*on_drain)(struct gw_group_member *member);
    // Close now, and leave the group when the last handle has closed.
    void (*on_close)(struct gw_group_member *member);
};

// Embedded by the connection.
struct gw_group_member {
    const struct gw_group_member_calls *calls;
    struct gw_list link;
    struct gw_list unflushed_link;
};

struct gw_conn_group {
    struct gw_services *services;
    struct gw_list members;
    struct gw_list unflushed; // of handlers that answered outside of a read
    uv_prepare_t flusher;
    int open_count;
    int count_max;
    struct gw_address_counts addresses; // counts nothing unless initialised by the owner
    void (*on_drained)(struct gw_conn_group *group);
    void (*on_closed)(struct gw_conn_group *group);
    bool is_flusher_closed;
};

void gw_conn_group_open(struct gw_conn_group *group, struct gw_services *services, int count_max);
// services->is_draining was set: connections without a request close, the others close after their
// response. on_drained is called once, from the loop, when the last one has closed; never when
// open_count is 0 already.
void gw_conn_group_drain(struct gw_conn_group *group,
                         void (*on_drained)(struct gw_conn_group *group));
// Closes every connection, then the group's own handle, then calls back.
void gw_conn_group_close(struct gw_conn_group *group,
                         void (*on_closed)(struct gw_conn_group *group));

void gw_conn_group_join(struct gw_conn_group *group, struct gw_group_member *member,
                        const struct gw_group_member_calls *calls);
// The last call of a member. May call the group's owner back.
void gw_conn_group_leave(struct gw_conn_group *group, struct gw_group_member *member);
// With its newest member it has more than it may have.
bool gw_conn_group_is_over(const struct gw_conn_group *group);
// on_flush at the end of this turn; once, however often it is asked for.
void gw_conn_group_flush_later(struct gw_conn_group *group, struct gw_group_member *member);
// on_flush is not needed any more. Harmless when it was not asked for.
void gw_conn_group_forget_flush(struct gw_group_member *member);
