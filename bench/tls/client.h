// SPDX-License-Identifier: MIT
#pragma once
// One client of a TLS server, with OpenSSL as it comes: connects, shakes hands, sends the request
// and reads the answer, all without blocking. wrk cannot resume sessions and OpenSSL's own s_time
// uses a tenth of a core, so the load of the TLS cases is made here.

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target {
    SSL_CTX *tls;
    uint16_t port; // of 127.0.0.1
    char request[4096];
    size_t request_bytes;
};

enum client_state { CLIENT_CLOSED, CLIENT_HANDSHAKE, CLIENT_READY, CLIENT_SEND, CLIENT_RECEIVE };
enum client_progress { CLIENT_WANTS_READ, CLIENT_WANTS_WRITE, CLIENT_DONE, CLIENT_FAILED };

struct client {
    const struct target *target;
    int number; // spreads the clients over source addresses, for the sake of ports
    int fd;
    SSL *tls;
    SSL_SESSION *session; // of the connection before, to be resumed; NULL: a full handshake
    enum client_state state;
    uint64_t began_ns; // when the connection was opened, or the request was due
    char answer[8192];
    size_t answer_bytes;
};

uint64_t now_ns(void);

// False: no such file, or too large.
bool target_open(struct target *target, uint16_t port, const char *request_file);

// Zeros are a closed client. False: no socket.
bool client_open(struct client *client);
// Goes on until the socket blocks. CLIENT_DONE: connected and ready for a request, or the answer is
// there, whole and of status 200; CLIENT_FAILED.
enum client_progress client_step(struct client *client);
// The client is ready: begins a request, due at `due_ns`; client_step goes on with it.
void client_request(struct client *client, uint64_t due_ns);
bool client_is_resumed(const struct client *client);
// Keeps the session for the next client_open, if the server gave a ticket.
void client_keep_session(struct client *client);
void client_close(struct client *client);
