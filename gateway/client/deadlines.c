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

void gw_conn_arm(struct gw_conn *conn) {
    enum gw_deadline_id id = pick(conn);
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
