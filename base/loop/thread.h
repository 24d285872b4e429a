// SPDX-License-Identifier: MIT
#pragma once
// Threads for calls that may hang and that nobody waits for: not libuv's, which are few, shared by
// all that the loop asks of them, and joined when the process ends.

// Starts `run`, detached, with all signals blocked: they are for the thread of the loop. Returns 0
// or an error number.
int gw_thread_start(void *(*run)(void *argument), void *argument);
