// SPDX-License-Identifier: MIT
#include "gateway/net/transport_tls.h"

#include <stdlib.h>

#include "gateway/net/transport_send.h"
#include "gateway/net/transport_state.h"
#include "tls/hello.h"

// One read more than may be there when reading stops.
#define HANDSHAKE_BYTES_MAX (2 * GW_CONN_READ_BYTES)

static const char tls_only_answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                      "Content-Type: text/plain; charset=utf-8\r\n"
                                      "Content-Length: 35\r\n"
                                      "Connection: close\r\n"
                                      "\r\n"
                                      "This port speaks TLS; use https://\n";

// The last flight of a handshake is not sent at once: the answer to bytes that came with it, or the
// caller's pump, sends both, a system call and a packet less for each new connection.
enum gw_status gw_transport_tls_shake_hands(struct gw_transport *transport) {
    gw_assert(transport->tls != NULL && !transport->is_open);
    gw_blocks_lend(&transport->shared->blocks, &transport->wire);
    enum gw_status status = tls_session_handshake(transport->tls);
    if (status != GW_OK && status != GW_WANT_INPUT) {
        if (tls_session_peer_spoke_http(transport->tls))
            (void)!gw_buf_append(&transport->wire, tls_only_answer, sizeof(tls_only_answer) - 1);
        return status;
    }
    if (status == GW_OK) {
        gw_transport_end_handshake(transport);
        gw_transport_announce_open(transport);
    }
    bool is_ready = transport->is_open && !transport->is_closing && transport->failure == GW_OK;
    if (!is_ready)
        gw_transport_pump(transport);
    return is_ready ? GW_OK : GW_WANT_INPUT;
}

// GW_WANT_INPUT or GW_CLOSED after the last record; GW_OK: the owner closed, or the stream failed.
static enum gw_status read_records(struct gw_transport *transport) {
    char *plaintext = transport->shared->plaintext;
    for (;;) {
        size_t length = 0;
        enum gw_status status =
            tls_session_read(transport->tls, plaintext, GW_TRANSPORT_RECORD_BYTES_MAX, &length);
        if (status != GW_OK)
            return status;
        transport->events->on_read(transport, gw_str(plaintext, length));
        if (transport->is_closing || transport->failure != GW_OK)
            return GW_OK;
    }
}

enum gw_status gw_transport_tls_receive(struct gw_transport *transport, struct gw_str ciphertext) {
    tls_session_feed(transport->tls, ciphertext);
    if (!transport->is_open) {
        enum gw_status status = gw_transport_tls_shake_hands(transport);
        if (status != GW_OK)
            return status == GW_WANT_INPUT ? GW_OK : status;
    }
    enum gw_status status = read_records(transport);
    if (status != GW_WANT_INPUT && status != GW_CLOSED)
        return status;
    if (gw_buf_length(&transport->wire) > 0)
        gw_transport_pump(transport);
    if (status == GW_CLOSED && transport->failure == GW_OK) {
        transport->is_end_seen = true;
        gw_transport_report_end(transport);
    }
    return GW_OK;
}

// ---- turns ----

enum gw_status gw_transport_tls_take_turns(struct gw_transport *transport,
                                           void (*on_turn)(struct gw_handshake_turn *turn)) {
    gw_assert(transport->tls != NULL && transport->handshake == NULL);
    struct gw_transport_handshake *handshake = malloc(sizeof(*handshake));
    if (handshake == NULL)
        return GW_NO_MEMORY;
    *handshake = (struct gw_transport_handshake){.transport = transport};
    gw_handshake_turn_init(&handshake->turn, on_turn);
    gw_buf_init(&handshake->bytes, HANDSHAKE_BYTES_MAX);
    transport->handshake = handshake;
    return GW_OK;
}

static enum gw_status ask_for_turn(struct gw_transport *transport) {
    struct gw_transport_handshake *handshake = transport->handshake;
    struct gw_handshake_queue *queue = transport->shared->queue;
    struct tls_hello hello;
    if (handshake->has_begun) {
        gw_handshake_queue_go_on(queue, &handshake->turn);
        return GW_OK;
    }
    if (!gw_list_is_empty(&handshake->turn.link))
        return GW_OK; // waits already: the peer sent more before it was answered
    switch (tls_hello_read(gw_buf_bytes(&handshake->bytes), &hello)) {
    case GW_WANT_INPUT:
        return GW_OK;
    case GW_INVALID:
        handshake->turn.on_turn(&handshake->turn); // refused at the first byte
        return GW_OK;
    default:
        return gw_handshake_queue_begin(queue, &handshake->turn,
                                        hello.may_resume ? GW_HANDSHAKE_SHORT : GW_HANDSHAKE_FULL);
    }
}

enum gw_status gw_transport_tls_wait_for_turn(struct gw_transport *transport,
                                              struct gw_str ciphertext) {
    gw_assert(transport->handshake != NULL);
    struct gw_transport_handshake *handshake = transport->handshake;
    enum gw_status status = gw_buf_append_str(&handshake->bytes, ciphertext);
    if (status != GW_OK)
        return status;
    if (gw_buf_length(&handshake->bytes) > TLS_HELLO_BYTES_MAX)
        (void)uv_read_stop(gw_transport_stream(transport));
    return ask_for_turn(transport);
}

bool gw_transport_tls_begin_turn(struct gw_transport_handshake *handshake, struct gw_buf *bytes) {
    *bytes = handshake->bytes;
    gw_buf_init(&handshake->bytes, HANDSHAKE_BYTES_MAX);
    handshake->has_begun = true;
    return handshake->has_ended;
}

void gw_transport_tls_refuse(struct gw_transport *transport) {
    gw_assert(!transport->is_open);
    gw_blocks_lend(&transport->shared->blocks, &transport->wire);
    tls_session_refuse(transport->tls);
}
