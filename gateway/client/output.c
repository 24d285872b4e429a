// SPDX-License-Identifier: MIT
#include "gateway/client/output.h"

#include "gateway/net/transport.h"

void gw_output_init(struct gw_output *output, struct gw_transport *transport) {
    *output = (struct gw_output){.transport = transport, .phase = GW_OUTPUT_SENT};
}

void gw_output_add(struct gw_output *output) {
    output->phase = GW_OUTPUT_FRESH;
    if (gw_transport_pending_bytes(output->transport) > GW_CONN_READ_BYTES)
        gw_transport_flush(output->transport);
}

static void note_pending(struct gw_output *output) {
    bool is_sent = gw_transport_pending_bytes(output->transport) == 0;
    output->phase = is_sent ? GW_OUTPUT_SENT : GW_OUTPUT_WAITING;
}

void gw_output_flush(struct gw_output *output) {
    gw_transport_flush(output->transport);
    if (output->phase != GW_OUTPUT_SENT)
        note_pending(output);
}

void gw_output_note_drain(struct gw_output *output) {
    if (output->phase == GW_OUTPUT_WAITING)
        note_pending(output);
}

bool gw_output_is_waiting(const struct gw_output *output) {
    return output->phase != GW_OUTPUT_SENT && gw_transport_pending_bytes(output->transport) > 0;
}

void gw_output_watch(struct gw_output *output) {
    output->progress_mark = gw_transport_acknowledged_bytes(output->transport);
}

bool gw_output_has_progress(const struct gw_output *output) {
    uint64_t acknowledged = gw_transport_acknowledged_bytes(output->transport);
    return acknowledged - output->progress_mark >= GW_PROGRESS_BYTES_MIN;
}
