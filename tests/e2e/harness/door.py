# SPDX-License-Identifier: MIT
"""A TCP address in front of a PostgreSQL that has none: 127.0.0.x, open, closed, or open to connections to which nobody says
anything, as a machine that has frozen."""
import contextlib
import socket
import threading


class Door:
    def __init__(self, postgres, address="127.0.0.1", port=0):
        self._far_end = str(postgres.directory / ".s.PGSQL.5432")
        self._lock = threading.Lock()
        self._is_silent = False
        self._sockets = set()
        self._listener = None
        self.joined = 0  # connections to PostgreSQL so far
        self.taken = 0  # connections so far
        self.address, self.port = address, port
        self.open()

    def open(self):
        self._listener = socket.create_server((self.address, self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def be_silent(self):
        """Every connection stays and hears nothing any more, new ones too."""
        with self._lock:
            self._is_silent = True
            for end in self._sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RD)
        return self

    def shut(self):
        """Every connection ends, and new ones are refused."""
        listener, self._listener = self._listener, None
        if listener:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for end in self._sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self._join(near)

    def _join(self, near):
        far = socket.socket(socket.AF_UNIX)
        with self._lock:
            self.taken += 1
            self._sockets.add(near)
            if self._is_silent:
                return
            try:
                far.connect(self._far_end)
            except OSError:
                self._sockets.discard(near)
                near.close()
                far.close()
                return
            self.joined += 1
            self._sockets.add(far)
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source, sink):
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        with self._lock:
            if self._is_silent:
                return
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._sockets.discard(source)
        source.close()
