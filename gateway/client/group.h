// SPDX-License-Identifier: MIT
#pragma once
// The client connections of one kind in a process: how many there may be, which of them make room
// for newcomers or have output to flush at the end of a turn, and how all of them drain and close.
// Knows a connection as a member alone: its place in the lists and four calls. Embedded by the
// server.

#include <stdbool.h>
#include <uv.h>

#include "base/ip.h"
#include "base/list.h"
#include "gateway/client/idle.h"
#include "gateway/client/untrusted_peers.h"
#include "gateway/exchange/services.h"
#include "gateway/net/connection_counts.h"

struct gw_group_member;

// Implemented by the connection.
struct gw_group_member_calls {
    // Once after gw_conn_group_flush_later, before the loop looks at the sockets again.
    void (*on_flush)(struct gw_group_member *member);
    // The grace of a drain is over: leave in good order where no request is under way. False: one
    // is, and closing cuts it.
    bool (*on_dismiss)(struct gw_group_member *member);
    // Close at once, in good order (gw_conn_group_note_closing). False: no more idle.
    bool (*on_make_room)(struct gw_group_member *member);
    // Close now, and leave the group when the last handle has closed.
    void (*on_close)(struct gw_group_member *member);
};

// Embedded by the connection.
struct gw_group_member {
    const struct gw_group_member_calls *calls;
    struct gw_list link;
    struct gw_list unflushed_link;
    struct gw_idle_member idle;
    bool is_closing; // and does not count any more
};

struct gw_conn_group {
    struct gw_services *services;
    struct gw_list members;
    struct gw_list unflushed; // of handlers that answered outside of a read
    uv_prepare_t flusher;
    struct gw_idle idle; // keeps none unless initialised by the owner
    int open_count;
    int closing_count; // of these
    int count_max;
    int count_fitting; // until short_until_ms, because there were no descriptors for more
    uint64_t short_until_ms;
    struct gw_address_counts addresses; // counts nothing unless initialised by the owner
    struct gw_untrusted_peers untrusted;
    void (*on_drained)(struct gw_conn_group *group);
    void (*on_closed)(struct gw_conn_group *group);
    bool is_flusher_closed;
};

void gw_conn_group_open(struct gw_conn_group *group, struct gw_services *services, int count_max);
// services->is_draining was set: each connection closes after its next response. on_drained is
// called from the loop whenever the last one has closed; not when open_count is 0 already.
void gw_conn_group_drain(struct gw_conn_group *group,
                         void (*on_drained)(struct gw_conn_group *group));
// Connections without a request close in good order. Returns how many others there are.
int gw_conn_group_dismiss(struct gw_conn_group *group);
// Closes every connection, then the group's own handle, then calls back.
void gw_conn_group_close(struct gw_conn_group *group,
                         void (*on_closed)(struct gw_conn_group *group));

void gw_conn_group_join(struct gw_conn_group *group, struct gw_group_member *member,
                        const struct gw_group_member_calls *calls);
// It closes: a newcomer may have its place. Once or more.
void gw_conn_group_note_closing(struct gw_conn_group *group, struct gw_group_member *member);
// The last call of a member. May call the group's owner back.
void gw_conn_group_leave(struct gw_conn_group *group, struct gw_group_member *member);
// With its newest member it has more than it may have.
bool gw_conn_group_is_over(const struct gw_conn_group *group);
// With its newest member the process has more descriptors than are for clients: for some seconds
// there may be no more members than before it.
void gw_conn_group_note_shortage(struct gw_conn_group *group);
// Closes an idle member (gateway/client/idle.h), which has joined `group->idle`, for the newcomer,
// which has too. False: there is none.
bool gw_conn_group_make_room(struct gw_conn_group *group, const struct gw_group_member *newcomer);
// on_flush at the end of this turn; once, however often it is asked for.
void gw_conn_group_flush_later(struct gw_conn_group *group, struct gw_group_member *member);
// on_flush is not needed any more. Harmless when it was not asked for.
void gw_conn_group_forget_flush(struct gw_group_member *member);
