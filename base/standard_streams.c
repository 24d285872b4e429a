// SPDX-License-Identifier: MIT
#include "base/standard_streams.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

bool gw_standard_streams_keep(void) {
    static const int directions[] = {
        [STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_RDONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        // open() takes the lowest number that is free.
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", directions[fd]) != fd)
            return false;
    }
    return true;
}

void gw_standard_streams_end_unread(void) {
    (void)signal(SIGPIPE, SIG_DFL);
    (void)raise(SIGPIPE);
}
