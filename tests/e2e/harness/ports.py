# SPDX-License-Identifier: MIT
"""Ports that can be closed and opened again. The kernel gives none of them to a connection that somebody opens meanwhile, so
nobody else has the port when it is opened again, and a connection to it while it is closed is refused."""
import pathlib
import random
import socket

_FIRST = 10000


def _first_of_the_kernel():
    """Of those that it gives to connections, and to who asks for port 0."""
    return int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])


def listen(**options):
    """A listener, as of socket.create_server(), on such a port; where all are the kernel's, on any."""
    candidates = range(_FIRST, max(_first_of_the_kernel(), _FIRST))
    for port in random.sample(candidates, min(len(candidates), 1000)):
        try:
            return socket.create_server(("127.0.0.1", port), **options)
        except OSError:  # somebody has it
            continue
    return socket.create_server(("127.0.0.1", 0), **options)


def free_port():
    with listen() as listener:
        return listener.getsockname()[1]
