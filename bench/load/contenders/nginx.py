# SPDX-License-Identifier: MIT
"""nginx: as a server that answers a constant to everybody, as the registry behind a gateway, and as a proxy that asks
somebody else about each request."""
from .. import http_client, tokens
from ..machine import find_program, free_port
from ..process import Server

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 12000; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_timeout 60s;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    {site}
}}
"""

_CONSTANT = """
    server {{
        listen 127.0.0.1:{http_port};
        listen 127.0.0.1:{https_port} ssl;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_conf_command Ciphersuites {ciphersuite};
        location / {{
            add_header Cache-Control no-store;
            return 200 '{body}';
        }}
    }}
"""

# Answers with what the proxy in front of it said of the token.
_REGISTRY = """
    server {{
        listen 127.0.0.1:{http_port};
        location = /authz {{ return 204; }}
        location / {{ return 200 '{{"token":{{"id":"$http_x_skillreg_token_id"}},"padding":"{padding}"}}'; }}
    }}
"""

_ASKING = """
    upstream decider {{
        server {decider};
        keepalive 256;
    }}
    server {{
        listen 127.0.0.1:{http_port};
        location / {{
            auth_request {question};
            auth_request_set $token_id $upstream_http_x_skillreg_token_id;
            add_header X-Token-Id $token_id;
            empty_gif;
        }}
        location = /_constant {{ internal; return 204; }}
        location = /_authz {{
            internal;
            proxy_pass http://decider/authz;
            proxy_http_version 1.1;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Original-URI $request_uri;
        }}
    }}
"""


class _Nginx(Server):
    identifies = False
    refuses = None

    def __init__(self, bench, name, site, core, **values):
        folder = bench.folder / name.replace(" ", "-").replace("/", "")
        folder.mkdir(exist_ok=True)  # left by a case that failed
        ports = free_port(), free_port()
        text = site.format(http_port=ports[0], https_port=ports[1], **values)
        (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder, site=text))
        super().__init__(name, [find_program("nginx"), "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"],
                         core=core, log=folder / "nginx.log")
        bench.stops.append(self.stop)
        self.address = f"127.0.0.1:{ports[0]}"
        self.http = f"http://{self.address}"
        self.https = f"https://127.0.0.1:{ports[1]}"
        self.await_true(lambda: http_client.answers(self.http))


class Nginx(_Nginx):
    def __init__(self, bench, name="nginx constant"):
        super().__init__(bench, name, _CONSTANT, bench.server_core, cert=bench.certificate.cert,
                         key=bench.certificate.key, ciphersuite=bench.ciphersuite, body=bench.constant.read_text())


class Registry(_Nginx):
    """Behind the contenders, on the load's core. Its answers are as long as the constant."""

    def __init__(self, bench, name="registry"):
        without = len('{"token":{"id":"%s"},"padding":""}' % tokens.token_id(0))
        super().__init__(bench, name, _REGISTRY, bench.load_core, padding="x" * (bench.body_bytes - without))


GIF_BYTES = 43


class Asking(_Nginx):
    """Asks `decider` (host:port) at /authz about each request; None: itself, and gets a constant. Then it answers with the
    smallest thing that nginx makes after asking (`return` comes before)."""

    def __init__(self, bench, name, decider, identifies=False):
        super().__init__(bench, name, _ASKING, bench.server_core, decider=decider or "127.0.0.1:1",
                         question="/_authz" if decider else "/_constant")
        self.identifies = identifies
        self.refuses = 401 if identifies else None
