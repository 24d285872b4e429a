// SPDX-License-Identifier: MIT
#pragma once
// Which deadline runs in which state of a connection. There is one at a time; what becomes of the
// connection when it passes stands in a table in accept.c.

struct gw_conn;

// Sets the deadline that the state asks for, unless it runs already. Before returning to the loop.
void gw_conn_arm(struct gw_conn *conn);
// There was progress, or a new reason: the next gw_conn_arm sets the deadline anew.
void gw_conn_restart_deadline(struct gw_conn *conn);
