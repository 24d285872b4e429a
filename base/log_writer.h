// SPDX-License-Identifier: MIT
#pragma once
// Brings lines to stderr without making their maker wait, whatever stderr is: a pipe that nobody
// reads, a terminal that was stopped, a file on a disk that hangs. Lines go into a bounded buffer,
// and a thread of this process writes them. What finds no room, or cannot be written, is lost and
// counted; once writing goes on, one line says how many. Lines are written whole, and in order.
//
// A line of a request may wait for others, so that its maker need not wake the thread: it is
// written after GW_LOG_DELAY_MS, or when GW_LOG_DELAY_BYTES wait, or with the next line that may
// not, or at the end. Any other line is written at once.
//
// Why a thread. O_NONBLOCK belongs to the open file, which stderr shares with the other workers and
// with whoever started us. poll(2) before a small write promises nothing: another holder of the
// pipe may fill it in between, and a file is always writable. libuv's threads are few, and
// exit() waits for them. The thread here calls write, poll and the clock, and nothing else: neither
// Mbed TLS, whose key store has no locks, nor the loop, nor the heap. It takes no signals.
//
// After fork() the child has no thread, and none of its parent's lines. Without a thread (operator
// commands, tests) the caller writes.

#include <stdbool.h>
#include <stdint.h>

#include "base/log_line.h"

// As much waits at most, some 4,000 lines of requests, while the thread writes as much at most.
#define GW_LOG_BUFFER_BYTES (1024 * 1024)
#define GW_LOG_DELAY_MS 100
#define GW_LOG_DELAY_BYTES (64 * 1024)
// How long an exit or a failed assertion waits for the thread.
#define GW_LOG_FLUSH_TIMEOUT_MS 2000

// Starts the thread. From here on exit() flushes, and so does a failed assertion. Harmless where it
// runs already; where it cannot be started the caller goes on writing.
void gw_log_writer_start(void);
// The form of the line about lost ones.
void gw_log_writer_set_form(enum gw_log_form form);
// `counter` counts lost lines; it outlives the process's log.
void gw_log_writer_count_lost(int64_t *counter);
// A line with its line feed.
void gw_log_writer_put(struct gw_str line);
// The same, where it may wait for others.
void gw_log_writer_put_later(struct gw_str line);
// True: everything is written. False: not within the time, which a dead reader of the log costs.
bool gw_log_writer_flush(uint64_t timeout_ms);
// Flushes and ends the thread. One that hangs stays as it is, and later lines are lost.
void gw_log_writer_stop(void);
