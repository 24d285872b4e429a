// SPDX-License-Identifier: MIT
#pragma once
// Early data that a client sends and the server does not take (RFC 8446 section 4.2.10): a client
// that has a ticket of another server for the same name, one with 0-RTT, sends its request behind
// its hello, under keys that nobody here has. The server skips it: until the client's second flight
// begins, records of the type application_data are tried with the key of that flight, and dropped
// where it does not fit. Before that key is known (the server asked for another hello) all are
// dropped. Records of other types pass.
//
// Bytes in, whole records out; no library's connection in sight.

#include <mbedtls/ssl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define TLS_EARLY_DATA_BYTES_MAX ((size_t)64 * 1024) // skipped; servers offer to take 16 KiB
#define TLS_TRAFFIC_SECRET_BYTES_MAX 48

struct tls_early_data {
    struct gw_buf record; // the next one, in part or whole
    size_t left;          // to be skipped
    int suite;            // of the secret
    size_t secret_bytes;  // 0: not known yet
    unsigned char secret[TLS_TRAFFIC_SECRET_BYTES_MAX];
    bool is_passed_on; // `record`, to the caller
    bool is_over;      // the second flight has begun, or the handshake ended: everything passes
};

void tls_early_data_init(struct tls_early_data *early);
// Wipes the secret.
void tls_early_data_deinit(struct tls_early_data *early);
// client_handshake_traffic_secret (RFC 8446 section 7.1) and the number of the suite.
void tls_early_data_note_secret(struct tls_early_data *early, int suite,
                                const unsigned char *secret, size_t length);
// Takes from the front of `*input` until a record is whole that passes: GW_OK, and *record is valid
// until the next call. What passes past the limit, the receiver refuses. GW_WANT_INPUT: all of it
// was taken; GW_NO_MEMORY.
enum gw_status tls_early_data_next(struct tls_early_data *early, struct gw_str *input,
                                   struct gw_str *record) GW_MUST_USE;
// The last record that was passed on was the last that has to come this way.
static inline bool tls_early_data_is_done(const struct tls_early_data *early) {
    return early->is_over && (early->is_passed_on || gw_buf_length(&early->record) == 0);
}
