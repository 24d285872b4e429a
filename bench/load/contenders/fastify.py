# SPDX-License-Identifier: MIT
"""Fastify with node-postgres: what a team would write first. With its own cache in the process, or without."""
import re

from ..process import Server


class Fastify(Server):
    identifies = True
    refuses = 401

    def __init__(self, bench, name, *, cache):
        environment = {**bench.postgres.environment(), "NODE_ENV": "production",
                       "TOKEN_CACHE": "on" if cache else "off",
                       "TLS_CERT": str(bench.certificate.cert), "TLS_KEY": str(bench.certificate.key),
                       "TLS_CIPHERS": bench.ciphersuite}
        super().__init__(name, [bench.node, "server.mjs"], core=bench.server_core, cwd=bench.node_folder,
                         log=bench.folder / f"{name.replace(' ', '-').replace('+', 'and')}.log", env=environment)
        bench.stops.append(self.stop)
        self.http = "http://127.0.0.1:" + self.await_log(re.compile(r"^http ([0-9]+)$", re.MULTILINE))[1]
        self.https = "https://127.0.0.1:" + self.await_log(re.compile(r"^https ([0-9]+)$", re.MULTILINE))[1]
