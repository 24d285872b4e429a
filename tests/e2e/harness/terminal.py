# SPDX-License-Identifier: MIT
"""A program with a terminal of its own as standard input and standard error, and as standard output where that is asked for."""
import contextlib
import fcntl
import os
import struct
import subprocess
import termios

# The terminal controls the program. A shell that runs the tests in the background leaves these signals ignored; a program that
# is started at a terminal has them.
_START = ("import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
          "[signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)]; "
          "os.execv(sys.argv[1], sys.argv[1:])")


class Terminal:
    def __init__(self, command, env, columns=None):
        """With `columns`, which is the width of the terminal, standard output is one too."""
        self.near, self.far = os.openpty()
        if columns is not None:
            fcntl.ioctl(self.far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.before = termios.tcgetattr(self.far)
        self.seen = b""
        self.process = subprocess.Popen(["/usr/bin/python3", "-c", _START, *map(str, command)], stdin=self.far,
                                        stdout=subprocess.PIPE if columns is None else self.far, stderr=self.far, env=env, start_new_session=True)

    def wait_for(self, text):
        while text not in self.seen:
            self.seen += os.read(self.near, 4096)

    def read_all(self):
        """What the program shows until it has ended, with plain line ends."""
        os.close(self.far)
        self.far = None
        with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
            while part := os.read(self.near, 4096):
                self.seen += part
        return self.seen.replace(b"\r\n", b"\n").decode()

    def type(self, keys):
        os.write(self.near, keys)

    def echoes(self):
        return bool(termios.tcgetattr(self.far)[3] & termios.ECHO)

    def is_as_before(self):
        return termios.tcgetattr(self.far) == self.before

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self.near)
        if self.far is not None:
            os.close(self.far)
