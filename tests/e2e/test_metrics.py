# SPDX-License-Identifier: MIT
"""/metrics is the same whichever worker answers, and no counter ever falls, also when workers are started again (HARDENING 5.6)."""
import contextlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest

from harness import documents
from harness.gateway import worker_of
from harness.http_client import bearer
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
READING = 2
OTHERS = 3  # connections of a pool beside those for reading


def family_of(series):
    return re.sub(r"_(bucket|sum|count)$", "", series.split("{")[0])


def scrape(gateway):
    """The worker that answered, and what it shows: {series: (type, value)}. What a histogram shows are counters."""
    response = gateway.admin_get("/metrics")
    text = response.body.decode()
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    lines = re.findall(r"^(\w+(?:\{[^}]+\})?) ([0-9.]+)$", text, re.MULTILINE)
    values = dict(lines)
    assert len(values) == len(lines), "a series is shown twice"
    families = {name: family_of(name) if types.get(family_of(name)) == "histogram" else name.split("{")[0] for name in values}
    assert types.keys() == set(families.values())
    return worker_of(response), {name: (types[families[name]].replace("histogram", "counter"), float(value))
                                 for name, value in values.items()}


def shown(gateway, name):
    return scrape(gateway)[1][f"skillreg_gateway_{name}"][1]


def assert_none_fell(before, after):
    """Of its process a worker that does not run shows nothing."""
    assert all(name in after or name.startswith("process_") for name in before)
    fallen = {name: (value, after[name][1]) for name, (kind, value) in before.items()
              if kind == "counter" and name in after and after[name][1] < value}
    assert not fallen


def scrape_each(gateway, workers, last):
    """As each worker shows them, one after another. None falls below the one before."""
    found = {}
    while len(found) < workers:
        worker, values = scrape(gateway)
        assert_none_fell(last, values)
        found[worker] = last = values
    return list(found.values())


def ask_each(gateway, token, workers):
    """Until each worker has decided about the token."""
    found = set()
    while len(found) < workers:
        with contextlib.suppress(OSError, AssertionError), gateway.connect() as connection:  # a worker that was killed
            response = connection.request("GET", WHOAMI, bearer(token))
            if response.status == 200:
                found.add(worker_of(response))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_every_worker_shows_the_sum_and_no_counter_falls(workers, start_gateway, acme):
    own = start_gateway("--workers", str(workers), "--database-connections", str(READING), "--cache-entries", "0")
    last = scrape(own)[1]

    def are_up():
        return all(values["skillreg_gateway_database_connections_ready"][1] == workers * (READING + OTHERS)
                   for values in scrape_each(own, workers, last))

    eventually(are_up, "did each worker show the connections of all")
    for _ in range(3):
        ask_each(own, acme.read, workers)

    def is_all_shown():
        nonlocal last
        shown = scrape_each(own, workers, last)
        last = shown[-1]
        return min(values["skillreg_gateway_database_queries_total"][1] for values in shown) >= 3 * workers

    eventually(is_all_shown, "did each worker show what each had asked")


@pytest.mark.parametrize("workers", [2, 4])
def test_no_counter_falls_when_workers_are_started_again(workers, start_gateway, acme):
    own = start_gateway("--workers", str(workers), "--database-connections", str(READING), "--cache-entries", "0")
    last = scrape(own)[1]
    for victim in range(2):
        ask_each(own, acme.read, workers)
        eventually(lambda: scrape(own)[1]["skillreg_gateway_database_queries_total"][1] > 0, "were they counted")
        killed = own.worker_pids()[victim]
        os.kill(killed, signal.SIGKILL)

        def is_started_again():
            nonlocal last
            with contextlib.suppress(OSError, AssertionError):
                values = scrape(own)[1]
                assert_none_fell(last, values)
                last = values
            return own.worker_pids()[victim] != killed

        eventually(is_started_again, "was it started again")
        own.wait_until_ready()
        last = scrape_each(own, workers, last)[-1]
    eventually(lambda: scrape(own)[1]["skillreg_gateway_database_connections_ready"][1] == workers * (READING + OTHERS),
               "are those of the dead counted off, and those of the new ones counted")


def test_times_are_counted_by_kind_of_request(start_gateway, upstream, acme):
    """Each once, whichever worker had it; a bucket holds those below it, too; none took longer than the test."""
    own = start_gateway("--workers", "2", upstream=upstream.url, tls=True)
    begun = time.monotonic()
    for path, code in ((WHOAMI, 200), (WHOAMI, 200), (acme.skills, 200), ("/nowhere", 404)):
        with own.connect_tls() as connection:
            assert connection.request("GET", path, bearer(acme.read)).status == code
    took_s = time.monotonic() - begun
    answers = {("2xx", "api"): 2, ("2xx", "registry"): 1, ("4xx", "none"): 1, ("5xx", "registry"): 0}
    for (code, route_class), count in answers.items():
        assert own.metric(f'responses_total{{code="{code}",route_class="{route_class}"}}') == count
    assert own.metric('decisions_total{decision="allowed"}') == own.metric("decisions_allowed_total") == 3
    counts = {"request_duration_seconds": {'{route_class="api"}': 2, '{route_class="registry"}': 1,
                                           '{route_class="authz"}': 0, '{route_class="none"}': 1},
              "decision_duration_seconds": {"": 3}, "registry_first_byte_seconds": {"": 1},
              "tls_handshake_duration_seconds": {"": 4}}
    expected = {f"{name}_count{labels}": count for name, by_labels in counts.items() for labels, count in by_labels.items()}
    eventually(lambda: {name: shown(own, name) for name in expected} == expected, lambda: f"were all counted: {scrape(own)[1]}")
    assert 1 <= shown(own, "lookup_duration_seconds_count") == shown(own, "lookups_total")
    values = scrape(own)[1]
    for name in expected:
        labels = re.findall(r"\{(.*)\}", name)
        family = f"skillreg_gateway_{name.split('_count')[0]}"
        buckets = [value for series, (_, value) in values.items()
                   if series.startswith(f"{family}_bucket{{" + ",".join([*labels, "le="]))]
        assert len(buckets) == 21 and buckets == sorted(buckets) and buckets[-1] == expected[name]
        total_s = values[f"skillreg_gateway_{name.replace('_count', '_sum')}"][1]
        assert (total_s > 0) == (expected[name] > 0) and total_s <= took_s


def test_each_worker_shows_the_numbers_of_its_process(start_gateway):
    """As the kernel has them, under the names that every Prometheus client uses; processor time outlives a worker."""
    own = start_gateway("--workers", "2")

    def of_processes(name):
        found = {labels: value for series, (_, value) in scrape(own)[1].items()
                 for family, _, labels in [series.partition("{")] if family == f"process_{name}"}
        return [found[f'worker="{number}"}}'] for number in range(2)]

    def kernel_has(pid):
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            return (float(len(os.listdir(f"/proc/{pid}/fd"))),
                    float(re.search(r"Max open files +(\d+)", limits.read())[1]))

    eventually(lambda: list(zip(of_processes("open_fds"), of_processes("max_fds"))) ==
               [kernel_has(own.worker_pids()[number]) for number in range(2)], "did each show its descriptors")
    assert all(1e6 < resident < virtual for resident, virtual in
               zip(of_processes("resident_memory_bytes"), of_processes("virtual_memory_bytes")))
    began, used = of_processes("start_time_seconds"), of_processes("cpu_seconds_total")
    assert all(0 <= time.time() - start < 3600 for start in began)
    os.kill(own.worker_pids()[1], signal.SIGKILL)

    def is_another():
        with contextlib.suppress(OSError, AssertionError, KeyError):
            return of_processes("start_time_seconds")[1] > began[1]

    eventually(is_another, "did the next one show when it began")
    assert of_processes("start_time_seconds")[0] == began[0]
    assert all(now >= before > 0 for now, before in zip(of_processes("cpu_seconds_total"), used))


def test_how_long_a_change_took_to_be_heard_of_is_counted(start_gateway, new_org):
    """Once the gateway listens; what was written before that it need not hear of."""
    own = start_gateway()

    def lags():
        values = scrape(own)[1]
        count, applied, total_s = (values[f"skillreg_gateway_{name}"][1] for name in
                                   ("event_lag_seconds_count", "events_applied_total", "event_lag_seconds_sum"))
        assert count == applied
        return count, total_s

    begun = time.monotonic()
    before, before_s = lags()

    def is_heard_of():
        new_org("read")
        return lags()[0] > before

    eventually(is_heard_of, "was a change heard of")
    count, total_s = lags()
    assert 0 < total_s - before_s <= (count - before) * (time.monotonic() - begun)
    eventually(lambda: shown(own, "database_silent_seconds") < 60, "is the database heard")


def test_decisions_are_counted_by_organisation_up_to_a_bound(start_gateway, new_org):
    """By that of the token, whichever worker decides; the organisation of a path makes no series, and nor does a token of nobody."""
    own = start_gateway("--metrics-organisations", "2", "--workers", "2")
    first, second, *others = (new_org("read", "admin") for _ in range(4))
    for org, count in ((first, 3), (second, 1), (others[0], 2), (others[1], 2)):
        for _ in range(count):
            with own.connect() as connection:
                assert connection.request("GET", WHOAMI, bearer(org.read)).status == 200
    assert own.request("POST", first.skills, second.read).status == 403
    assert own.request("GET", WHOAMI, "sr_live_nobody").status == 401
    orgs = {(series[0], series[1]): value for name, (_, value) in scrape(own)[1].items()
            for series in re.findall(r'^skillreg_gateway_org_decisions_total\{org="([^"]+)",decision="(\w+)"\}$', name)}
    assert {key: value for key, value in orgs.items() if value} == {
        (first.slug, "allowed"): 3, (second.slug, "allowed"): 1, (second.slug, "forbidden"): 1, ("_other", "allowed"): 4}
    assert len(orgs) == 3 * 5


def test_what_clients_send_makes_no_series(start_gateway, acme, new_org):
    """Neither paths nor tokens nor organisations are labels: the series are there from the start, and few."""
    own = start_gateway()
    before = scrape(own)[1].keys()
    for number in range(20):
        own.request("GET", f"/nowhere/{number}", acme.read)
        own.request("GET", WHOAMI, f"skr_{number}")
    own.request("GET", WHOAMI, new_org("read").read)
    assert scrape(own)[1].keys() == before
    assert len(before) < 400


def test_a_client_that_hangs_up_is_not_refused(start_gateway, acme):
    """By a reset, which takes its address away, before it is taken from the queue: the gateway stands still meanwhile."""
    own = start_gateway()
    accepted = own.metric("connections_accepted_total")
    own.process.send_signal(signal.SIGSTOP)
    for _ in range(20):
        client = socket.create_connection(own.http)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    own.process.send_signal(signal.SIGCONT)
    assert own.request("GET", WHOAMI, acme.read).status == 200
    eventually(lambda: own.metric("connections_accepted_total") >= accepted + 21, "were all taken")
    assert own.metric("connections_refused_total") == 0


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's package prometheus) is not here")
def test_promtool_has_nothing_to_say(gateway):
    done = subprocess.run(["promtool", "check", "metrics"], input=gateway.admin_get("/metrics").body, capture_output=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"")


def test_the_documentation_has_each_metric_and_no_other(gateway):
    text = gateway.admin_get("/metrics").body.decode()
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    shown_rows = [(name.removeprefix("skillreg_gateway_"), types[name], words)
                  for name, words in re.findall(r"^# HELP (\w+) (.*)$", text, re.MULTILINE)]
    page = documents.section(documents.read("docs/reference.md"), "Metrics")
    rows = re.findall(r"^\| `(\w+)` \| (gauge|counter|histogram) \| (.*) \|$", page, re.MULTILINE)
    assert rows == shown_rows
