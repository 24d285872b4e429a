// SPDX-License-Identifier: MIT
#pragma once
// A slice: bytes that another owner holds. Not terminated, may hold NUL. Nothing here allocates.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct gw_str {
    const char *at;
    size_t length;
};

// For literals: GW_STR("abc"). As an initialiser of static data use GW_STR_INIT.
// clang-format off
#define GW_STR_INIT(literal) {(literal), sizeof(literal) - 1}
// clang-format on
#define GW_STR(literal) ((struct gw_str)GW_STR_INIT(literal))
// For printf's "%.*s".
#define GW_STR_ARG(str) (int)(str).length, (str).at

static inline struct gw_str gw_str(const char *at, size_t length) {
    return (struct gw_str){at, length};
}
// NULL becomes the empty slice.
struct gw_str gw_str_from(const char *terminated);
bool gw_str_equal(struct gw_str a, struct gw_str b);
// By bytes, as qsort wants it: below, at or above 0; a beginning comes before what it begins.
int gw_str_compare(struct gw_str a, struct gw_str b);
// ASCII letters fold, nothing else does (RFC 9110 section 5.1).
bool gw_str_equal_nocase(struct gw_str a, struct gw_str b);
bool gw_str_starts_with(struct gw_str str, struct gw_str prefix);
// First index of `c`, or str.length.
size_t gw_str_find(struct gw_str str, char c);
// [from, to), both clamped to the length.
struct gw_str gw_str_slice(struct gw_str str, size_t from, size_t to);
// Without the optional white space (SP, HTAB) of RFC 9110 section 5.6.3 at both ends.
struct gw_str gw_str_trim(struct gw_str str);
// Takes the next element up to `separator` from the front of *rest; false when *rest is used up
// (at == NULL). "a,,b" yields three elements; the empty slice yields one empty element.
bool gw_str_next(struct gw_str *rest, char separator, struct gw_str *element);
// Whether `word` is an element of a list such as "a, b" (separator ',') or "a b". White space
// around an element does not count, and an empty word is in no list.
bool gw_str_list_has(struct gw_str list, char separator, struct gw_str word);
// Decimal digits only: no sign, no space, no empty string; GW_TOO_BIG past UINT64_MAX.
enum gw_status gw_str_to_u64(struct gw_str digits, uint64_t *value) GW_MUST_USE;
// Time depends on `length` only.
bool gw_bytes_equal_constant_time(const void *a, const void *b, size_t length);
// Overwrites so that the compiler cannot leave it out.
void gw_bytes_wipe(void *at, size_t length);
