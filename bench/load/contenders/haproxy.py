# SPDX-License-Identifier: MIT
"""HAProxy: looks the bearer token up in a map in memory, and answers a constant or forwards."""
from ..machine import find_program, free_port
from ..process import Server
from .. import http_client, tokens

_CONFIGURATION = """
global
    nbthread 1
    maxconn 10500
    no strict-limits
    tune.bufsize 16384
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphersuites {ciphersuite}

defaults
    mode http
    timeout client 60s
    timeout http-keep-alive 60s
    timeout http-request 10s
    timeout connect 5s
    timeout server 60s

frontend tokens
    bind 127.0.0.1:{http_port}
    bind 127.0.0.1:{https_port} ssl crt {pem} alpn http/1.1
    acl known_token http_auth_bearer,map_str({map}) -m found
    http-request deny deny_status 403 unless known_token
"""

_ANSWER = """
    http-request return status 200 content-type application/json hdr Cache-Control no-store file {body}
"""

# The fields that the gateway sets, and the one that it keeps back.
_FORWARD = """
    http-request set-header X-SkillReg-Org {org}
    http-request set-header X-SkillReg-Token-Id %[http_auth_bearer,map_str({map})]
    http-request set-header X-SkillReg-Scopes read
    http-request set-header X-Request-Id %[uuid()]
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header Host {registry}
    http-request del-header Authorization
    default_backend registry

backend registry
    http-reuse always
    server registry {registry}
"""


class Haproxy(Server):
    refuses = 403

    def __init__(self, bench, name="haproxy map", registry=None):
        """`registry`: its "host:port"; without one the answer is a constant."""
        self.identifies = registry is not None
        folder = bench.folder
        ports = free_port(), free_port()
        token_map = folder / "haproxy.map"
        token_map.write_text("".join(f"{tokens.secret(i)} {tokens.token_id(i)}\n" for i in range(tokens.HOT)))
        pem = folder / "haproxy.pem"
        pem.touch(mode=0o600)
        pem.write_text(bench.certificate.cert.read_text() + bench.certificate.key.read_text())
        configuration = folder / "haproxy.cfg"
        configuration.write_text((_CONFIGURATION + (_FORWARD if registry else _ANSWER)).format(
            http_port=ports[0], https_port=ports[1], pem=pem, map=token_map, body=bench.constant,
            ciphersuite=bench.ciphersuite, registry=registry, org=tokens.ORG))
        super().__init__(name, [find_program("haproxy"), "-db", "-f", configuration], core=bench.server_core,
                         log=folder / "haproxy.log")
        bench.stops.append(self.stop)
        self.http = f"http://127.0.0.1:{ports[0]}"
        self.https = f"https://127.0.0.1:{ports[1]}"
        self.await_true(lambda: http_client.answers(self.http))
