// SPDX-License-Identifier: MIT
#include "cli/held_signals.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

void cli_held_signals_hold(struct cli_held_signals *signals) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    (void)sigemptyset(&signals->held);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            (void)sigaddset(&signals->held, numbers[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &signals->held, &signals->mask_before);
}

// One that is taken out is put back, so that it takes effect once it may. Another signal, as that
// of a terminal that changed its size, begins the wait anew: nobody counts the seconds.
bool cli_held_signals_wait(const struct cli_held_signals *signals, int64_t seconds) {
    const struct timespec most = {.tv_sec = (time_t)seconds};
    int number;
    do {
        number = sigtimedwait(&signals->held, NULL, &most);
    } while (number < 0 && errno == EINTR);
    if (number > 0)
        (void)raise(number);
    return number < 0;
}

void cli_held_signals_release(const struct cli_held_signals *signals) {
    (void)sigprocmask(SIG_SETMASK, &signals->mask_before, NULL);
}
