// SPDX-License-Identifier: MIT
#include "base/turn_part.h"

#include <time.h>

#include "base/status.h"

#define PARTS_MAX 16 // names in one turn; further ones are not counted

// Of the process, as the log is: most parts have no loop at hand.
static struct {
    struct gw_turn_part parts[PARTS_MAX];
    int part_count;
    int depth;
    const char *name; // of the outermost one
    uint64_t began_ns;
} turn;

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void gw_turn_part_begin(const char *name) {
    if (turn.depth++ > 0)
        return;
    turn.name = name;
    turn.began_ns = now_ns();
}

static void count(const char *name, uint64_t took_ns) {
    int i = 0;
    while (i < turn.part_count && turn.parts[i].name != name)
        i++;
    if (i == PARTS_MAX)
        return;
    if (i == turn.part_count)
        turn.parts[turn.part_count++] = (struct gw_turn_part){.name = name};
    turn.parts[i].took_ns += took_ns;
}

void gw_turn_part_end(void) {
    gw_assert(turn.depth > 0);
    if (--turn.depth == 0)
        count(turn.name, now_ns() - turn.began_ns);
}

struct gw_turn_part gw_turn_part_take(void) {
    struct gw_turn_part longest = {.name = NULL};
    gw_assert(turn.depth == 0);
    for (int i = 0; i < turn.part_count; i++) {
        if (turn.parts[i].took_ns >= longest.took_ns)
            longest = turn.parts[i];
    }
    turn.part_count = 0;
    return longest;
}
