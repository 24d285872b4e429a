// SPDX-License-Identifier: MIT
#pragma once
// Which part of the program a turn of the event loop went into, for the log line about a long turn
// (gateway/process/turns.h). A part is work that could grow with the number of tokens or of
// connections, and says where it begins and ends; within another part it counts to that one. What
// is in no part is the work for single requests. One thread has all turns.

#include <stdint.h>

struct gw_turn_part {
    const char *name; // NULL: none
    uint64_t took_ns;
};

// `name` is a literal, one of few.
void gw_turn_part_begin(const char *name);
void gw_turn_part_end(void);
// What took longest since the last call, between its beginnings and ends.
struct gw_turn_part gw_turn_part_take(void);
