// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/settings/config_file.h"

static char memory[GW_CONFIG_FILE_BYTES_MAX + 1];
static struct gw_config_entries entries;
static struct gw_config_fault fault;

static enum gw_status parse(const char *text) {
    assert_true(strlen(text) < sizeof(memory));
    strcpy(memory, text);
    return gw_config_file_parse(memory, strlen(text), &entries, &fault);
}

static void assert_entry(int index, const char *key, const char *value, int line) {
    assert_true(index < entries.count);
    assert_string_equal(entries.at[index].key, key);
    assert_string_equal(entries.at[index].value, value);
    assert_int_equal(entries.at[index].line, line);
}

static void assert_fault(const char *text, int line, const char *part) {
    assert_int_equal(parse(text), GW_INVALID);
    assert_int_equal(fault.line, line);
    assert_non_null(strstr(fault.text, part));
}

static void test_a_line_is_a_key_and_a_value(void **state) {
    (void)state;
    assert_int_equal(parse("workers = 4\n# a comment\n\n  upstream=http://a?b=c # d \r\nlast ="),
                     GW_OK);
    assert_int_equal(entries.count, 3);
    assert_entry(0, "workers", "4", 1);
    assert_entry(1, "upstream", "http://a?b=c # d", 4);
    assert_entry(2, "last", "", 5);
    assert_int_equal(parse(""), GW_OK);
    assert_int_equal(entries.count, 0);
}

static void test_the_first_line_that_is_wrong_is_told(void **state) {
    (void)state;
    assert_fault("workers = 4\nworkers 4\nother", 2, "key = value");
    assert_fault("\n= 4\n", 2, "missing");
    assert_fault("workers = 4\n[oidc github\n", 2, "alone in its line");
    assert_fault("[oidc] # github\n", 1, "alone in its line");
    assert_fault("\n[ ]\n", 2, "name of the section");
}

static void test_a_key_belongs_to_the_section_above_it(void **state) {
    (void)state;
    assert_int_equal(parse("workers = 4\n[oidc github]\n\nkind=github\n [ empty ] \n[a]\nb = [c]"),
                     GW_OK);
    assert_int_equal(entries.count, 3);
    assert_null(entries.at[0].section);
    assert_string_equal(entries.at[1].section->name, "oidc github");
    assert_int_equal(entries.at[1].section->line, 2);
    assert_string_equal(entries.at[2].section->name, "a");
    assert_entry(2, "b", "[c]", 7);
    assert_int_equal(entries.section_count, 3);
    assert_string_equal(entries.sections[1].name, "empty");
}

static void test_the_number_of_sections_is_bounded(void **state) {
    (void)state;
    char text[GW_CONFIG_SECTIONS_MAX * 4 + 5] = "";
    for (int i = 0; i < GW_CONFIG_SECTIONS_MAX; i++)
        memcpy(text + (size_t)i * 4, "[a]\n", 5);
    assert_int_equal(parse(text), GW_OK);
    strcat(text, "[a]\n");
    assert_fault(text, GW_CONFIG_SECTIONS_MAX + 1, "more than 32");
}

static void test_a_file_that_is_no_text_is_refused(void **state) {
    (void)state;
    char bytes[] = "a = b\0c\n";
    assert_int_equal(gw_config_file_parse(bytes, sizeof(bytes) - 1, &entries, &fault), GW_INVALID);
    assert_string_equal(fault.text, "it is not text");
}

static void test_the_number_of_settings_is_bounded(void **state) {
    (void)state;
    char text[GW_CONFIG_ENTRIES_MAX * 4 + 5] = "";
    for (int i = 0; i < GW_CONFIG_ENTRIES_MAX; i++)
        memcpy(text + (size_t)i * 4, "a=b\n", 5);
    assert_int_equal(parse(text), GW_OK);
    strcat(text, "a=b\n");
    assert_fault(text, GW_CONFIG_ENTRIES_MAX + 1, "more than 256");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_a_key_and_a_value),
        cmocka_unit_test(test_the_first_line_that_is_wrong_is_told),
        cmocka_unit_test(test_a_file_that_is_no_text_is_refused),
        cmocka_unit_test(test_the_number_of_settings_is_bounded),
        cmocka_unit_test(test_a_key_belongs_to_the_section_above_it),
        cmocka_unit_test(test_the_number_of_sections_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
