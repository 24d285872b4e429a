// SPDX-License-Identifier: MIT
#include "gateway/net/memory.h"

#include <malloc.h>

#include "base/log.h"
#include "base/status.h"

// glibc's own, which would rise with the first block beyond it that is freed, up to 32 MiB: blocks
// of that size would lie in the heap from then on, and stay there.
#define MAPPED_BYTES_MIN (128 * 1024)

// Without it the allocator keeps what a crowd has freed: the pages between what is still in use.
// The smaller blocks of 1,000 connections take about 10 ms.
static void give_back_to_system(void) {
    (void)malloc_trim(0);
}

void gw_memory_init(struct gw_memory *memory) {
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN); // of the process; the same each time
    *memory = (struct gw_memory){.give_back = give_back_to_system};
    gw_list_init(&memory->holders);
}

void gw_memory_set_bound(struct gw_memory *memory, size_t max_bytes, struct gw_metrics *metrics) {
    memory->max_bytes = max_bytes;
    memory->metrics = metrics;
}

void gw_holding_init(struct gw_holding *holding) {
    gw_list_init(&holding->link);
    holding->bytes = 0;
}

bool gw_memory_is_tight(const struct gw_memory *memory) {
    return memory->max_bytes > 0 && memory->held_bytes > memory->max_bytes / 2;
}

static void note_change(struct gw_memory *memory) {
    if (memory->metrics != NULL)
        memory->metrics->memory_held_bytes = (int64_t)memory->held_bytes;
    if (!gw_memory_is_tight(memory))
        memory->is_over = false;
    if (memory->held_bytes > memory->peak_bytes)
        memory->peak_bytes = memory->held_bytes;
    bool has_crowd_gone = memory->held_bytes < memory->peak_bytes / 4;
    if (!has_crowd_gone || memory->peak_bytes < GW_MEMORY_GIVEN_BACK_MIN)
        return;
    memory->peak_bytes = memory->held_bytes;
    memory->give_back();
}

void gw_memory_hold(struct gw_memory *memory, struct gw_holding *holding, size_t bytes) {
    if (bytes == holding->bytes)
        return;
    gw_assert(memory->held_bytes >= holding->bytes);
    memory->held_bytes += bytes - holding->bytes;
    if (bytes == 0)
        gw_list_remove(&holding->link);
    else if (holding->bytes == 0)
        gw_list_push_back(&memory->holders, &holding->link);
    holding->bytes = bytes;
    note_change(memory);
}

void gw_memory_note_progress(struct gw_memory *memory, struct gw_holding *holding) {
    if (holding->bytes == 0)
        return;
    gw_list_remove(&holding->link);
    gw_list_push_back(&memory->holders, &holding->link);
}

// Once, until it is no longer tight.
static void log_excess(struct gw_memory *memory) {
    if (memory->is_over)
        return;
    memory->is_over = true;
    gw_log(GW_LOG_WARNING, "memory",
           "too many bytes wait for clients and the registry: connections that take none are ended "
           "held_bytes=%zu max_bytes=%zu",
           memory->held_bytes, memory->max_bytes);
}

struct gw_holding *gw_memory_take_excess(struct gw_memory *memory) {
    if (memory->max_bytes == 0 || memory->held_bytes <= memory->max_bytes)
        return NULL;
    gw_assert(!gw_list_is_empty(&memory->holders));
    log_excess(memory);
    struct gw_holding *holding = gw_container_of(memory->holders.next, struct gw_holding, link);
    gw_memory_hold(memory, holding, 0);
    if (memory->metrics != NULL)
        memory->metrics->memory_ended_total++;
    return holding;
}
