// SPDX-License-Identifier: MIT
// The life of a connection. The lists of struct gw_upstream hold one for each state.
//
//   RESOLVING --> CONNECTING --> BUSY <--> IDLE
//       |             |           |         |
//       +-------------+-----------+---------+--> CLOSING --> freed
//
// A connection before IDLE has a call, except while it closes. A call that goes on after its connection failed (another address,
// or the one retry) gets a new connection: none is ever connected twice.
#include "gateway/upstream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "gateway/services.h"
#include "gateway/transport.h"
#include "gateway/upstream_addresses.h"

#define INTERIM_RESPONSES_MAX 16 // 1xx of one request
#define CHUNK_FRAME_BYTES_MAX 24 // size, and two line ends
#define EARLY_BYTES_MAX (GW_CONN_WRITE_HIGH_WATER_BYTES + 2 * GW_CONN_READ_BYTES)

#define CONN_STATE_MAP(X)                                                                          \
    X(RESOLVING, "resolving")                                                                      \
    X(CONNECTING, "connecting")                                                                    \
    X(BUSY, "busy")                                                                                \
    X(IDLE, "idle")                                                                                \
    X(CLOSING, "closing")

enum conn_state {
#define X(name, text) CONN_##name,
    CONN_STATE_MAP(X)
#undef X
        CONN_STATE_COUNT
};

struct gw_upstream_conn {
    struct gw_transport transport;
    struct gw_http_parser parser;
    struct gw_deadline deadline;
    struct gw_list link;
    struct gw_upstream *upstream;
    struct gw_upstream_call *call;
    uv_connect_t connect;
    enum conn_state state;
    int address;
    int interim_count;
    bool was_used;     // it brought a response before, so it may have died of age
    bool has_answered; // a byte of the response to this call came
    bool has_head;     // the final head of this call was delivered
    bool is_reusable;  // as far as that head says
    size_t unsent_when_watched;
};

struct gw_upstream {
    const struct gw_services *services;
    struct gw_upstream_addresses addresses;
    struct gw_upstream_url url;
    struct gw_list connections[CONN_STATE_COUNT]; // newest first
    int connection_counts[CONN_STATE_COUNT];
    bool is_closing, are_addresses_closed;
    void (*on_closed)(struct gw_upstream *upstream);
    char url_text[];
};

// ---- connections --------------------------------------------------------------------------------------------------

static void set_state(struct gw_upstream_conn *conn, enum conn_state state) {
    static const char *const names[] = {
#define X(name, text) [CONN_##name] = text,
        CONN_STATE_MAP(X)
#undef X
    };
    struct gw_upstream *upstream = conn->upstream;
    gw_log(GW_LOG_DEBUG, "upstream", "connection from=%s to=%s", names[conn->state], names[state]);
    upstream->connection_counts[conn->state]--;
    upstream->connection_counts[state]++;
    conn->state = state;
    gw_list_remove(&conn->link);
    gw_list_push_front(&upstream->connections[state], &conn->link);
}

static void set_deadline(struct gw_upstream_conn *conn, enum gw_deadline_id id) {
    const struct gw_services *services = conn->upstream->services;
    gw_deadline_set(&conn->deadline, &services->deadlines[id], uv_now(services->loop));
}

static size_t unsent_bytes(const struct gw_upstream_conn *conn) {
    return gw_transport_pending_bytes(&conn->transport);
}

// The clock runs while the registry is the one to act: to take what we sent, or to answer a whole request.
static void watch(struct gw_upstream_conn *conn) {
    const struct gw_upstream_call *call = conn->call;
    conn->unsent_when_watched = unsent_bytes(conn);
    bool is_its_turn = conn->unsent_when_watched > 0 || (call->is_body_ended && !call->is_paused);
    if (is_its_turn)
        set_deadline(conn, GW_DEADLINE_UPSTREAM_RESPONSE);
    else
        gw_deadline_clear(&conn->deadline);
}

static void attach(struct gw_upstream_conn *conn, struct gw_upstream_call *call) {
    gw_assert(conn->call == NULL && call->conn == NULL);
    conn->call = call;
    call->conn = conn;
}

static struct gw_upstream_call *detach(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = conn->call;
    if (call != NULL)
        call->conn = NULL;
    conn->call = NULL;
    return call;
}

static void close_connection(struct gw_upstream_conn *conn) {
    if (conn->state == CONN_CLOSING)
        return;
    gw_deadline_clear(&conn->deadline);
    set_state(conn, CONN_CLOSING);
    gw_transport_close(&conn->transport);
}

static const struct gw_transport_events transport_events;
static void on_body(struct gw_http_parser *parser, struct gw_str bytes);
static void on_deadline(struct gw_deadline *deadline);

// NULL: out of memory.
static struct gw_upstream_conn *create_connection(struct gw_upstream *upstream) {
    const struct gw_services *services = upstream->services;
    struct gw_upstream_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL)
        return NULL;
    if (gw_transport_init(&conn->transport, services->loop, services->transport_shared, NULL,
                          &transport_events) != GW_OK) {
        free(conn);
        return NULL;
    }
    conn->upstream = upstream;
    conn->state = CONN_RESOLVING;
    gw_http_parser_init(&conn->parser, GW_HTTP_RESPONSES, on_body);
    gw_deadline_init(&conn->deadline, on_deadline);
    upstream->connection_counts[CONN_RESOLVING]++;
    gw_list_push_front(&upstream->connections[CONN_RESOLVING], &conn->link);
    return conn;
}

static enum gw_status connect_to(struct gw_upstream_conn *conn, int address) {
    struct gw_upstream *upstream = conn->upstream;
    conn->address = address;
    conn->call->addresses_tried |= UINT32_C(1) << address;
    upstream->services->metrics->upstream_connects_total++;
    set_state(conn, CONN_CONNECTING);
    set_deadline(conn, GW_DEADLINE_UPSTREAM_CONNECT);
    return gw_transport_connect(&conn->transport, &conn->connect,
                                (const struct sockaddr *)&upstream->addresses.list[address].socket);
}

static enum gw_status fail_to_open(struct gw_upstream_call *call, enum gw_status status,
                                   const char *reason) {
    call->reason = reason;
    return status;
}

static enum gw_status wait_for_addresses(struct gw_upstream *upstream,
                                         struct gw_upstream_call *call) {
    if (!gw_upstream_addresses_refresh(&upstream->addresses))
        return fail_to_open(call, GW_UNAVAILABLE, "its name does not resolve");
    struct gw_upstream_conn *conn = create_connection(upstream);
    if (conn == NULL)
        return fail_to_open(call, GW_NO_MEMORY, "out of memory");
    attach(conn, call);
    set_deadline(conn, GW_DEADLINE_UPSTREAM_CONNECT);
    return GW_OK;
}

// Gives the call a fresh connection to an address that it did not try yet.
static enum gw_status open_connection(struct gw_upstream *upstream, struct gw_upstream_call *call) {
    struct gw_upstream_addresses *addresses = &upstream->addresses;
    if (upstream->is_closing)
        return fail_to_open(call, GW_UNAVAILABLE, "the gateway is stopping");
    if (addresses->count == 0)
        return wait_for_addresses(upstream, call);
    for (;;) {
        int address = gw_upstream_addresses_pick(addresses, call->addresses_tried);
        if (address < 0)
            return fail_to_open(call, GW_UNAVAILABLE, "could not connect");
        struct gw_upstream_conn *conn = create_connection(upstream);
        if (conn == NULL)
            return fail_to_open(call, GW_NO_MEMORY, "out of memory");
        attach(conn, call);
        if (connect_to(conn, address) == GW_OK)
            return GW_OK;
        detach(conn);
        close_connection(conn);
        gw_upstream_addresses_report_failure(addresses, address);
    }
}

// ---- how a call ends ----------------------------------------------------------------------------------------------

// Last act of every path that comes here: on_error may free the call or start another.
static void fail_call(struct gw_upstream_call *call, enum gw_status status, const char *reason) {
    gw_buf_deinit(&call->early);
    call->reason = reason;
    call->upstream->services->metrics->upstream_failures_total++;
    call->events->on_error(call, status);
}

static void fail_connection(struct gw_upstream_conn *conn, enum gw_status status,
                            const char *reason) {
    struct gw_upstream_call *call = detach(conn);
    close_connection(conn);
    fail_call(call, status, reason);
}

static void fail_connect(struct gw_upstream_conn *conn, enum gw_status status, const char *reason) {
    struct gw_upstream *upstream = conn->upstream;
    gw_upstream_addresses_report_failure(&upstream->addresses, conn->address);
    struct gw_upstream_call *call = detach(conn);
    close_connection(conn);
    if (open_connection(upstream, call) != GW_OK)
        fail_call(call, status, reason);
}

static bool may_retry(const struct gw_upstream_conn *conn, const struct gw_upstream_call *call) {
    return conn->was_used && !conn->has_answered && !call->was_retried &&
           call->request.is_idempotent && call->request.body == GW_UPSTREAM_NO_BODY;
}

// The connection died under its call.
static void lose_connection(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = detach(conn);
    bool is_retried = may_retry(conn, call);
    const char *reason = conn->has_answered ? "the connection closed within the response"
                                            : "the connection closed before a response";
    close_connection(conn);
    if (!is_retried) {
        fail_call(call, GW_CLOSED, reason);
        return;
    }
    call->was_retried = true;
    enum gw_status status = open_connection(conn->upstream, call);
    if (status != GW_OK)
        fail_call(call, status, call->reason);
}

static void complete_call(struct gw_upstream_conn *conn, bool is_clean) {
    struct gw_upstream_call *call = detach(conn);
    const struct gw_upstream *upstream = conn->upstream;
    bool is_kept = is_clean && conn->is_reusable && call->is_body_ended &&
                   unsent_bytes(conn) == 0 &&
                   upstream->connection_counts[CONN_IDLE] < GW_UPSTREAM_IDLE_CONNECTIONS_MAX;
    if (is_kept) {
        if (call->is_paused)
            gw_transport_resume(&conn->transport);
        conn->was_used = true;
        set_state(conn, CONN_IDLE);
        set_deadline(conn, GW_DEADLINE_UPSTREAM_IDLE);
    } else {
        close_connection(conn);
    }
    call->events->on_end(call);
}

// ---- the response -------------------------------------------------------------------------------------------------

static struct gw_upstream_conn *conn_of(struct gw_transport *transport) {
    return gw_container_of(transport, struct gw_upstream_conn, transport);
}

static void on_body(struct gw_http_parser *parser, struct gw_str bytes) {
    struct gw_upstream_conn *conn = gw_container_of(parser, struct gw_upstream_conn, parser);
    if (conn->call != NULL) // else aborted by the piece before
        conn->call->events->on_body(conn->call, bytes);
}

static void expect_response(struct gw_upstream_conn *conn) {
    if (conn->call->request.is_head)
        gw_http_parser_expect_no_body(&conn->parser);
}

// False: the call is over.
static bool take_head(struct gw_upstream_conn *conn) {
    const struct gw_http_head *head = conn->parser.head;
    bool is_interim = head->status >= 100 && head->status < 200 && head->status != 101;
    if (is_interim && conn->interim_count < INTERIM_RESPONSES_MAX) {
        conn->interim_count++;
        return true;
    }
    if (head->status < 200 || head->status > 599) {
        fail_connection(conn, GW_INVALID, "a status that nothing asked for");
        return false;
    }
    conn->has_head = true;
    conn->is_reusable = head->keep_alive;
    conn->call->events->on_head(conn->call, head);
    return conn->call != NULL;
}

// Feeds until the bytes are used up or the call is over.
static void take_bytes(struct gw_upstream_conn *conn, struct gw_str bytes) {
    for (;;) {
        size_t consumed = 0;
        enum gw_http_event event = gw_http_parser_feed(&conn->parser, bytes, &consumed);
        bytes = gw_str_slice(bytes, consumed, bytes.length);
        if (conn->call == NULL)
            return;
        if (event == GW_HTTP_FAILED) {
            fail_connection(conn, GW_INVALID, gw_http_parser_failure(&conn->parser)->message);
            return;
        }
        if (event == GW_HTTP_HEAD && !take_head(conn))
            return;
        if (event == GW_HTTP_END) {
            if (conn->has_head) {
                complete_call(conn, bytes.length == 0);
                return;
            }
            expect_response(conn); // that was an interim one
        }
        if (event == GW_HTTP_WANT_INPUT) {
            watch(conn);
            return;
        }
    }
}

static void on_read(struct gw_transport *transport, struct gw_str bytes) {
    struct gw_upstream_conn *conn = conn_of(transport);
    if (conn->call == NULL) {
        close_connection(conn); // nobody asked
        return;
    }
    conn->has_answered = true;
    take_bytes(conn, bytes);
}

static void on_end(struct gw_transport *transport) {
    struct gw_upstream_conn *conn = conn_of(transport);
    if (conn->call == NULL)
        close_connection(conn);
    else if (conn->has_head && gw_http_parser_finish(&conn->parser))
        complete_call(conn, false);
    else
        lose_connection(conn);
}

static void on_error(struct gw_transport *transport, enum gw_status status) {
    struct gw_upstream_conn *conn = conn_of(transport);
    (void)status;
    if (conn->call == NULL)
        close_connection(conn);
    else if (conn->state == CONN_CONNECTING)
        fail_connect(conn, GW_UNAVAILABLE, "could not connect");
    else
        lose_connection(conn);
}

// ---- the request --------------------------------------------------------------------------------------------------

static enum gw_status send_request(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = conn->call;
    struct gw_buf *output = gw_transport_output(&conn->transport);
    set_state(conn, CONN_BUSY);
    conn->has_answered = conn->has_head = false;
    conn->interim_count = 0;
    expect_response(conn);
    enum gw_status status = gw_buf_append_str(output, call->request.head);
    if (status == GW_OK)
        status = gw_buf_append_str(output, gw_buf_bytes(&call->early));
    if (status != GW_OK)
        return status;
    gw_buf_deinit(&call->early);
    gw_transport_flush(&conn->transport);
    watch(conn);
    return GW_OK;
}

static void tell_writable(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = conn->call;
    if (!call->is_body_ended && gw_upstream_call_is_writable(call))
        call->events->on_writable(call);
}

static void on_open(struct gw_transport *transport) {
    struct gw_upstream_conn *conn = conn_of(transport);
    if (conn->call == NULL)
        return;
    enum gw_status status = send_request(conn);
    if (status != GW_OK)
        fail_connection(conn, status, "out of memory");
    else
        tell_writable(conn);
}

static void on_drain(struct gw_transport *transport) {
    struct gw_upstream_conn *conn = conn_of(transport);
    if (conn->call == NULL || conn->state != CONN_BUSY)
        return;
    watch(conn);
    tell_writable(conn);
}

static void on_resolved(struct gw_upstream_addresses *addresses) {
    struct gw_upstream *upstream = gw_container_of(addresses, struct gw_upstream, addresses);
    struct gw_list waiting;
    gw_list_init(&waiting);
    gw_list_append_all(&waiting, &upstream->connections[CONN_RESOLVING]);
    while (!gw_list_is_empty(&waiting)) {
        struct gw_upstream_conn *conn =
            gw_container_of(waiting.previous, struct gw_upstream_conn, link);
        int address = gw_upstream_addresses_pick(addresses, conn->call->addresses_tried);
        if (address < 0)
            fail_connection(conn, GW_UNAVAILABLE, "its name does not resolve");
        else if (connect_to(conn, address) != GW_OK)
            fail_connect(conn, GW_UNAVAILABLE, "could not connect");
    }
}

static void time_out_response(struct gw_upstream_conn *conn) {
    if (unsent_bytes(conn) < conn->unsent_when_watched)
        watch(conn); // slow, but it takes what we send
    else if (!conn->call->is_body_ended)
        fail_connection(conn, GW_TIMED_OUT, "it stopped taking the request");
    else
        fail_connection(conn, GW_TIMED_OUT,
                        conn->has_head ? "it stopped in its response"
                                       : "it did not answer in time");
}

static void on_deadline(struct gw_deadline *deadline) {
    struct gw_upstream_conn *conn = gw_container_of(deadline, struct gw_upstream_conn, deadline);
    switch (conn->state) {
    case CONN_RESOLVING:
        fail_connection(conn, GW_TIMED_OUT, "its name did not resolve in time");
        break;
    case CONN_CONNECTING:
        fail_connect(conn, GW_TIMED_OUT, "could not connect in time");
        break;
    case CONN_BUSY:
        time_out_response(conn);
        break;
    case CONN_IDLE:
        close_connection(conn);
        break;
    case CONN_CLOSING:
    case CONN_STATE_COUNT:
        break;
    }
}

// ---- calls --------------------------------------------------------------------------------------------------------

enum gw_status gw_upstream_call_start(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                      const struct gw_upstream_call_events *events,
                                      const struct gw_upstream_request *request) {
    *call = (struct gw_upstream_call){.events = events,
                                      .upstream = upstream,
                                      .request = *request,
                                      .is_body_ended = request->body == GW_UPSTREAM_NO_BODY,
                                      .reason = ""};
    gw_buf_init(&call->early, EARLY_BYTES_MAX);
    upstream->services->metrics->upstream_requests_total++;
    enum gw_status status;
    struct gw_list *idle = &upstream->connections[CONN_IDLE];
    if (gw_list_is_empty(idle)) {
        status = open_connection(upstream, call);
    } else {
        struct gw_upstream_conn *conn = gw_container_of(idle->next, struct gw_upstream_conn, link);
        attach(conn, call);
        status = send_request(conn);
        if (status != GW_OK) {
            call->reason = "out of memory";
            detach(conn);
            close_connection(conn);
        }
    }
    if (status != GW_OK)
        upstream->services->metrics->upstream_failures_total++;
    return status;
}

static bool is_connected(const struct gw_upstream_call *call) {
    return call->conn != NULL && call->conn->state == CONN_BUSY;
}

bool gw_upstream_call_is_writable(const struct gw_upstream_call *call) {
    return is_connected(call) && unsent_bytes(call->conn) <= GW_CONN_WRITE_HIGH_WATER_BYTES;
}

// Where body bytes go now; NULL when nobody wants them any more.
static struct gw_buf *body_output(struct gw_upstream_call *call) {
    if (call->conn == NULL || call->conn->state == CONN_CLOSING)
        return NULL;
    return is_connected(call) ? gw_transport_output(&call->conn->transport) : &call->early;
}

static void push(struct gw_upstream_call *call) {
    if (!is_connected(call))
        return;
    gw_transport_flush(&call->conn->transport);
    watch(call->conn);
}

// RFC 9112 section 7.1.
static enum gw_status append_chunk(struct gw_buf *output, struct gw_str bytes) {
    char *at;
    enum gw_status status = gw_buf_reserve(output, bytes.length + CHUNK_FRAME_BYTES_MAX, &at);
    if (status != GW_OK)
        return status;
    size_t length = (size_t)snprintf(at, CHUNK_FRAME_BYTES_MAX, "%zx\r\n", bytes.length);
    memcpy(at + length, bytes.at, bytes.length);
    length += bytes.length;
    memcpy(at + length, "\r\n", 2);
    gw_buf_commit(output, length + 2);
    return GW_OK;
}

enum gw_status gw_upstream_call_send_body(struct gw_upstream_call *call, struct gw_str bytes) {
    struct gw_buf *output = body_output(call);
    if (output == NULL || call->is_body_ended || bytes.length == 0)
        return GW_OK;
    enum gw_status status = call->request.body == GW_UPSTREAM_BODY_CHUNKED
                                ? append_chunk(output, bytes)
                                : gw_buf_append_str(output, bytes);
    if (status == GW_OK)
        push(call);
    return status;
}

enum gw_status gw_upstream_call_end_body(struct gw_upstream_call *call) {
    struct gw_buf *output = body_output(call);
    if (output == NULL || call->is_body_ended)
        return GW_OK;
    enum gw_status status = GW_OK;
    if (call->request.body == GW_UPSTREAM_BODY_CHUNKED)
        status = gw_buf_append_str(output, GW_STR("0\r\n\r\n"));
    if (status != GW_OK)
        return status;
    call->is_body_ended = true;
    push(call);
    return GW_OK;
}

void gw_upstream_call_pause(struct gw_upstream_call *call) {
    if (!is_connected(call) || call->is_paused)
        return;
    call->is_paused = true;
    gw_transport_pause(&call->conn->transport);
    watch(call->conn);
}

void gw_upstream_call_resume(struct gw_upstream_call *call) {
    if (!is_connected(call) || !call->is_paused)
        return;
    call->is_paused = false;
    gw_transport_resume(&call->conn->transport);
    watch(call->conn);
}

void gw_upstream_call_abort(struct gw_upstream_call *call) {
    if (call->conn == NULL)
        return;
    struct gw_upstream_conn *conn = call->conn;
    detach(conn);
    close_connection(conn);
    gw_buf_deinit(&call->early);
}

bool gw_upstream_call_is_over(const struct gw_upstream_call *call) {
    return call->conn == NULL;
}

const char *gw_upstream_call_reason(const struct gw_upstream_call *call) {
    return call->reason;
}

// ---- the upstream -------------------------------------------------------------------------------------------------

enum gw_status gw_upstream_create(const struct gw_services *services, struct gw_str url,
                                  struct gw_upstream **upstream, const char **problem) {
    struct gw_upstream *created = calloc(1, sizeof(*created) + url.length + 1);
    if (created == NULL) {
        *problem = "out of memory";
        return GW_NO_MEMORY;
    }
    memcpy(created->url_text, url.at, url.length);
    enum gw_status status =
        gw_upstream_url_parse(gw_str(created->url_text, url.length), &created->url, problem);
    if (status != GW_OK) {
        free(created);
        return status;
    }
    created->services = services;
    for (int state = 0; state < CONN_STATE_COUNT; state++)
        gw_list_init(&created->connections[state]);
    gw_upstream_addresses_open(&created->addresses, services->loop, &created->url, on_resolved);
    *upstream = created;
    return GW_OK;
}

struct gw_str gw_upstream_authority(const struct gw_upstream *upstream) {
    return upstream->url.authority;
}

void gw_upstream_stats(const struct gw_upstream *upstream, struct gw_upstream_stats *stats) {
    const int *counts = upstream->connection_counts;
    *stats = (struct gw_upstream_stats){.connections_opening =
                                            counts[CONN_RESOLVING] + counts[CONN_CONNECTING],
                                        .connections_busy = counts[CONN_BUSY],
                                        .connections_idle = counts[CONN_IDLE]};
}

static void end_close(struct gw_upstream *upstream) {
    if (!upstream->is_closing || !upstream->are_addresses_closed ||
        !gw_list_is_empty(&upstream->connections[CONN_CLOSING]))
        return;
    if (upstream->on_closed != NULL)
        upstream->on_closed(upstream);
    free(upstream);
}

static void on_addresses_closed(struct gw_upstream_addresses *addresses) {
    struct gw_upstream *upstream = gw_container_of(addresses, struct gw_upstream, addresses);
    upstream->are_addresses_closed = true;
    end_close(upstream);
}

static void on_closed(struct gw_transport *transport) {
    struct gw_upstream_conn *conn = conn_of(transport);
    struct gw_upstream *upstream = conn->upstream;
    struct gw_upstream_call *call = detach(conn);
    gw_http_parser_deinit(&conn->parser);
    gw_list_remove(&conn->link);
    upstream->connection_counts[conn->state]--;
    free(conn);
    if (call != NULL) // the upstream was closed under it
        fail_call(call, GW_CLOSED, "the gateway is stopping");
    end_close(upstream);
}

void gw_upstream_close(struct gw_upstream *upstream,
                       void (*on_upstream_closed)(struct gw_upstream *upstream)) {
    upstream->is_closing = true;
    upstream->on_closed = on_upstream_closed;
    for (int state = 0; state < CONN_CLOSING; state++) {
        struct gw_list *list = &upstream->connections[state];
        while (!gw_list_is_empty(list))
            close_connection(gw_container_of(list->next, struct gw_upstream_conn, link));
    }
    gw_upstream_addresses_close(&upstream->addresses, on_addresses_closed);
}

static const struct gw_transport_events transport_events = {
    .on_open = on_open,
    .on_read = on_read,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_error = on_error,
    .on_closed = on_closed,
};
