# SPDX-License-Identifier: MIT
"""What `cmake --install` puts where, and what its systemd units say: they are sound, shut in, and true to the programs.
tests/packaging/test_packages.sh has the packages themselves."""
import configparser
import json
import os
import re
import shutil
import socket
import ssl
import stat
import subprocess

import pytest

from harness import binaries
from harness.http_client import Connection, bearer
from harness.process import clean_environment, run

WHOAMI = "/api/v1/auth/whoami"
SERVICE, SOCKET = "skillreg-gateway.service", "skillreg-gateway.socket"
OF_LIBC = {"libdl.a", "libpthread.a", "librt.a"}  # empty ones, since all of it is in libc.so
EXPOSURE_MAX = 2.0  # of systemd-analyze security

GATEWAY_FILES = {
    "usr/bin/skillreg-gateway", "usr/share/man/man8/skillreg-gateway.8", f"usr/lib/systemd/system/{SERVICE}",
    f"usr/lib/systemd/system/{SOCKET}", "usr/lib/sysusers.d/skillreg-gateway.conf", "etc/skillreg/gateway.env",
    "usr/share/doc/skillreg-gateway/skillreg-gateway.spdx.json", "usr/share/doc/skillreg-gateway/LICENSE",
    "usr/share/doc/skillreg-gateway/README.md", "usr/share/doc/skillreg-gateway/SECURITY.md",
    "usr/share/doc/skillreg-gateway/CHANGELOG.md"}
CLI_FILES = {
    "usr/bin/skillreg", "usr/share/man/man1/skillreg.1", "usr/share/bash-completion/completions/skillreg",
    "usr/share/zsh/vendor-completions/_skillreg", "usr/share/fish/vendor_completions.d/skillreg.fish",
    "usr/share/doc/skillreg/skillreg.spdx.json", "usr/share/doc/skillreg/LICENSE"}


def built():
    """The tree that CMake built, by the preset."""
    tree = binaries.build_dir().parent
    if not shutil.which("cmake") or not (tree / "cmake_install.cmake").exists():
        pytest.skip("the programs were not built here")
    return tree


def install(prefix, destdir=None, component=None):
    command = ["cmake", "--install", str(built()), "--prefix", str(prefix), *(["--component", component] if component else [])]
    done = run(command, env={**os.environ, **({"DESTDIR": str(destdir)} if destdir else {})})
    assert done.returncode == 0, done.stderr


def files_below(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where all of it lies, under one folder."""
    where = tmp_path_factory.mktemp("installed") / "usr"
    install(where)
    return where


@pytest.fixture
def unit(prefix):
    def read(name):
        parser = configparser.RawConfigParser(strict=False, delimiters="=", comment_prefixes="#", empty_lines_in_values=False)
        parser.optionxform = str
        parser.read_string((prefix / "lib/systemd/system" / name).read_text())
        return parser
    return read


def lines_of(prefix, name, key):
    """All values of a key that a unit may repeat."""
    text = (prefix / "lib/systemd/system" / name).read_text()
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


# ---- files ----

@pytest.mark.parametrize("component, expected", [("gateway", GATEWAY_FILES), ("cli", CLI_FILES), (None, GATEWAY_FILES | CLI_FILES)],
                         ids=["gateway", "cli", "all"])
def test_each_file_goes_where_debian_looks_for_it(component, expected, tmp_path):
    install("/usr", tmp_path, component)
    docs = {f"usr/share/doc/skillreg-gateway/{path.relative_to(binaries.ROOT)}"
            for path in (binaries.ROOT / "docs").rglob("*") if path.is_file()} if component != "cli" else set()
    assert files_below(tmp_path) == expected | docs
    for name in expected:
        mode = stat.S_IMODE((tmp_path / name).stat().st_mode)
        assert mode == (0o755 if "/bin/" in name else 0o640 if name.endswith(".env") else 0o644), name


def test_under_another_prefix_nothing_lies_beside_it_and_units_name_it(prefix):
    assert {path.name for path in prefix.parent.iterdir()} == {"usr"}
    assert (prefix / "share/zsh/site-functions/_skillreg").is_file()
    assert lines_of(prefix, SERVICE, "ExecStart") == [f"{prefix}/bin/skillreg-gateway"]
    assert lines_of(prefix, SERVICE, "EnvironmentFile") == [f"{prefix}/etc/skillreg/gateway.env"]
    assert "@" not in "".join((prefix / "lib/systemd/system" / name).read_text().replace("@privileged", "").replace(
        "@resources", "").replace("@system-service", "") for name in (SERVICE, SOCKET))


def test_what_is_installed_is_what_the_program_prints(prefix):
    for shell, path in (("bash", "bash-completion/completions/skillreg"), ("zsh", "zsh/site-functions/_skillreg"),
                        ("fish", "fish/vendor_completions.d/skillreg.fish")):
        printed = run([prefix / "bin/skillreg", "completion", shell], env=clean_environment(HOME="/nonexistent"))
        assert printed.returncode == 0 and (prefix / "share" / path).read_text() == printed.stdout


# ---- versions, and what is linked ----

def project_version():
    return re.search(r"^project\(\S+ VERSION (\S+)", (binaries.ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]


def test_one_version_is_in_everything(prefix):
    version = project_version()
    for program, section in (("skillreg", 1), ("skillreg-gateway", 8)):
        printed = run([prefix / "bin" / program, "--version"], env=clean_environment(HOME="/nonexistent")).stdout
        assert printed == f"{program} {version}\n"
        assert f"{program} {version}" in (prefix / f"share/man/man{section}/{program}.{section}").read_text().replace("\\-", "-")
    assert f"\n## [{version}]" in (binaries.ROOT / "CHANGELOG.md").read_text()
    dockerfile = (binaries.ROOT / "docker/Dockerfile").read_text()
    assert re.findall(r"^ARG VERSION=(.*)$", dockerfile, re.MULTILINE) == [version] * 2 and "image.version=\"${VERSION}\"" in dockerfile


@pytest.mark.parametrize("program", ["skillreg", "skillreg-gateway"])
def test_the_list_of_parts_has_each_archive_that_is_linked(program, prefix):
    parts = json.loads((prefix / f"share/doc/{program}/{program}.spdx.json").read_text())
    assert parts["spdxVersion"] == "SPDX-2.3" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", parts["creationInfo"]["created"])
    own, *foreign = parts["packages"]
    assert (own["name"], own["versionInfo"]) == (program, project_version())
    assert all(re.fullmatch(r"[0-9]+(\.[0-9]+)+", part["versionInfo"]) for part in foreign), foreign
    ids = {part["SPDXID"] for part in parts["packages"]}
    assert {(one["spdxElementId"], one["relationshipType"], one["relatedSpdxElement"]) for one in parts["relationships"]} == {
        ("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"]),
        *((own["SPDXID"], "STATIC_LINK", name) for name in ids - {own["SPDXID"]})}
    ninja = built() / "build.ninja"
    if not ninja.exists():
        pytest.skip("not built by ninja")
    link = re.search(rf"^build bin/{program}: (?:.*\n)+?  LINK_LIBRARIES = (.*)$", ninja.read_text(), re.MULTILINE)[1]
    archives = {word.rpartition("/")[2] for word in link.split() if word.startswith("/") and word.endswith(".a")}
    assert {part["packageFileName"] for part in foreign} - {"jsmn.h"} == archives - OF_LIBC


# ---- units ----

def systemd_analyze(*arguments, check=True):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


def test_systemd_finds_nothing_wrong_with_the_units(prefix):
    done = systemd_analyze("verify", "--man=no", *(prefix / "lib/systemd/system" / name for name in (SERVICE, SOCKET)))
    said = [line for line in (done.stdout + done.stderr).splitlines() if "skillreg" in line]
    assert said == []


def test_the_service_is_shut_in(prefix):
    done = systemd_analyze("security", "--offline=true", prefix / "lib/systemd/system" / SERVICE)
    assert float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)[1]) < EXPOSURE_MAX, done.stdout


def settings():
    """Default by variable, of --help."""
    text = run([binaries.find("skillreg-gateway"), "--help"], env=clean_environment()).stdout
    return dict(re.findall(r"^ +([A-Z][A-Z_]+)(?:, default (.+))?$", text, re.MULTILINE))


def test_the_variables_of_the_unit_and_of_its_file_are_settings(prefix):
    named = [line.partition("=")[0] for line in lines_of(prefix, SERVICE, "Environment")]
    named += re.findall(r"^#?([A-Z_]+)=", (prefix / "etc/skillreg/gateway.env").read_text(), re.MULTILINE)
    assert len(named) > 6 and not set(named) - set(settings())


def seconds(text):
    number, unit = re.fullmatch(r"([0-9]+)(ms|s|min|m)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "min": 60}[unit]


def test_the_manager_waits_for_the_end_that_the_defaults_take(unit):
    defaults = settings()
    takes_s = seconds(defaults["GATEWAY_DRAIN_DELAY"]) + seconds(defaults["GATEWAY_DRAIN_TIMEOUT"])
    assert seconds(unit(SERVICE)["Service"]["TimeoutStopSec"]) == takes_s + 5


def test_a_purge_leaves_certificates_and_keys_alone(tmp_path):
    """gateway.env is dpkg's own to remove (conffiles)."""
    etc = tmp_path / "skillreg"
    documented = re.findall(r"^\| `/etc/skillreg/([a-z./-]+)`(?:, `([a-z.]+)`)?", (binaries.ROOT / "docs/installing.md").read_text(encoding="utf-8"), re.MULTILINE)
    files = [name for name, _ in documented] + [f"tls/{other}" for _, other in documented if other]
    assert sorted(files) == ["database-url", "gateway.env", "ticket-secret", "tls/cert.pem", "tls/key.pem"]
    for name in files:
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        (etc / name).write_text("there")
    script = (binaries.ROOT / "packaging/debian/postrm").read_text(encoding="utf-8").replace("/etc/skillreg", str(etc))

    def left_after(what):
        done = subprocess.run(["sh", "-c", script, "postrm", what], capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("", "")
        return sorted(str(path.relative_to(etc)) for path in etc.rglob("*") if path.is_file())

    assert left_after("remove") == sorted(files)
    (etc / "gateway.env").unlink()
    assert left_after("purge") == ["tls/cert.pem", "tls/key.pem"]
    (etc / "tls/cert.pem").unlink()
    (etc / "tls/key.pem").unlink()
    assert left_after("purge") == [] and not etc.exists()


def test_each_credential_of_the_unit_is_used(prefix):
    loaded = {line.partition(":")[0] for line in lines_of(prefix, SERVICE, "LoadCredential")}
    used = {value.partition("%d/")[2] for value in lines_of(prefix, SERVICE, "Environment")}
    assert loaded == used and {"tls-key", "ticket-secret"} <= loaded


@pytest.fixture
def credentials(tmp_path, certificate, postgres):
    """By name: the files that an administrator makes, as systemd shows them to the service."""
    (tmp_path / "ticket-secret").write_bytes(os.urandom(48))
    (tmp_path / "database-url").write_text(postgres.url + "\n")
    for name in ("ticket-secret", "database-url"):
        (tmp_path / name).chmod(0o400)
    return {"tls-cert": certificate.cert, "tls-key": certificate.key, "ticket-secret": tmp_path / "ticket-secret",
            "database-url": tmp_path / "database-url"}


def test_the_gateway_serves_as_the_units_start_it(prefix, unit, credentials, start_gateway, certificate, acme, tmp_path):
    """Its variables, its credentials, its socket under its name, a manager that waits for it."""
    lines = lines_of(prefix, SERVICE, "Environment")
    lines += re.findall("^[A-Z].*", (prefix / "etc/skillreg/gateway.env").read_text(), re.MULTILINE)
    env = {name: str(credentials[value.removeprefix("%d/")]) if value.startswith("%d/") else value
           for name, _, value in (line.partition("=") for line in lines)}
    assert {"DATABASE_URL_FILE", "GATEWAY_TLS_KEY", "GATEWAY_DRAIN_DELAY"} <= set(env)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, socket.create_server(("127.0.0.1", 0)) as listener:
        manager.bind(str(tmp_path / "notify"))
        start_gateway(ready=False, sockets={unit(SOCKET)["Socket"]["FileDescriptorName"]: listener},
                      env={**env, "DATABASE_URL": "", "NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert unit(SERVICE)["Service"]["Type"] == "notify" and manager.recv(64) == b"READY=1"
        tls = ssl.create_default_context(cafile=str(certificate.cert))
        with Connection(listener.getsockname(), tls=tls) as connection:
            assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
