// SPDX-License-Identifier: MIT
// A server session against any bytes. The first five bytes choose the conversation, the rest is its
// text:
// - a stream that is fed as it is, from the first byte of the connection, or
// - a real client (TLS 1.2 or 1.3) of whose bytes one may be changed on the way, and that then
//   sends the text. What must hold beyond memory safety: a session that has failed stays failed and
//   says nothing more, its output stays within the cap, and an unchanged conversation delivers
//   exactly the text.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/certificate.h"
#include "tests/support/tls_client.h"
#include "tls/session.h"

#define OUTPUT_BYTES_MAX ((size_t)64 * 1024)
#define RECEIVED_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define CHOICE_BYTES 5
#define ROUNDS_MAX 8

int LLVMFuzzerInitialize(const int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct choice {
    bool has_client;
    mbedtls_ssl_protocol_version version;
    size_t chunk_bytes;   // fed at once
    size_t changed_at;    // which byte of the client's is changed
    unsigned char xor_by; // 0: none
};

struct conversation {
    struct choice choice;
    struct tls_session *server;
    struct gw_buf output;
    struct gw_buf received;
    size_t fed_bytes;
    enum gw_status status; // of the last call that was not a write
    bool is_open;
};

static struct tls_context *context;

int LLVMFuzzerInitialize(const int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    struct test_certificate certificate;
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create(&certificate, TEST_KEY_EC);
    struct tls_context_options options = {.certificate_file = certificate.certificate_file,
                                          .key_file = certificate.key_file};
    gw_assert(tls_context_create_server(&options, &context, error) == GW_OK);
    test_certificate_destroy(&certificate);
    return 0;
}

static struct choice choose(const uint8_t *bytes) {
    return (struct choice){.has_client = (bytes[0] & 1) != 0,
                           .version = (bytes[0] & 2) != 0 ? MBEDTLS_SSL_VERSION_TLS1_2
                                                          : MBEDTLS_SSL_VERSION_TLS1_3,
                           .chunk_bytes = bytes[1] == 0 ? SIZE_MAX : bytes[1],
                           .changed_at = (size_t)bytes[2] << 8 | bytes[3],
                           .xor_by = bytes[4]};
}

static enum gw_status read_records(struct conversation *conversation) {
    char record[4096];
    size_t length = 0;
    enum gw_status status;
    while ((status = tls_session_read(conversation->server, record, sizeof(record), &length)) ==
           GW_OK) {
        gw_assert(length > 0 && length <= sizeof(record));
        gw_assert(gw_buf_append(&conversation->received, record, length) == GW_OK);
    }
    return status;
}

static void feed_chunk(struct conversation *conversation, struct gw_str chunk) {
    tls_session_feed(conversation->server, chunk);
    if (!conversation->is_open) {
        conversation->status = tls_session_handshake(conversation->server);
        conversation->is_open = conversation->status == GW_OK;
    }
    if (conversation->is_open)
        conversation->status = read_records(conversation);
    gw_assert(conversation->status != GW_OK);
    gw_assert(gw_buf_length(&conversation->output) <= OUTPUT_BYTES_MAX);
}

// A failed session must repeat itself and stay silent.
static void check_failed(struct conversation *conversation) {
    size_t said = gw_buf_length(&conversation->output);
    char byte;
    size_t length;
    enum gw_status again = conversation->is_open
                               ? tls_session_read(conversation->server, &byte, 1, &length)
                               : tls_session_handshake(conversation->server);
    gw_assert(again == conversation->status);
    if (conversation->status != GW_CLOSED) {
        gw_assert(tls_session_write(conversation->server, GW_STR("x")) == conversation->status);
        tls_session_close_notify(conversation->server);
    }
    gw_assert(gw_buf_length(&conversation->output) == said);
}

// Returns false when the conversation is over.
static bool feed(struct conversation *conversation, struct gw_str bytes) {
    while (bytes.length > 0) {
        struct gw_str chunk = gw_str_slice(bytes, 0, conversation->choice.chunk_bytes);
        feed_chunk(conversation, chunk);
        if (conversation->status != GW_WANT_INPUT) {
            check_failed(conversation);
            return false;
        }
        bytes = gw_str_slice(bytes, chunk.length, bytes.length);
    }
    return true;
}

// Hands the client's bytes over, with the chosen change.
static bool feed_from_client(struct conversation *conversation, struct test_tls_client *client) {
    struct gw_str bytes = gw_buf_bytes(&client->output);
    size_t changed_at = conversation->choice.changed_at - conversation->fed_bytes;
    if (changed_at < bytes.length)
        client->output.memory[client->output.start + changed_at] ^=
            (char)conversation->choice.xor_by;
    conversation->fed_bytes += bytes.length;
    bool goes_on = feed(conversation, bytes);
    gw_buf_clear(&client->output);
    gw_assert(gw_buf_append_str(&client->input, gw_buf_bytes(&conversation->output)) == GW_OK);
    gw_buf_clear(&conversation->output);
    return goes_on;
}

static void converse(struct conversation *conversation, struct gw_str text) {
    struct test_tls_client client;
    struct test_tls_client_options options = {.version = conversation->choice.version};
    test_tls_client_init(&client, &options);
    int code = MBEDTLS_ERR_SSL_WANT_READ;
    bool goes_on = true;
    for (int round = 0; goes_on && code == MBEDTLS_ERR_SSL_WANT_READ && round < ROUNDS_MAX;
         round++) {
        code = test_tls_client_handshake(&client);
        goes_on = feed_from_client(conversation, &client);
    }
    if (goes_on && code == 0 && conversation->is_open) {
        test_tls_client_write(&client, text.at, text.length);
        goes_on = feed_from_client(conversation, &client);
    }
    if (conversation->choice.xor_by == 0) {
        gw_assert(goes_on && conversation->is_open);
        gw_assert(gw_str_equal(gw_buf_bytes(&conversation->received), text));
    }
    test_tls_client_deinit(&client);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length < CHOICE_BYTES)
        return 0;
    struct conversation conversation = {.choice = choose(bytes), .status = GW_WANT_INPUT};
    struct gw_str text = gw_str((const char *)bytes + CHOICE_BYTES, length - CHOICE_BYTES);
    gw_buf_init(&conversation.output, OUTPUT_BYTES_MAX);
    gw_buf_init(&conversation.received, RECEIVED_BYTES_MAX);
    gw_assert(tls_session_create(context, &conversation.output, &conversation.server) == GW_OK);
    if (conversation.choice.has_client)
        converse(&conversation, text);
    else
        (void)feed(&conversation, text);
    tls_session_destroy(conversation.server);
    gw_buf_deinit(&conversation.output);
    gw_buf_deinit(&conversation.received);
    return 0;
}
