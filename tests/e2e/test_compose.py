# SPDX-License-Identifier: MIT
"""docker/compose.yaml and what it mounts stay true to the documents and to each other. tests/packaging/test_compose.sh runs it."""
import json
import re

import pytest

from harness import binaries
from harness.process import clean_environment, run
from harness.proxies import documented, find_or_skip

yaml = pytest.importorskip("yaml")

FOLDER = binaries.ROOT / "docker"
MODEL = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = MODEL["services"]
GATEWAYS = [name for name, service in SERVICES.items() if name.startswith("gateway")]


def test_the_balancer_is_the_documented_one():
    text = (FOLDER / "haproxy/haproxy.cfg").read_text()
    assert text.endswith("\n\n" + documented("client-address.md", "haproxy"))
    haproxy = find_or_skip("haproxy")
    checked = run([haproxy, "-c", "-f", "/dev/stdin"], text_in=re.sub(r"gateway(\d)\.internal", r"127.0.0.\1", text))
    assert checked.returncode == 0 and "WARNING" not in checked.stderr, checked.stdout + checked.stderr


def test_the_balancer_finds_the_gateways_and_they_trust_it_alone():
    own = SERVICES["balancer"]["networks"]["default"]["ipv4_address"]
    text = (FOLDER / "haproxy/haproxy.cfg").read_text()
    names = re.findall(r"^ +server \S+ (\S+):8443$", text, re.MULTILINE)
    assert names == [alias for name in GATEWAYS for alias in SERVICES[name]["networks"]["default"]["aliases"]]
    for name in GATEWAYS:
        environment = SERVICES[name]["environment"]
        assert environment["GATEWAY_TRUSTED_PROXIES"] == own and environment["GATEWAY_PROXY_PROTOCOL"] == "on"
        assert "ports" not in SERVICES[name]
        assert SERVICES["balancer"]["depends_on"][name] == {"condition": "service_healthy"}


def test_the_page_of_the_tokens_is_behind_the_balancer_for_this_machine_alone():
    port = {SERVICES[name]["environment"]["GATEWAY_TOKENS_PAGE"].rsplit(":", 1)[1] for name in GATEWAYS}
    assert port == {"8444"} and "127.0.0.1:8444:8444" in SERVICES["balancer"]["ports"]
    text = (FOLDER / "haproxy/haproxy.cfg").read_text()
    page, clients = (re.sub(r":844\d$", "", text[text.index(f"backend {name}\n"):].split("\n\n")[0], flags=re.MULTILINE).strip().splitlines()[1:]
                     for name in ("tokens_pages", "gateways"))
    assert page == clients and "bind :8444\n    default_backend tokens_pages\n" in text
    assert text.count(".internal:8444\n") == len(GATEWAYS)


def test_settings_are_the_gateways():
    known = run([binaries.find("skillreg-gateway"), "--help"], env=clean_environment()).stdout
    for name in GATEWAYS:
        service = SERVICES[name]
        assert all(re.search(rf"\b{variable}\b", known) for variable in service["environment"])
        assert service["healthcheck"]["test"] == ["CMD", "skillreg-gateway", "healthcheck"]
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        waits_s = sum(int(re.search(rf"GATEWAY_DRAIN_{part}, default (\d+)s", known)[1]) for part in ("DELAY", "TIMEOUT"))
        assert service["stop_grace_period"] == f"{waits_s + 5}s"


def test_prometheus_asks_each_gateway_and_reads_the_rules():
    settings = yaml.safe_load((FOLDER / "prometheus/prometheus.yml").read_text())
    job, = settings["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"{name}:9090" for name in GATEWAYS]}]
    assert settings["rule_files"] == ["alerts.yaml"]
    assert "./prometheus:/etc/prometheus:ro" in SERVICES["prometheus"]["volumes"]


def test_grafana_gets_its_data_and_its_dashboards():
    mounts = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    by_target = {target: FOLDER / source for source, target in mounts.items()}
    provisioning = by_target["/etc/grafana/provisioning"]
    source, = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090" and "prometheus" in SERVICES
    provider, = yaml.safe_load((provisioning / "dashboards/skillreg.yaml").read_text())["providers"]
    for dashboard in by_target[provider["options"]["path"]].rglob("*.json"):
        assert json.loads(dashboard.read_text())["title"]
