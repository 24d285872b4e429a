# SPDX-License-Identifier: MIT
"""The proxies of the guides in docs/, configured as they stand there; only addresses differ."""
import os
import pathlib
import re
import shutil
import socket

import pytest

from . import binaries
from .http_client import Connection
from .ports import free_port
from .process import Process, clean_environment
from .waiting import PATIENCE_S, eventually

def documented(guide, language):
    """The one block of this language in the guide."""
    text = (binaries.ROOT / "docs" / guide).read_text(encoding="utf-8")
    block, = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return block


def find_or_skip(program):
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")
    if not found:
        pytest.skip(f"{program} is not installed")
    return found


def replace(text, *pairs):
    for old, new in pairs:
        assert old in text, f"the guide has no {old!r}"
        text = text.replace(old, new)
    return text


class Proxy:
    """One running proxy, on a port of its own."""

    def __init__(self, command, directory, port, name):
        self.address = "127.0.0.1", port
        self.process = Process(command, directory / f"{name}.log", cwd=directory,
                               env=clean_environment(HOME=str(directory), XDG_DATA_HOME=str(directory),
                                                     XDG_CONFIG_HOME=str(directory)))
        try:
            eventually(self._answers, lambda: f"did {name} listen:\n{self.process.log()}")
        except BaseException:
            self.process.kill()
            raise

    def _answers(self):
        assert self.process.is_running(), "it ended:\n" + self.process.log()
        try:
            socket.create_connection(self.address, timeout=PATIENCE_S).close()
            return True
        except OSError:
            return False

    def request(self, method, target, fields=(), body=b""):
        with Connection(self.address) as connection:
            return connection.request(method, target, [*fields, ("Connection", "close")], body)

    def stop(self):
        self.process.stop()


NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


def start_nginx(directory: pathlib.Path, gateway, application, without=(), instead=()):
    """`without`: lines of the guide to leave out; `instead`: pairs of one and what stands for it."""
    program, port = find_or_skip("nginx"), free_port()
    site = replace(documented("forward-auth.md", "nginx"), ("gateway.internal:8080", "%s:%d" % gateway),
                   ("app.internal:8080", "%s:%d" % application), ("listen 80;", f"listen 127.0.0.1:{port};"),
                   *((line, "") for line in without), *instead)
    (directory / "nginx.conf").write_text(NGINX.format(folder=directory, site=site))
    return Proxy([program, "-p", directory, "-e", "stderr", "-c", directory / "nginx.conf"], directory, port, "nginx")


def start_caddy(directory: pathlib.Path, gateway, application):
    program, port = find_or_skip("caddy"), free_port()
    site = replace(documented("forward-auth.md", "caddy"), ("gateway.internal:8080", "%s:%d" % gateway),
                   ("app.internal:8080", "%s:%d" % application), (":80 {", f"http://127.0.0.1:{port}, http://localhost:{port} {{"))
    options = "{\n    admin off\n    auto_https off\n}\n"
    (directory / "Caddyfile").write_text(options + site)
    return Proxy([program, "run", "--adapter", "caddyfile", "--config", directory / "Caddyfile"], directory, port, "caddy")


TIMEOUTS = "defaults\n    timeout connect 5s\n    timeout client 60s\n    timeout server 60s\n\n"


def _for_gateways(text, own, bind, ports, option):
    """The documented configuration of HAProxy for these (address, admin port), with as many servers."""
    lines = []
    for line in replace(text, (bind, f"bind 127.0.0.1:{own}"), *option).splitlines():
        if not re.match(r" +server ", line):
            lines.append(line)
    servers = re.findall(r"^    server .*$", text, re.MULTILINE)
    assert len(servers) >= len(ports)
    for number, (server, (address, admin_port)) in enumerate(zip(servers, ports), 1):
        lines.append(re.sub(r"gateway[0-9]\.internal:[0-9]+", "%s:%d port %d" % (*address, admin_port), server))
    return "\n".join(lines) + "\n"


def _start_haproxy(directory, configuration, port):
    stats = directory / "haproxy.stats"
    (directory / "haproxy.cfg").write_text(f"global\n    stats socket {stats} level admin\n\n" + TIMEOUTS + configuration)
    own = Proxy([find_or_skip("haproxy"), "-db", "-f", directory / "haproxy.cfg"], directory, port, "haproxy")
    own.stats = stats
    return own


def start_haproxy(directory: pathlib.Path, gateways, option="send-proxy-v2", instead=()):
    """In front of the gateways' TLS, which it passes through. `option`: send-proxy or send-proxy-v2."""
    port = free_port()
    return _start_haproxy(directory, _for_gateways(documented("client-address.md", "haproxy"), port, "bind :443",
                                                   [(own.https, own.admin[1]) for own in gateways],
                                                   [("send-proxy-v2", option), *instead]), port)


def start_haproxy_http(directory: pathlib.Path, gateways, instead=()):
    port = free_port()
    return _start_haproxy(directory, _for_gateways(documented("restarts.md", "haproxy"), port,
                                                   "bind :443 ssl crt /etc/haproxy/site.pem",
                                                   [(own.http, own.admin[1]) for own in gateways], instead), port)


def start_nginx_balancer(directory: pathlib.Path, gateways):
    program, port = find_or_skip("nginx"), free_port()
    site = replace(documented("restarts.md", "nginx"), ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
                   *((f"gateway{number}.internal:8080", "%s:%d" % own.http) for number, own in enumerate(gateways, 1)))
    (directory / "nginx.conf").write_text(NGINX.format(folder=directory, site=site))
    return Proxy([program, "-p", directory, "-e", "stderr", "-c", directory / "nginx.conf"], directory, port, "nginx")


def haproxy_states(proxy):
    """"UP", "DOWN", ... of each server, in order; empty before HAProxy answers."""
    with socket.socket(socket.AF_UNIX) as stats:
        try:
            stats.connect(str(proxy.stats))
        except (FileNotFoundError, ConnectionRefusedError):
            return []
        stats.sendall(b"show stat\n")
        text = b"".join(iter(lambda: stats.recv(65536), b"")).decode()
    rows = [line.split(",") for line in text.splitlines() if line and not line.startswith("#")]
    return [row[17].split()[0] for row in rows if row[1].startswith("gateway")]
