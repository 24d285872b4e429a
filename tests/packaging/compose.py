#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the services of a compose file without a container engine; see test_compose.sh, which calls this in a namespace of
networks and mounts of its own, where it plays the machine. What it reads is the model that `docker-compose config --format json` made
of the file."""
import argparse
import ipaddress
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import time
import urllib.parse

PATIENCE_S = 180
GATEWAYS = ("gateway1", "gateway2", "gateway3")
NOT_IN_DEBIAN = {"grafana/grafana"}  # what these would be given is looked at instead


class Foreign:
    """An image of others: how Debian 13 says which version it has, and what the image says beside its command."""

    def __init__(self, version_command, user="0:0"):
        self.version_command = version_command
        self.user = user


FOREIGN = {
    "postgres": Foreign("ls /usr/lib/postgresql"),
    "python": Foreign("python3 --version"),
    "haproxy": Foreign("haproxy -v", user="99:99"),
    "prom/prometheus": Foreign("prometheus --version", user="65534:65534"),
}


def fail(text):
    raise SystemExit(f"FAILED {text}")


def eventually(check, what, log):
    deadline = time.monotonic() + PATIENCE_S
    while not check():
        if time.monotonic() > deadline:
            fail(f"within {PATIENCE_S} s never {what}\n{log()}")
        time.sleep(0.1)


class Network:
    """That of compose: a bridge, and for each service a network namespace with an address on it."""

    def __init__(self, model):
        config, = model["networks"]["default"]["ipam"]["config"]
        subnet = ipaddress.ip_network(config["subnet"])
        range_of_engine = ipaddress.ip_network(config["ip_range"]).hosts()
        self.machine = next(subnet.hosts())
        run("ip", "link", "set", "lo", "up")
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        run("ip", "link", "add", "machine", "type", "bridge")
        run("ip", "address", "add", f"{self.machine}/{subnet.prefixlen}", "dev", "machine")
        run("ip", "link", "set", "machine", "up")
        self.addresses, self.hosts = {}, ["127.0.0.1 localhost"]
        for number, (name, service) in enumerate(model["services"].items()):
            own = (service.get("networks") or {}).get("default") or {}
            address = own.get("ipv4_address") or str(next(range_of_engine))
            self.addresses[name] = address
            self.hosts.append(" ".join([address, name, *own.get("aliases", [])]))
            self.add(name, f"veth{number}", f"{address}/{subnet.prefixlen}")

    def add(self, name, device, address):
        run("ip", "netns", "add", name)
        run("ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", device, "master", "machine", "up")
        for words in (["link", "set", "lo", "up"], ["address", "add", address, "dev", "eth0"], ["link", "set", "eth0", "up"]):
            run("ip", "-n", name, *words)
        # As engines do: any account may have any port.
        run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=0")


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"{shlex.join(words)}: {done.stderr}")
    return done.stdout


class Stack:
    def __init__(self, arguments):
        self.model = json.loads(arguments.model.read_text())
        self.image = json.loads(arguments.image.read_text())["OCIv1"]["config"]
        self.folder = arguments.folder
        self.roots = {"gateway": arguments.gateway, "others": arguments.others}
        self.running = {}
        self.network = Network(self.model)
        for root in self.roots.values():  # what a network of compose resolves
            (root / "etc/hosts").write_text("\n".join(self.network.hosts) + "\n")
        self.versions = {name: run("chroot", str(arguments.others), "sh", "-c", foreign.version_command)
                         for name, foreign in FOREIGN.items()}

    # ---- a service as a command ----
    def root_of(self, service):
        if service["image"] == "skillreg-gateway":
            return self.roots["gateway"]
        name, tag = service["image"].split(":")
        version = re.fullmatch(r"v?([0-9.]+)(?:-slim)?", tag)[1]
        if not re.search(rf"(?<![0-9.]){re.escape(version)}(?![0-9])", self.versions[name]):
            fail(f"{service['image']}: Debian 13 has {self.versions[name]}")
        return self.roots["others"]

    def user_of(self, service):
        if service["image"] == "skillreg-gateway":
            return service.get("user") or self.image["User"]
        return service.get("user") or FOREIGN[service["image"].split(":")[0]].user

    def volume(self, mount, user):
        if mount["type"] == "bind":  # in the tree that docker-compose read the file in
            return self.roots["others"] / mount["source"].lstrip("/")
        if mount["type"] != "volume" or mount["source"] not in self.model["volumes"]:
            fail(f"a mount that is neither: {mount}")
        path = self.folder / f"volume-{mount['source']}"
        if not path.exists():
            path.mkdir()
            path.chmod(0o755)
            os.chown(path, *(int(number) for number in user.split(":")))  # as it is in the image
        return path

    def mounts(self, service, root):
        """The shell commands that make the file system as the service sees it, in a mount namespace of its own."""
        yield f"mount --bind {root} {root}"
        yield f"mount -t proc proc {root}/proc"
        yield f"mount --rbind /dev {root}/dev"
        for volume in service.get("volumes", []):
            source, target = self.volume(volume, self.user_of(service)), root / volume["target"].lstrip("/")
            make = f"mkdir -p {target}" if source.is_dir() else f"mkdir -p {target.parent}; [ -e {target} ] || : >{target}"
            yield f"{make}; mount --bind {source} {target}"
            if volume.get("read_only"):
                yield f"mount -o remount,bind,ro {target}"
        if service.get("read_only"):
            yield f"mount -o remount,bind,ro {root}"

    def privileges(self, service):
        """The words of setpriv."""
        user, group = self.user_of(service).split(":")
        words = ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]
        if service.get("cap_drop") == ["ALL"]:
            words += ["--bounding-set", "-all", "--inh-caps", "-all"]
        if "no-new-privileges:true" in service.get("security_opt", []):
            words.append("--no-new-privs")
        return words

    def command(self, name, words=None):
        """What runs the service, with other words in place of its command if there are some."""
        service = self.model["services"][name]
        root = self.root_of(service)
        is_gateway = root == self.roots["gateway"]
        entrypoint = service.get("entrypoint") or (self.image["Entrypoint"] if is_gateway else [])
        words = words or service.get("command") or (self.image.get("Cmd") if is_gateway else None) or []
        environment = [f"{key}={value}" for key, value in (service.get("environment") or {}).items()]
        environment += self.image["Env"] if is_gateway else ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]
        if service["image"].startswith("postgres:") and not entrypoint:
            return self.postgres(name, root, environment)
        return self.inside(name, root, [*self.privileges(service), "env", "-i", *environment, *entrypoint, *words])

    def inside(self, name, root, words):
        service = self.model["services"][name]
        script = "\n".join([*self.mounts(service, root), shlex.join(["exec", "chroot", str(root), *words])])
        return ["nsenter", f"--net=/run/netns/{name}", "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-euc", script]

    def postgres(self, name, root, environment):
        """In place of the entrypoint of its image: the same account, password and folder, listening the same way."""
        service = self.model["services"][name]
        data, = (volume["target"] for volume in service["volumes"])
        bin_folder = f"/usr/lib/postgresql/{service['image'].split(':')[1]}/bin"
        script = f"""
            set -eu
            mkdir -p /run/postgresql; chown postgres: /run/postgresql {data}
            as() {{ setpriv --reuid postgres --regid postgres --init-groups "$@"; }}
            if [ ! -e {data}/PG_VERSION ]; then
                echo "$POSTGRES_PASSWORD" >/run/postgresql/password
                as {bin_folder}/initdb -D {data} -U "$POSTGRES_USER" --auth scram-sha-256 --pwfile /run/postgresql/password
                printf 'create database "%s"' "$POSTGRES_USER" | as {bin_folder}/postgres --single -D {data} postgres
                echo 'host all all all scram-sha-256' >>{data}/pg_hba.conf
            fi
            exec setpriv --reuid postgres --regid postgres --init-groups {bin_folder}/postgres -D {data} -c 'listen_addresses=*'
        """
        return self.inside(name, root, ["env", "-i", *environment, "sh", "-c", script])

    def health_command(self, name):
        """Of the compose file: an OCI image has none."""
        service = self.model["services"][name]
        root = self.root_of(service)
        is_gateway = root == self.roots["gateway"]
        test = service["healthcheck"]["test"]
        if test[0] != "CMD":
            fail(f"{name}: a health check that is no CMD: {test}")
        environment = self.image["Env"] if is_gateway else ["PATH=/usr/bin:/bin"]
        environment = [*environment, *(f"{key}={value}" for key, value in (service.get("environment") or {}).items())]
        return self.inside(name, root, [*self.privileges(service), "env", "-i", *environment, *test[1:]])

    # ---- up ----
    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def start(self, name):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.running[name] = subprocess.Popen(self.command(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_healthy(self, name):
        if self.running[name].poll() is not None:
            fail(f"{name} ended:\n{self.log(name)}")
        return subprocess.run(self.health_command(name), capture_output=True, check=False).returncode == 0

    def wait_for(self, name, condition):
        if condition == "service_healthy":
            eventually(lambda: self.is_healthy(name), f"was {name} healthy", lambda: self.log(name))
        elif condition == "service_completed_successfully":
            if self.running[name].wait(PATIENCE_S) != 0:
                fail(f"{name} failed:\n{self.log(name)}")
        elif condition != "service_started":
            fail(f"{name}: unknown condition {condition}")

    def up(self, name):
        if name in self.running:
            return
        for other, how in (self.model["services"][name].get("depends_on") or {}).items():
            self.up(other)
            self.wait_for(other, how["condition"])
        self.start(name)

    def run(self, name, words):
        done = subprocess.run(self.command(name, words), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        if done.returncode != 0:
            fail(f"{name} {shlex.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def signal(self, name, number):
        """To the service's own process, as an engine sends it."""
        outer = self.running[name]
        inner, = pathlib.Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        os.kill(int(inner), number)

    def stop(self, name, timeout_s):
        """SIGTERM; the exit code."""
        self.signal(name, signal.SIGTERM)
        return self.running.pop(name).wait(timeout_s)


def curl(stack, port, target, *words):
    """As from the machine, at a port that a service publishes: the status and the body."""
    address, inner = stack.published[port]
    done = subprocess.run(["curl", "-sS", "--cacert", str(stack.folder / "volume-tls/cert.pem"), "-w", "\n%{http_code}",
                           "--connect-to", f"localhost:{port}:{address}:{inner}", *words, target],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode != 0:
        return 0, done.stderr
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), body


def api(stack, path, *words):
    return curl(stack, 8443, f"https://localhost:8443/api/v1{path}", *words)


def expect(what, found, wanted):
    if found != wanted:
        fail(f"{what}: {found} instead of {wanted}")
    print(f"ok {what}", flush=True)


def page_commands(path):
    """The words after `run --rm migrate` of docs/installing.md."""
    found = re.findall(r"^docker compose -f docker/compose\.yaml run --rm migrate (.*)$", path.read_text(), re.MULTILINE)
    return [shlex.split(line) for line in found] or fail(f"{path} runs nothing with compose")


def up(stack):
    for name, service in stack.model["services"].items():
        if service["image"].split(":")[0] in NOT_IN_DEBIAN:
            print(f"not run: {name}, Debian has no {service['image']}")
        else:
            stack.up(name)
    stack.published = {int(port["published"]): (stack.network.addresses[name], port["target"])
                       for name, service in stack.model["services"].items() for port in service.get("ports", [])}
    expect("published ports", {port: inner for port, (_, inner) in stack.published.items()}, {8443: 443, 8444: 8444, 9091: 9090, 3000: 3000})
    eventually(lambda: api(stack, "/auth/whoami")[0] == 401, "did a gateway answer through the balancer",
               lambda: stack.log("balancer"))
    print("ok every service is up, the health checks say so")
    status, body = curl(stack, 8444, "https://localhost:8444/tokens")
    expect("the page of the tokens", (status, "<title>" in body), (200, True))


def first_token(stack, page):
    """The header field with the token that the commands of docs/installing.md make."""
    secret = None
    for words in page_commands(page):
        secret = (re.search(r"\bsr_live_\S+", stack.run("migrate", words)) or [secret])[0]
    return ["-H", f"Authorization: Bearer {secret}"]


def check_service(stack, bearer):
    expect("whoami with the token of the page", api(stack, "/auth/whoami", *bearer)[0], 200)
    warnings = [line for name in GATEWAYS for line in stack.log(name).splitlines() if re.search(r" error |a setting of the role| may read", line)]
    expect("errors of the gateways, and warnings of roles and files", warnings, [])
    status, body = api(stack, "/orgs/acme/tokens", *bearer, "--json", '{"name":"by the role that serves"}')
    expect("a token made by the role that serves", status, 201)
    made = json.loads(body)
    event = json.loads(api(stack, f"/orgs/acme/audit?token={made['id']}", *bearer)[1])["events"][0]
    expect("the address of the client, through the balancer", event["address"], str(stack.network.machine))
    status, body = api(stack, "/orgs/acme/skills/hello-world", *bearer)
    expect("a skill of the registry", (status, json.loads(body).get("name")), (200, "hello-world"))
    status, body = api(stack, f"/orgs/acme/tokens/{made['id']}?wait=20s", *bearer, "-X", "DELETE")
    expect("a revocation that all three have heard of", (status, json.loads(body).get("gateways")), (200, 3))


def check_end_of_one(stack, bearer):
    """The balancer leaves out the one that drains, so that no request is lost."""
    name = GATEWAYS[0]
    stack.signal(name, signal.SIGTERM)
    answers = []
    while stack.running[name].poll() is None:
        answers.append(api(stack, "/auth/whoami", *bearer)[0])
    expect(f"the end of {name}", stack.running.pop(name).returncode, 0)
    answers += [api(stack, "/auth/whoami", *bearer)[0] for _ in range(20)]
    expect("answers meanwhile and afterwards", set(answers), {200})
    stack.up(name)


def query(stack, expression):
    status, body = curl(stack, 9091, "http://localhost:9091/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    return {result["metric"].get("instance"): result["value"][1] for result in json.loads(body)["data"]["result"]} \
        if status == 200 else {}


def check_prometheus(stack):
    wanted = {f"{name}:9090": "1" for name in GATEWAYS}
    eventually(lambda: query(stack, 'up{job="skillreg-gateway"}') == wanted, "were the gateways scraped",
               lambda: stack.log("prometheus"))
    eventually(lambda: query(stack, "skillreg_gateway_workers_ready") == wanted, "had they metrics", lambda: stack.log("prometheus"))
    groups = json.loads(curl(stack, 9091, "http://localhost:9091/api/v1/rules")[1])["data"]["groups"]
    files = {pathlib.Path(group["file"]).name for group in groups}
    there = stack.roots["others"] / "project/docker/prometheus/alerts.yaml"
    expect("files of rules", files, {there.name} if there.exists() else set())


def check_grafana(stack):
    """What it is given: a source of data that is there, a folder of dashboards with JSON in it."""
    mounts = {volume["target"]: stack.volume(volume, "0:0") for volume in stack.model["services"]["grafana"]["volumes"]}
    provisioning = mounts["/etc/grafana/provisioning"]
    url = re.search(r"^ +url: (\S+)$", (provisioning / "datasources/prometheus.yaml").read_text(), re.MULTILINE)[1]
    host, port = urllib.parse.urlsplit(url).netloc.split(":")
    expect("Grafana's source of data", stack.published[9091], (stack.network.addresses[host], int(port)))
    path = re.search(r"^ +path: (\S+)$", (provisioning / "dashboards/skillreg.yaml").read_text(), re.MULTILINE)[1]
    dashboards = [json.loads(file.read_text()) for file in mounts[path].rglob("*.json")]
    expect("dashboards have titles", all(dashboard.get("title") for dashboard in dashboards), True)


def check(stack, page):
    up(stack)
    bearer = first_token(stack, page)
    check_service(stack, bearer)
    check_prometheus(stack)
    check_grafana(stack)
    check_end_of_one(stack, bearer)
    key = stack.folder / "volume-tls/key.pem"
    before = key.read_bytes()
    for name in ("certificate", "role", "migrate"):
        stack.running.pop(name)
        stack.up(name)
        stack.wait_for(name, "service_completed_successfully")
    expect("a second up keeps the key", key.read_bytes() == before, True)
    expect("the end of the gateways", [stack.stop(name, PATIENCE_S) for name in GATEWAYS], [0, 0, 0])


def main():
    parser = argparse.ArgumentParser()
    for name in ("model", "image", "page", "folder", "gateway", "others"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    stack = Stack(arguments)
    try:
        check(stack, arguments.page)
    finally:
        for process in stack.running.values():
            process.kill()


main()
