// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

// Standard error, replaced by a pipe (or another descriptor) while a test runs.
struct capture {
    int saved;
    int reader;
    int writer;
    char text[8192];
};

static struct capture begin_capture(void) {
    struct capture capture = {.saved = dup(STDERR_FILENO)};
    int ends[2];
    assert_true(capture.saved >= 0);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    capture.reader = ends[0];
    capture.writer = ends[1];
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    return capture;
}

// What was written, terminated; nothing is an empty text.
static const char *end_capture(struct capture *capture) {
    assert_int_equal(dup2(capture->saved, STDERR_FILENO), STDERR_FILENO);
    ssize_t length = read(capture->reader, capture->text, sizeof(capture->text) - 1);
    capture->text[length > 0 ? length : 0] = '\0';
    (void)close(capture->saved);
    (void)close(capture->reader);
    (void)close(capture->writer);
    return capture->text;
}

static void test_a_line_has_time_level_component_and_message(void **state) {
    (void)state;
    struct capture capture = begin_capture();
    gw_log(GW_LOG_WARNING, "pool", "connection lost attempt=%d", 3);
    const char *line = end_capture(&capture);
    int64_t wall_ms = 0;
    assert_int_equal(gw_clock_parse_iso(gw_str(line, GW_CLOCK_ISO_LENGTH), &wall_ms), GW_OK);
    assert_true(wall_ms >= gw_clock_wall_ms() - 60000);
    assert_string_equal(line + GW_CLOCK_ISO_LENGTH, " warning pool connection lost attempt=3\n");
}

static void test_levels_below_the_set_one_are_dropped(void **state) {
    (void)state;
    struct capture capture = begin_capture();
    gw_log(GW_LOG_DEBUG, "x", "below the default");
    gw_log_set_level(GW_LOG_ERROR);
    gw_log(GW_LOG_WARNING, "x", "below error");
    gw_log_set_level(GW_LOG_DEBUG);
    gw_log(GW_LOG_DEBUG, "x", "shown");
    gw_log_set_level(GW_LOG_INFO);
    const char *text = end_capture(&capture);
    assert_non_null(strstr(text, " debug x shown\n"));
    assert_null(strstr(text, "below"));
}

static void test_level_names_are_exact(void **state) {
    (void)state;
    enum gw_log_level level = GW_LOG_INFO;
    assert_int_equal(gw_log_level_parse(GW_STR("debug"), &level), GW_OK);
    assert_int_equal(level, GW_LOG_DEBUG);
    assert_int_equal(gw_log_level_parse(GW_STR("error"), &level), GW_OK);
    assert_int_equal(level, GW_LOG_ERROR);
    assert_int_equal(gw_log_level_parse(GW_STR("Error"), &level), GW_INVALID);
    assert_int_equal(gw_log_level_parse(GW_STR(""), &level), GW_INVALID);
    assert_int_equal(level, GW_LOG_ERROR);
}

static void test_a_long_line_is_cut_and_still_ends(void **state) {
    (void)state;
    static char message[10000];
    memset(message, 'a', sizeof(message) - 1);
    struct capture capture = begin_capture();
    gw_log(GW_LOG_INFO, "x", "%s", message);
    const char *line = end_capture(&capture);
    assert_int_equal(strlen(line), GW_LOG_LINE_BYTES_MAX);
    assert_string_equal(line + GW_LOG_LINE_BYTES_MAX - 5, "a...\n");
}

static void test_a_cut_does_not_split_a_character(void **state) {
    (void)state;
    static char message[6001];
    for (size_t i = 0; i < sizeof(message) - 1; i += 3)
        memcpy(message + i, "\xE2\x82\xAC", 3);
    for (int shift = 0; shift < 3; shift++) {
        struct capture capture = begin_capture();
        gw_log(GW_LOG_INFO, "x", "%.*s%s", shift, "ab", message);
        const char *line = end_capture(&capture);
        size_t length = strlen(line);
        assert_true(length <= GW_LOG_LINE_BYTES_MAX && length > GW_LOG_LINE_BYTES_MAX - 4);
        assert_string_equal(line + length - 7, "\xE2\x82\xAC...\n");
    }
}

static void test_a_message_cannot_make_a_second_line(void **state) {
    (void)state;
    struct capture capture = begin_capture();
    gw_log(GW_LOG_INFO, "x", "a%sb", "\r\n\x1B[31m");
    const char *line = end_capture(&capture);
    assert_string_equal(line + GW_CLOCK_ISO_LENGTH, " info x a   [31mb\n");
}

// U+009B begins what ESC [ does, in UTF-8 or, on a terminal of another encoding, as a byte.
static void test_a_message_cannot_command_a_terminal(void **state) {
    (void)state;
    struct capture capture = begin_capture();
    gw_log(GW_LOG_INFO, "x", "a%sb",
           "\xC2\x9B"
           "31m\x9B"
           "31m\xE2\x80\xAE");
    const char *line = end_capture(&capture);
    assert_string_equal(line + GW_CLOCK_ISO_LENGTH, " info x a  31m?31m   b\n");
}

static void test_a_long_component_leaves_room_for_the_message(void **state) {
    (void)state;
    static char component[4000];
    memset(component, 'c', sizeof(component) - 1);
    struct capture capture = begin_capture();
    gw_log(GW_LOG_INFO, component, "message");
    assert_non_null(strstr(end_capture(&capture), "c message\n"));
}

static void test_errno_survives_and_may_be_shown(void **state) {
    (void)state;
    struct capture capture = begin_capture();
    errno = ENOENT;
    gw_log(GW_LOG_INFO, "x", "%m");
    int after = errno;
    const char *line = end_capture(&capture);
    assert_int_equal(after, ENOENT);
    assert_non_null(strstr(line, strerror(ENOENT)));
}

static void test_a_reader_that_sleeps_does_not_stop_the_service(void **state) {
    (void)state;
    struct capture capture = begin_capture();
    char block[4096] = "";
    while (write(capture.writer, block, sizeof(block)) > 0)
        continue;
    // Writers of a pipe block by default: only so can the test hang.
    assert_int_equal(fcntl(capture.writer, F_SETFL, 0), 0);
    (void)alarm(60);
    gw_log(GW_LOG_ERROR, "x", "nobody reads this");
    (void)alarm(0);
    (void)end_capture(&capture);
}

static void test_a_full_disk_does_not_stop_the_service(void **state) {
    (void)state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0)
        skip();
    int saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(full, STDERR_FILENO), STDERR_FILENO);
    gw_log(GW_LOG_ERROR, "x", "nowhere to go");
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    (void)close(full);
}

static void test_json_has_the_fields_of_the_text(void **state) {
    (void)state;
    gw_log_set_form(GW_LOG_JSON);
    struct capture capture = begin_capture();
    gw_log(GW_LOG_WARNING, "pool", "connection lost attempt=%d host=%s for now", 3, "\"a\\\"b\"");
    const char *line = end_capture(&capture);
    gw_log_set_form(GW_LOG_TEXT);
    assert_memory_equal(line, "{\"time\":\"20", 11);
    assert_string_equal(line + strlen("{\"time\":\"") + GW_CLOCK_ISO_LENGTH,
                        "\",\"level\":\"warning\",\"component\":\"pool\",\"message\":"
                        "\"connection lost for now\",\"attempt\":3,\"host\":\"a\\\"b\"}\n");
}

static void test_a_json_message_cannot_make_a_second_line_or_member(void **state) {
    (void)state;
    gw_log_set_form(GW_LOG_JSON);
    struct capture capture = begin_capture();
    gw_log(GW_LOG_INFO, "x", "a%sb level=error", "\r\n\xC2\x9B\"}{\"");
    const char *line = end_capture(&capture);
    gw_log_set_form(GW_LOG_TEXT);
    assert_non_null(
        strstr(line, "\"component\":\"x\",\"message\":\"a \\\"}{\\\" b level=error\"}\n"));
}

static void test_form_names_are_exact(void **state) {
    (void)state;
    enum gw_log_form form = GW_LOG_TEXT;
    assert_int_equal(gw_log_form_parse(GW_STR("json"), &form), GW_OK);
    assert_int_equal(form, GW_LOG_JSON);
    assert_int_equal(gw_log_form_parse(GW_STR("JSON"), &form), GW_INVALID);
    assert_int_equal(gw_log_form_parse(GW_STR(""), &form), GW_INVALID);
    assert_int_equal(gw_log_form_parse(GW_STR("text"), &form), GW_OK);
    assert_int_equal(form, GW_LOG_TEXT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_has_time_level_component_and_message),
        cmocka_unit_test(test_levels_below_the_set_one_are_dropped),
        cmocka_unit_test(test_level_names_are_exact),
        cmocka_unit_test(test_a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(test_a_cut_does_not_split_a_character),
        cmocka_unit_test(test_a_message_cannot_make_a_second_line),
        cmocka_unit_test(test_a_message_cannot_command_a_terminal),
        cmocka_unit_test(test_a_long_component_leaves_room_for_the_message),
        cmocka_unit_test(test_errno_survives_and_may_be_shown),
        cmocka_unit_test(test_a_reader_that_sleeps_does_not_stop_the_service),
        cmocka_unit_test(test_a_full_disk_does_not_stop_the_service),
        cmocka_unit_test(test_json_has_the_fields_of_the_text),
        cmocka_unit_test(test_a_json_message_cannot_make_a_second_line_or_member),
        cmocka_unit_test(test_form_names_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
