# SPDX-License-Identifier: MIT
"""bench_bare: the least that a visit over TLS can cost with the gateway's library and arithmetic, see bench/tls/bare.c."""
import re

from ..process import Server


class Bare(Server):
    identifies = False
    refuses = None

    def __init__(self, bench, name="bare"):
        super().__init__(name, [bench.options.bin / "bench_bare", bench.certificate.cert, bench.certificate.key,
                                bench.constant], core=bench.server_core, log=bench.folder / "bare.log")
        bench.stops.append(self.stop)
        self.https = f"https://127.0.0.1:{self.await_log(re.compile('^port ([0-9]+)'))[1]}"
