# SPDX-License-Identifier: MIT
"""The cable between one gateway and PostgreSQL, which can be cut while the server stands and all others reach it."""
import contextlib
import pathlib
import shutil
import socket
import tempfile
import threading


class Cable:
    """Passes on what comes through a socket of its own. close() at the end in any case."""

    def __init__(self, postgres):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="skillreg-cable-", dir="/tmp"))
        self._far_end = str(postgres.directory / ".s.PGSQL.5432")
        self._url = postgres.url_of
        self._postgres_directory = str(postgres.directory)
        self._lock = threading.Lock()
        self._is_cut = False
        self._sockets = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.directory / ".s.PGSQL.5432"))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def url_of(self, database="postgres"):
        return self._url(database).replace(self._postgres_directory, str(self.directory))

    def cut(self):
        """Every connection ends, and no new one gets through."""
        with self._lock:
            self._is_cut = True
            for end in self._sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self):
        with self._lock:
            self._is_cut = False

    def close(self):
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._join(near)

    def _join(self, near):
        far = socket.socket(socket.AF_UNIX)
        with self._lock:
            try:
                if self._is_cut:
                    raise ConnectionRefusedError
                far.connect(self._far_end)
            except OSError:
                near.close()
                far.close()
                return
            self._sockets |= {near, far}
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source, sink):
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        with self._lock:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._sockets.discard(source)
        source.close()
