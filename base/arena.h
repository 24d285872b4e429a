// SPDX-License-Identifier: MIT
#pragma once
// Memory with the lifetime of one request: many small pieces, freed at once. gw_arena_reset keeps
// the first block, so that a keep-alive connection does not go to the allocator for each request.
// Failure is NULL (out of memory, or past bytes_max).

#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"

struct gw_arena_block;

struct gw_arena {
    struct gw_arena_block *first;
    struct gw_arena_block *current;
    size_t used; // of the current block
    size_t bytes_total;
    size_t bytes_max;
};

void gw_arena_init(struct gw_arena *arena, size_t bytes_max);
void gw_arena_deinit(struct gw_arena *arena);
void gw_arena_reset(struct gw_arena *arena);
// Aligned for any type, not cleared.
void *gw_arena_allocate(struct gw_arena *arena, size_t length) GW_MUST_USE;
// A terminated copy; NULL on failure.
char *gw_arena_copy(struct gw_arena *arena, struct gw_str str) GW_MUST_USE;
// The pieces one after another, terminated; .at is NULL on failure.
struct gw_str gw_arena_join(struct gw_arena *arena, const struct gw_str *pieces,
                            int count) GW_MUST_USE;
// A slice of a terminated copy; .at is NULL on failure.
struct gw_str gw_arena_printf(struct gw_arena *arena, const char *format, ...) GW_MUST_USE
    __attribute__((format(printf, 2, 3)));
