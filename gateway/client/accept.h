// SPDX-License-Identifier: MIT
#pragma once
// How connections of clients come to be, and what happens to them: the callbacks of the transport,
// the exchange, the deadline and the group. Each stores what happened and has the steps of conn.c
// follow from it.

#include <uv.h>

#include "gateway/client/conn.h"
#include "gateway/client/group.h"
#include "tls/context.h"

// Accepts the next connection of `listener`. `tls` NULL: plain. Over the limit, or without memory
// for what belongs to a connection, the newcomer is closed at once. GW_NO_MEMORY: not even that
// could be done, and nothing was accepted.
enum gw_status gw_conn_accept(struct gw_conn_group *group, uv_stream_t *listener,
                              struct tls_context *tls, enum gw_site site) GW_MUST_USE;
