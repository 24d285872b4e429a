// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/certificate.h"
#include "tests/support/tls_pair.h"
#include "tls/memory.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>

size_t __sanitizer_get_current_allocated_bytes(void);

// One test asks for more memory than there is.
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}
#endif

#define RECORD_BYTES_MAX (16 * 1024)
#define RESTING_BYTES_MAX 4096 // of a session; the record buffers alone are 33 KiB

static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                        MBEDTLS_SSL_VERSION_TLS1_3};

struct fixture {
    struct test_certificate certificate;
    struct tls_context *context;
    struct tls_memory_pool *pool;
};

static int set_up(void **state) {
    static struct fixture fixture;
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create(&fixture.certificate, TEST_KEY_EC);
    struct tls_context_options options = {.certificate_file = fixture.certificate.certificate_file,
                                          .key_file = fixture.certificate.key_file};
    assert_int_equal(tls_context_create_server(&options, &fixture.context, error), GW_OK);
    fixture.pool = tls_context_memory_pool(fixture.context);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    tls_context_release(fixture->context);
    test_certificate_destroy(&fixture->certificate);
    return 0;
}

static size_t allocated_bytes(void) {
#if defined(__SANITIZE_ADDRESS__)
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

static enum gw_status read_some(struct test_tls_pair *pair, char *out, size_t out_max,
                                size_t *length) {
    enum gw_status status = tls_session_read(pair->server, out, out_max, length);
    test_tls_pair_carry(pair);
    return status;
}

// The server has read all there was, and rests.
static void open_resting(struct test_tls_pair *pair, const struct fixture *fixture,
                         mbedtls_ssl_protocol_version version) {
    struct test_tls_client_options options = {.version = version};
    char record[RECORD_BYTES_MAX];
    size_t length;
    test_tls_pair_init(pair, fixture->context, &options);
    assert_int_equal(test_tls_pair_handshake(pair), GW_OK);
    assert_int_equal(read_some(pair, record, sizeof(record), &length), GW_WANT_INPUT);
}

static void assert_server_gets(struct test_tls_pair *pair, const char *text) {
    char record[RECORD_BYTES_MAX];
    char *memory;
    size_t length;
    test_tls_client_write(&pair->client, text, strlen(text));
    tls_session_feed(pair->server, test_tls_pair_take(pair, &memory));
    assert_int_equal(read_some(pair, record, sizeof(record), &length), GW_OK);
    assert_int_equal(length, strlen(text));
    assert_memory_equal(record, text, length);
    assert_int_equal(read_some(pair, record, sizeof(record), &length), GW_WANT_INPUT);
    free(memory);
}

static void assert_client_gets(struct test_tls_pair *pair, const char *text) {
    char got[RECORD_BYTES_MAX];
    assert_int_equal(tls_session_write(pair->server, gw_str(text, strlen(text))), GW_OK);
    test_tls_pair_carry(pair);
    assert_int_equal(test_tls_client_read(&pair->client, got, sizeof(got)), strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static void test_connections_share_one_pair_of_buffers(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pairs[2];
    for (size_t i = 0; i < 2; i++)
        open_resting(&pairs[i], fixture, versions[i]);
    int kept = fixture->pool->count;
    assert_in_range(kept, 1, 2);
    for (int round = 0; round < 20; round++) { // the record counters go on
        for (size_t i = 0; i < 2; i++) {
            assert_server_gets(&pairs[i], "ping");
            assert_client_gets(&pairs[i], "pong");
            assert_int_equal(fixture->pool->count, kept);
        }
    }
    for (size_t i = 0; i < 2; i++)
        test_tls_pair_deinit(&pairs[i]);
}

static void test_a_resting_session_is_small(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_pair pair;
        open_resting(&pair, fixture, versions[i]);
        size_t before = allocated_bytes();
        tls_session_destroy(pair.server);
        pair.server = NULL;
        assert_in_range(before - allocated_bytes(), 1, RESTING_BYTES_MAX);
        test_tls_pair_deinit(&pair);
    }
}

static void test_half_a_record_keeps_its_buffers(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_pair pair;
        char record[RECORD_BYTES_MAX];
        char *memory;
        size_t length;
        open_resting(&pair, fixture, versions[i]);
        int kept = fixture->pool->count;
        test_tls_client_write(&pair.client, "ping", 4);
        struct gw_str bytes = test_tls_pair_take(&pair, &memory);
        for (size_t at = 0; at + 1 < bytes.length; at++) {
            tls_session_feed(pair.server, gw_str_slice(bytes, at, at + 1));
            assert_int_equal(read_some(&pair, record, sizeof(record), &length), GW_WANT_INPUT);
            assert_int_equal(fixture->pool->count, kept - 1);
            assert_client_gets(&pair, "early");
        }
        tls_session_feed(pair.server, gw_str_slice(bytes, bytes.length - 1, bytes.length));
        assert_int_equal(read_some(&pair, record, sizeof(record), &length), GW_OK);
        assert_int_equal(length, 4);
        assert_int_equal(read_some(&pair, record, sizeof(record), &length), GW_WANT_INPUT);
        assert_int_equal(fixture->pool->count, kept);
        free(memory);
        test_tls_pair_deinit(&pair);
    }
}

static void test_plaintext_that_was_not_taken_keeps_its_buffers(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    char *memory;
    char byte;
    size_t length;
    open_resting(&pair, fixture, MBEDTLS_SSL_VERSION_TLS1_3);
    int kept = fixture->pool->count;
    test_tls_client_write(&pair.client, "ping", 4);
    tls_session_feed(pair.server, test_tls_pair_take(&pair, &memory));
    for (const char *at = "ping"; *at != '\0'; at++) {
        assert_int_equal(read_some(&pair, &byte, 1, &length), GW_OK);
        assert_int_equal(byte, *at);
        assert_client_gets(&pair, "echo");
        assert_int_equal(fixture->pool->count, kept - 1);
    }
    assert_int_equal(read_some(&pair, &byte, 1, &length), GW_WANT_INPUT);
    assert_int_equal(fixture->pool->count, kept);
    free(memory);
    test_tls_pair_deinit(&pair);
}

static void test_received_plaintext_is_wiped(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_pair pair;
        open_resting(&pair, fixture, versions[i]);
        assert_server_gets(&pair, "a secret");
        assert_true(fixture->pool->count > 0);
        for (int j = 0; j < fixture->pool->count; j++)
            assert_null(memmem(fixture->pool->kept[j].in, fixture->pool->in_bytes, "a secret", 8));
        test_tls_pair_deinit(&pair);
    }
}

static void test_no_memory_to_wake_ends_the_session_in_silence(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    open_resting(&pair, fixture, MBEDTLS_SSL_VERSION_TLS1_3);
    size_t bytes = fixture->pool->in_bytes;
    tls_memory_pool_deinit(fixture->pool);
    fixture->pool->in_bytes = SIZE_MAX / 4;
    assert_int_equal(tls_session_write(pair.server, GW_STR("pong")), GW_NO_MEMORY);
    assert_int_equal(tls_session_write(pair.server, GW_STR("pong")), GW_NO_MEMORY);
    tls_session_close_notify(pair.server);
    assert_int_equal(gw_buf_length(&pair.output), 0);
    test_tls_pair_deinit(&pair);
    fixture->pool->in_bytes = bytes;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections_share_one_pair_of_buffers),
        cmocka_unit_test(test_a_resting_session_is_small),
        cmocka_unit_test(test_half_a_record_keeps_its_buffers),
        cmocka_unit_test(test_plaintext_that_was_not_taken_keeps_its_buffers),
        cmocka_unit_test(test_received_plaintext_is_wiped),
        cmocka_unit_test(test_no_memory_to_wake_ends_the_session_in_silence),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
