# SPDX-License-Identifier: MIT
"""docker/kubernetes/gateway.yaml stays true: it parses, its parts fit each other, and the settings, ports, paths and the account that
it names are the gateway's and the image's. There is no Kubernetes here; it is not applied."""
import re

import pytest

from harness import binaries
from harness.process import clean_environment, run

yaml = pytest.importorskip("yaml")

TEXT = (binaries.ROOT / "docker/kubernetes/gateway.yaml").read_text(encoding="utf-8")
DOCUMENTS = {document["kind"]: document for document in yaml.safe_load_all(TEXT)}
DEPLOYMENT = DOCUMENTS["Deployment"]["spec"]
POD = DEPLOYMENT["template"]["spec"]
CONTAINER, = POD["containers"]
JOB_POD = DOCUMENTS["Job"]["spec"]["template"]["spec"]
MIGRATE, = JOB_POD["containers"]
PORTS = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
PROBES = {name: CONTAINER[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}


def environment(container):
    """What stands in the file; what comes from a secret is None."""
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def help_text(*command):
    return run([binaries.find("skillreg-gateway"), *command, "--help"], env=clean_environment(HOME="/nonexistent")).stdout


def test_it_has_one_of_each_kind():
    assert len(list(yaml.safe_load_all(TEXT))) == len(DOCUMENTS) == 5
    assert all({"apiVersion", "kind", "metadata", "spec"} <= set(document) for document in DOCUMENTS.values())


def test_settings_and_commands_are_the_gateways():
    known = help_text()
    for name in {**environment(CONTAINER), **environment(MIGRATE)}:
        assert re.search(rf"\b{name}\b", known), f"no setting {name}"
    command, flag, _ = MIGRATE["args"]
    assert re.search(rf"^ +skillreg-gateway {command}\b", known, re.MULTILINE)
    assert re.search(rf"^ +{flag} <name> ", help_text(command), re.MULTILINE)
    assert "args" not in CONTAINER and "command" not in CONTAINER


def test_ports_are_those_that_it_listens_on():
    settings = environment(CONTAINER)
    assert PORTS == {kind: int(settings[f"GATEWAY_LISTEN_{kind.upper()}"].rsplit(":", 1)[1]) for kind in ("https", "admin")}
    service, = DOCUMENTS["Service"]["spec"]["ports"]
    assert service["targetPort"] == "https", "the admin port is for the kubelet alone"


def test_selectors_find_the_pods():
    labels = DEPLOYMENT["template"]["metadata"]["labels"]
    assert labels == DEPLOYMENT["selector"]["matchLabels"] == DOCUMENTS["Service"]["spec"]["selector"]
    assert labels == DOCUMENTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
    target = DOCUMENTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", DOCUMENTS["Deployment"]["metadata"]["name"])
    assert "replicas" not in DEPLOYMENT, "the autoscaler's to say"


def test_files_lie_in_its_volumes_and_can_be_read():
    volumes = {volume["name"]: volume["secret"] for volume in POD["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in CONTAINER["volumeMounts"]}
    files = [value for value in environment(CONTAINER).values() if value and value.startswith("/")]
    assert len(files) == 3
    for path in files:
        secret = mounts[path.rsplit("/", 1)[0]]
        assert secret["defaultMode"] == 0o440 and POD["securityContext"]["fsGroup"] == POD["securityContext"]["runAsGroup"]
        assert re.search(rf"^#.* secret \S+ {secret['secretName']} ", TEXT, re.MULTILINE), "the head of the file makes it"


def test_it_serves_as_another_role_than_it_migrates_as():
    secrets = [entry["valueFrom"]["secretKeyRef"] for container in (CONTAINER, MIGRATE) for entry in container["env"]
               if entry["name"] == "DATABASE_URL"]
    assert [secret["name"] for secret in secrets] == ["skillreg-database", "skillreg-database-owner"]
    for secret in secrets:
        assert re.search(rf"^#.* secret generic {secret['name']} --from-literal={secret['key']}=", TEXT, re.MULTILINE)
    role = MIGRATE["args"][-1]
    assert re.search(rf"^# +create role {role} login", TEXT, re.MULTILINE)
    assert f"skillreg-database --from-literal=url='postgresql://{role}:" in TEXT


def test_its_account_is_the_images():
    user, group = re.search(r"^USER (\d+):(\d+)$", (binaries.ROOT / "docker/Dockerfile").read_text(), re.MULTILINE).groups()
    for pod in (POD, JOB_POD):
        assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (int(user), int(group))


def test_it_is_given_the_time_to_end():
    delay_s, timeout_s = (int(re.search(rf"GATEWAY_DRAIN_{name}, default (\d+)s", help_text())[1]) for name in ("DELAY", "TIMEOUT"))
    assert POD["terminationGracePeriodSeconds"] >= delay_s + timeout_s + 5


def test_probes_are_answered_as_they_say(start_gateway, postgres):
    """With the database there, and with none yet: then nothing starts. One that has started stays ready (test_readiness.py)."""
    assert {probe["port"] for probe in PROBES.values()} == {"admin"}
    with_it = start_gateway()
    without = start_gateway(ready=False, database_url=postgres.url.replace(postgres.password, "wrong"))
    without.process.wait_for_line(r"connection to PostgreSQL failed")
    answers = {name: [own.admin_get(probe["path"]).status for own in (with_it, without)] for name, probe in PROBES.items()}
    assert answers == {"startupProbe": [200, 503], "readinessProbe": [200, 503], "livenessProbe": [200, 200]}
