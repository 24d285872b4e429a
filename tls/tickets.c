// SPDX-License-Identifier: MIT
#include "tls/tickets.h"

#include <ctype.h>
#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/platform_time.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/sha256.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/big_endian.h"
#include "base/random.h"
#include "tls/explain.h"

#define NAME_BYTES 16
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define KEY_BYTES 32
#define HEAD_BYTES (2 + 8) // version, time
#define OVERHEAD_BYTES (NAME_BYTES + NONCE_BYTES + HEAD_BYTES + TAG_BYTES)
#define ADDITIONAL_BYTES (NAME_BYTES + TLS_TICKET_SERVER_NAME_DIGEST_BYTES)
#define OLDER_WINDOWS 2
#define LIFETIME_S (OLDER_WINDOWS * TLS_TICKET_WINDOW_S) // always within the accepted windows
#define WINDOW_LABEL "skillreg-gateway session ticket"
#define SERVER_NAME_BYTES_MAX 255

struct ticket_key {
    int64_t window; // -1: none
    unsigned char name[NAME_BYTES];
    mbedtls_gcm_context gcm;
};

struct tls_tickets {
    unsigned char secret[TLS_TICKET_SECRET_BYTES];
    int64_t (*wall_ms)(void);
    struct ticket_key keys[OLDER_WINDOWS + 1]; // the key of window w is at w % 3
    const struct tls_ticket_binding *binding;
};

// ---- the secret ----

enum gw_status tls_ticket_secret_take(const struct tls_file *file,
                                      unsigned char secret[TLS_TICKET_SECRET_BYTES], char *error) {
    const char *name = file->name;
    if (file->bytes == NULL)
        return tls_explain(error, name, "cannot read the file of the ticket secret", 0);
    if (file->length < TLS_TICKET_SECRET_FILE_BYTES_MIN)
        return tls_explain(error, name, "the ticket secret is too short: 32 random bytes or more",
                           0);
    if (file->length > TLS_TICKET_SECRET_FILE_BYTES_MAX)
        return tls_explain(error, name, "the ticket secret is too long: 4096 bytes at the most", 0);
    if (mbedtls_sha256((const unsigned char *)file->bytes, file->length, secret, 0) != 0)
        return tls_explain(error, name, "the digest of the ticket secret cannot be made", 0);
    return GW_OK;
}

enum gw_status tls_ticket_secret_make(unsigned char secret[TLS_TICKET_SECRET_BYTES]) {
    return gw_random_bytes(secret, TLS_TICKET_SECRET_BYTES);
}

// ---- keys ----

static int64_t window_of(const struct tls_tickets *tickets) {
    int64_t seconds = tickets->wall_ms() / 1000;
    return seconds < 0 ? 0 : seconds / TLS_TICKET_WINDOW_S;
}

// Name and key of a window in one derivation, into its slot.
static int derive(struct tls_tickets *tickets, int64_t window, struct ticket_key *key) {
    unsigned char info[sizeof(WINDOW_LABEL) + 8] = WINDOW_LABEL;
    unsigned char derived[NAME_BYTES + KEY_BYTES];
    gw_put_big_endian(info + sizeof(WINDOW_LABEL), 8, (uint64_t)window);
    key->window = -1;
    int code = mbedtls_hkdf(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), NULL, 0, tickets->secret,
                            sizeof(tickets->secret), info, sizeof(info), derived, sizeof(derived));
    if (code == 0)
        code = mbedtls_gcm_setkey(&key->gcm, MBEDTLS_CIPHER_ID_AES, derived + NAME_BYTES,
                                  KEY_BYTES * 8);
    if (code == 0) {
        memcpy(key->name, derived, NAME_BYTES);
        key->window = window;
    }
    mbedtls_platform_zeroize(derived, sizeof(derived));
    return code;
}

// NULL: it could not be derived.
static struct ticket_key *key_of(struct tls_tickets *tickets, int64_t window) {
    struct ticket_key *key = &tickets->keys[window % (OLDER_WINDOWS + 1)];
    if (key->window == window || derive(tickets, window, key) == 0)
        return key;
    return NULL;
}

static struct ticket_key *find_key(struct tls_tickets *tickets, const unsigned char *name) {
    int64_t newest = window_of(tickets);
    int64_t oldest = newest < OLDER_WINDOWS ? 0 : newest - OLDER_WINDOWS;
    for (int64_t window = newest; window >= oldest; window--) {
        struct ticket_key *key = key_of(tickets, window);
        if (key != NULL && memcmp(key->name, name, NAME_BYTES) == 0)
            return key;
    }
    return NULL;
}

// ---- tickets ----

static void fill_additional(unsigned char *additional, const struct ticket_key *key,
                            const struct tls_ticket_binding *binding) {
    memcpy(additional, key->name, NAME_BYTES);
    memcpy(additional + NAME_BYTES, binding->server_name, sizeof(binding->server_name));
}

// RFC 5077 section 3.3 and RFC 8446 section 4.6.1: an empty ticket in TLS 1.2, in TLS 1.3 one of
// lifetime 0, to be discarded at once.
static int write_no_ticket(const struct tls_ticket_binding *binding, unsigned char *start,
                           const unsigned char *end, size_t *length, uint32_t *lifetime) {
    bool is_tls12 = mbedtls_ssl_get_version_number(binding->ssl) == MBEDTLS_SSL_VERSION_TLS1_2;
    if (end <= start)
        return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    start[0] = 0;
    *length = is_tls12 ? 0 : 1;
    *lifetime = 0;
    return 0;
}

static int write_ticket(void *argument, const mbedtls_ssl_session *session, unsigned char *start,
                        const unsigned char *end, size_t *length, uint32_t *lifetime) {
    struct tls_tickets *tickets = argument;
    const struct tls_ticket_binding *binding = tickets->binding;
    unsigned char additional[ADDITIONAL_BYTES];
    size_t session_bytes = 0;
    struct ticket_key *key = key_of(tickets, window_of(tickets));
    gw_assert(binding != NULL);
    if (session->MBEDTLS_PRIVATE(peer_cert) != NULL)
        return write_no_ticket(binding, start, end, length, lifetime);
    if (key == NULL)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    if (end - start < OVERHEAD_BYTES)
        return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    unsigned char *nonce = start + NAME_BYTES;
    unsigned char *head = nonce + NONCE_BYTES;
    memcpy(start, key->name, NAME_BYTES);
    int code = mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, nonce, NONCE_BYTES);
    if (code != 0)
        return code;
    gw_put_big_endian(head, 2, (uint64_t)mbedtls_ssl_get_version_number(binding->ssl));
    gw_put_big_endian(head + 2, 8, (uint64_t)tickets->wall_ms());
    code = mbedtls_ssl_session_save(session, head + HEAD_BYTES,
                                    (size_t)(end - head) - HEAD_BYTES - TAG_BYTES, &session_bytes);
    if (code != 0)
        return code;
    size_t plain_bytes = HEAD_BYTES + session_bytes;
    fill_additional(additional, key, binding);
    code = mbedtls_gcm_crypt_and_tag(&key->gcm, MBEDTLS_GCM_ENCRYPT, plain_bytes, nonce,
                                     NONCE_BYTES, additional, sizeof(additional), head, head,
                                     TAG_BYTES, head + plain_bytes);
    if (code != 0) {
        mbedtls_platform_zeroize(head, plain_bytes);
        return code;
    }
    *length = OVERHEAD_BYTES + session_bytes;
    *lifetime = LIFETIME_S;
    return 0;
}

// The library measures ages by a clock that starts with the machine. A ticket from the future, of a
// gateway whose clock is ahead, has age 0.
static void set_age(const struct tls_tickets *tickets, mbedtls_ssl_session *session,
                    int64_t made_ms) {
    int64_t age_ms = tickets->wall_ms() - made_ms;
    session->MBEDTLS_PRIVATE(ticket_creation_time) =
        mbedtls_ms_time() - (mbedtls_ms_time_t)(age_ms < 0 ? 0 : age_ms);
}

static int parse_ticket(void *argument, mbedtls_ssl_session *session, unsigned char *ticket,
                        size_t length) {
    struct tls_tickets *tickets = argument;
    const struct tls_ticket_binding *binding = tickets->binding;
    unsigned char additional[ADDITIONAL_BYTES];
    gw_assert(binding != NULL);
    if (length <= OVERHEAD_BYTES)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    struct ticket_key *key = find_key(tickets, ticket);
    if (key == NULL)
        return MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
    unsigned char *nonce = ticket + NAME_BYTES;
    unsigned char *head = nonce + NONCE_BYTES;
    size_t plain_bytes = length - NAME_BYTES - NONCE_BYTES - TAG_BYTES;
    fill_additional(additional, key, binding);
    int code =
        mbedtls_gcm_auth_decrypt(&key->gcm, plain_bytes, nonce, NONCE_BYTES, additional,
                                 sizeof(additional), head + plain_bytes, TAG_BYTES, head, head);
    if (code != 0)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    // A session of TLS 1.3 has no master secret that TLS 1.2 could use.
    if (gw_get_big_endian(head, 2) != (uint64_t)mbedtls_ssl_get_version_number(binding->ssl))
        code = MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
    if (code == 0)
        code = mbedtls_ssl_session_load(session, head + HEAD_BYTES, plain_bytes - HEAD_BYTES);
    if (code == 0)
        set_age(tickets, session, (int64_t)gw_get_big_endian(head + 2, 8));
    mbedtls_platform_zeroize(head, plain_bytes);
    return code;
}

int tls_ticket_binding_name(struct tls_ticket_binding *binding, const unsigned char *name,
                            size_t length) {
    unsigned char lower[SERVER_NAME_BYTES_MAX];
    if (length > sizeof(lower))
        return MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER;
    for (size_t i = 0; i < length; i++)
        lower[i] = (unsigned char)tolower(name[i]);
    return mbedtls_sha256(lower, length, binding->server_name, 0);
}

// ---- their life ----

enum gw_status tls_tickets_create(const unsigned char secret[TLS_TICKET_SECRET_BYTES],
                                  int64_t (*wall_ms)(void), struct tls_tickets **tickets) {
    struct tls_tickets *created = calloc(1, sizeof(*created));
    if (created == NULL)
        return GW_NO_MEMORY;
    memcpy(created->secret, secret, TLS_TICKET_SECRET_BYTES);
    created->wall_ms = wall_ms;
    for (size_t i = 0; i <= OLDER_WINDOWS; i++) {
        created->keys[i].window = -1;
        mbedtls_gcm_init(&created->keys[i].gcm);
    }
    *tickets = created;
    return GW_OK;
}

void tls_tickets_destroy(struct tls_tickets *tickets) {
    if (tickets == NULL)
        return;
    for (size_t i = 0; i <= OLDER_WINDOWS; i++)
        mbedtls_gcm_free(&tickets->keys[i].gcm);
    mbedtls_platform_zeroize(tickets, sizeof(*tickets));
    free(tickets);
}

void tls_tickets_install(struct tls_tickets *tickets, mbedtls_ssl_config *config) {
    mbedtls_ssl_conf_session_tickets_cb(config, write_ticket, parse_ticket, tickets);
}

void tls_tickets_bind(struct tls_tickets *tickets, const struct tls_ticket_binding *binding) {
    tickets->binding = binding;
}
