# SPDX-License-Identifier: MIT
"""nginx: answers a constant to everybody and looks at no token. What a web server costs that decides nothing."""
from ..machine import find_program, free_port
from ..process import Server
from .. import http_client

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
}}
"""


class Nginx(Server):
    identifies = False
    refuses = None

    def __init__(self, bench, name="nginx constant"):
        ports = free_port(), free_port()
        configuration = bench.folder / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(
            folder=bench.folder, http_port=ports[0], https_port=ports[1], cert=bench.certificate.cert,
            key=bench.certificate.key, ciphersuite=bench.ciphersuite, body=bench.constant.read_text()))
        super().__init__(name, [find_program("nginx"), "-p", bench.folder, "-e", "stderr", "-c", configuration],
                         core=bench.server_core, log=bench.folder / "nginx.log")
        bench.stops.append(self.stop)
        self.http = f"http://127.0.0.1:{ports[0]}"
        self.https = f"https://127.0.0.1:{ports[1]}"
        self.await_true(lambda: http_client.answers(self.http))
