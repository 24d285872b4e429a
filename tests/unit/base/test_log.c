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

static void test_quoting_escapes_what_could_forge_a_field(void **state) {
    (void)state;
    static const struct {
        struct gw_str text;
        const char *quoted;
    } cases[] = {
        {GW_STR_INIT(""), "\"\""},
        {GW_STR_INIT("plain text"), "\"plain text\""},
        {GW_STR_INIT("\" level=error"), "\"\\\" level=error\""},
        {GW_STR_INIT("a\\b"), "\"a\\\\b\""},
        {GW_STR_INIT("a\r\n\tb"), "\"a\\r\\n\\tb\""},
        {GW_STR_INIT("a\0b\x1B\x7F"), "\"a\\x00b\\x1b\\x7f\""},
        {GW_STR_INIT("\xC3\xA4\xE2\x82\xAC"), "\"\xC3\xA4\xE2\x82\xAC\""},
        {GW_STR_INIT("\xFF\xC3"), "\"\\xff\\xc3\""},
        {GW_STR_INIT("\xEF\xBF\xBD"), "\"\xEF\xBF\xBD\""},
        {GW_STR_INIT("\xC2\x85"), "\"\\u0085\""},
        {GW_STR_INIT("\xE2\x80\xAE"), "\"\\u202e\""},
        {GW_STR_INIT("%s%n"), "\"%s%n\""},
    };
    struct gw_log_quote quote;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(gw_log_quoted(&quote, cases[i].text), cases[i].quoted);
    assert_string_equal(gw_log_quoted(&quote, gw_str(NULL, 0)), "\"\"");
}

static void test_quoting_cuts_within_its_room(void **state) {
    (void)state;
    static const char *const pieces[] = {"a", "\x01", "\xE2\x82\xAC", "\xE2\x80\xAE", "\""};
    for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
        char text[2000];
        size_t length = 0;
        while (length + 4 < sizeof(text)) {
            memcpy(text + length, pieces[p], strlen(pieces[p]));
            length += strlen(pieces[p]);
        }
        struct gw_log_quote quote;
        const char *quoted = gw_log_quoted(&quote, gw_str(text, length));
        size_t quoted_length = strlen(quoted);
        assert_true(quoted_length < GW_LOG_QUOTED_BYTES_MAX);
        assert_true(quoted_length > GW_LOG_QUOTED_BYTES_MAX - 12);
        assert_string_equal(quoted + quoted_length - 4, "...\"");
    }
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
        cmocka_unit_test(test_quoting_escapes_what_could_forge_a_field),
        cmocka_unit_test(test_quoting_cuts_within_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
