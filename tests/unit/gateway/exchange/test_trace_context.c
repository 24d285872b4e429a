// SPDX-License-Identifier: MIT
// Proves of gateway/exchange/trace_context.c: which traceparent is gone on with, what goes on, and
// that any other begins a trace.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/exchange/trace_context.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static struct gw_random_sequence sequence = {{1, 2, 3, 4}};

static struct gw_http_head head_with(const char *name, const char *first, const char *second) {
    struct gw_http_head head = {.field_count = 0};
    const char *const values[] = {first, second};
    for (int i = 0; i < 2; i++) {
        if (values[i] != NULL)
            head.fields[head.field_count++] =
                (struct gw_http_field){gw_str_from(name), gw_str_from(values[i]),
                                       gw_http_field_identify(gw_str_from(name))};
    }
    return head;
}

static void test_a_valid_value_is_taken_apart(void **state) {
    (void)state;
    static const char *const good[] = {
        "00-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-ff",
        "01-" TRACE "-" PARENT "-01",
        "cc-" TRACE "-" PARENT "-01-what comes later",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct gw_trace_parts parts;
        assert_true(gw_trace_parse(gw_str_from(good[i]), &parts));
        assert_true(gw_str_equal(parts.trace_id, GW_STR(TRACE)));
        assert_true(gw_str_equal(parts.span_id, GW_STR(PARENT)));
        assert_int_equal(parts.flags.length, 2);
    }
}

static void test_any_other_value_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" PARENT,
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-01-",
        "00-" TRACE "-" PARENT "-01x",
        "01-" TRACE "-" PARENT "-01x",
        "ff-" TRACE "-" PARENT "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        "0g-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-0g",
    };
    struct gw_trace_parts parts;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (gw_trace_parse(gw_str_from(bad[i]), &parts))
            fail_msg("accepted: %s", bad[i]);
    }
}

static void test_a_trace_goes_on_under_a_span_of_ours(void **state) {
    (void)state;
    const struct gw_http_head head =
        head_with("TraceParent", "cc-" TRACE "-" PARENT "-ff-later", NULL);
    struct gw_trace first;
    struct gw_trace second;
    gw_trace_begin(&first, &head, &sequence);
    gw_trace_begin(&second, &head, &sequence);
    assert_true(first.is_of_client);
    assert_true(gw_str_equal(gw_trace_id(&first), GW_STR(TRACE)));
    struct gw_trace_parts parts;
    struct gw_trace_parts others;
    assert_true(gw_trace_parse(gw_trace_parent(&first, &sequence), &parts));
    assert_true(gw_trace_parse(gw_trace_parent(&second, &sequence), &others));
    assert_memory_equal(first.parent, "00-", 3);
    assert_string_equal(gw_trace_parent(&first, &sequence).at, first.parent); // drawn once
    assert_true(gw_str_equal(parts.flags, GW_STR("03"))); // of ff, what is defined
    assert_false(gw_str_equal(parts.span_id, GW_STR(PARENT)));
    assert_false(gw_str_equal(parts.span_id, others.span_id));
}

static void test_flags_are_kept(void **state) {
    (void)state;
    static const char *const flags[][2] = {{"00", "00"}, {"01", "01"}, {"02", "02"},
                                           {"03", "03"}, {"0a", "02"}, {"fd", "01"}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        char value[GW_TRACE_PARENT_LENGTH + 1] = "00-" TRACE "-" PARENT "-00";
        struct gw_trace trace;
        memcpy(value + GW_TRACE_PARENT_LENGTH - 2, flags[i][0], 2);
        const struct gw_http_head head = head_with("traceparent", value, NULL);
        gw_trace_begin(&trace, &head, &sequence);
        assert_string_equal(trace.parent + GW_TRACE_PARENT_LENGTH - 2, flags[i][1]);
    }
}

static void assert_begun(const struct gw_http_head *head) {
    struct gw_trace one;
    struct gw_trace other;
    struct gw_trace_parts parts;
    gw_trace_begin(&one, head, &sequence);
    gw_trace_begin(&other, head, &sequence);
    assert_false(one.is_of_client);
    assert_true(gw_trace_parse(gw_trace_parent(&one, &sequence), &parts));
    assert_true(gw_str_equal(parts.flags, GW_STR("00")));
    assert_false(gw_str_equal(gw_trace_id(&one), gw_trace_id(&other)));
    assert_false(gw_str_equal(gw_trace_id(&one), GW_STR(TRACE)));
}

static void test_anything_else_begins_a_trace(void **state) {
    (void)state;
    const struct gw_http_head none = head_with("other", "x", NULL);
    const struct gw_http_head wrong = head_with("traceparent", "00-" TRACE "-" PARENT "-1", NULL);
    const struct gw_http_head twice =
        head_with("traceparent", "00-" TRACE "-" PARENT "-01", "00-" TRACE "-" PARENT "-01");
    assert_begun(&none);
    assert_begun(&wrong);
    assert_begun(&twice);
    assert_begun(NULL);
}

static void test_no_id_is_only_zeros(void **state) {
    (void)state;
    struct gw_random_sequence zeros = {{0, 0, 0, 0}};
    struct gw_trace trace;
    struct gw_trace_parts parts;
    gw_trace_begin(&trace, NULL, &zeros);
    assert_true(gw_trace_parse(gw_trace_parent(&trace, &zeros), &parts));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_valid_value_is_taken_apart),
        cmocka_unit_test(test_any_other_value_is_refused),
        cmocka_unit_test(test_a_trace_goes_on_under_a_span_of_ours),
        cmocka_unit_test(test_flags_are_kept),
        cmocka_unit_test(test_anything_else_begins_a_trace),
        cmocka_unit_test(test_no_id_is_only_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
