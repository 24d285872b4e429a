// SPDX-License-Identifier: MIT
#include "tls/alerts.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_HEAD_BYTES 5 // type, version, length

// RFC 8446 section 6.2.
static unsigned char alert_of_certificate(uint32_t faults) {
    if ((faults & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0)
        return MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA;
    if ((faults & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) != 0)
        return MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED;
    return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
}

// Either the head of a record announces more than fits, and then the library has read only the
// head, or the peer sent an invalid public key (RFC 8446 sections 4.2.8.1 and 7.4.2).
static unsigned char alert_of_bad_input(const mbedtls_ssl_context *ssl) {
    bool is_head = ssl->MBEDTLS_PRIVATE(in_left) == RECORD_HEAD_BYTES;
    return is_head ? MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW
                   : MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER;
}

unsigned char tls_alert_for(const mbedtls_ssl_context *ssl, int code) {
    switch (code) {
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        return alert_of_certificate(mbedtls_ssl_get_verify_result(ssl));
    case MBEDTLS_ERR_X509_INVALID_NAME:
        return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
    case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
        return MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE;
    case MBEDTLS_ERR_SSL_BAD_INPUT_DATA:
        return alert_of_bad_input(ssl);
    case MBEDTLS_ERR_SSL_INVALID_MAC:
        return MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC;
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
    case MBEDTLS_ERR_SSL_DECODE_ERROR:
        return MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR;
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        return MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION;
    case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
        return MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE;
    case MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER:
        return MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER;
    default:
        return MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
    }
}
