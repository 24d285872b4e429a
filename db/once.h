// SPDX-License-Identifier: MIT
#pragma once
// Lines of the log that are written once each, such as the reasons of an outage: the first few
// distinct ones. Past DB_ONCE_MAX of them no line is new.

#include <stdbool.h>
#include <stdint.h>

#define DB_ONCE_MAX 8

// All zero: nothing was written yet.
struct db_once {
    uint32_t checksums[DB_ONCE_MAX];
    int count;
};

// True the first time for each line.
bool db_once_is_new(struct db_once *once, const char *line);
