// SPDX-License-Identifier: MIT
#pragma once
// Two clocks: monotonic for deadlines, wall for stamps. Times of the wire are ISO 8601 UTC with
// milliseconds and Z; a wall time is milliseconds since 1970-01-01T00:00:00Z.

#include <stdint.h>

#include "base/str.h"

uint64_t gw_clock_monotonic_ms(void);
int64_t gw_clock_wall_ms(void);
int64_t gw_clock_wall_us(void); // in microseconds

#define GW_CLOCK_ISO_LENGTH 24 // "2026-01-31T12:00:00.000Z"
// Writes GW_CLOCK_ISO_LENGTH bytes, no terminator. Years 0000 to 9999; outside they are clamped.
void gw_clock_format_iso(int64_t wall_ms, char *out);
// The milliseconds alone, in what was written for a time of the same second.
void gw_clock_format_iso_ms(int64_t wall_ms, char *out);
// RFC 3339 date-time: "T"/"t"/space, optional fraction (1-9 digits, cut to ms), "Z"/"z" or +hh:mm.
// Rejects impossible dates, and times that an offset moves out of the years 0000 to 9999; leap
// second 60 counts as the next second.
enum gw_status gw_clock_parse_iso(struct gw_str text, int64_t *wall_ms) GW_MUST_USE;

#define GW_CLOCK_HTTP_LENGTH 29 // "Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110 section 5.6.7
// Writes GW_CLOCK_HTTP_LENGTH bytes, no terminator.
void gw_clock_format_http(int64_t wall_ms, char *out);

// "90d", "24h", "15m", "30s", "5000ms": a positive number and one unit, to milliseconds.
enum gw_status gw_clock_parse_duration(struct gw_str text, uint64_t *duration_ms) GW_MUST_USE;
