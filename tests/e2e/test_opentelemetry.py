# SPDX-License-Identifier: MIT
"""docker/otel-collector.yaml: its operators, run here by their documented meaning over lines of a real gateway, make of each the record
that docs/opentelemetry.md promises. No collector is needed."""
import datetime
import json
import pathlib
import re

import pytest

yaml = pytest.importorskip("yaml", reason="python3-yaml is not there")

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = yaml.safe_load((ROOT / "docker/otel-collector.yaml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs/opentelemetry.md").read_text(encoding="utf-8")
OPERATORS = CONFIG["receivers"]["filelog"]["operators"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def attribute_of(field):
    match = re.fullmatch(r'attributes(?:\.(\w+)|\["([^"]+)"\])', field)
    assert match, field
    return match[1] or match[2]


def holds(condition, record):
    known = re.fullmatch(r'attributes\.(\w+) != nil', condition)
    if known:
        return record["attributes"].get(known[1]) is not None
    assert condition in ('body startsWith "{"', 'not (body startsWith "{")'), condition
    return record["body"].startswith("{") == (not condition.startswith("not"))


def apply(operator, record):
    attributes = record["attributes"]
    kind = operator["type"]
    if kind == "json_parser":
        attributes.update(json.loads(record["body"]))
    elif kind == "regex_parser":
        attributes.update(re.fullmatch(operator["regex"].strip("^$"), record["body"]).groupdict())
    elif kind == "time_parser":
        assert operator["layout"] == "2006-01-02T15:04:05.000Z"
        text = attributes[attribute_of(operator["parse_from"])]
        assert len(text) == len(operator["layout"])
        record["time"] = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    elif kind == "severity_parser":
        record["severity"] = {value: key for key, value in operator["mapping"].items()}[attributes[attribute_of(operator["parse_from"])]]
    elif kind == "trace_parser":
        record["trace"] = bytes.fromhex(attributes[attribute_of(operator["trace_id"]["parse_from"])]).hex()
    elif kind == "move":
        value = attributes.pop(attribute_of(operator["from"]))
        if operator["to"] == "body":
            record["body"] = value
        else:
            attributes[attribute_of(operator["to"])] = value
    else:
        assert kind == "remove", kind
        del attributes[attribute_of(operator["field"])]


def record_of(line):
    record = {"body": line, "attributes": {}}
    for operator in OPERATORS:
        if "if" not in operator or holds(operator["if"], record):
            apply(operator, record)
    return record


def records(start_gateway, acme, upstream, form):
    own = start_gateway("--access-log", "--log-format", form, upstream=upstream.url)
    assert own.request("GET", acme.skills, acme.read, fields=[("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01")]).status == 200
    own.stop()
    return [record_of(line) for line in own.process.lines()]


def test_every_line_of_json_becomes_a_record(start_gateway, acme, upstream):
    made = records(start_gateway, acme, upstream, "json")
    request, = [each for each in made if each["attributes"]["component"] == "request"]
    attributes = request["attributes"]
    assert request["trace"] == TRACE and request["severity"] == "info"
    assert attributes["http.request.method"] == "GET" and attributes["url.path"] == acme.skills
    assert attributes["http.response.status_code"] == 200 and attributes["org"] == acme.slug and attributes["verdict"] == "allow"
    assert {"http.route", "http.response.body.size", "client.address", "registry_ms"} <= set(attributes)
    assert not {"time", "level", "method", "path", "status"} & set(attributes)
    assert any(each["body"] == "started" and each["attributes"]["component"] == "server" for each in made)


def test_every_line_of_text_becomes_a_record(start_gateway, acme, upstream):
    made = records(start_gateway, acme, upstream, "text")
    assert any(each["body"].startswith("started version=") for each in made)
    request, = [each for each in made if each["attributes"]["component"] == "request"]
    assert request["body"].startswith("method=GET path=") and request["severity"] == "info"


def test_each_level_has_a_severity():
    severity, = [each for each in OPERATORS if each["type"] == "severity_parser"]
    levels = re.findall(r'"(\w+)"', re.search(r"gw_log_level_text.*?\}", (ROOT / "base/log_line.c").read_text(), re.DOTALL)[0])
    assert set(levels) == set(severity["mapping"].values()) and len(levels) == 4


def test_pipelines_name_what_there_is():
    for pipeline in CONFIG["service"]["pipelines"].values():
        for part in ("receivers", "processors", "exporters"):
            assert set(pipeline[part]) <= set(CONFIG[part])


def test_the_page_says_what_is_renamed():
    moved = {attribute_of(each["from"]): each["to"] for each in OPERATORS if each["type"] == "move"}
    for name, to in moved.items():
        assert f"`{name}`" in PAGE and (to == "body" or f"`{attribute_of(to)}`" in PAGE)
