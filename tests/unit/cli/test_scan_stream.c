// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/scan_stream.h"

#define FOUND_BYTES_MAX 4096

static char found[FOUND_BYTES_MAX]; // "<line> <kind> <commit> <path>;" of each
static struct cli_scan_stream stream;

static void on_found(struct cli_scan_stream *of, struct gw_str secret) {
    size_t used = strlen(found);
    assert_int_equal(secret.length, CLI_SCAN_TOKEN_LENGTH);
    assert_true(gw_token_syntax_checksum_ok(secret));
    int length = snprintf(found + used, sizeof(found) - used, "%zu %.4s %s %s;", of->line,
                          secret.at + 3, of->commit, of->path);
    assert_true(length > 0 && (size_t)length < sizeof(found) - used);
}

static void token(enum gw_token_kind kind, unsigned char seed, char out[GW_TOKEN_LENGTH_MAX + 1]) {
    unsigned char random[GW_TOKEN_RANDOM_BYTES];
    memset(random, seed, sizeof(random));
    out[gw_token_syntax_format(kind, random, out)] = '\0';
}

// In pieces of `piece` bytes.
static void scan(const char *text, size_t length, size_t piece) {
    found[0] = '\0';
    cli_scan_stream_init(&stream, on_found, true);
    for (size_t at = 0; at < length; at += piece) {
        size_t part = length - at < piece ? length - at : piece;
        memcpy(cli_scan_stream_room(&stream), text + at, part);
        cli_scan_stream_feed(&stream, part);
    }
    cli_scan_stream_finish(&stream);
}

static void assert_found(const char *text, const char *wanted) {
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        scan(text, strlen(text), piece);
        assert_string_equal(found, wanted);
    }
}

static void test_tokens_are_found_wherever_the_pieces_end(void **state) {
    (void)state;
    char live[GW_TOKEN_LENGTH_MAX + 1];
    char other[GW_TOKEN_LENGTH_MAX + 1];
    char text[FOUND_BYTES_MAX];
    token(GW_TOKEN_LIVE, 7, live);
    token(GW_TOKEN_TEST, 9, other);
    (void)snprintf(text, sizeof(text), "%s\n\nsr_sr_live_x='%s_and more%s\n%s", live, other, live,
                   live);
    assert_found(text, "1 live  ;3 test  ;3 live  ;4 live  ;");
}

static void test_what_has_another_checksum_or_length_is_none(void **state) {
    (void)state;
    char live[GW_TOKEN_LENGTH_MAX + 1];
    char text[FOUND_BYTES_MAX];
    token(GW_TOKEN_LIVE, 7, live);
    (void)snprintf(text, sizeof(text), "sr_test_%s sk_%s %.55s", live + 8, live + 8, live);
    assert_found(text, "");
    live[20] ^= 1;
    assert_found(live, "");
    assert_found("", "");
}

static void test_bytes_of_any_value_are_gone_over(void **state) {
    (void)state;
    char bytes[CLI_SCAN_CHUNK_BYTES];
    char live[GW_TOKEN_LENGTH_MAX + 1];
    token(GW_TOKEN_LIVE, 7, live);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    memcpy(bytes + sizeof(bytes) - CLI_SCAN_TOKEN_LENGTH, live, CLI_SCAN_TOKEN_LENGTH);
    scan(bytes, sizeof(bytes), CLI_SCAN_CHUNK_BYTES);
    assert_string_equal(found, "257 live  ;"); // a line end in each 256 bytes
}

static void test_history_says_the_commit_and_the_file(void **state) {
    (void)state;
    char live[GW_TOKEN_LENGTH_MAX + 1];
    char text[FOUND_BYTES_MAX];
    token(GW_TOKEN_LIVE, 7, live);
    (void)snprintf(text, sizeof(text),
                   "commit 1a\n\n    %s\n\ndiff --git a/old b/new name\n--- a/old\n+++ b/new name\n"
                   "+++ b/no file, but a line\n-%s\ncommit 2b\n+%s\n",
                   live, live, live);
    assert_found(text, "3 live 1a ;9 live 1a new name;11 live 2b ;");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_are_found_wherever_the_pieces_end),
        cmocka_unit_test(test_what_has_another_checksum_or_length_is_none),
        cmocka_unit_test(test_bytes_of_any_value_are_gone_over),
        cmocka_unit_test(test_history_says_the_commit_and_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
