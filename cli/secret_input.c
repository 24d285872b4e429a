// SPDX-License-Identifier: MIT
#include "cli/secret_input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

// The terminal while the echo is off. Signals that would end the program wait: they show up on
// `signals`, and strike when the mask is restored, after the terminal.
struct quiet_terminal {
    struct termios before;
    sigset_t mask_before;
    int signals;
};

static enum cli_exit quieten(struct quiet_terminal *terminal, struct cli_reason *why) {
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
        return cli_fail(why, CLI_FAILED, "cannot use the terminal: %s", strerror(errno));
    terminal->signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    if (terminal->signals < 0)
        return cli_fail(why, CLI_FAILED, "cannot wait for signals: %s", strerror(errno));
    (void)sigprocmask(SIG_BLOCK, &waiting, &terminal->mask_before);
    struct termios quiet = terminal->before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0)
        return CLI_DONE;
    enum cli_exit exit = cli_fail(why, CLI_FAILED, "cannot hide the input: %s", strerror(errno));
    (void)sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
    (void)close(terminal->signals);
    return exit;
}

// What was typed beyond the line is dropped, so that no shell runs it.
static void restore(const struct quiet_terminal *terminal) {
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->before);
    (void)fputc('\n', stderr);
    (void)close(terminal->signals);
    (void)sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
}

// False when a signal came first. `signals` is -1 where none are awaited.
static bool wait_for_input(int signals) {
    struct pollfd awaited[2] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = signals, .events = POLLIN},
    };
    while (poll(awaited, 2, -1) < 0) {
        if (errno != EINTR)
            return true; // read will say what is wrong
    }
    return (awaited[1].revents & POLLIN) == 0;
}

// Byte by byte: what follows the line is not ours.
static enum cli_exit read_line(int signals, char *out, size_t out_max, size_t *length,
                               struct cli_reason *why) {
    size_t count = 0;
    for (;;) {
        char byte;
        if (!wait_for_input(signals))
            return cli_fail(why, CLI_FAILED, "interrupted, nothing was stored");
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cli_fail(why, CLI_FAILED, "cannot read standard input: %s", strerror(errno));
        if (got == 0 || byte == '\n')
            break;
        if (count == out_max)
            return cli_fail(why, CLI_FAILED, "that is too long for a token, nothing was stored");
        out[count++] = byte;
    }
    if (count == 0)
        return cli_fail(why, CLI_FAILED, "no token was given, nothing was stored");
    *length = count;
    return CLI_DONE;
}

enum cli_exit cli_secret_input_read(const char *prompt, char *out, size_t out_max, size_t *length,
                                    struct cli_reason *why) {
    if (!isatty(STDIN_FILENO))
        return read_line(-1, out, out_max, length, why);
    struct quiet_terminal terminal;
    enum cli_exit exit = quieten(&terminal, why);
    if (exit != CLI_DONE)
        return exit;
    (void)fputs(prompt, stderr);
    exit = read_line(terminal.signals, out, out_max, length, why);
    restore(&terminal);
    return exit;
}
