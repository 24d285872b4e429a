// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mbedtls/ssl_ciphersuites.h>
#include <string.h>

#include "tls/early_data.h"

#define EARLY "\x17\x03\x03\x00\x20--------------------------------" // under a key of elsewhere
#define HELLO "\x16\x03\x01\x00\x05hello"
#define CHANGE_CIPHER_SPEC "\x14\x03\x03\x00\x01\x01"
#define RECORD_BYTES_MAX 64

// Of the first record of a client's second flight, and what it is sealed with.
struct flight {
    int suite;
    size_t secret_bytes;
    unsigned char secret[TLS_TRAFFIC_SECRET_BYTES_MAX];
    size_t length;
    unsigned char record[RECORD_BYTES_MAX];
};

// The first is the client's Finished of RFC 8448 section 3; the others were sealed with the
// cryptography package of Python.
static const struct flight flights[] = {
    {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
     32,
     {0xb3, 0xed, 0xdb, 0x12, 0x6e, 0x06, 0x7f, 0x35, 0xa7, 0x80, 0xb3,
      0xab, 0xf4, 0x5e, 0x2d, 0x8f, 0x3b, 0x1a, 0x95, 0x07, 0x38, 0xf5,
      0x2e, 0x96, 0x00, 0x74, 0x6a, 0x0e, 0x27, 0xa5, 0x5a, 0x21},
     58,
     {0x17, 0x03, 0x03, 0x00, 0x35, 0x75, 0xec, 0x4d, 0xc2, 0x38, 0xcc, 0xe6, 0x0b, 0x29, 0x80,
      0x44, 0xa7, 0x1e, 0x21, 0x9c, 0x56, 0xcc, 0x77, 0xb0, 0x51, 0x7f, 0xe9, 0xb9, 0x3c, 0x7a,
      0x4b, 0xfc, 0x44, 0xd8, 0x7f, 0x38, 0xf8, 0x03, 0x38, 0xac, 0x98, 0xfc, 0x46, 0xde, 0xb3,
      0x84, 0xbd, 0x1c, 0xae, 0xac, 0xab, 0x68, 0x67, 0xd7, 0x26, 0xc4, 0x05, 0x46}},
    {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
     32,
     {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
      0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
      0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f},
     30,
     {0x17, 0x03, 0x03, 0x00, 0x19, 0xd4, 0xc7, 0x05, 0x97, 0x74, 0x1d, 0xdf, 0x85, 0xf9, 0x22,
      0x38, 0x28, 0xad, 0xd3, 0x79, 0x8a, 0xc4, 0xae, 0x72, 0x9f, 0x84, 0xa1, 0x99, 0x3f, 0x25}},
    {MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
     48,
     {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
      0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
      0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23,
      0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f},
     30,
     {0x17, 0x03, 0x03, 0x00, 0x19, 0x2e, 0x5e, 0x11, 0x55, 0x66, 0x65, 0xd3, 0xe1, 0x87, 0x5f,
      0x9b, 0x80, 0x3c, 0x22, 0xed, 0xf1, 0x18, 0xd3, 0xa4, 0xb4, 0x00, 0xef, 0x48, 0xae, 0x48}},
};

#define FLIGHT_COUNT (sizeof(flights) / sizeof(flights[0]))

static void note_secret(struct tls_early_data *early, const struct flight *flight) {
    tls_early_data_note_secret(early, flight->suite, flight->secret, flight->secret_bytes);
}

static struct gw_str record_of(const struct flight *flight) {
    return gw_str((const char *)flight->record, flight->length);
}

static void assert_passes(struct tls_early_data *early, struct gw_str bytes, struct gw_str record) {
    struct gw_str passed = {NULL, 0};
    assert_int_equal(tls_early_data_next(early, &bytes, &passed), GW_OK);
    assert_true(gw_str_equal(passed, record));
}

static void assert_is_taken(struct tls_early_data *early, struct gw_str bytes) {
    struct gw_str passed = {NULL, 0};
    assert_int_equal(tls_early_data_next(early, &bytes, &passed), GW_WANT_INPUT);
    assert_int_equal(bytes.length, 0);
    assert_int_equal(passed.length, 0); // results are untouched
}

static void test_early_data_is_skipped_up_to_the_second_flight(void **state) {
    (void)state;
    for (size_t i = 0; i < FLIGHT_COUNT; i++) {
        struct tls_early_data early;
        tls_early_data_init(&early);
        assert_passes(&early, GW_STR(HELLO), GW_STR(HELLO));
        note_secret(&early, &flights[i]);
        assert_passes(&early, GW_STR(CHANGE_CIPHER_SPEC EARLY), GW_STR(CHANGE_CIPHER_SPEC));
        assert_is_taken(&early, GW_STR(EARLY EARLY));
        assert_false(tls_early_data_is_done(&early));
        assert_passes(&early, record_of(&flights[i]), record_of(&flights[i]));
        assert_true(tls_early_data_is_done(&early));
        assert_passes(&early, GW_STR(EARLY), GW_STR(EARLY)); // a broken record is the library's
        tls_early_data_deinit(&early);
    }
}

static void test_a_changed_record_is_no_second_flight(void **state) {
    (void)state;
    for (size_t i = 0; i < FLIGHT_COUNT; i++) {
        struct tls_early_data early;
        struct flight changed = flights[i];
        changed.record[changed.length - 1] ^= 1;
        tls_early_data_init(&early);
        note_secret(&early, &flights[i]);
        assert_is_taken(&early, record_of(&changed));
        tls_early_data_deinit(&early);
    }
}

// The server asked for another hello, which comes in the clear.
static void test_without_a_key_all_of_it_is_skipped(void **state) {
    (void)state;
    struct tls_early_data early;
    tls_early_data_init(&early);
    assert_passes(&early, GW_STR(HELLO EARLY), GW_STR(HELLO));
    assert_is_taken(&early, record_of(&flights[0]));
    assert_passes(&early, GW_STR(EARLY HELLO), GW_STR(HELLO));
    note_secret(&early, &flights[0]);
    assert_passes(&early, record_of(&flights[0]), record_of(&flights[0]));
    tls_early_data_deinit(&early);
}

static void test_records_may_come_one_byte_at_a_time(void **state) {
    (void)state;
    struct tls_early_data early;
    const struct gw_str bytes = GW_STR(HELLO EARLY CHANGE_CIPHER_SPEC);
    struct gw_str passed;
    int records = 0;
    tls_early_data_init(&early);
    note_secret(&early, &flights[0]);
    for (size_t i = 0; i < bytes.length; i++) {
        struct gw_str byte = gw_str_slice(bytes, i, i + 1);
        records += tls_early_data_next(&early, &byte, &passed) == GW_OK;
        assert_int_equal(byte.length, 0);
    }
    assert_int_equal(records, 2);
    assert_true(gw_str_equal(passed, GW_STR(CHANGE_CIPHER_SPEC)));
    tls_early_data_deinit(&early);
}

static void test_what_is_skipped_has_a_limit(void **state) {
    (void)state;
    struct tls_early_data early;
    const struct gw_str record = GW_STR(EARLY);
    struct gw_str passed;
    size_t skipped = 0;
    tls_early_data_init(&early);
    note_secret(&early, &flights[0]);
    for (;; skipped += record.length) {
        struct gw_str bytes = record;
        if (tls_early_data_next(&early, &bytes, &passed) == GW_OK)
            break;
        assert_true(skipped < TLS_EARLY_DATA_BYTES_MAX);
    }
    assert_true(skipped + record.length > TLS_EARLY_DATA_BYTES_MAX);
    tls_early_data_deinit(&early);
}

// With TLS 1.2 no key of a second flight ever comes.
static void test_after_the_handshake_everything_passes(void **state) {
    (void)state;
    struct tls_early_data early;
    tls_early_data_init(&early);
    assert_is_taken(&early, GW_STR("\x17\x03\x03\x00\x04in"));
    early.is_over = true;
    assert_false(tls_early_data_is_done(&early)); // it holds a part of a record
    assert_passes(&early, GW_STR("it"), GW_STR("\x17\x03\x03\x00\x04init"));
    assert_true(tls_early_data_is_done(&early));
    tls_early_data_deinit(&early);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_early_data_is_skipped_up_to_the_second_flight),
        cmocka_unit_test(test_a_changed_record_is_no_second_flight),
        cmocka_unit_test(test_without_a_key_all_of_it_is_skipped),
        cmocka_unit_test(test_records_may_come_one_byte_at_a_time),
        cmocka_unit_test(test_what_is_skipped_has_a_limit),
        cmocka_unit_test(test_after_the_handshake_everything_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
