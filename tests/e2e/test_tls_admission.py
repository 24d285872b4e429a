# SPDX-License-Identifier: MIT
"""Handshakes take turns: too many that wait are refused with an alert, floods of them leave established connections alone.
(HARDENING 4.5)"""
import signal
import socket
import ssl

import pytest

from harness.http_client import Connection, bearer
from harness.process import is_stopped
from harness.waiting import PATIENCE_S, eventually

INTERNAL_ERROR = b"\x15\x03\x03\x00\x02\x02\x50"
WARNING = b"\x15\x03\x01\x00\x02\x01\x5a"
WHOAMI = "/api/v1/auth/whoami"


def make_hello(gateway):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = gateway.tls_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def handshakes(gateway, result):
    return gateway.metric(f'tls_handshakes_total{{result="{result}"}}')


def test_the_newest_over_the_bound_is_told_to_go(start_gateway, acme):
    """All hellos are there when the gateway looks: the first waits for its turn, and there is no room for the others."""
    gateway = start_gateway("--handshakes-waiting-max", "1", tls=True)
    hello = make_hello(gateway)
    eventually(lambda: gateway.metric("connections_open") == 1, "was the one that asks alone")
    clients = [socket.create_connection(gateway.https, timeout=PATIENCE_S) for _ in range(4)]
    eventually(lambda: gateway.metric("connections_open") >= 5, "were they accepted")
    gateway.process.send_signal(signal.SIGSTOP)
    eventually(lambda: is_stopped(gateway.process.pid), "did it stop")
    for client in clients:
        client.sendall(hello)
    gateway.process.send_signal(signal.SIGCONT)
    answers = [client.recv(len(INTERNAL_ERROR), socket.MSG_WAITALL) for client in clients]
    assert answers.count(INTERNAL_ERROR) == 3
    for client, answer in zip(clients, answers):
        if answer == INTERNAL_ERROR:
            assert client.recv(1) == b"", "an alert, then an orderly end"
        client.close()
    eventually(lambda: gateway.metric("tls_handshakes_refused_total") == 3, "were the three counted")
    eventually(lambda: handshakes(gateway, "failed") == 4, "did the four count as failed")
    with gateway.connect_tls() as connection:
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200


def test_full_resumed_and_failed_handshakes_are_counted(start_gateway, acme):
    gateway = start_gateway(tls=True)
    context = gateway.tls_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # whose session Python has at once
    with Connection(gateway.https, tls=context) as first:
        assert first.request("GET", WHOAMI, bearer(acme.read)).status == 200
        session = first.socket.session
    with socket.create_connection(gateway.https, timeout=PATIENCE_S) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as again:
            assert again.session_reused
    with Connection(gateway.https) as broken:
        broken.send(b"\x16\x03\x01\x00\x04\x02\x00\x00\x00")
        broken.read_to_end()
    eventually(lambda: handshakes(gateway, "failed") == 1, "did the broken handshake count")
    eventually(lambda: handshakes(gateway, "resumed") == 1, "did the resumed handshake count")
    assert handshakes(gateway, "full") == 1
    assert gateway.metric("tls_handshakes_waiting") == 0


def test_half_handshakes_end_with_their_time(start_gateway):
    gateway = start_gateway("--handshake-timeout", "300ms", tls=True)
    hello = make_hello(gateway)
    for part in (b"", hello[:3], hello[:100], hello):
        with socket.create_connection(gateway.https, timeout=PATIENCE_S) as client:
            client.sendall(part)
            while client.recv(65536):  # the flight of the gateway, if the hello was whole
                pass
    eventually(lambda: handshakes(gateway, "failed") == 4, "did each of them fail")


def test_a_flood_of_warnings_is_cut_off(start_gateway, acme):
    gateway = start_gateway(tls=True)
    with gateway.connect_tls() as established, Connection(gateway.https) as flood:
        flood.send_ignoring_refusal(WARNING * 100000)
        assert flood.read_to_end()[:1] == b"\x15", "its own alert"
        assert established.request("GET", WHOAMI, bearer(acme.read)).status == 200


def test_established_connections_live_through_a_flood_of_hellos(start_gateway, acme):
    gateway = start_gateway(tls=True)
    hello = make_hello(gateway)
    with gateway.connect_tls() as established:
        for _ in range(5):
            clients = [socket.create_connection(gateway.https, timeout=PATIENCE_S) for _ in range(100)]
            for client in clients:
                client.sendall(hello)
            assert established.request("GET", WHOAMI, bearer(acme.read)).status == 200
            for client in clients:
                client.close()
        eventually(lambda: handshakes(gateway, "failed") == 500, "did all of the flood end")
        assert gateway.metric("tls_handshakes_waiting") == 0
        assert established.request("GET", WHOAMI, bearer(acme.read)).status == 200


def test_a_crowd_at_the_door_is_let_in_bit_by_bit(start_gateway):
    """Many wait to be accepted when the gateway looks, more than it takes in a turn of its loop: all are served."""
    gateway = start_gateway(tls=True)
    gateway.process.send_signal(signal.SIGSTOP)
    eventually(lambda: is_stopped(gateway.process.pid), "did it stop")
    crowd = [socket.create_connection(gateway.http, timeout=PATIENCE_S) for _ in range(50)]
    for client in crowd:
        client.sendall(f"GET {WHOAMI} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    gateway.process.send_signal(signal.SIGCONT)
    for client in crowd:
        assert client.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 401"
        client.close()
