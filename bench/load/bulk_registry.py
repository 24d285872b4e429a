# SPDX-License-Identifier: MIT
"""A registry of large things, for `transfer`: takes any POST and says how many bytes it was, gives BYTES_DOWN for any GET.
With `X-Verify` it also says the SHA-256 of what it took. Run as a program; prints its port."""
import hashlib
import re
import socket
import sys
import threading

BYTES_DOWN = 100 * 1024 * 1024
PIECE = bytes(range(256)) * 4096  # 1 MiB


def digest_down():
    digest = hashlib.sha256()
    for _ in range(BYTES_DOWN // len(PIECE)):
        digest.update(PIECE)
    return digest.hexdigest()


def _read_head(connection, kept):
    while b"\r\n\r\n" not in kept:
        data = connection.recv(65536)
        if not data:
            return None, b""
        kept += data
    head, _, rest = kept.partition(b"\r\n\r\n")
    return head.lower(), rest


def _take(connection, head, rest):
    left = int(re.search(rb"\r\ncontent-length: *([0-9]+)", head)[1]) - len(rest)
    digest = hashlib.sha256(rest) if b"\r\nx-verify:" in head else None
    buffer, total = memoryview(bytearray(1024 * 1024)), len(rest)
    while left > 0:
        count = connection.recv_into(buffer, min(left, len(buffer)))
        if count == 0:
            return None
        if digest:
            digest.update(buffer[:count])
        left, total = left - count, total + count
    return (digest.hexdigest() if digest else str(total)).encode()


def _serve(connection):
    with connection:
        rest = b""
        while True:
            head, rest = _read_head(connection, rest)
            if head is None:
                return
            if head.startswith(b"get "):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BYTES_DOWN)
                for _ in range(BYTES_DOWN // len(PIECE)):
                    connection.sendall(PIECE)
                continue
            answer, rest = _take(connection, head, rest), b""
            if answer is None:
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))


def main():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"port {listener.getsockname()[1]}", flush=True)
        while True:
            accepted, _ = listener.accept()
            threading.Thread(target=_quietly, args=(accepted,), daemon=True).start()


def _quietly(connection):
    try:
        _serve(connection)
    except OSError:
        pass  # a client that went


if __name__ == "__main__":
    sys.exit(main())
