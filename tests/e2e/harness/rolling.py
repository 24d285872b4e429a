# SPDX-License-Identifier: MIT
"""Three gateways on ports that stay theirs, restarted one after another, and clients that count what they lose meanwhile."""
import signal
import threading
import time

from .gateway import Gateway
from .http_client import Connection, bearer, format_request
from .ports import free_port
from .waiting import PATIENCE_S

WHOAMI = "/api/v1/auth/whoami"


class Fleet:
    """`gateways`: each is replaced by its successor at the same addresses."""

    def __init__(self, directory, database_url, certificate, flags, flags_of_each):
        self._directory, self._database_url, self._certificate = directory, database_url, certificate
        self._flags = [[*flags, *more] for more in flags_of_each]
        self._ports = [[free_port() for _ in range(3)] for _ in flags_of_each]
        self._count = 0
        self.gateways = [self._start(i) for i in range(len(flags_of_each))]
        for own in self.gateways:
            own.wait_until_ready()

    def _start(self, index):
        self._count += 1
        addresses = [f"127.0.0.1:{port}" for port in self._ports[index]]
        return Gateway(self._directory, f"rolling-{self._count}", database_url=self._database_url, certificate=self._certificate,
                       flags=[*self._flags[index], "--listen-http", addresses[0], "--listen-https", addresses[1],
                              "--listen-admin", addresses[2]])

    def restart(self, index):
        """SIGTERM, and its successor once it has ended. How long the end took."""
        began = time.monotonic()
        self.gateways[index].stop()
        took_s = time.monotonic() - began
        self.gateways[index] = self._start(index).wait_until_ready()
        return took_s

    def stop(self):
        running = [own for own in self.gateways if own.process.is_running()]
        for own in running:
            own.process.send_signal(signal.SIGTERM)
        for own in running:
            code = own.process.wait()
            assert code == 0, f"exit code {code}: {own.log()[-2000:]}"
            own.process.assert_no_sanitizer_report()


class Clients:
    """Each sends one request after another, in turn on a new connection and on a kept one, some with pauses. A request is lost when
    it has no answer, or another one than 200."""

    PAUSES_S = (0, 0.02, 0.2)

    def __init__(self, address, token, tls=None, count=12):
        self._address, self._tls = address, tls
        self._request = format_request("GET", WHOAMI, bearer(token))
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self.answered = {True: 0, False: 0}  # on new connections, on kept ones
        self.lost = []
        self.longest_s = 0.0
        self._threads = [threading.Thread(target=self._run, args=(self.PAUSES_S[i % 3],), daemon=True) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, pause_s):
        kept = None
        while not self._is_over.wait(pause_s):
            self._ask(self._connect(), is_new=True)
            if kept is not None and kept.is_readable():  # it was closed between two requests
                kept.close()
                kept = None
            kept = self._ask(kept or self._connect(), is_new=False)
        if kept is not None:
            kept.close()

    def _connect(self):
        try:
            return Connection(self._address, tls=self._tls)
        except OSError as error:
            return error

    def _ask(self, connection, is_new):
        """The connection, if it is kept."""
        began = time.monotonic()
        try:
            if isinstance(connection, OSError):
                raise connection
            connection.send(self._request)
            response = connection.read_response()
            assert response.status == 200, f"{response.status} {response.body[:200]}"
            with self._lock:
                self.answered[is_new] += 1
                self.longest_s = max(self.longest_s, time.monotonic() - began)
            if not is_new and not response.says_close:
                return connection
        except (OSError, AssertionError) as error:
            with self._lock:
                self.lost.append(f"{'new' if is_new else 'kept'} {error!r}")
        if isinstance(connection, Connection):
            connection.close()
        return None

    def wait_for(self, more):
        """Until so many more requests were answered."""
        wanted = sum(self.answered.values()) + more
        deadline = time.monotonic() + PATIENCE_S
        while sum(self.answered.values()) < wanted:
            assert time.monotonic() < deadline, f"only {self.answered} were answered; lost: {self.lost[:5]}"
            time.sleep(0.01)

    def stop(self):
        self._is_over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
