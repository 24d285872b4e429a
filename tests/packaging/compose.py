#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the services of a compose file without a container engine; see test_compose.sh, which calls this in a network
namespace of its own. What it reads is the model that `docker-compose config --format json` made of the file."""
import argparse
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import time

PATIENCE_S = 180
MADE_OF_DEBIAN = re.compile(r"(?:postgres|python):([0-9.]+)(?:-slim)?")


def fail(text):
    raise SystemExit(f"FAILED {text}")


def eventually(check, what, log):
    deadline = time.monotonic() + PATIENCE_S
    while not check():
        if time.monotonic() > deadline:
            fail(f"within {PATIENCE_S} s never {what}\n{log()}")
        time.sleep(0.1)


class Stack:
    def __init__(self, arguments):
        self.model = json.loads(arguments.model.read_text())
        self.image = json.loads(arguments.image.read_text())["Docker"]["config"]
        self.folder = arguments.folder
        self.roots = {"gateway": arguments.gateway, "others": arguments.others}
        self.running = {}
        for root in self.roots.values():  # what a network of compose resolves
            (root / "etc/hosts").write_text("127.0.0.1 localhost " + " ".join(self.model["services"]) + "\n")

    # ---- a service as a command ----
    def root_of(self, service):
        if service["image"] == "skillreg-gateway":
            return self.roots["gateway"]
        version = MADE_OF_DEBIAN.fullmatch(service["image"])[1]
        root = self.roots["others"]
        there = [str(path.name) for path in (root / "usr/lib/postgresql").iterdir()] if "postgres" in service["image"] \
            else [path.name.removeprefix("python") for path in (root / "usr/bin").glob("python3.*")]
        if version not in there:
            fail(f"{service['image']}: Debian 13 has {there}")
        return root

    def volume(self, mount):
        if mount["type"] == "bind":  # in the tree that docker-compose read the file in
            return self.roots["others"] / mount["source"].lstrip("/")
        if mount["type"] != "volume" or mount["source"] not in self.model["volumes"]:
            fail(f"a mount that is neither: {mount}")
        path = self.folder / f"volume-{mount['source']}"
        if not path.exists():
            path.mkdir()
            path.chmod(0o755)
        return path

    def mounts(self, service, root):
        """The shell commands that make the file system as the service sees it, in a mount namespace of its own."""
        yield f"mount --bind {root} {root}"
        yield f"mount -t proc proc {root}/proc"
        yield f"mount --rbind /dev {root}/dev"
        for volume in service.get("volumes", []):
            source, target = self.volume(volume), root / volume["target"].lstrip("/")
            make = f"mkdir -p {target}" if source.is_dir() else f"mkdir -p {target.parent}; [ -e {target} ] || : >{target}"
            yield f"{make}; mount --bind {source} {target}"
            if volume.get("read_only"):
                yield f"mount -o remount,bind,ro {target}"
        if service.get("read_only"):
            yield f"mount -o remount,bind,ro {root}"

    def privileges(self, service, is_gateway):
        """The words of setpriv."""
        user, group = (service.get("user") or (self.image["User"] if is_gateway else "0:0")).split(":")
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
            return self.postgres(service, root, environment)
        return self.inside(service, root, [*self.privileges(service, is_gateway), "env", "-i", *environment, *entrypoint, *words])

    def inside(self, service, root, words):
        script = "\n".join([*self.mounts(service, root), shlex.join(["exec", "chroot", str(root), *words])])
        return ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-euc", script]

    def postgres(self, service, root, environment):
        """In place of the entrypoint of its image: the same account, password and folder, listening the same way."""
        data, = (volume["target"] for volume in service["volumes"])
        bin_folder = f"/usr/lib/postgresql/{MADE_OF_DEBIAN.fullmatch(service['image'])[1]}/bin"
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
        return self.inside(service, root, ["env", "-i", *environment, "sh", "-c", script])

    def health_command(self, name):
        """Of the compose file, else of the image."""
        service = self.model["services"][name]
        root = self.root_of(service)
        is_gateway = root == self.roots["gateway"]
        test = service["healthcheck"]["test"] if "healthcheck" in service else self.image["Healthcheck"]["Test"]
        if test[0] != "CMD":
            fail(f"{name}: a health check that is no CMD: {test}")
        environment = self.image["Env"] if is_gateway else ["PATH=/usr/bin:/bin"]
        environment = [*environment, *(f"{key}={value}" for key, value in (service.get("environment") or {}).items())]
        return self.inside(service, root, [*self.privileges(service, is_gateway), "env", "-i", *environment, *test[1:]])

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

    def stop(self, name, timeout_s=10):
        """SIGTERM to the service's own process, as an engine sends it; the exit code."""
        outer = self.running.pop(name)
        inner, = pathlib.Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        os.kill(int(inner), signal.SIGTERM)
        return outer.wait(timeout_s)


def curl(stack, *words):
    cert = stack.folder / "volume-tls/cert.pem"
    done = subprocess.run(["curl", "-sS", "--cacert", str(cert), "-w", "\n%{http_code}", *words], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    if done.returncode != 0:
        fail(f"curl {words}: {done.stderr}\n{stack.log('gateway')}")
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), body


def expect(what, found, wanted):
    if found != wanted:
        fail(f"{what}: {found} instead of {wanted}")
    print(f"ok {what}")


def documented_commands(path):
    """The words after `run --rm migrate` of docs/installing.md."""
    found = re.findall(r"^docker compose -f docker/compose\.yaml run --rm migrate (.*)$", path.read_text(), re.MULTILINE)
    return [shlex.split(line) for line in found] or fail("docs/installing.md runs nothing with compose")


def check(stack, page):
    services = stack.model["services"]
    for name in services:
        stack.up(name)
    eventually(lambda: stack.is_healthy("gateway"), "was the gateway healthy", lambda: stack.log("gateway"))
    print("ok every service is up, the health checks say so")
    secret = None
    for words in documented_commands(page):
        output = stack.run("migrate", words)
        secret = (re.search(r"\bsr_live_\S+", output) or [secret])[0]
    published = {(port["published"], port["target"]) for port in services["gateway"]["ports"]}
    expect("ports", published, {("8443", 8443), ("9090", 9090)})
    bearer = ["-H", f"Authorization: Bearer {secret}"]
    expect("whoami with the documented token", curl(stack, "https://localhost:8443/api/v1/auth/whoami", *bearer)[0], 200)
    expect("whoami with none", curl(stack, "https://localhost:8443/api/v1/auth/whoami")[0], 401)
    warnings = [line for line in stack.log("gateway").splitlines() if "a setting of the role" in line]
    expect("settings of the role that serves", warnings, [])
    made = curl(stack, "https://localhost:8443/api/v1/orgs/acme/tokens", *bearer, "--json", '{"name":"by the role that serves"}')
    expect("a token made by it", made[0], 201)
    status, body = curl(stack, "https://localhost:8443/api/v1/orgs/acme/skills/hello-world", *bearer)
    expect("a skill of the registry behind it", (status, json.loads(body).get("name")), (200, "hello-world"))
    expect("the admin port", curl(stack, "http://127.0.0.1:9090/readyz")[0], 200)
    key = stack.folder / "volume-tls/key.pem"
    before = key.read_bytes()
    for name in ("certificate", "role", "migrate"):
        stack.running.pop(name)
        stack.up(name)
        stack.wait_for(name, "service_completed_successfully")
    expect("a second up keeps the key", key.read_bytes() == before, True)
    expect("the gateway's end", stack.stop("gateway", 40), 0)


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
