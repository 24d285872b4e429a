// SPDX-License-Identifier: MIT
// What a connection says of its peer, and what of that an exchange sees. The transport and the TLS
// session are the functions below.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "gateway/client/peer.h"

#define PROXY "192.0.2.1"
#define STRANGER "198.51.100.7"

struct fixture {
    struct gw_config config;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_exchange exchange;
    struct gw_http_head request;
    struct gw_address_counts addresses;
    struct gw_transport transport;
    struct gw_peer peer;
};

static const char *connected_from; // NULL: the peer has gone already

enum gw_status gw_transport_peer_address(const struct gw_transport *transport,
                                         struct sockaddr_storage *address) {
    (void)transport;
    struct sockaddr_in ip = {.sin_family = AF_INET};
    if (connected_from == NULL)
        return GW_CLOSED;
    inet_pton(AF_INET, connected_from, &ip.sin_addr);
    memcpy(address, &ip, sizeof(ip));
    return GW_OK;
}

struct gw_str tls_session_client_names(const struct tls_session *session) {
    (void)session;
    return GW_STR("client.example.org\n");
}

struct gw_str tls_session_client_subject(const struct tls_session *session) {
    (void)session;
    return GW_STR("CN=client");
}

bool tls_session_is_resumed(const struct tls_session *session) {
    (void)session;
    return true;
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(gw_trusted_proxies_parse(GW_STR(PROXY), &fixture->config.trusted_proxies),
                     GW_OK);
    assert_int_equal(gw_address_counts_init(&fixture->addresses, 1), GW_OK);
    fixture->services.config = &fixture->config;
    fixture->services.metrics = &fixture->metrics;
    fixture->exchange.services = &fixture->services;
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_peer_release(&fixture->peer, &fixture->addresses);
    gw_address_counts_deinit(&fixture->addresses);
    test_free(fixture);
    return 0;
}

static enum gw_status find(struct fixture *fixture, const char *address, bool is_tls,
                           bool needs_header) {
    connected_from = address;
    gw_peer_init(&fixture->peer, &fixture->exchange, is_tls, needs_header);
    return gw_peer_find(&fixture->peer, &fixture->transport);
}

static void assert_client(const struct fixture *fixture, const char *client, const char *proxy) {
    assert_true(gw_str_equal(gw_client_name(&fixture->exchange.client), gw_str_from(client)));
    assert_true(gw_str_equal(fixture->exchange.proxy_address, gw_str_from(proxy)));
}

static void take_header(struct fixture *fixture, const char *source, bool is_local) {
    struct gw_proxy_header header = {.has_source = source != NULL, .is_local = is_local};
    struct sockaddr_in ip = {.sin_family = AF_INET};
    if (source != NULL) {
        inet_pton(AF_INET, source, &ip.sin_addr);
        assert_int_equal(gw_ip_from_sockaddr((const struct sockaddr *)&ip, &header.source), GW_OK);
    }
    gw_peer_take_header(&fixture->peer, &header);
}

static void give_forwarded_for(struct fixture *fixture, const char *value) {
    fixture->request.field_count = 1;
    fixture->request.fields[0] = (struct gw_http_field){
        .id = GW_FIELD_X_FORWARDED_FOR, .name = GW_STR("x"), .value = gw_str_from(value)};
}

static void test_a_stranger_is_its_own_client_whatever_it_says(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(find(fixture, STRANGER, false, false), GW_OK);
    give_forwarded_for(fixture, "203.0.113.9");
    gw_peer_name_client(&fixture->peer, &fixture->request);
    assert_client(fixture, STRANGER, "");
    assert_false(fixture->peer.is_trusted);
}

static void test_a_trusted_proxy_names_its_client_in_each_request(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(find(fixture, PROXY, false, false), GW_OK);
    assert_client(fixture, PROXY, PROXY);
    give_forwarded_for(fixture, "203.0.113.9");
    gw_peer_name_client(&fixture->peer, &fixture->request);
    assert_client(fixture, "203.0.113.9", PROXY);
    gw_peer_name_client(&fixture->peer, NULL); // an unreadable head
    assert_client(fixture, "unknown", PROXY);
}

static void test_a_peer_that_has_gone_has_no_address(void **state) {
    assert_int_equal(find(*state, NULL, false, false), GW_CLOSED);
}

static void test_a_header_names_the_client_for_good(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(find(fixture, PROXY, false, true), GW_OK);
    take_header(fixture, "203.0.113.9", false);
    assert_client(fixture, "203.0.113.9", "");
    give_forwarded_for(fixture, "203.0.113.10");
    gw_peer_name_client(&fixture->peer, &fixture->request);
    assert_client(fixture, "203.0.113.9", "");
}

static void test_a_header_without_a_source_speaks_of_an_unknown_client(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(find(fixture, PROXY, false, true), GW_OK);
    take_header(fixture, NULL, false);
    assert_client(fixture, "unknown", "");
}

static void test_a_local_header_speaks_of_the_proxy(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(find(fixture, PROXY, false, true), GW_OK);
    take_header(fixture, NULL, true);
    assert_client(fixture, PROXY, "");
}

static void test_only_a_trusted_proxy_may_send_a_header(void **state) {
    assert_int_equal(find(*state, STRANGER, false, true), GW_DENIED);
}

static void test_connections_of_one_address_are_bounded(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(find(fixture, STRANGER, false, false), GW_OK);
    assert_true(gw_peer_claim(&fixture->peer, &fixture->addresses));
    struct gw_peer second;
    gw_peer_init(&second, &fixture->exchange, false, false);
    assert_int_equal(gw_peer_find(&second, &fixture->transport), GW_OK);
    assert_false(gw_peer_claim(&second, &fixture->addresses));
    assert_int_equal(fixture->metrics.connections_refused_address_total, 1);
    gw_peer_release(&second, &fixture->addresses); // claimed nothing
    gw_peer_release(&fixture->peer, &fixture->addresses);
    assert_true(gw_peer_claim(&second, &fixture->addresses));
    gw_peer_release(&second, &fixture->addresses);
}

static void test_connections_of_a_trusted_proxy_are_not_its_own(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(find(fixture, PROXY, false, false), GW_OK);
        assert_true(gw_peer_claim(&fixture->peer, &fixture->addresses));
        assert_false(fixture->peer.is_counted);
    }
}

static void test_tls_brings_the_subject_and_is_counted(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(find(fixture, STRANGER, true, false), GW_OK);
    gw_peer_note_open(&fixture->peer, &fixture->transport);
    assert_true(gw_str_equal(fixture->exchange.client_subject, GW_STR("CN=client")));
    assert_true(gw_str_equal(fixture->exchange.client_names, GW_STR("client.example.org\n")));
    assert_true(fixture->exchange.is_tls);
    assert_int_equal(fixture->metrics.tls_handshakes_total[GW_TLS_RESUMED], 1);
    assert_int_equal(fixture->metrics.tls_handshakes_total[GW_TLS_FULL], 0);
}

static void test_an_end_before_the_opening_is_counted_as_what_was_missing(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(find(fixture, PROXY, true, true), GW_OK);
    gw_peer_note_unopened(&fixture->peer);
    assert_int_equal(fixture->metrics.proxy_headers_missing_total, 1);
    assert_int_equal(fixture->metrics.tls_handshakes_total[GW_TLS_FAILED], 0);
    take_header(fixture, STRANGER, false);
    gw_peer_note_unopened(&fixture->peer);
    assert_int_equal(fixture->metrics.tls_handshakes_total[GW_TLS_FAILED], 1);
    assert_int_equal(find(fixture, PROXY, false, false), GW_OK);
    gw_peer_note_unopened(&fixture->peer);
    assert_int_equal(fixture->metrics.proxy_headers_missing_total, 1);
    assert_int_equal(fixture->metrics.tls_handshakes_total[GW_TLS_FAILED], 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_stranger_is_its_own_client_whatever_it_says),
        TEST(test_a_trusted_proxy_names_its_client_in_each_request),
        TEST(test_a_peer_that_has_gone_has_no_address),
        TEST(test_a_header_names_the_client_for_good),
        TEST(test_a_header_without_a_source_speaks_of_an_unknown_client),
        TEST(test_a_local_header_speaks_of_the_proxy),
        TEST(test_only_a_trusted_proxy_may_send_a_header),
        TEST(test_connections_of_one_address_are_bounded),
        TEST(test_connections_of_a_trusted_proxy_are_not_its_own),
        TEST(test_tls_brings_the_subject_and_is_counted),
        TEST(test_an_end_before_the_opening_is_counted_as_what_was_missing),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
