# SPDX-License-Identifier: MIT
"""docker/kubernetes stays true: kubectl renders it, its parts fit each other, and the settings, ports, paths and the account that it
names are the gateway's and the image's. There is no cluster here; it is not applied. tests/packaging/test_kubernetes.sh compares the
chart with it, and both with the schemas of Kubernetes."""
import functools
import json
import os
import re
import subprocess

import pytest

from harness import binaries
from harness.process import clean_environment, run
from harness.proxies import find_or_skip

yaml = pytest.importorskip("yaml")

FOLDER = binaries.ROOT / "docker/kubernetes"
CHART = binaries.ROOT / "docker/helm/skillreg-gateway"
GUIDE = (binaries.ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
OVERLAYS = ["overlays/production", "overlays/pgbouncer", "gateway-api/nginx-gateway-fabric", "gateway-api/envoy-gateway",
            "gateway-api/cilium"]
NEWER = 21  # the kubectl 1.x that knows `components` and `patches`
EVERYWHERE = ["base", *OVERLAYS]


@functools.cache
def kubectl_minor(kubectl):
    said = json.loads(run([kubectl, "version", "--client", "-o", "json"]).stdout)
    return int(re.match(r"\d+", said["clientVersion"]["minor"])[0])


class Manifests:
    """What `kubectl kustomize` makes of a folder; by kind and name."""

    def __init__(self, folder):
        kubectl = find_or_skip("kubectl")
        if folder != "base" and kubectl_minor(kubectl) < NEWER:
            pytest.skip(f"kubectl is older than 1.{NEWER}")
        done = subprocess.run([kubectl, "kustomize", str(FOLDER / folder)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        documents = list(yaml.safe_load_all(done.stdout))
        self.by_name = {(document["kind"], document["metadata"]["name"]): document for document in documents}
        assert len(self.by_name) == len(documents)

    def of_kind(self, kind):
        return [document for (found, _), document in self.by_name.items() if found == kind]

    def spec(self, kind, name="skillreg-gateway"):
        return self.by_name[kind, name]["spec"]

    @property
    def job(self):
        found, = self.of_kind("Job")
        return found

    def pods(self):
        """Of everything that makes some: labels and specification."""
        return [(document["spec"]["template"]["metadata"]["labels"], document["spec"]["template"]["spec"])
                for kind in ("Deployment", "Job") for document in self.of_kind(kind)]

    @property
    def pod(self):
        return self.spec("Deployment")["template"]["spec"]

    @property
    def gateway(self):
        found, = self.pod["containers"]
        return found

    @property
    def migration(self):
        found, = self.job["spec"]["template"]["spec"]["containers"]
        return found


@functools.cache
def manifests_of(folder):
    return Manifests(folder)


@pytest.fixture(scope="module", params=EVERYWHERE)
def manifests(request):
    return manifests_of(request.param)


@pytest.fixture(scope="module")
def base():
    return manifests_of("base")


def environment(container):
    return {entry["name"]: entry["value"] for entry in container["env"]}


def help_text(*command):
    return run([binaries.find("skillreg-gateway"), *command, "--help"], env=clean_environment(HOME="/nonexistent")).stdout


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def mebibytes(text):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def test_the_base_has_what_a_deployment_needs(base):
    kinds = sorted({kind for kind, _ in base.by_name})
    assert kinds == ["Deployment", "HorizontalPodAutoscaler", "Job", "NetworkPolicy", "PodDisruptionBudget", "Service",
                     "ServiceAccount"]
    assert {document["metadata"]["namespace"] for document in base.by_name.values()} == {"skillreg"}


def test_settings_and_commands_are_the_gateways(manifests):
    known = help_text()
    for name in {**environment(manifests.gateway), **environment(manifests.migration)}:
        assert re.search(rf"\b{name}\b", known), f"no setting {name}"
    command, flag, role = manifests.migration["args"]
    assert re.search(rf"^ +skillreg-gateway {command}\b", known, re.MULTILINE)
    assert re.search(rf"^ +{flag} <name> ", help_text(command), re.MULTILINE)
    assert "args" not in manifests.gateway and "command" not in manifests.gateway
    assert f"create role {role} login" in GUIDE


def test_the_gateway_takes_the_values(manifests, tmp_path, certificate):
    """All of them, with its files elsewhere; then it stops at the first line of a file that is no URL."""
    values = environment(manifests.gateway)
    files = {"GATEWAY_TLS_CERT": certificate.cert, "GATEWAY_TLS_KEY": certificate.key}
    secret = tmp_path / "secret"
    secret.write_text("x" * 48)
    secret.chmod(0o400)
    values.update({name: str(files.get(name, secret)) for name, value in values.items() if value.startswith("/")})
    done = run([binaries.find("skillreg-gateway")], env=clean_environment(HOME="/nonexistent", **values))
    assert done.returncode == 1 and "the database URL is malformed" in done.stderr, done.stderr


def test_versions_are_the_projects(base):
    version = re.search(r"^project\(\S+ VERSION (\S+)", (binaries.ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
    assert base.job["metadata"]["name"] == f"skillreg-gateway-migrate-{version.replace('.', '-')}"
    for container in (base.gateway, base.migration):
        assert container["image"] == f"registry.example/skillreg-gateway:{version}"
    chart = yaml.safe_load((binaries.ROOT / "docker/helm/skillreg-gateway/Chart.yaml").read_text())
    assert chart["appVersion"] == chart["version"] == version


def test_ports_are_those_that_it_listens_on(manifests):
    settings = environment(manifests.gateway)
    listens = {kind: int(settings[name].rsplit(":", 1)[1]) for kind in ("https", "admin", "http")
               if (name := f"GATEWAY_LISTEN_{kind.upper()}") in settings}
    assert {port["name"]: port["containerPort"] for port in manifests.gateway["ports"]} == listens
    assert {port["targetPort"] for port in manifests.spec("Service")["ports"]} == {"https"}, "the admin port is not for clients"
    for service in manifests.of_kind("Service"):
        if service["spec"].get("type", "ClusterIP") != "ClusterIP":
            assert service["metadata"]["name"] == "skillreg-gateway"


def test_selectors_find_pods(manifests):
    labels = [own for own, _ in manifests.pods()]

    def finds(selector):
        return any(selector.items() <= own.items() for own in labels)
    for service in manifests.of_kind("Service"):
        assert finds(service["spec"]["selector"]), service["metadata"]["name"]
    for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector"), ("Deployment", "selector"),
                      ("PodMonitor", "selector")):
        for document in manifests.of_kind(kind):
            assert finds(document["spec"][key]["matchLabels"]), document["metadata"]["name"]
    for monitor in manifests.of_kind("ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        found, = [service for service in manifests.of_kind("Service") if wanted <= service["metadata"]["labels"].items()]
        assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in found["spec"]["ports"]}
    for _, pod in manifests.pods():
        for constraint in pod.get("topologySpreadConstraints", []):
            assert finds(constraint["labelSelector"]["matchLabels"])
    target = manifests.spec("HorizontalPodAutoscaler")["scaleTargetRef"]
    assert (target["kind"], target["name"]) in manifests.by_name
    assert "replicas" not in manifests.spec("Deployment"), "the autoscaler's to say"


def test_values_of_the_chart_are_held_to_their_schema():
    jsonschema = pytest.importorskip("jsonschema")
    chart = CHART
    schema = json.loads((chart / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    values = {path.name: yaml.safe_load(path.read_text()) for path in chart.glob("values*.yaml")}
    for name, own in values.items():
        jsonschema.validate({**values["values.yaml"], **own}, schema)
    assert set(values["values.yaml"]) == set(schema["properties"]) - {"global"}
    for mistake in ({"upstraem": "http://x"}, {"settings": {"GATEWAY_WORKERS": None}}, {"monitor": "both"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**values["values.yaml"], **mistake}, schema)


def rules_for(policy, port):
    return [rule for rule in policy.get("ingress", []) if port in {entry["port"] for entry in rule["ports"]}]


def test_the_admin_port_is_for_prometheus_alone(manifests):
    policy = manifests.spec("NetworkPolicy")
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    rule, = rules_for(policy, "admin")
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert all("ports" in rule for rule in policy["ingress"]), "a rule without ports opens all of them"
    clients, = rules_for(policy, "https")
    assert "from" not in clients
    assert all("from" in rule for rule in rules_for(policy, "http"))
    assert not rules_for(manifests.spec("NetworkPolicy", "skillreg-gateway-migration"), "admin")


def test_the_way_out_leads_to_what_it_needs(manifests):
    ports = {entry["port"] for rule in manifests.spec("NetworkPolicy")["egress"] for entry in rule["ports"]}
    registry = int(environment(manifests.gateway)["GATEWAY_UPSTREAM"].rsplit(":", 1)[1])
    assert {53, 5432, registry} <= ports


def test_each_volume_is_a_secret_that_the_guide_makes_and_a_folder(manifests):
    for _, pod in manifests.pods():
        container, = pod["containers"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for mount in container["volumeMounts"]:
            assert mount["readOnly"] and "subPath" not in mount, "a file by subPath never changes"
            secret = volumes[mount["name"]].get("secret")
            if secret:
                assert secret["defaultMode"] == 0o440 and pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
                assert re.search(rf"create secret \S+ {secret['secretName']} ", GUIDE), secret
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
        folders = {mount["mountPath"] for mount in container["volumeMounts"]}
        named = [entry["value"] for entry in container.get("env", []) if entry["value"].startswith("/")]
        assert all(path.rsplit("/", 1)[0] in folders for path in named), named


def test_it_serves_as_another_role_than_it_migrates_as(manifests):
    owner, = manifests.job["spec"]["template"]["spec"]["volumes"]
    serving, = [volume for volume in manifests.pod["volumes"] if volume["name"] == "database"]
    assert owner["secret"]["secretName"] == "skillreg-database-owner" != serving["secret"]["secretName"]
    for container in (manifests.gateway, manifests.migration):
        assert environment(container)["DATABASE_URL_FILE"] == "/database/url"
    assert not [entry for container in (manifests.gateway, manifests.migration) for entry in container["env"] if "valueFrom" in entry]


def test_pods_have_no_rights(manifests):
    user, group = re.search(r"^USER (\d+):(\d+)$", (binaries.ROOT / "docker/Dockerfile").read_text(), re.MULTILINE).groups()
    for _, pod in manifests.pods():
        own, (container,) = pod["securityContext"], pod["containers"]
        assert (own["runAsUser"], own["runAsGroup"], own["runAsNonRoot"]) == (int(user), int(group), True)
        assert own["seccompProfile"] == {"type": "RuntimeDefault"} and pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}
        assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"]


def test_it_is_given_the_time_to_end(manifests):
    settings = environment(manifests.gateway)
    takes_s = seconds(settings["GATEWAY_DRAIN_DELAY"]) + seconds(settings["GATEWAY_DRAIN_TIMEOUT"])
    assert manifests.pod["terminationGracePeriodSeconds"] == takes_s + 5
    probe = manifests.gateway["readinessProbe"]
    assert probe["periodSeconds"] * probe.get("failureThreshold", 3) <= seconds(settings["GATEWAY_DRAIN_DELAY"]), \
        "it is out of the endpoints before it stops listening, whoever looks"
    assert "lifecycle" not in manifests.gateway


def test_the_memory_that_waits_fits_the_limit(manifests):
    """Without --memory-max it is half of the limit; connections, cache and program need 256 MiB beside it."""
    limit = mebibytes(manifests.gateway["resources"]["limits"]["memory"])
    assert "GATEWAY_MEMORY_MAX" not in environment(manifests.gateway) and "half of the cgroup's limit" in re.sub(r"\s+", " ", help_text())
    assert limit - limit / 2 >= 256
    assert mebibytes(manifests.gateway["resources"]["requests"]["memory"]) <= limit


def test_probes_are_answered_as_they_say(base, start_gateway, postgres):
    """With the database there, and with none yet: then nothing starts. One that has started stays ready (test_readiness.py)."""
    probes = {name: base.gateway[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {probe["port"] for probe in probes.values()} == {"admin"}
    with_it = start_gateway()
    without = start_gateway(ready=False, database_url=postgres.url.replace(postgres.password, "wrong"))
    without.process.wait_for_line(r"connection to PostgreSQL failed")
    answers = {name: [own.admin_get(probe["path"]).status for own in (with_it, without)] for name, probe in probes.items()}
    assert answers == {"startupProbe": [200, 503], "readinessProbe": [200, 503], "livenessProbe": [200, 200]}


def test_what_is_scaled_by_is_a_metric(start_gateway):
    """The one that the rule of the guide makes of a counter of the gateway."""
    production = manifests_of("overlays/production")
    cpu, requests = production.spec("HorizontalPodAutoscaler")["metrics"]
    assert cpu["resource"]["name"] == "cpu"
    assert f"as: {requests['pods']['metric']['name']}\n" in GUIDE
    counter = re.search(r"seriesQuery: '(\w+)\{", GUIDE)[1]
    assert re.search(rf"^{counter}(\{{.*\}})? ", start_gateway().admin_get("/metrics").body.decode(), re.MULTILINE)


@pytest.mark.parametrize("folder, kind, found", [("overlays/production", "PodMonitor", "Deployment"),
                                                 ("overlays/pgbouncer", "ServiceMonitor", "Service")])
def test_the_job_is_the_one_that_the_alerts_know(folder, kind, found):
    manifests = manifests_of(folder)
    label = manifests.spec(kind)["jobLabel"]
    name = "skillreg-gateway" if found == "Deployment" else "skillreg-gateway-admin"
    job = manifests.by_name[found, name]["metadata"]["labels"][label]
    assert f'up{{job="{job}"}}' in (binaries.ROOT / "docker/prometheus/alerts.yaml").read_text()


def test_the_alerts_are_those_of_prometheus():
    done = run(["/usr/bin/python3", binaries.ROOT / "dev.d/alerts.py", "--check"], env=clean_environment())
    assert (done.returncode, done.stderr) == (0, "")
    wanted = yaml.safe_load((binaries.ROOT / "docker/prometheus/alerts.yaml").read_text(encoding="utf-8"))
    rule = yaml.safe_load((FOLDER / "components/alerts/rules.yaml").read_text(encoding="utf-8"))
    assert rule["kind"] == "PrometheusRule" and rule["spec"] == wanted
    template = (CHART / "templates/alerts.yaml").read_text(encoding="utf-8")
    head, groups = template.replace("{{`{{`}}", "{{").split("spec:\n", 1)
    assert head.startswith("{{- if .Values.alerts }}\n") and yaml.safe_load(groups.removesuffix("{{- end }}\n")) == wanted


def test_production_has_the_alerts_and_the_base_needs_no_operator(base):
    assert not base.of_kind("PrometheusRule")
    assert manifests_of("overlays/production").spec("PrometheusRule")["groups"]
    values = {name: yaml.safe_load((CHART / name).read_text()) for name in ("values.yaml", "values-production.yaml")}
    assert values["values.yaml"]["alerts"] is False and values["values-production.yaml"]["alerts"] is True


@pytest.fixture
def with_page(tmp_path):
    parts = {"resources": ["base"], "components": ["components/tokens-page"]}
    overlay = {kind: [os.path.relpath(FOLDER / name, tmp_path) for name in names] for kind, names in parts.items()}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(
        {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "skillreg", **overlay}))
    return Manifests(tmp_path)


def test_the_page_of_the_tokens_is_off_and_has_a_port_for_those_who_may(base, with_page):
    assert "GATEWAY_TOKENS_PAGE" not in environment(base.gateway)
    port = int(environment(with_page.gateway)["GATEWAY_TOKENS_PAGE"].rsplit(":", 1)[1])
    name, = [entry["name"] for entry in with_page.gateway["ports"] if entry["containerPort"] == port]
    assert len(with_page.gateway["ports"]) == len(base.gateway["ports"]) + 1
    service = with_page.spec("Service", "skillreg-gateway-tokens-page")
    assert "type" not in service and service["ports"][0]["targetPort"] == name
    assert service["selector"].items() <= with_page.spec("Deployment")["template"]["metadata"]["labels"].items()
    rule, = rules_for(with_page.spec("NetworkPolicy"), name)
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"skillreg-tokens-page": "allowed"}}}]
    assert [entry for entry in with_page.spec("NetworkPolicy")["ingress"] if entry != rule] == base.spec("NetworkPolicy")["ingress"]
    assert yaml.safe_load((CHART / "values.yaml").read_text())["tokensPage"] == {"enabled": False}


def test_pgbouncer_keeps_what_the_gateway_needs():
    manifests = manifests_of("overlays/pgbouncer")
    settings, = manifests.of_kind("ConfigMap")
    text = settings["data"]["pgbouncer.ini"]
    assert "pool_mode = transaction\n" in text and int(re.search(r"^max_prepared_statements = (\d+)$", text, re.MULTILINE)[1]) > 0
    assert environment(manifests.gateway)["GATEWAY_DATABASE_EVENTS_URL_FILE"] == "/database/events-url"
    port = int(re.search(r"^listen_port = (\d+)$", text, re.MULTILINE)[1])
    assert manifests.spec("Service", "skillreg-pgbouncer")["ports"][0]["port"] == port
    assert port in {entry["port"] for rule in manifests.spec("NetworkPolicy")["egress"] for entry in rule["ports"]}


@pytest.mark.parametrize("folder", [name for name in OVERLAYS if name.startswith("gateway-api/")])
def test_a_gateway_asks_the_service_that_is_there(folder):
    manifests = manifests_of(folder)
    route = manifests.spec("HTTPRoute", "application")
    rule, = route["rules"]
    if folder.endswith("envoy-gateway"):
        asking = manifests.spec("SecurityPolicy", "skillreg")["extAuth"]["http"]
        asked, path = asking["backendRefs"][0], asking["path"]
        given = {name.lower() for name in asking["headersToBackend"]}
    else:
        asking = rule["filters"][0]["externalAuth"]
        asked, path = asking["backendRef"], asking["http"]["path"]
        given = {name.lower() for name in asking["http"]["allowedResponseHeaders"]}
    service = manifests.by_name["Service", asked["name"]]
    assert (service["metadata"]["namespace"], service["spec"]["ports"][0]["port"]) == (asked["namespace"], asked["port"])
    assert path == "/authz" and given == {"x-skillreg-org", "x-skillreg-token-id", "x-skillreg-scopes", "x-skillreg-client-subject"}
    grant = manifests.spec("ReferenceGrant", "skillreg-gateway-authz")
    assert grant["to"][0]["name"] == asked["name"]
    assert {entry["namespace"] for entry in grant["from"]} == {manifests.by_name["HTTPRoute", "application"]["metadata"]["namespace"]}
    names_fields = environment(manifests.gateway).get("GATEWAY_AUTHZ_FIELDS")
    assert names_fields == ("Method,Path" if folder.endswith("nginx-gateway-fabric") else None)
