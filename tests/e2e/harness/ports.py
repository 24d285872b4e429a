# SPDX-License-Identifier: MIT
"""Ports that can be closed and opened again. The kernel gives none of them to a connection that somebody opens meanwhile, and no
other test run on this machine takes one, so nobody else has the port when it is opened again, and a connection to it while it is
closed is refused. None is given out twice."""
import pathlib
import random
import socket

_FIRST = 10000
_BLOCK = 100
_names = []  # of this process's blocks, held until it ends


def _first_of_the_kernel():
    """Of those that it gives to connections, and to who asks for port 0."""
    return int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])


def _blocks_of_this_process():
    """The first ports of blocks that no other process has. An abstract name of a socket is there once in a network, and is gone
    when this process is."""
    firsts = range(_FIRST, _first_of_the_kernel() - _BLOCK, _BLOCK)
    for first in random.sample(firsts, len(firsts)):
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0skillreg-gateway-test-ports-{first}")
        except OSError:
            name.close()
            continue
        _names.append(name)
        yield first


def _ports_of_this_process():
    for first in _blocks_of_this_process():
        yield from range(first, first + _BLOCK)


_ports = _ports_of_this_process()


def listen(**options):
    """A listener, as of socket.create_server(), on such a port; where all are the kernel's, on any."""
    for port in _ports:
        try:
            return socket.create_server(("127.0.0.1", port), **options)
        except OSError:  # somebody else has it
            continue
    return socket.create_server(("127.0.0.1", 0), **options)


def free_port():
    with listen() as listener:
        return listener.getsockname()[1]
