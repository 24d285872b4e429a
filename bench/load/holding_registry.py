# SPDX-License-Identifier: MIT
"""A registry that comes to no end, for `endings`: takes uploads, and of a download gives a part. Run as a program; prints its port."""
import selectors
import socket

from load.machine import raise_descriptor_limit

_PART = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000


def main():
    raise_descriptor_limit()
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    selector.register(listener, selectors.EVENT_READ)
    print(f"port {listener.getsockname()[1]}", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ)
            else:
                _serve(selector, key.fileobj)


def _serve(selector, connection):
    try:
        data = connection.recv(65536)
    except ConnectionResetError:
        data = b""
    if data.startswith(b"GET "):
        connection.sendall(_PART)
    elif not data:
        selector.unregister(connection)
        connection.close()


if __name__ == "__main__":
    main()
