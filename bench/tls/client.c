// SPDX-License-Identifier: MIT
#include "bench/tls/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOURCE_ADDRESSES 16

uint64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000U + (uint64_t)at.tv_nsec;
}

bool target_open(struct target *target, uint16_t port, const char *request_file) {
    FILE *file = fopen(request_file, "r");
    if (file == NULL)
        return false;
    target->request_bytes = fread(target->request, 1, sizeof(target->request), file);
    bool is_whole = feof(file) != 0;
    (void)fclose(file);
    target->port = port;
    target->tls = SSL_CTX_new(TLS_client_method());
    if (target->tls == NULL)
        return false;
    SSL_CTX_set_session_cache_mode(target->tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(target->tls, SSL_MODE_RELEASE_BUFFERS);
    return is_whole && target->request_bytes > 0;
}

static bool connect_socket(struct client *client) {
    const int yes = 1;
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(client->target->port)};
    from.sin_addr.s_addr =
        htonl(INADDR_LOOPBACK + 1U + (uint32_t)client->number % SOURCE_ADDRESSES);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return false;
    if (setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes)) == 0 &&
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0 &&
        bind(client->fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
        (connect(client->fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS))
        return true;
    (void)close(client->fd);
    return false;
}

bool client_open(struct client *client) {
    client->began_ns = now_ns();
    if (!connect_socket(client))
        return false;
    client->tls = SSL_new(client->target->tls);
    if (client->tls == NULL || SSL_set_fd(client->tls, client->fd) != 1) {
        (void)close(client->fd);
        SSL_free(client->tls);
        return false;
    }
    SSL_set_connect_state(client->tls);
    (void)SSL_set_tlsext_host_name(client->tls, "localhost");
    if (client->session != NULL)
        (void)SSL_set_session(client->tls, client->session);
    client->state = CLIENT_HANDSHAKE;
    return true;
}

void client_request(struct client *client, uint64_t due_ns) {
    client->began_ns = due_ns;
    client->answer_bytes = 0;
    client->state = CLIENT_SEND;
}

// The head is there and all of its Content-Length.
static bool is_answer_whole(struct client *client) {
    client->answer[client->answer_bytes] = '\0';
    const char *end = strstr(client->answer, "\r\n\r\n");
    const char *length = strcasestr(client->answer, "\r\ncontent-length:");
    if (end == NULL || length == NULL || length > end)
        return false;
    size_t body_bytes = strtoul(strchr(length, ':') + 1, NULL, 10);
    return client->answer_bytes == (size_t)(end + 4 - client->answer) + body_bytes;
}

// The return value of OpenSSL's calls that move the connection on; 1: moved.
static int advance(struct client *client) {
    size_t room = sizeof(client->answer) - 1 - client->answer_bytes;
    int code;
    switch (client->state) {
    case CLIENT_HANDSHAKE:
        code = SSL_do_handshake(client->tls);
        client->state = code == 1 ? CLIENT_READY : CLIENT_HANDSHAKE;
        return code;
    case CLIENT_SEND:
        code = SSL_write(client->tls, client->target->request, (int)client->target->request_bytes);
        client->state = code > 0 ? CLIENT_RECEIVE : CLIENT_SEND;
        return code;
    case CLIENT_RECEIVE:
        code = SSL_read(client->tls, client->answer + client->answer_bytes, (int)room);
        client->answer_bytes += code > 0 ? (size_t)code : 0;
        if (code > 0 && is_answer_whole(client))
            client->state = CLIENT_READY;
        return code;
    case CLIENT_CLOSED:
    case CLIENT_READY:
    default:
        return -1;
    }
}

enum client_progress client_step(struct client *client) {
    bool is_asked = client->state == CLIENT_SEND || client->state == CLIENT_RECEIVE;
    int code;
    do {
        code = advance(client);
    } while (code > 0 && client->state != CLIENT_READY);
    if (code > 0) {
        bool is_good = !is_asked || strncmp(client->answer, "HTTP/1.1 200 ", 13) == 0;
        return is_good ? CLIENT_DONE : CLIENT_FAILED;
    }
    switch (SSL_get_error(client->tls, code)) {
    case SSL_ERROR_WANT_READ:
        return CLIENT_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return CLIENT_WANTS_WRITE;
    default:
        return CLIENT_FAILED;
    }
}

bool client_is_resumed(const struct client *client) {
    return SSL_session_reused(client->tls) == 1;
}

void client_keep_session(struct client *client) {
    SSL_SESSION *session = SSL_get1_session(client->tls);
    SSL_SESSION_free(client->session);
    client->session = session;
}

void client_close(struct client *client) {
    if (client->state == CLIENT_CLOSED)
        return;
    if (client->state == CLIENT_READY)
        (void)SSL_shutdown(client->tls);
    SSL_free(client->tls);
    (void)close(client->fd);
    client->state = CLIENT_CLOSED;
}
