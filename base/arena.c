// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Under the address sanitizer, memory that was not handed out (or was taken back by a reset) is
// marked, so that a slice that outlives its request is found although the block stays.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GW_ARENA_POISONS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(GW_ARENA_POISONS)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, length) ((void)(at), (void)(length))
#define ASAN_UNPOISON_MEMORY_REGION(at, length) ((void)(at), (void)(length))
#endif

#define BLOCK_BYTES 4096
#define BLOCK_BYTES_MAX (64 * 1024)

struct gw_arena_block {
    struct gw_arena_block *next;
    size_t capacity;
    alignas(max_align_t) char bytes[];
};

void gw_arena_init(struct gw_arena *arena, size_t bytes_max) {
    *arena = (struct gw_arena){.bytes_max = bytes_max};
}

static void free_blocks(struct gw_arena_block *block) {
    while (block != NULL) {
        struct gw_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void gw_arena_deinit(struct gw_arena *arena) {
    free_blocks(arena->first);
    gw_arena_init(arena, arena->bytes_max);
}

void gw_arena_reset(struct gw_arena *arena) {
    struct gw_arena_block *first = arena->first;
    if (first == NULL)
        return;
    free_blocks(first->next);
    first->next = NULL;
    ASAN_POISON_MEMORY_REGION(first->bytes, first->capacity);
    arena->current = first;
    arena->used = 0;
    arena->bytes_total = first->capacity;
}

static struct gw_arena_block *create_block(struct gw_arena *arena, size_t capacity) {
    struct gw_arena_block *block = malloc(sizeof(*block) + capacity);
    if (block == NULL)
        return NULL;
    *block = (struct gw_arena_block){.capacity = capacity};
    ASAN_POISON_MEMORY_REGION(block->bytes, capacity);
    arena->bytes_total += capacity;
    return block;
}

// A new block holds as much as all blocks so far, within the bounds of the arena and of a block, so
// that the number of blocks grows with the logarithm of the bytes.
static size_t next_capacity(const struct gw_arena *arena, size_t needed) {
    gw_assert(arena->bytes_total <= arena->bytes_max);
    size_t capacity = arena->bytes_total;
    if (capacity < BLOCK_BYTES)
        capacity = BLOCK_BYTES;
    if (capacity > BLOCK_BYTES_MAX)
        capacity = BLOCK_BYTES_MAX;
    if (capacity < needed)
        capacity = needed;
    size_t left = arena->bytes_max - arena->bytes_total;
    return capacity < left ? capacity : left;
}

// The first block has the standard size, however large the piece: an idle connection keeps it.
static bool make_first_block(struct gw_arena *arena) {
    size_t capacity = arena->bytes_max < BLOCK_BYTES ? arena->bytes_max : BLOCK_BYTES;
    arena->first = create_block(arena, capacity);
    arena->current = arena->first;
    arena->used = 0;
    return arena->first != NULL;
}

// A block for one piece of `length` bytes. It becomes the current one if it has more room left than
// the old one.
static void *allocate_in_new_block(struct gw_arena *arena, size_t length) {
    gw_assert(arena->first != NULL && arena->used <= arena->current->capacity);
    size_t capacity = next_capacity(arena, length);
    if (capacity < length)
        return NULL;
    struct gw_arena_block *block = create_block(arena, capacity);
    if (block == NULL)
        return NULL;
    block->next = arena->first->next;
    arena->first->next = block;
    if (capacity - length > arena->current->capacity - arena->used) {
        arena->current = block;
        arena->used = length;
    }
    return block->bytes;
}

void *gw_arena_allocate(struct gw_arena *arena, size_t length) {
    size_t step = alignof(max_align_t);
    if (length > SIZE_MAX / 2)
        return NULL;
    size_t needed = length == 0 ? step : (length + step - 1) / step * step;
    if (arena->first == NULL && !make_first_block(arena))
        return NULL;
    char *at;
    if (needed <= arena->current->capacity - arena->used) {
        at = arena->current->bytes + arena->used;
        arena->used += needed;
    } else {
        at = allocate_in_new_block(arena, needed);
    }
    if (at != NULL)
        ASAN_UNPOISON_MEMORY_REGION(at, length);
    return at;
}

char *gw_arena_copy(struct gw_arena *arena, struct gw_str str) {
    char *copy = gw_arena_allocate(arena, str.length + 1);
    if (copy == NULL)
        return NULL;
    if (str.length > 0)
        memcpy(copy, str.at, str.length);
    copy[str.length] = '\0';
    return copy;
}

struct gw_str gw_arena_join(struct gw_arena *arena, const struct gw_str *pieces, int count) {
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += pieces[i].length;
    char *joined = gw_arena_allocate(arena, length + 1);
    if (joined == NULL)
        return (struct gw_str){NULL, 0};
    char *at = joined;
    for (int i = 0; i < count; i++) {
        if (pieces[i].length > 0)
            memcpy(at, pieces[i].at, pieces[i].length);
        at += pieces[i].length;
    }
    *at = '\0';
    return gw_str(joined, length);
}

struct gw_str gw_arena_printf(struct gw_arena *arena, const char *format, ...) {
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    struct gw_str text = gw_str(NULL, 0);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *at = length < 0 ? NULL : gw_arena_allocate(arena, (size_t)length + 1);
    if (at != NULL) {
        (void)vsnprintf(at, (size_t)length + 1, format, again);
        text = gw_str(at, (size_t)length);
    }
    va_end(again);
    va_end(arguments);
    return text;
}
