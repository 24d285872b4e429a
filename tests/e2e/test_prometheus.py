# SPDX-License-Identifier: MIT
"""The alerts and the dashboard of docker/, against a real Prometheus that scrapes a real gateway with traffic: each query can be read
and finds what the gateway shows."""
import json
import math
import re
import shutil
import subprocess

import pytest
import yaml

from harness import binaries
from harness.http_client import bearer
from harness.prometheus import Prometheus
from harness.waiting import eventually

ALERTS = binaries.ROOT / "docker" / "prometheus" / "alerts.yaml"
ALERTS_TEST = ALERTS.with_name("alerts_test.yaml")
DASHBOARD = binaries.ROOT / "docker" / "grafana" / "skillreg-gateway.json"
METRIC = re.compile(r"\b(?:skillreg_gateway|process)_\w+")
VARIABLES = {"$__rate_interval": "10m", "$job": ".*", "$instance": ".*"}  # as Grafana would fill them in

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's package prometheus) is not here")


def alerts():
    group, = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return group["rules"]


def dashboard():
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def filled_in(query):
    for variable, value in VARIABLES.items():
        query = query.replace(variable, value)
    assert "$" not in query, "another variable"
    return query


def queries():
    """[(panel, query)] of the dashboard."""
    return [(panel["title"], filled_in(target["expr"])) for panel in dashboard()["panels"] for target in panel.get("targets", [])]


def shown_by(gateway):
    return set(re.findall(r"^(\w+)(?:\{| )", gateway.admin_get("/metrics").body.decode(), re.MULTILINE))


def make_traffic(gateway, acme):
    """Each kind of request, and a change, which the gateway hears of."""
    with gateway.connect_tls() as connection:
        for method, path in (("GET", "/api/v1/auth/whoami"), ("GET", acme.skills), ("GET", "/nowhere")):
            connection.request(method, path, bearer(acme.read))
    fields = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", acme.skills)]
    gateway.request("GET", "/authz", acme.read, fields=fields)
    made = gateway.request("POST", f"/api/v1/orgs/{acme.slug}/tokens", acme.admin, json_body={"name": "passing"}).json()
    gateway.request("DELETE", f"/api/v1/orgs/{acme.slug}/tokens/{made['id']}", acme.admin)


@pytest.fixture(scope="module")
def prometheus(_session_gateway, tmp_path_factory):
    own = Prometheus(tmp_path_factory.mktemp("prometheus"), ["{}:{}".format(*_session_gateway.admin)], rules=[ALERTS])
    yield own
    own.stop()


def test_each_query_of_the_dashboard_finds_what_it_shows(prometheus, gateway, acme):
    """A rate needs two scrapes, with traffic between them. Shares of nothing are no numbers."""
    eventually(lambda: prometheus.query("skillreg_gateway_build_info"), "was the gateway scraped")

    def without_data():
        make_traffic(gateway, acme)
        results = {(panel, query): prometheus.query(query) for panel, query in queries()}
        return {key: found for key, found in results.items() if not any(math.isfinite(value) for _, value in found)}

    missing = {}

    def have_all_data():
        missing.update(without=without_data())
        return not missing["without"]

    eventually(have_all_data, lambda: f"did each find data: {missing['without']}")
    names = {series for _, query in queries() for series in METRIC.findall(query)}
    assert names <= shown_by(gateway)


def test_no_alert_fires_on_a_gateway_that_is_well(prometheus, gateway):
    """And each was evaluated. What counts as well is in alerts_test.yaml, too; a token that ends soon is no fault."""
    def all_are_evaluated():
        group, = prometheus.get("rules")["groups"]
        return all(rule["health"] != "unknown" for rule in group["rules"]) and group["rules"]

    rules = eventually(all_are_evaluated, "was each alert evaluated")
    assert [rule["name"] for rule in rules] == [rule["alert"] for rule in alerts()]
    assert all(rule["health"] == "ok" for rule in rules), rules
    names = {series for rule in alerts() for series in METRIC.findall(rule["expr"])}
    assert names <= shown_by(gateway)
    assert not [rule["name"] for rule in rules if rule["state"] == "firing" and rule["labels"]["severity"] == "critical"]


@needs_promtool
def test_each_alert_fires_on_what_it_is_about_alone():
    for command in (["check", "rules", ALERTS], ["test", "rules", ALERTS_TEST]):
        done = subprocess.run(["promtool", *command], cwd=ALERTS.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    quiet, *loud = yaml.safe_load(ALERTS_TEST.read_text(encoding="utf-8"))["tests"]
    names = [rule["alert"] for rule in alerts()]
    assert [test["alertname"] for test in quiet["alert_rule_test"]] == names
    assert [test["alertname"] for case in loud for test in case["alert_rule_test"] if test["exp_alerts"]] == names


def test_each_alert_says_what_is_the_matter_and_what_to_do():
    for rule in alerts():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert all(rule["annotations"][name].endswith(".") for name in ("summary", "description"))
        assert rule["alert"].startswith("SkillregGateway")


def test_the_dashboard_is_one_that_grafana_reads():
    """The parts of Grafana's JSON model that it cannot do without; panels neither overlap nor leave the grid of 24 columns."""
    board = dashboard()
    assert board["uid"] and board["title"] and board["schemaVersion"] >= 36 and board["time"].keys() == {"from", "to"}
    kinds = {variable["name"]: variable["type"] for variable in board["templating"]["list"]}
    assert kinds == {"datasource": "datasource", "job": "query", "instance": "query"}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + column, place["y"] + line) for column in range(place["w"]) for line in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
        assert panel["type"] in ("row", "stat", "timeseries")
        if panel["type"] == "row":
            continue
        assert panel["fieldConfig"]["defaults"]["unit"] and panel["datasource"]["uid"] == "${datasource}"
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEFG"[:len(panel["targets"])])
        assert all(target["legendFormat"] for target in panel["targets"])


def test_neither_uses_a_name_that_goes(gateway):
    text = gateway.admin_get("/metrics").body.decode()
    old = set(re.findall(r"^# HELP (\w+) Deprecated", text, re.MULTILINE))
    assert old
    used = METRIC.findall(DASHBOARD.read_text(encoding="utf-8") + ALERTS.read_text(encoding="utf-8"))
    assert not old & set(used)
