// SPDX-License-Identifier: MIT
#include "base/secret_input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

// The terminal while the echo is off. Signals that end the program are blocked: they show up on
// `signals`, and take effect when the mask is restored, after the terminal.
struct quiet_terminal {
    struct termios before;
    sigset_t mask_before;
    int signals;
};

static enum gw_status fail(const char *what, const char **failed) {
    *failed = what;
    return GW_SYSTEM;
}

static enum gw_status quieten(struct quiet_terminal *terminal, const char **failed) {
    sigset_t ending;
    sigset_t waiting;
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGINT);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigaddset(&ending, SIGHUP);
    (void)sigaddset(&ending, SIGQUIT);
    waiting = ending;
    (void)sigaddset(&waiting, SIGTSTP); // Ctrl-Z takes effect after the line
    if (tcgetattr(STDIN_FILENO, &terminal->before) != 0)
        return fail("cannot use the terminal", failed);
    terminal->signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    if (terminal->signals < 0)
        return fail("cannot wait for signals", failed);
    (void)sigprocmask(SIG_BLOCK, &waiting, &terminal->mask_before);
    struct termios quiet = terminal->before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0)
        return GW_OK;
    int error = errno;
    (void)close(terminal->signals);
    (void)sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
    errno = error;
    return fail("cannot hide the input", failed);
}

// Drops what was typed beyond the line, so that no shell runs it. Keeps errno.
static void restore(const struct quiet_terminal *terminal) {
    int error = errno;
    gw_assert(terminal->signals >= 0);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->before);
    (void)fputc('\n', stderr);
    (void)close(terminal->signals);
    (void)sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
    errno = error;
}

// False when a signal came first. `signals` is -1 where there is no terminal to restore.
static bool wait_for_input(int signals) {
    struct pollfd awaited[2] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = signals, .events = POLLIN},
    };
    while (poll(awaited, 2, -1) < 0) {
        if (errno != EINTR)
            return true; // read reports the error
    }
    return (awaited[1].revents & POLLIN) == 0;
}

// Byte by byte: what follows the line stays in the input.
static enum gw_status read_line(int signals, char *out, size_t out_max, size_t *length,
                                const char **failed) {
    size_t count = 0;
    for (;;) {
        char byte;
        if (!wait_for_input(signals))
            return GW_CANCELLED;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail("cannot read standard input", failed);
        if (got == 0 || byte == '\n')
            break;
        if (count == out_max)
            return GW_TOO_BIG;
        out[count++] = byte;
    }
    if (count == 0)
        return GW_NOT_FOUND;
    *length = count;
    return GW_OK;
}

enum gw_status gw_secret_input_read(const char *prompt, char *out, size_t out_max, size_t *length,
                                    const char **failed) {
    if (!isatty(STDIN_FILENO))
        return read_line(-1, out, out_max, length, failed);
    struct quiet_terminal terminal;
    enum gw_status status = quieten(&terminal, failed);
    if (status != GW_OK)
        return status;
    (void)fputs(prompt, stderr);
    status = read_line(terminal.signals, out, out_max, length, failed);
    restore(&terminal);
    return status;
}
