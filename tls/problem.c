// SPDX-License-Identifier: MIT
#include "tls/problem.h"

#include <mbedtls/error.h>
#include <stdbool.h>
#include <stddef.h>

#include "tls/alerts.h"

#define MESSAGE_KEY_UPDATE 24

// RFC 8446 section 6, with those that only TLS 1.2 has.
const char *tls_alert_name(unsigned char alert) {
    static const struct {
        unsigned char alert;
        const char *name;
    } names[] = {
        {0, "close_notify"},
        {10, "unexpected_message"},
        {20, "bad_record_mac"},
        {22, "record_overflow"},
        {40, "handshake_failure"},
        {42, "bad_certificate"},
        {43, "unsupported_certificate"},
        {44, "certificate_revoked"},
        {45, "certificate_expired"},
        {46, "certificate_unknown"},
        {47, "illegal_parameter"},
        {48, "unknown_ca"},
        {49, "access_denied"},
        {50, "decode_error"},
        {51, "decrypt_error"},
        {70, "protocol_version"},
        {71, "insufficient_security"},
        {80, "internal_error"},
        {86, "inappropriate_fallback"},
        {90, "user_canceled"},
        {100, "no_renegotiation"},
        {109, "missing_extension"},
        {110, "unsupported_extension"},
        {112, "unrecognized_name"},
        {113, "bad_certificate_status_response"},
        {115, "unknown_psk_identity"},
        {116, "certificate_required"},
        {120, "no_application_protocol"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].alert == alert)
            return names[i].name;
    }
    return "unknown";
}

static bool is_key_update(const mbedtls_ssl_context *ssl) {
    return ssl->MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_HANDSHAKE_OVER &&
           ssl->MBEDTLS_PRIVATE(in_msgtype) == MBEDTLS_SSL_MSG_HANDSHAKE &&
           ssl->MBEDTLS_PRIVATE(in_msg)[0] == MESSAGE_KEY_UPDATE;
}

static const char *reason_of(const mbedtls_ssl_context *ssl, int code) {
    const char *text = mbedtls_high_level_strerr(code);
    if (code == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE && is_key_update(ssl))
        return "the peer changes its keys (KeyUpdate), which is not known here";
    if (code == MBEDTLS_ERR_SSL_COUNTER_WRAPPING)
        return "the keys have served for too many records";
    if (text == NULL)
        text = mbedtls_low_level_strerr(code);
    return text != NULL ? text : "unknown";
}

int tls_alert_in_clear(struct gw_str bytes) {
    static const struct gw_str head = GW_STR_INIT("\x15\x03\x03\x00\x02\x02"); // to the level
    return bytes.length > head.length && gw_str_starts_with(bytes, head)
               ? (unsigned char)bytes.at[head.length]
               : -1;
}

struct tls_problem tls_problem_of(const mbedtls_ssl_context *ssl, int code, int last_alert) {
    bool is_in_clear = code == MBEDTLS_ERR_SSL_INVALID_MAC && last_alert >= 0;
    if (is_in_clear || code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        return (struct tls_problem){.reason = "the peer gave up",
                                    .alert = tls_alert_name(is_in_clear
                                                                ? (unsigned char)last_alert
                                                                : ssl->MBEDTLS_PRIVATE(in_msg)[1])};
    return (struct tls_problem){.reason = reason_of(ssl, code),
                                .alert = tls_alert_name(tls_alert_for(ssl, code))};
}
