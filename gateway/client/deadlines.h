// SPDX-License-Identifier: MIT
#pragma once
// Which deadline runs in which state of a connection. There is one at a time; what becomes of the
// connection when it passes stands in a table in accept.c.

#include <stdbool.h>
#include <stddef.h>

// Of lingering: a peer that goes on sending is waited for beyond GW_LINGER_TIMEOUT_MS, within these
// bounds. Many clients send a whole upload before they look for the answer.
#define GW_LINGER_TOTAL_MS 30000
#define GW_LINGER_BYTES_MAX (256 * 1024 * 1024)

struct gw_conn;

// Sets the deadline that the state asks for, unless it runs already, and tells the group whether
// the connection is idle. Before returning to the loop.
void gw_conn_arm(struct gw_conn *conn);
// Waits for a request or a handshake of which nothing has come yet, and owes the client nothing.
bool gw_conn_is_idle(const struct gw_conn *conn);
// There was progress, or a new reason: the next gw_conn_arm sets the deadline anew.
void gw_conn_restart_deadline(struct gw_conn *conn);
// The peer was sent something: until it has that, it need not send the rest of its body.
void gw_conn_note_output(struct gw_conn *conn);
// The peer sent that much behind its last response, 0 or more, which is progress of its own within
// GW_LINGER_TOTAL_MS. False: it has sent more than GW_LINGER_BYTES_MAX.
bool gw_conn_linger_on(struct gw_conn *conn, size_t bytes);
