// SPDX-License-Identifier: MIT
#pragma once
// Times of the database: milliseconds since 1970 of its wall clock.

#include <stdint.h>

#define DB_NO_TIME INT64_MIN // null, and the infinity: never
// The years 1 to 9999, which is what JSON can say.
#define DB_TIME_FIRST_MS (-62135596800000LL) // 0001-01-01T00:00:00.000Z
#define DB_TIME_LAST_MS 253402300799999LL    // 9999-12-31T23:59:59.999Z
#define DB_EPOCH_2000_MS 946684800000LL      // PostgreSQL counts from here, in microseconds
