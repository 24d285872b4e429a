// SPDX-License-Identifier: MIT
#include "gateway/client/deadlines.h"

#include "gateway/client/conn_state.h"

static enum gw_deadline_id pick_between_requests(const struct gw_conn *conn) {
    if (gw_output_is_waiting(&conn->output))
        return GW_DEADLINE_WRITE;
    if (gw_http_parser_in_message(&conn->parser) || conn->serving == GW_SERVED_NOTHING ||
        gw_input_kept_bytes(&conn->input) > 0)
        return GW_DEADLINE_HEAD;
    return conn->parser.block != NULL ? GW_DEADLINE_TRIM : GW_DEADLINE_IDLE;
}

static enum gw_deadline_id pick_in_request(const struct gw_conn *conn) {
    if (gw_output_is_waiting(&conn->output))
        return GW_DEADLINE_WRITE;
    bool is_reading = !conn->exchange.body_complete && conn->is_body_wanted;
    return is_reading ? GW_DEADLINE_BODY : GW_DEADLINE_COUNT;
}

static enum gw_deadline_id pick(const struct gw_conn *conn) {
    switch (conn->state) {
    case GW_CONN_OPEN:
        return GW_DEADLINE_HANDSHAKE;
    case GW_CONN_HEAD:
        return pick_between_requests(conn);
    case GW_CONN_DELAY:
        return GW_DEADLINE_REFUSAL;
    case GW_CONN_HANDLE:
        return pick_in_request(conn);
    case GW_CONN_FAREWELL:
    case GW_CONN_LINGER: // the end of a long response may still be on its way
        return conn->phase != GW_PHASE_FAILED && gw_output_is_waiting(&conn->output)
                   ? GW_DEADLINE_WRITE
                   : GW_DEADLINE_LINGER;
    case GW_CONN_DECIDE: // the database has a deadline of its own
    case GW_CONN_CLOSE:
    default:
        return GW_DEADLINE_COUNT;
    }
}

bool gw_conn_is_idle(const struct gw_conn *conn) {
    if (conn->phase > GW_PHASE_OPEN)
        return false;
    if (conn->state == GW_CONN_OPEN)
        return !conn->transport.has_received;
    return conn->state == GW_CONN_HEAD && !gw_http_parser_in_message(&conn->parser) &&
           gw_input_kept_bytes(&conn->input) == 0 && !gw_output_is_waiting(&conn->output);
}

static void tell_group(struct gw_conn *conn) {
    struct gw_idle *idle = &conn->group->idle;
    if (gw_conn_is_idle(conn))
        gw_idle_enter(idle, &conn->member.idle);
    else
        gw_idle_exit(idle, &conn->member.idle);
}

void gw_conn_arm(struct gw_conn *conn) {
    enum gw_deadline_id id = pick(conn);
    tell_group(conn);
    if (id == conn->deadline_id)
        return;
    struct gw_services *services = conn->group->services;
    conn->deadline_id = id;
    conn->body_bytes = 0;
    if (id == GW_DEADLINE_WRITE)
        gw_output_watch(&conn->output);
    if (id == GW_DEADLINE_COUNT)
        gw_deadline_clear(&conn->deadline);
    else
        gw_deadline_set(&conn->deadline, &services->deadlines[id], uv_now(services->loop));
}

void gw_conn_restart_deadline(struct gw_conn *conn) {
    conn->deadline_id = GW_DEADLINE_COUNT;
    gw_deadline_clear(&conn->deadline);
}

void gw_conn_note_output(struct gw_conn *conn) {
    if (conn->deadline_id == GW_DEADLINE_BODY)
        gw_conn_restart_deadline(conn);
}

bool gw_conn_linger_on(struct gw_conn *conn, size_t bytes) {
    uint64_t now_ms = uv_now(conn->group->services->loop);
    conn->linger_bytes += bytes;
    if (conn->deadline_id == GW_DEADLINE_LINGER) { // not while the response is still on its way
        if (conn->linger_ends_ms == 0)
            conn->linger_ends_ms = now_ms + GW_LINGER_TOTAL_MS;
        if (bytes > 0 && now_ms + GW_LINGER_TIMEOUT_MS <= conn->linger_ends_ms)
            gw_conn_restart_deadline(conn);
    }
    return conn->linger_bytes <= GW_LINGER_BYTES_MAX;
}
