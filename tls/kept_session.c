// SPDX-License-Identifier: MIT
#include "tls/kept_session.h"

#include <mbedtls/ssl.h>
#include <stdlib.h>

#include "base/clock.h"

void tls_kept_session_drop(struct tls_kept_session *kept) {
    if (kept->session == NULL)
        return;
    mbedtls_ssl_session_free(kept->session); // wipes it
    free(kept->session);
    kept->session = NULL;
}

bool tls_kept_session_offer(struct tls_kept_session *kept, mbedtls_ssl_context *ssl,
                            uint64_t *verified_ms) {
    if (kept->session == NULL)
        return false;
    bool is_old = gw_clock_monotonic_ms() - kept->verified_ms >= TLS_KEPT_SESSION_MS_MAX;
    if (is_old || mbedtls_ssl_set_session(ssl, kept->session) != 0) {
        tls_kept_session_drop(kept);
        return false;
    }
    *verified_ms = kept->verified_ms;
    return true;
}

void tls_kept_session_take(struct tls_kept_session *kept, mbedtls_ssl_context *ssl,
                           uint64_t verified_ms) {
    mbedtls_ssl_session *session = malloc(sizeof(*session));
    if (session == NULL)
        return; // the next handshake is a full one, or resumes what is there
    mbedtls_ssl_session_init(session);
    if (mbedtls_ssl_get_session(ssl, session) != 0) {
        mbedtls_ssl_session_free(session);
        free(session);
        return;
    }
    tls_kept_session_drop(kept);
    kept->session = session;
    kept->verified_ms = verified_ms;
}
