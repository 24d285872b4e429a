// SPDX-License-Identifier: MIT
#pragma once
// The one result type of the project. A function that can fail returns enum gw_status and hands its
// results back through trailing out-pointers, which are untouched on failure. Status says what kind
// of failure happened; the sentence for a person is made where the failure is handled, once.

#include <stdbool.h>
#include <stddef.h>

#define GW_STATUS_MAP(X)                                                                           \
    X(OK, "ok")                                                                                    \
    X(NO_MEMORY, "out of memory")                                                                  \
    X(TOO_BIG, "over its limit")                                                                   \
    X(INVALID, "malformed")                                                                        \
    X(NOT_FOUND, "not found")                                                                      \
    X(CONFLICT, "already there")                                                                   \
    X(DENIED, "not allowed")                                                                       \
    X(UNAVAILABLE, "not available now")                                                            \
    X(BUSY, "held up by another")                                                                  \
    X(TIMED_OUT, "timed out")                                                                      \
    X(CLOSED, "closed by the peer")                                                                \
    X(CANCELLED, "cancelled")                                                                      \
    X(WANT_INPUT, "more input needed")                                                             \
    X(SYSTEM, "refused by the system")

enum gw_status {
#define X(name, text) GW_##name,
    GW_STATUS_MAP(X)
#undef X
};

#define GW_MUST_USE __attribute__((warn_unused_result))
// For small steps that are taken at very many places, where the compiler would otherwise call them.
#define GW_INLINE static inline __attribute__((always_inline))

// A short lower-case phrase, static storage.
const char *gw_status_text(enum gw_status status);

// The struct that embeds `member`, from a pointer to that member.
// clang-format off
#define gw_container_of(pointer, type, member)                                                     \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))
// clang-format on

// An assertion that stays live in release builds: for bugs of ours, never for what a peer sends.
#define gw_assert(condition)                                                                       \
    ((condition) ? (void)0 : gw_assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void gw_assert_failed(const char *condition, const char *file, int line);
// Called before the line about a failed assertion goes to stderr; false: stderr takes nothing.
void gw_assert_set_last_words(bool (*make_way)(void));
