# SPDX-License-Identifier: MIT
"""./dev in the hands of somebody who mistypes: one line that says what is wrong, exit 2, and nothing done."""
import pathlib

import pytest

from harness.process import clean_environment, run

ROOT = pathlib.Path(__file__).resolve().parents[2]


def dev(*arguments):
    return run([ROOT / "dev", *arguments], env=clean_environment(SKIP_DEPS="1"), cwd=ROOT)


@pytest.mark.parametrize("line,said", [
    ("upp", "unknown command: upp"),
    ("up --detatch", "up: unknown argument: --detatch"),
    ("up --port", "up: --port needs a value"),
    ("up --port 65536", "up: --port is not a port number: 65536"),
    ("up --page-port 8443", "up: two of the ports are the same"),
    ("up --port 9090", "up: two of the ports are the same"),
    ("up --build-type fast", "up: --build-type is dev, asan or release"),
    ("down --purge now", "down: unexpected argument: now"),
    ("test unti", "test: unknown part: unti, there are unit, e2e, lint and packaging"),
    ("test lint cli", "test lint: unexpected argument: cli"),
    ("lint --fxi", "lint: unexpected argument: --fxi"),
    ("fuzz json", "fuzz: not a number of seconds: json"),
    ("deps everything", "deps: unknown purpose: everything"),
])
def test_wrong_usage_is_2_and_one_line(line, said):
    done = dev(*line.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"dev: {said} (./dev help)\n")


def test_an_unknown_fuzzer_is_not_a_run_of_none():
    done = dev("fuzz", "1", "jsno")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("dev: fuzz: no such fuzzer: jsno, there are ") and " json " in done.stderr


@pytest.mark.parametrize("line", ["", "help", "--help", "-h", "up --help", "down -h", "test --help", "lint --help", "fuzz --help",
                                  "deps --help"])
def test_help_is_there_wherever_it_is_asked_for(line):
    done = dev(*line.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ./dev <command>\n")


def test_what_making_the_packages_takes_ends_with_the_next_step():
    done = run([ROOT / "dev", "deps", "package"], env=clean_environment(SKIP_DEPS="1"), cwd=ROOT)
    assert done.returncode == 0 and done.stderr == ""
    document = (ROOT / "docs/installing.md").read_text(encoding="utf-8")
    for command in done.stdout.removeprefix("Next: ").split("    ")[0].split(" && ", 2):
        assert f"$ {command}" in document, command


@pytest.mark.parametrize("version", ["22.04", "24.04"])
def test_a_system_whose_mbed_tls_is_too_old_is_named(version, tmp_path):
    release = tmp_path / "os-release"
    release.write_text(f'ID=ubuntu\nVERSION_ID="{version}"\nPRETTY_NAME="Ubuntu {version} LTS"\n')
    done = run([ROOT / "dev", "deps", "package"], env=clean_environment(GATEWAY_OS_RELEASE=str(release)), cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"dev: Ubuntu {version} LTS has no Mbed TLS 3.6.6 or newer") and "docker/Dockerfile" in done.stderr
