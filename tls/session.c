// SPDX-License-Identifier: MIT
#include "tls/session.h"

#include <mbedtls/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/big_endian.h"
#include "tls/alerts.h"
#include "tls/client_certificate.h"
#include "tls/early_data.h"
#include "tls/hello.h"
#include "tls/memory.h"
#include "tls/session_client.h"
#include "tls/tickets.h"

// Receives in one feed without a result: a flood of warnings or empty records.
#define FRUITLESS_RECEIVES_MAX 64
#define RECORD_HEAD_BYTES 5 // with which the library begins

struct tls_session {
    mbedtls_ssl_context ssl;
    struct tls_ticket_binding binding;
    struct tls_memory_rest rest;
    const unsigned char *received_end; // in the record buffer, since the last rest
    struct tls_context *context;       // NULL: the client's end
    struct tls_memory_pool *memory_pool;
    struct gw_buf *output;
    struct gw_str input;          // the rest of the slice that was fed
    struct tls_early_data *early; // between input and the library; NULL: nothing to skip
    struct gw_str passed;         // the rest of a record that `early` lets pass
    enum gw_status output_status; // why a record could not be appended to the output, or taken in
    enum gw_status finished;      // GW_OK while the session lives
    struct tls_problem problem;
    int last_alert;              // tls_alert_in_clear
    unsigned fruitless_receives; // since the last result
    uint64_t records_before_worn;
    bool is_set_up;   // ssl has its configuration and buffers
    bool is_starved;  // the last want for input found none
    bool has_alerted; // a record since the last input may be an alert
    bool is_peer_ended;
    bool is_close_notify_sent;
    bool peer_spoke_http;
    bool has_certified; // the server showed its certificate: not resumed
    struct tls_client_certificate client_certificate;
    struct tls_session_client client; // the client's end; zeros at the server's
};

// Gets one whole record at a time. In TLS 1.3 an alert looks like data.
static int bio_send(void *argument, const unsigned char *bytes, size_t length) {
    struct tls_session *session = argument;
    session->output_status = gw_buf_append(session->output, bytes, length);
    if (session->output_status != GW_OK)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    session->has_alerted =
        bytes[0] == MBEDTLS_SSL_MSG_ALERT || bytes[0] == MBEDTLS_SSL_MSG_APPLICATION_DATA;
    return (int)length;
}

static void drop_early_data(struct tls_session *session) {
    if (session->early != NULL)
        tls_early_data_deinit(session->early);
    free(session->early);
    session->early = NULL;
}

static struct gw_str *bytes_to_receive(struct tls_session *session) {
    if (session->early == NULL || session->passed.length > 0)
        return session->early != NULL ? &session->passed : &session->input;
    if (tls_early_data_is_done(session->early)) {
        drop_early_data(session);
        return &session->input;
    }
    enum gw_status status = tls_early_data_next(session->early, &session->input, &session->passed);
    if (status != GW_OK && status != GW_WANT_INPUT)
        session->output_status = status;
    return &session->passed;
}

static int bio_receive(void *argument, unsigned char *bytes, size_t room) {
    struct tls_session *session = argument;
    struct gw_str *source = bytes_to_receive(session);
    if (session->output_status != GW_OK)
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    if (source->length == 0) {
        session->is_starved = true;
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    if (++session->fruitless_receives > FRUITLESS_RECEIVES_MAX)
        return MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE;
    if (room == RECORD_HEAD_BYTES)
        session->last_alert = tls_alert_in_clear(*source);
    size_t length = room < source->length ? room : source->length;
    memcpy(bytes, source->at, length);
    if (session->received_end < bytes + length)
        session->received_end = bytes + length;
    *source = gw_str_slice(*source, length, source->length);
    session->has_alerted = false;
    return (int)length;
}

enum gw_status tls_session_create(struct tls_context *context, struct gw_buf *output,
                                  struct tls_session **session) {
    struct tls_session *created = calloc(1, sizeof(*created));
    if (created == NULL)
        return GW_NO_MEMORY;
    mbedtls_ssl_init(&created->ssl);
    created->context = tls_context_acquire(context);
    created->records_before_worn = TLS_RECORDS_BEFORE_WORN;
    created->memory_pool = tls_context_memory_pool(context);
    created->output = output;
    *session = created;
    return GW_OK;
}

static enum gw_status set_up_client(struct tls_session *session, const struct tls_server *server) {
    enum gw_status status = tls_session_client_set_up(&session->client, &session->ssl, server);
    if (status != GW_OK)
        return status;
    mbedtls_ssl_set_bio(&session->ssl, session, bio_send, bio_receive, NULL);
    session->is_set_up = true;
    return GW_OK;
}

enum gw_status tls_session_create_client(const struct tls_server *server, struct gw_buf *output,
                                         struct tls_session **session) {
    struct tls_session *created = calloc(1, sizeof(*created));
    if (created == NULL)
        return GW_NO_MEMORY;
    mbedtls_ssl_init(&created->ssl);
    created->output = output;
    created->records_before_worn = TLS_RECORDS_BEFORE_WORN;
    created->memory_pool = tls_client_context_memory_pool(server->context);
    enum gw_status status = set_up_client(created, server);
    if (status == GW_OK)
        *session = created;
    else
        tls_session_destroy(created);
    return status;
}

void tls_session_destroy(struct tls_session *session) {
    if (session == NULL)
        return;
    mbedtls_ssl_free(&session->ssl);
    drop_early_data(session);
    tls_context_release(session->context);
    tls_client_certificate_deinit(&session->client_certificate);
    free(session);
}

void tls_session_feed(struct tls_session *session, struct gw_str ciphertext) {
    gw_assert(session->input.length == 0);
    session->input = ciphertext;
    session->fruitless_receives = 0;
}

static void on_secret(void *argument, mbedtls_ssl_key_export_type type, const unsigned char *secret,
                      size_t length, const unsigned char *client_random,
                      const unsigned char *server_random, mbedtls_tls_prf_types prf) {
    struct tls_session *session = argument;
    const mbedtls_ssl_session *negotiated = session->ssl.MBEDTLS_PRIVATE(session_negotiate);
    (void)client_random, (void)server_random, (void)prf;
    if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_HANDSHAKE_TRAFFIC_SECRET &&
        session->early != NULL)
        tls_early_data_note_secret(session->early, negotiated->MBEDTLS_PRIVATE(ciphersuite), secret,
                                   length);
}

static enum gw_status skip_early_data(struct tls_session *session) {
    session->early = malloc(sizeof(*session->early));
    if (session->early == NULL)
        return GW_NO_MEMORY;
    tls_early_data_init(session->early);
    mbedtls_ssl_set_export_keys_cb(&session->ssl, on_secret, session);
    return GW_OK;
}

static enum gw_status set_up(struct tls_session *session) {
    gw_assert(session->context != NULL && !session->is_set_up);
    struct tls_hello hello;
    (void)!tls_hello_read(session->input,
                          &hello); // in smaller pieces it offers nothing
    const mbedtls_ssl_config *config = tls_context_config(session->context, hello.offers_aes_128);
    if (mbedtls_ssl_setup(&session->ssl, config) != 0)
        return GW_NO_MEMORY;
    if (tls_context_show_default(session->context, &session->ssl, &hello) != 0)
        return GW_NO_MEMORY;
    if (hello.offers_early_data && skip_early_data(session) != GW_OK)
        return GW_NO_MEMORY;
    session->binding.ssl = &session->ssl;
    if (hello.server_name.length > 0) // a bad one is refused when the library reads it
        (void)!tls_ticket_binding_name(&session->binding,
                                       (const unsigned char *)hello.server_name.at,
                                       hello.server_name.length);
    mbedtls_ssl_set_user_data_p(&session->ssl, &session->binding);
    mbedtls_ssl_set_bio(&session->ssl, session, bio_send, bio_receive, NULL);
    session->is_set_up = true;
    return GW_OK;
}

static enum gw_status status_of(const struct tls_session *session, int code) {
    if (session->output_status != GW_OK)
        return session->output_status;
    switch (code) {
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return GW_CLOSED;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return GW_CANCELLED;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_MPI_ALLOC_FAILED:
    case MBEDTLS_ERR_PK_ALLOC_FAILED:
        return GW_NO_MEMORY;
    default:
        return GW_INVALID;
    }
}

// Called once while a flight is incomplete, the library sends that flight and not the alert.
static void send_alert(struct tls_session *session, unsigned char alert) {
    if (session->ssl.MBEDTLS_PRIVATE(out_left) > 0)
        (void)mbedtls_ssl_send_alert_message(&session->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert);
    (void)mbedtls_ssl_send_alert_message(&session->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert);
}

// The library sends most alerts itself; the rest are sent here.
static enum gw_status finish(struct tls_session *session, int code) {
    gw_assert(session->finished == GW_OK);
    session->finished = status_of(session, code);
    session->problem = tls_problem_of(&session->ssl, code, session->last_alert);
    if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
        session->problem.reason = tls_session_certificate_problem(session);
    session->input = gw_str(NULL, 0);
    bool peer_knows = session->finished == GW_CLOSED || session->finished == GW_CANCELLED;
    if (!peer_knows && !session->has_alerted && session->output_status == GW_OK)
        send_alert(session, tls_alert_for(&session->ssl, code));
    return session->finished;
}

// The library must not be called between this and wake().
static void rest(struct tls_session *session) {
    tls_memory_rest(session->memory_pool, &session->ssl, &session->rest, session->received_end);
    if (session->rest.is_resting)
        session->received_end = NULL;
}

// Without memory the session is finished without an alert, which would need the buffers.
static enum gw_status wake(struct tls_session *session) {
    enum gw_status status = tls_memory_wake(session->memory_pool, &session->ssl, &session->rest);
    if (status == GW_OK)
        return GW_OK;
    session->finished = status;
    session->input = gw_str(NULL, 0);
    return status;
}

// The library may ask for input without having tried to read, after a warning alert for example:
// then it is called again.
static bool is_to_repeat(struct tls_session *session, int code) {
    if (code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
        tls_session_client_keep(&session->client, &session->ssl);
        return true;
    }
    return code == MBEDTLS_ERR_SSL_WANT_READ && !session->is_starved;
}

// RFC 8446 section 5.1: the first byte of a TLS connection is 0x16. A method starts with an
// upper-case letter.
static bool starts_like_http(struct gw_str input) {
    return gw_ascii_is_upper(input.at[0]);
}

// In TLS 1.3 an alert can be read only after the handshake, so a bad certificate is refused here.
static int check_client_certificate(struct tls_session *session) {
    if (session->client_certificate.subject != NULL)
        return 0;
    int code = tls_client_certificate_read(&session->client_certificate, &session->ssl);
    if (code != 0)
        session->has_alerted = false; // in TLS 1.3 the end of the handshake looks like an alert
    return code;
}

// As mbedtls_ssl_handshake, which hides whether a session was resumed: then, in both versions, the
// handshake skips the state of the certificate.
static int shake_hands(struct tls_session *session) {
    int code = 0;
    while (code == 0 && session->ssl.MBEDTLS_PRIVATE(state) != MBEDTLS_SSL_HANDSHAKE_OVER) {
        if (session->ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_CERTIFICATE)
            session->has_certified = true;
        code = mbedtls_ssl_handshake_step(&session->ssl);
        if (code == 0)
            session->fruitless_receives = 0;
    }
    bool is_client = session->context == NULL; // the library has verified its peer
    return code != 0 || is_client ? code : check_client_certificate(session);
}

enum gw_status tls_session_handshake(struct tls_session *session) {
    if (session->finished != GW_OK)
        return session->finished;
    if (!session->is_set_up) {
        if (session->input.length == 0)
            return GW_WANT_INPUT;
        session->peer_spoke_http = starts_like_http(session->input);
        session->finished = session->peer_spoke_http ? GW_INVALID : set_up(session);
        if (session->finished != GW_OK) {
            session->problem.reason =
                session->peer_spoke_http ? "HTTP in the clear" : gw_status_text(session->finished);
            session->input = gw_str(NULL, 0);
            return session->finished;
        }
    }
    int code;
    if (session->context != NULL)
        tls_context_bind(session->context, &session->binding);
    do {
        session->is_starved = false;
        code = shake_hands(session);
    } while (is_to_repeat(session, code));
    if (session->context != NULL)
        tls_context_bind(session->context, NULL);
    if (code == 0) {
        if (session->early != NULL)
            session->early->is_over = true;
        tls_memory_drop_handshake(&session->ssl);
        if (session->context == NULL)
            tls_session_client_end_handshake(&session->client, &session->ssl,
                                             session->has_certified);
        return GW_OK;
    }
    return code == MBEDTLS_ERR_SSL_WANT_READ ? GW_WANT_INPUT : finish(session, code);
}

void tls_session_refuse(struct tls_session *session) {
    static const unsigned char alert[] = {MBEDTLS_SSL_MSG_ALERT,
                                          3,
                                          3,
                                          0,
                                          2,
                                          MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                          MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR};
    gw_assert(!session->is_set_up);
    session->problem = (struct tls_problem){"too many handshakes wait",
                                            tls_alert_name(MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR)};
    session->finished = gw_buf_append(session->output, alert, sizeof(alert));
    if (session->finished == GW_OK)
        session->finished = GW_INVALID;
}

static bool is_established(const struct tls_session *session) {
    return session->is_set_up && session->finished == GW_OK &&
           session->ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_HANDSHAKE_OVER;
}

// ---- records under one key ----

static uint64_t records_sent(const struct tls_session *session) {
    const unsigned char *counter = session->ssl.MBEDTLS_PRIVATE(cur_out_ctr);
    return gw_get_big_endian(counter, TLS_RECORD_COUNTER_BYTES);
}

static uint64_t records_received(const struct tls_session *session) {
    const unsigned char *counter =
        session->rest.is_resting ? session->rest.counter : session->ssl.MBEDTLS_PRIVATE(in_ctr);
    return gw_get_big_endian(counter, TLS_RECORD_COUNTER_BYTES);
}

bool tls_session_is_worn(const struct tls_session *session) {
    return is_established(session) && (records_sent(session) >= session->records_before_worn ||
                                       records_received(session) >= session->records_before_worn);
}

void tls_session_set_records_before_worn(struct tls_session *session, uint64_t records) {
    session->records_before_worn = records;
}

// ---- plaintext ----

enum gw_status tls_session_read(struct tls_session *session, char *out, size_t out_max,
                                size_t *length) {
    gw_assert(out_max > 0);
    if (session->finished != GW_OK)
        return session->finished;
    if (session->is_peer_ended) {
        session->input = gw_str(NULL, 0);
        return GW_CLOSED;
    }
    gw_assert(is_established(session));
    if (session->rest.is_resting && session->input.length == 0)
        return GW_WANT_INPUT;
    enum gw_status status = wake(session);
    if (status != GW_OK)
        return status;
    int code;
    do { // an empty record yields 0
        session->is_starved = false;
        code = mbedtls_ssl_read(&session->ssl, (unsigned char *)out, out_max);
    } while (code == 0 || is_to_repeat(session, code));
    if (code > 0) {
        session->fruitless_receives = 0;
        *length = (size_t)code;
        return GW_OK;
    }
    if (code == MBEDTLS_ERR_SSL_WANT_READ) {
        rest(session);
        return GW_WANT_INPUT;
    }
    if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        session->is_peer_ended = true;
        session->input = gw_str(NULL, 0);
        return GW_CLOSED;
    }
    return finish(session, code);
}

// Room for `length` bytes of plaintext as records, in one piece.
static enum gw_status reserve_records(struct tls_session *session, size_t length) {
    int payload_max = mbedtls_ssl_get_max_out_record_payload(&session->ssl);
    int expansion = mbedtls_ssl_get_record_expansion(&session->ssl);
    gw_assert(payload_max > 0 && expansion >= 0);
    size_t records = length / (size_t)payload_max + 1;
    char *at;
    return gw_buf_reserve(session->output, length + records * (size_t)expansion, &at);
}

static enum gw_status write_records(struct tls_session *session, struct gw_str plaintext) {
    while (plaintext.length > 0) {
        if (records_sent(session) >= 2 * session->records_before_worn) {
            session->has_alerted = false; // the data that was sent looks like an alert
            return finish(session, MBEDTLS_ERR_SSL_COUNTER_WRAPPING);
        }
        int code =
            mbedtls_ssl_write(&session->ssl, (const unsigned char *)plaintext.at, plaintext.length);
        if (is_to_repeat(session, code))
            continue;
        if (code <= 0)
            return finish(session, code);
        plaintext = gw_str_slice(plaintext, (size_t)code, plaintext.length);
    }
    return GW_OK;
}

enum gw_status tls_session_write(struct tls_session *session, struct gw_str plaintext) {
    if (session->finished != GW_OK)
        return session->finished;
    gw_assert(is_established(session) && !session->is_close_notify_sent);
    enum gw_status status = reserve_records(session, plaintext.length);
    if (status != GW_OK)
        return status;
    bool was_resting = session->rest.is_resting;
    status = wake(session);
    if (status == GW_OK)
        status = write_records(session, plaintext);
    if (status == GW_OK && was_resting)
        rest(session);
    return status;
}

void tls_session_close_notify(struct tls_session *session) {
    if (session->is_close_notify_sent || !is_established(session))
        return;
    session->is_close_notify_sent = true;
    if (wake(session) == GW_OK)
        (void)mbedtls_ssl_close_notify(&session->ssl);
}

bool tls_session_peer_spoke_http(const struct tls_session *session) {
    return session->peer_spoke_http;
}

struct tls_problem tls_session_problem(const struct tls_session *session) {
    return session->problem;
}

bool tls_session_is_resumed(const struct tls_session *session) {
    return !session->has_certified;
}

bool tls_session_drop_offered(struct tls_session *session) {
    return tls_session_client_drop_offered(&session->client);
}

struct gw_str tls_session_client_subject(const struct tls_session *session) {
    return gw_str_from(session->client_certificate.subject);
}

struct gw_str tls_session_client_names(const struct tls_session *session) {
    return gw_str_from(session->client_certificate.names);
}

const char *tls_session_certificate_problem(const struct tls_session *session) {
    return tls_session_client_problem(&session->client, &session->ssl);
}

const char *tls_session_version(const struct tls_session *session) {
    return mbedtls_ssl_get_version(&session->ssl);
}
