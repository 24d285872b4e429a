// SPDX-License-Identifier: MIT
#include "gateway/upstream/conn.h"

#include <stdlib.h>

#include "base/log.h"
#include "gateway/net/transport_log.h"
#include "gateway/net/transport_peer.h"

#define INTERIM_RESPONSES_MAX 16 // 1xx of one request

// ---- state and deadline ----

void gw_upstream_conn_lists_init(struct gw_upstream_conn_lists *lists) {
    for (int state = 0; state < GW_UPSTREAM_CONN_STATE_COUNT; state++) {
        gw_list_init(&lists->of[state]);
        lists->counts[state] = 0;
    }
}

int gw_upstream_conn_lists_count(const struct gw_upstream_conn_lists *lists) {
    int count = 0;
    for (int state = 0; state < GW_UPSTREAM_CONN_STATE_COUNT; state++)
        count += lists->counts[state];
    return count;
}

static void enter(struct gw_upstream_conn *conn, enum gw_upstream_conn_state state) {
    gw_assert(gw_list_is_empty(&conn->link));
    conn->state = state;
    conn->lists->counts[state]++;
    gw_list_push_front(&conn->lists->of[state], &conn->link);
}

static void leave(struct gw_upstream_conn *conn) {
    gw_assert(conn->lists->counts[conn->state] > 0);
    conn->lists->counts[conn->state]--;
    gw_list_remove(&conn->link);
}

static void set_state(struct gw_upstream_conn *conn, enum gw_upstream_conn_state state) {
    static const char *const names[] = {
#define X(name, text) [GW_UPSTREAM_CONN_##name] = text,
        GW_UPSTREAM_CONN_STATES(X)
#undef X
    };
    gw_log(GW_LOG_DEBUG, "upstream", "connection from=%s to=%s", names[conn->state], names[state]);
    leave(conn);
    enter(conn, state);
}

static void set_deadline(struct gw_upstream_conn *conn, enum gw_deadline_id id) {
    const struct gw_services *services = conn->services;
    gw_deadline_set(&conn->deadline, &services->deadlines[id], uv_now(services->loop));
}

size_t gw_upstream_conn_unsent_bytes(const struct gw_upstream_conn *conn) {
    return gw_transport_pending_bytes(&conn->transport);
}

// While it is to take bytes, or to answer a whole request.
static bool is_registrys_turn(const struct gw_upstream_conn *conn) {
    return gw_upstream_conn_unsent_bytes(conn) > 0 || (conn->is_request_whole && !conn->is_paused);
}

// (Re)starts the clock, which runs in the registry's turn.
static void watch(struct gw_upstream_conn *conn) {
    if (!is_registrys_turn(conn)) {
        gw_deadline_clear(&conn->deadline);
        return;
    }
    conn->watched_bytes = gw_transport_acknowledged_bytes(&conn->transport);
    set_deadline(conn, GW_DEADLINE_UPSTREAM_RESPONSE);
}

// Bytes of the response came. Those of a head do not start the clock anew: it has one period from
// its first byte, however it drips.
static void watch_response(struct gw_upstream_conn *conn) {
    bool is_in_head = !conn->has_head && gw_http_parser_in_message(&conn->parser);
    if (!is_in_head || !conn->is_head_clocked)
        watch(conn);
    conn->is_head_clocked = is_in_head;
}

// More of the request gives the registry no more time for what waits already.
static void watch_request(struct gw_upstream_conn *conn) {
    bool is_running = !gw_list_is_empty(&conn->deadline.link);
    if (!is_running || conn->is_request_whole || !is_registrys_turn(conn))
        watch(conn);
}

// ---- the response ----

static struct gw_upstream_conn *conn_of(struct gw_transport *transport) {
    return gw_container_of(transport, struct gw_upstream_conn, transport);
}

static void on_body(struct gw_http_parser *parser, struct gw_str bytes) {
    struct gw_upstream_conn *conn = gw_container_of(parser, struct gw_upstream_conn, parser);
    if (conn->call != NULL) // NULL: aborted inside the last piece
        conn->events->on_body(conn, bytes);
}

// A body where RFC 9112 section 6.3 forbids one: a server that frames it may send it, too.
static bool frames_forbidden_body(const struct gw_http_head *head) {
    bool is_bodiless = head->status < 200 || head->status == 204;
    return (is_bodiless && (head->is_chunked || head->content_length > 0)) ||
           (head->status == 304 && head->is_chunked);
}

// How long the connection may be parked: a little less than the registry announces (Keep-Alive:
// timeout=5, max=100; last defined by RFC 2068 section 19.7.1.1, but servers send it).
static uint64_t idle_max_ms(const struct gw_http_head *head) {
    const struct gw_http_field *field = gw_http_head_field(head, GW_FIELD_KEEP_ALIVE);
    const struct gw_str name = GW_STR("timeout=");
    struct gw_str list = field != NULL ? field->value : gw_str(NULL, 0);
    struct gw_str parameter;
    uint64_t seconds;
    while (gw_str_next(&list, ',', &parameter)) {
        parameter = gw_str_trim(parameter);
        struct gw_str value = gw_str_slice(parameter, name.length, parameter.length);
        if (!gw_str_equal_nocase(gw_str_slice(parameter, 0, name.length), name) ||
            gw_str_to_u64(value, &seconds) != GW_OK || seconds > UINT32_MAX)
            continue;
        uint64_t promised_ms = seconds * 1000;
        return promised_ms > 2 * GW_UPSTREAM_KEEP_ALIVE_MARGIN_MS
                   ? promised_ms - GW_UPSTREAM_KEEP_ALIVE_MARGIN_MS
                   : promised_ms / 2;
    }
    return UINT64_MAX;
}

// False: the call is over.
static bool take_head(struct gw_upstream_conn *conn) {
    const struct gw_http_head *head = conn->parser.head;
    gw_assert(conn->call != NULL && !conn->has_head);
    bool is_interim = head->status >= 100 && head->status < 200 && head->status != 101;
    if (is_interim && conn->interim_count < INTERIM_RESPONSES_MAX) {
        conn->interim_count++;
        conn->has_odd_interim = conn->has_odd_interim || frames_forbidden_body(head);
        conn->events->on_interim(conn, head);
        return conn->call != NULL;
    }
    if (head->status < 200 || head->status > 599) {
        conn->events->on_failed(conn, GW_INVALID, "a status that nothing asked for");
        return false;
    }
    conn->has_head = true;
    conn->is_reusable = head->keep_alive && !frames_forbidden_body(head) && !conn->has_odd_interim;
    conn->idle_max_ms = idle_max_ms(head);
    conn->events->on_head(conn, head);
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
        switch (event) {
        case GW_HTTP_FAILED:
            conn->events->on_failed(conn, GW_INVALID,
                                    gw_http_parser_failure(&conn->parser)->message);
            return;
        case GW_HTTP_WANT_INPUT:
            watch_response(conn);
            return;
        case GW_HTTP_HEAD:
            if (!take_head(conn))
                return;
            break;
        case GW_HTTP_END:
            if (conn->has_head) {
                conn->events->on_complete(conn, bytes.length == 0);
                return;
            }
            break; // it was an interim response
        }
    }
}

// Bytes that were on their way before the request arrived are no answer to it: each segment of the
// registry acknowledges what it has got.
static bool may_be_answer(const struct gw_upstream_conn *conn) {
    return conn->has_answered ||
           gw_transport_acknowledged_bytes(&conn->transport) > conn->handed_before;
}

static void on_read(struct gw_transport *transport, struct gw_str bytes) {
    struct gw_upstream_conn *conn = conn_of(transport);
    if (conn->call == NULL) {
        gw_upstream_conn_close(conn); // bytes without a request
        return;
    }
    if (!may_be_answer(conn)) {
        conn->events->on_lost(conn, GW_CLOSED);
        return;
    }
    conn->has_answered = true;
    take_bytes(conn, bytes);
}

static void on_end(struct gw_transport *transport) {
    struct gw_upstream_conn *conn = conn_of(transport);
    if (conn->call == NULL)
        gw_upstream_conn_close(conn);
    else if (conn->has_head && gw_http_parser_finish(&conn->parser))
        conn->events->on_complete(conn, false);
    else
        conn->events->on_lost(conn, GW_CLOSED);
}

static void on_error(struct gw_transport *transport, enum gw_status status) {
    struct gw_upstream_conn *conn = conn_of(transport);
    if (conn->state == GW_UPSTREAM_CONN_CONNECTING || status == GW_INVALID)
        gw_transport_log_failure(transport, "registry", NULL, "the registry closed the connection");
    if (conn->call == NULL)
        gw_upstream_conn_close(conn);
    else if (conn->state == GW_UPSTREAM_CONN_CONNECTING)
        conn->events->on_unreachable(conn, GW_UNAVAILABLE, gw_transport_connect_problem(transport));
    else if (status == GW_NO_MEMORY)
        conn->events->on_failed(conn, status, "the gateway has no memory for what waits for it");
    else
        conn->events->on_lost(conn, status == GW_TIMED_OUT ? GW_TIMED_OUT : GW_CLOSED);
}

// ---- the request ----

static uint64_t host_silence_ms(const struct gw_upstream_conn *conn) {
    return conn->services->deadlines[GW_DEADLINE_UPSTREAM_CONNECT].duration_ms;
}

void gw_upstream_conn_flush(struct gw_upstream_conn *conn) {
    gw_transport_flush(&conn->transport);
    watch_request(conn);
}

// As long as a host may take to connect. A body may have to wait for room at the registry, which
// Linux would take for silence.
static void limit_silence(struct gw_upstream_conn *conn, bool has_body) {
    if (conn->has_limit == !has_body)
        return;
    conn->has_limit = !has_body;
    gw_transport_limit_silence(&conn->transport, has_body ? 0 : host_silence_ms(conn));
}

struct gw_buf *gw_upstream_conn_begin(struct gw_upstream_conn *conn, bool is_head, bool has_body) {
    gw_assert(conn->call != NULL);
    gw_assert(conn->state == GW_UPSTREAM_CONN_CONNECTING || conn->state == GW_UPSTREAM_CONN_IDLE);
    set_state(conn, GW_UPSTREAM_CONN_BUSY);
    conn->has_answered = conn->has_head = false;
    conn->is_request_whole = conn->is_paused = false;
    conn->interim_count = 0;
    conn->has_odd_interim = conn->is_head_clocked = false;
    limit_silence(conn, has_body);
    conn->handed_before = conn->transport.handed_bytes;
    if (is_head)
        gw_http_parser_expect_no_body(&conn->parser);
    return gw_upstream_conn_output(conn);
}

struct gw_buf *gw_upstream_conn_output(struct gw_upstream_conn *conn) {
    return gw_transport_output(&conn->transport);
}

void gw_upstream_conn_end_request(struct gw_upstream_conn *conn) {
    gw_assert(conn->state == GW_UPSTREAM_CONN_BUSY && !conn->is_request_whole);
    conn->is_request_whole = true;
}

static void on_open(struct gw_transport *transport) {
    struct gw_upstream_conn *conn = conn_of(transport);
    gw_transport_watch_host(transport, host_silence_ms(conn));
    if (conn->call != NULL)
        conn->events->on_open(conn);
}

static void on_drain(struct gw_transport *transport) {
    struct gw_upstream_conn *conn = conn_of(transport);
    if (conn->call == NULL || conn->state != GW_UPSTREAM_CONN_BUSY)
        return;
    watch(conn);
    conn->events->on_drain(conn);
}

void gw_upstream_conn_set_paused(struct gw_upstream_conn *conn, bool is_paused) {
    if (conn->is_paused == is_paused)
        return;
    conn->is_paused = is_paused;
    if (is_paused)
        gw_transport_pause(&conn->transport);
    else
        gw_transport_resume(&conn->transport);
    watch(conn);
}

// What the kernel takes says little: megabytes at once, and then nothing for a while.
static bool takes_request(const struct gw_upstream_conn *conn) {
    return gw_transport_acknowledged_bytes(&conn->transport) - conn->watched_bytes >=
           GW_UPSTREAM_PROGRESS_BYTES_MIN;
}

static void time_out_response(struct gw_upstream_conn *conn) {
    gw_assert(conn->call != NULL);
    if (takes_request(conn))
        watch(conn);
    else if (!conn->is_request_whole)
        conn->events->on_failed(conn, GW_TIMED_OUT, "it stopped taking the request");
    else if (conn->has_head)
        conn->events->on_failed(conn, GW_TIMED_OUT, "it stopped in its response");
    else if (conn->has_answered)
        conn->events->on_failed(conn, GW_TIMED_OUT, "the head of its response did not end in time");
    else
        conn->events->on_failed(conn, GW_TIMED_OUT, "it did not answer in time");
}

static void on_deadline(struct gw_deadline *deadline) {
    struct gw_upstream_conn *conn = gw_container_of(deadline, struct gw_upstream_conn, deadline);
    switch (conn->state) {
    case GW_UPSTREAM_CONN_RESOLVING:
        conn->events->on_failed(conn, GW_TIMED_OUT, "its name did not resolve in time");
        break;
    case GW_UPSTREAM_CONN_CONNECTING:
        conn->events->on_unreachable(conn, GW_TIMED_OUT,
                                     gw_transport_connect_delay(&conn->transport));
        break;
    case GW_UPSTREAM_CONN_BUSY:
        time_out_response(conn);
        break;
    case GW_UPSTREAM_CONN_IDLE:
        gw_upstream_conn_close(conn);
        break;
    case GW_UPSTREAM_CONN_CLOSING:
    case GW_UPSTREAM_CONN_STATE_COUNT:
        break;
    }
}

// ---- a life ----

static void on_closed(struct gw_transport *transport) {
    struct gw_upstream_conn *conn = conn_of(transport);
    gw_assert(conn->state == GW_UPSTREAM_CONN_CLOSING);
    leave(conn);
    gw_http_parser_deinit(&conn->parser);
    conn->events->on_closed(conn);
    free(conn);
}

static const struct gw_transport_events transport_events = {
    .on_open = on_open,
    .on_read = on_read,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_error = on_error,
    .on_closed = on_closed,
};

enum gw_status gw_upstream_conn_create(struct gw_upstream *upstream,
                                       const struct gw_services *services,
                                       struct gw_upstream_conn_lists *lists,
                                       const struct gw_upstream_conn_events *events,
                                       struct gw_upstream_conn **conn) {
    struct gw_upstream_conn *created = calloc(1, sizeof(*created));
    if (created == NULL)
        return GW_NO_MEMORY;
    enum gw_status status = gw_transport_init(&created->transport, services->loop,
                                              services->transport_shared, NULL, &transport_events);
    gw_assert(status == GW_OK); // only TLS could fail
    created->upstream = upstream;
    created->services = services;
    created->lists = lists;
    created->events = events;
    gw_list_init(&created->link);
    gw_http_parser_init(&created->parser, GW_HTTP_RESPONSES, on_body);
    gw_deadline_init(&created->deadline, on_deadline);
    set_deadline(created, GW_DEADLINE_UPSTREAM_CONNECT);
    enter(created, GW_UPSTREAM_CONN_RESOLVING);
    *conn = created;
    return GW_OK;
}

enum gw_status gw_upstream_conn_connect(struct gw_upstream_conn *conn,
                                        struct gw_upstream_conn_lists *lists,
                                        const struct sockaddr *address,
                                        const struct tls_server *server, struct gw_str tunnel) {
    gw_assert(conn->state == GW_UPSTREAM_CONN_RESOLVING && conn->call != NULL);
    leave(conn);
    conn->lists = lists;
    enter(conn, conn->state);
    set_state(conn, GW_UPSTREAM_CONN_CONNECTING);
    set_deadline(conn, GW_DEADLINE_UPSTREAM_CONNECT);
    if (tunnel.length > 0 && gw_transport_expect_tunnel(&conn->transport, tunnel) != GW_OK)
        return GW_NO_MEMORY;
    return gw_transport_connect(&conn->transport, &conn->connect, address, server);
}

static bool is_worn(const struct gw_upstream_conn *conn) {
    if (!gw_transport_is_worn(&conn->transport))
        return false;
    gw_log(GW_LOG_INFO, "upstream",
           "connection ends after this request, its keys have served long enough");
    return true;
}

bool gw_upstream_conn_may_park(const struct gw_upstream_conn *conn) {
    return conn->is_reusable && !is_worn(conn) && gw_upstream_conn_unsent_bytes(conn) == 0 &&
           conn->lists->counts[GW_UPSTREAM_CONN_IDLE] < GW_UPSTREAM_IDLE_CONNECTIONS_MAX;
}

void gw_upstream_conn_park(struct gw_upstream_conn *conn) {
    gw_assert(conn->state == GW_UPSTREAM_CONN_BUSY && conn->call == NULL);
    gw_transport_resume(&conn->transport); // reads on to notice when the registry closes
    conn->was_used = true;
    conn->parked_ms = uv_now(conn->services->loop);
    set_state(conn, GW_UPSTREAM_CONN_IDLE);
    set_deadline(conn, GW_DEADLINE_UPSTREAM_IDLE);
}

bool gw_upstream_conn_is_stale(const struct gw_upstream_conn *conn) {
    return uv_now(conn->services->loop) - conn->parked_ms >= conn->idle_max_ms ||
           !gw_transport_is_quiet(&conn->transport);
}

void gw_upstream_conn_close(struct gw_upstream_conn *conn) {
    if (conn->state == GW_UPSTREAM_CONN_CLOSING)
        return;
    gw_deadline_clear(&conn->deadline);
    set_state(conn, GW_UPSTREAM_CONN_CLOSING);
    gw_transport_close(&conn->transport);
}
