// SPDX-License-Identifier: MIT
#pragma once
// A TCP server on 127.0.0.1 that answers from a script, byte for byte, in the loop of the test:
// what a registry (or a hostile one) sends. Each connection plays its own script, in the order of
// connecting. After its last step a connection stays open and goes on reading.

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/str.h"

enum script_step_kind {
    SCRIPT_END,
    SCRIPT_AWAIT,     // until the client sent `text`, behind what the last AWAIT found
    SCRIPT_SEND,      // `text`
    SCRIPT_TRICKLE,   // `text`, one byte per write
    SCRIPT_SEND_MANY, // `count` bytes 'x', no faster than the client takes them
    SCRIPT_HOLD,      // until scripted_server_release; reads nothing meanwhile
    SCRIPT_VANISH,    // from now on nothing of the client arrives or is acknowledged; goes on
    SCRIPT_CLOSE,
    SCRIPT_RESET
};

struct script_step {
    enum script_step_kind kind;
    const char *text;
    size_t count;
};

#define SCRIPTED_CONNECTIONS_MAX 24

struct scripted_connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct scripted_server *server;
    const struct script_step *step;
    struct gw_buf received; // all of it, unless `discards`
    size_t awaited;         // bytes of `received` that AWAIT steps used up
    size_t received_bytes;  // also those discarded
    size_t sent_of_step;
    size_t sent_bytes;
    bool is_writing, is_reading, is_closed, saw_end;
};

struct scripted_server {
    uv_tcp_t listener;
    uv_loop_t *loop;
    int port;
    const struct script_step *const
        *scripts; // NULL-terminated; further connections are closed at once
    struct scripted_connection connections[SCRIPTED_CONNECTIONS_MAX];
    int connection_count;
    bool discards; // keep counting, but do not keep what is received
};

void scripted_server_open(struct scripted_server *server, uv_loop_t *loop,
                          const struct script_step *const *scripts);
// At a chosen address of this machine.
void scripted_server_open_at(struct scripted_server *server, uv_loop_t *loop, const char *host,
                             int port, const struct script_step *const *scripts);
// Goes on where connection `index` holds.
void scripted_server_release(struct scripted_server *server, int index);
// Run the loop afterwards, then scripted_server_deinit.
void scripted_server_close(struct scripted_server *server);
void scripted_server_deinit(struct scripted_server *server);
// What connection `index` received, valid until the loop runs again.
struct gw_str scripted_server_received(const struct scripted_server *server, int index);

// False: the kernel gives an ordinary user no socket filter (its room for them is used up), so no
// script can use SCRIPT_VANISH.
bool scripted_server_can_vanish(void);
