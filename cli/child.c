// SPDX-License-Identifier: MIT
#include "cli/child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define STATUS_OF_SIGNAL 128
#define STATUS_NOT_RUN 126
#define STATUS_NOT_FOUND 127

static sigset_t ending_signals(void) {
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)sigaddset(&set, signals[i]);
    return set;
}

// With the signals as we found them, but SIGPIPE, which main ignores.
static int spawn(pid_t *pid, char *const arguments[], char *const environment[],
                 const sigset_t *mask) {
    posix_spawnattr_t attributes;
    sigset_t defaults;
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    int failed = posix_spawnattr_init(&attributes);
    if (failed != 0)
        return failed;
    failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (failed == 0)
        failed = posix_spawnattr_setsigmask(&attributes, mask);
    if (failed == 0)
        failed = posix_spawnattr_setsigdefault(&attributes, &defaults);
    if (failed == 0)
        failed = posix_spawnp(pid, arguments[0], NULL, &attributes, arguments, environment);
    (void)posix_spawnattr_destroy(&attributes);
    return failed;
}

// True once it has ended.
static bool reap(pid_t pid, int *status) {
    int raw;
    if (waitpid(pid, &raw, WNOHANG) != pid)
        return false;
    *status = WIFSIGNALED(raw) ? STATUS_OF_SIGNAL + WTERMSIG(raw) : WEXITSTATUS(raw);
    return true;
}

// One that we were started to ignore (nohup) is passed on too: the child ignores it as well, unless
// it changed its mind. What the kernel sent (si_code above 0) came of the terminal, to the child
// as well.
static void wait_for(pid_t pid, const sigset_t *signals, int *status) {
    siginfo_t info;
    while (!reap(pid, status)) {
        int number = sigwaitinfo(signals, &info);
        if (number > 0 && number != SIGCHLD && info.si_code <= 0)
            (void)kill(pid, number);
    }
}

enum cli_exit cli_child_run(char *const arguments[], char *const environment[], int *status,
                            struct cli_reason *why) {
    sigset_t signals = ending_signals();
    sigset_t before;
    pid_t pid;
    (void)sigaddset(&signals, SIGCHLD);
    (void)signal(SIGCHLD, SIG_DFL); // ignored, there would be no status to wait for
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    int failed = spawn(&pid, arguments, environment, &before);
    if (failed != 0) {
        *status = failed == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
        return cli_fail(why, CLI_FAILED, "cannot run %s: %s", arguments[0], strerror(failed));
    }
    wait_for(pid, &signals, status);
    return CLI_DONE;
}
