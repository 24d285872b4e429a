// SPDX-License-Identifier: MIT
#include "base/loop/thread.h"

#include <pthread.h>
#include <signal.h>

int gw_thread_start(void *(*run)(void *argument), void *argument) {
    sigset_t all, before;
    pthread_attr_t detached;
    pthread_t thread;
    int error = pthread_attr_init(&detached);
    if (error != 0)
        return error;
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, &detached, run, argument);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&detached);
    return error;
}
