// SPDX-License-Identifier: MIT
// bench_bare <certificate> <key> <file of the answer's body>
//
// What a visit over TLS costs at the least: the kernel's part of a connection, the handshake of
// Mbed TLS with the arithmetic that the gateway uses (tls/*_nettle.h), and a constant answer to
// whatever ends with an empty line. No HTTP, no tokens, no tickets, no turns, no deadlines, no
// memory given back, and no care for a peer that stops or stays. Each flight is one read and one
// write, as in the gateway. Says its port on standard output and serves until it is killed.
#include <arpa/inet.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <netinet/tcp.h>
#include <psa/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls/accelerate/ecdsa_nettle.h"
#include "tls/accelerate/ecp_nettle.h"
#include "tls/accelerate/gcm_nettle.h"
#include "tls/accelerate/sha256_nettle.h"

#define BACKLOG 4096
#define EVENTS_MAX 64
#define FLIGHT_BYTES_MAX 8192

static struct {
    mbedtls_ssl_config config;
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    char answer[FLIGHT_BYTES_MAX];
    size_t answer_bytes;
    int listener;
    int epoll;
} server;

struct visitor {
    mbedtls_ssl_context tls;
    int fd;
    unsigned char in[FLIGHT_BYTES_MAX];
    size_t in_start;
    size_t in_end;
    unsigned char out[FLIGHT_BYTES_MAX];
    size_t out_end;
};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

// ---- bytes of one visitor ----

static int bio_send(void *argument, const unsigned char *bytes, size_t length) {
    struct visitor *visitor = argument;
    if (length > sizeof(visitor->out) - visitor->out_end)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    memcpy(visitor->out + visitor->out_end, bytes, length);
    visitor->out_end += length;
    return (int)length;
}

static int bio_receive(void *argument, unsigned char *bytes, size_t room) {
    struct visitor *visitor = argument;
    size_t left = visitor->in_end - visitor->in_start;
    if (left == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    size_t length = room < left ? room : left;
    memcpy(bytes, visitor->in + visitor->in_start, length);
    visitor->in_start += length;
    return (int)length;
}

// False: the visitor is to go.
static bool send_flight(struct visitor *visitor) {
    bool is_sent = visitor->out_end == 0 ||
                   write(visitor->fd, visitor->out, visitor->out_end) == (ssize_t)visitor->out_end;
    visitor->out_end = 0;
    return is_sent;
}

static bool answer_requests(struct visitor *visitor) {
    unsigned char request[FLIGHT_BYTES_MAX];
    for (;;) {
        int length = mbedtls_ssl_read(&visitor->tls, request, sizeof(request));
        if (length == MBEDTLS_ERR_SSL_WANT_READ && visitor->in_start == visitor->in_end)
            return true;
        if (length == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
            (void)mbedtls_ssl_close_notify(&visitor->tls);
        if (length <= 0 && length != MBEDTLS_ERR_SSL_WANT_READ)
            return false;
        if (length >= 4 && memcmp(request + length - 4, "\r\n\r\n", 4) == 0 &&
            mbedtls_ssl_write(&visitor->tls, (const unsigned char *)server.answer,
                              server.answer_bytes) != (int)server.answer_bytes)
            return false;
    }
}

static bool work(struct visitor *visitor) {
    if (!mbedtls_ssl_is_handshake_over(&visitor->tls)) {
        int code = mbedtls_ssl_handshake(&visitor->tls);
        if (code != 0)
            return code == MBEDTLS_ERR_SSL_WANT_READ;
    }
    return answer_requests(visitor);
}

// ---- visitors ----

static void open_visitor(int fd) {
    struct visitor *visitor = malloc(sizeof(*visitor));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = visitor};
    if (visitor == NULL)
        fail("malloc");
    visitor->fd = fd;
    visitor->in_start = visitor->in_end = visitor->out_end = 0;
    mbedtls_ssl_init(&visitor->tls);
    if (mbedtls_ssl_setup(&visitor->tls, &server.config) != 0 ||
        epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("epoll_ctl");
    mbedtls_ssl_set_bio(&visitor->tls, visitor, bio_send, bio_receive, NULL);
}

static void close_visitor(struct visitor *visitor) {
    mbedtls_ssl_free(&visitor->tls);
    (void)close(visitor->fd);
    free(visitor);
}

static void serve(struct visitor *visitor) {
    ssize_t got = read(visitor->fd, visitor->in, sizeof(visitor->in));
    visitor->in_start = 0;
    visitor->in_end = got > 0 ? (size_t)got : 0;
    bool stays = got > 0 && work(visitor);
    if (!send_flight(visitor) || !stays)
        close_visitor(visitor);
}

static void accept_all(void) {
    int fd;
    while ((fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        open_visitor(fd);
}

// ---- start ----

static void configure(const char *certificate_file, const char *key_file) {
    static const int suites[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
    static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                      MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                      MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
    mbedtls_ssl_config_init(&server.config);
    mbedtls_x509_crt_init(&server.chain);
    mbedtls_pk_init(&server.key);
    if (psa_crypto_init() != PSA_SUCCESS ||
        mbedtls_x509_crt_parse_file(&server.chain, certificate_file) != 0 ||
        mbedtls_pk_parse_keyfile(&server.key, key_file, NULL, mbedtls_psa_get_random,
                                 MBEDTLS_PSA_RANDOM_STATE) != 0 ||
        mbedtls_ssl_config_defaults(&server.config, MBEDTLS_SSL_IS_SERVER,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        fail("certificate");
    (void)tls_ecp_nettle_start();
    (void)tls_ecdsa_nettle_start();
    (void)tls_sha256_nettle_start();
    (void)tls_gcm_nettle_start();
    mbedtls_ssl_conf_rng(&server.config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_ciphersuites(&server.config, suites);
    mbedtls_ssl_conf_groups(&server.config, groups);
    if (mbedtls_ssl_conf_own_cert(&server.config, &server.chain, &server.key) != 0)
        fail("certificate");
}

static void read_answer(const char *body_file) {
    char body[FLIGHT_BYTES_MAX / 2];
    FILE *file = fopen(body_file, "r");
    if (file == NULL)
        fail(body_file);
    size_t length = fread(body, 1, sizeof(body), file);
    (void)fclose(file);
    int written = snprintf(server.answer, sizeof(server.answer),
                           "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: "
                           "no-store\r\nContent-Length: %zu\r\n\r\n%.*s",
                           length, (int)length, body);
    server.answer_bytes = (size_t)written;
}

static void listen_on_any(void) {
    const int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    struct epoll_event event = {.events = EPOLLIN};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bind(server.listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        setsockopt(server.listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) != 0 ||
        listen(server.listener, BACKLOG) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&address, &length) != 0 ||
        epoll_ctl(server.epoll, EPOLL_CTL_ADD, server.listener, &event) != 0)
        fail("listen");
    printf("port %d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fputs("usage: bench_bare <certificate> <key> <file of the answer's body>\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    configure(argv[1], argv[2]);
    read_answer(argv[3]);
    listen_on_any();
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int ready = epoll_wait(server.epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == NULL)
                accept_all();
            else
                serve(events[i].data.ptr);
        }
    }
}
