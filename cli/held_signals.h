// SPDX-License-Identifier: MIT
#pragma once
// SIGINT, SIGTERM and SIGHUP held back while they would lose something, such as a token that was
// just made and is stored nowhere yet. Those that the program ignores are not held.
//
// They are blocked in the calling thread, so the program must have no other thread yet.

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct cli_held_signals {
    sigset_t held;
    sigset_t mask_before;
};

void cli_held_signals_hold(struct cli_held_signals *signals);
// Waits, and returns early when one of them has come, which is still held: cli_held_signals_release
// lets it take effect. False: one has come.
bool cli_held_signals_wait(const struct cli_held_signals *signals, int64_t seconds);
// One that came meanwhile takes effect in here.
void cli_held_signals_release(const struct cli_held_signals *signals);
