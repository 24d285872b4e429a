// SPDX-License-Identifier: MIT
#include "tests/support/scripted_server.h"

#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/status.h"

#define RECEIVED_BYTES_MAX (4 * 1024 * 1024)
#define MANY_PIECE_BYTES (64 * 1024)

static char many[MANY_PIECE_BYTES];
static char read_block[64 * 1024];

static void play(struct scripted_connection *connection);

static struct scripted_connection *connection_of(const void *handle) {
    return ((const uv_handle_t *)handle)->data;
}

static void on_connection_closed(uv_handle_t *handle) {
    connection_of(handle)->is_closed = true;
}

static void close_connection(struct scripted_connection *connection, bool is_reset) {
    if (uv_is_closing((uv_handle_t *)&connection->tcp))
        return;
    if (!is_reset || uv_tcp_close_reset(&connection->tcp, on_connection_closed) != 0)
        uv_close((uv_handle_t *)&connection->tcp, on_connection_closed);
}

static void on_written(uv_write_t *request, int status) {
    struct scripted_connection *connection = connection_of(request->handle);
    connection->is_writing = false;
    if (status == 0)
        play(connection);
}

static void send_piece(struct scripted_connection *connection, const char *at, size_t length) {
    char *bytes;
    uv_buf_t piece;
    memcpy(&bytes, &at, sizeof(bytes)); // uv_buf_t is not const, uv_write does not write
    piece = uv_buf_init(bytes, (unsigned)length);
    connection->is_writing = true;
    connection->sent_of_step += length;
    connection->sent_bytes += length;
    gw_assert(
        uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &piece, 1, on_written) == 0);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

// True when the step is done.
static bool send_step(struct scripted_connection *connection, size_t total, size_t piece_max) {
    const struct script_step *step = connection->step;
    size_t left = total - connection->sent_of_step;
    if (left == 0)
        return true;
    const char *at = step->kind == SCRIPT_SEND_MANY ? many : step->text + connection->sent_of_step;
    send_piece(connection, at, smaller(left, piece_max));
    return false;
}

static bool await_step(struct scripted_connection *connection) {
    const char *text = connection->step->text;
    struct gw_str bytes = gw_buf_bytes(&connection->received);
    bytes = gw_str_slice(bytes, connection->awaited, bytes.length);
    const char *found =
        bytes.length == 0 ? NULL : memmem(bytes.at, bytes.length, text, strlen(text));
    if (found == NULL)
        return false;
    connection->awaited += (size_t)(found - bytes.at) + strlen(text);
    return true;
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)handle, (void)suggested;
    *buf = uv_buf_init(read_block, sizeof(read_block));
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf) {
    struct scripted_connection *connection = connection_of(stream);
    if (length < 0) {
        connection->saw_end = true;
        close_connection(connection, false);
        return;
    }
    connection->received_bytes += (size_t)length;
    if (!connection->server->discards)
        gw_assert(gw_buf_append(&connection->received, buf->base, (size_t)length) == GW_OK);
    play(connection);
}

static void set_reading(struct scripted_connection *connection, bool is_reading) {
    if (connection->is_reading == is_reading)
        return;
    connection->is_reading = is_reading;
    if (is_reading)
        gw_assert(uv_read_start((uv_stream_t *)&connection->tcp, allocate, on_read) == 0);
    else
        gw_assert(uv_read_stop((uv_stream_t *)&connection->tcp) == 0);
}

static bool drop_everything(int fd) {
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog program = {.len = 1, .filter = &drop};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

bool scripted_server_can_vanish(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool can = fd >= 0 && drop_everything(fd);
    close(fd);
    return can;
}

// What a host does that lost its power, or whose cable was pulled: a filter of the kernel drops
// every packet for this socket.
static void vanish(struct scripted_connection *connection) {
    uv_os_fd_t fd;
    gw_assert(uv_fileno((uv_handle_t *)&connection->tcp, &fd) == 0);
    gw_assert(drop_everything(fd));
}

static bool play_step(struct scripted_connection *connection) {
    const struct script_step *step = connection->step;
    switch (step->kind) {
    case SCRIPT_AWAIT:
        return await_step(connection);
    case SCRIPT_SEND:
        return send_step(connection, strlen(step->text), SIZE_MAX);
    case SCRIPT_TRICKLE:
        return send_step(connection, strlen(step->text), 1);
    case SCRIPT_SEND_MANY:
        return send_step(connection, step->count, MANY_PIECE_BYTES);
    case SCRIPT_HOLD:
        set_reading(connection, false);
        return false;
    case SCRIPT_VANISH:
        vanish(connection);
        return true;
    case SCRIPT_CLOSE:
    case SCRIPT_RESET:
        close_connection(connection, step->kind == SCRIPT_RESET);
        return false;
    case SCRIPT_END:
        return false;
    }
    return false;
}

static void play(struct scripted_connection *connection) {
    while (!connection->is_writing && !uv_is_closing((uv_handle_t *)&connection->tcp) &&
           play_step(connection)) {
        connection->step++;
        connection->sent_of_step = 0;
    }
}

static void on_connection(uv_stream_t *listener, int status) {
    static const struct script_step close_at_once[] = {{.kind = SCRIPT_CLOSE},
                                                       {.kind = SCRIPT_END}};
    struct scripted_server *server = listener->data;
    gw_assert(status == 0 && server->connection_count < SCRIPTED_CONNECTIONS_MAX);
    int index = server->connection_count++;
    struct scripted_connection *connection = &server->connections[index];
    *connection = (struct scripted_connection){.server = server, .step = close_at_once};
    for (int i = 0; server->scripts[i] != NULL; i++) {
        if (i == index)
            connection->step = server->scripts[i];
    }
    gw_buf_init(&connection->received, RECEIVED_BYTES_MAX);
    gw_assert(uv_tcp_init(server->loop, &connection->tcp) == 0);
    connection->tcp.data = connection;
    gw_assert(uv_accept(listener, (uv_stream_t *)&connection->tcp) == 0);
    gw_assert(uv_tcp_nodelay(&connection->tcp, 1) == 0);
    set_reading(connection, true);
    play(connection);
}

void scripted_server_open(struct scripted_server *server, uv_loop_t *loop,
                          const struct script_step *const *scripts) {
    scripted_server_open_at(server, loop, "127.0.0.1", 0, scripts);
}

void scripted_server_open_at(struct scripted_server *server, uv_loop_t *loop, const char *host,
                             int port, const struct script_step *const *scripts) {
    struct sockaddr_in address;
    int length = sizeof(address);
    memset(many, 'x', sizeof(many));
    memset(server, 0, sizeof(*server));
    server->loop = loop;
    server->scripts = scripts;
    gw_assert(uv_tcp_init(loop, &server->listener) == 0);
    server->listener.data = server;
    gw_assert(uv_ip4_addr(host, port, &address) == 0);
    gw_assert(uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0) == 0);
    gw_assert(uv_listen((uv_stream_t *)&server->listener, 64, on_connection) == 0);
    gw_assert(uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &length) == 0);
    server->port = ntohs(address.sin_port);
}

void scripted_server_release(struct scripted_server *server, int index) {
    struct scripted_connection *connection = &server->connections[index];
    gw_assert(connection->step->kind == SCRIPT_HOLD);
    connection->step++;
    set_reading(connection, true);
    play(connection);
}

void scripted_server_close(struct scripted_server *server) {
    if (!uv_is_closing((uv_handle_t *)&server->listener))
        uv_close((uv_handle_t *)&server->listener, NULL);
    for (int i = 0; i < server->connection_count; i++)
        close_connection(&server->connections[i], false);
}

void scripted_server_deinit(struct scripted_server *server) {
    for (int i = 0; i < server->connection_count; i++)
        gw_buf_deinit(&server->connections[i].received);
}

struct gw_str scripted_server_received(const struct scripted_server *server, int index) {
    gw_assert(index < server->connection_count);
    return gw_buf_bytes(&server->connections[index].received);
}
