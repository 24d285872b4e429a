# SPDX-License-Identifier: MIT
"""`skillreg login --oidc` and `skillreg exec --oidc -- COMMAND` against the real gateway and an issuer that signs: from each source of
an identity token a token comes that works, is in the command's environment alone, and is revoked when the command has ended, however
it ends. What they send and print in every case is in test_cli_identity.py, against a gateway of paper."""
import json
import os
import signal
import stat
import subprocess
import sys
import uuid

import pytest

from harness import binaries
from harness.command_line import CommandLine
from harness.identity_gateway import IdentityGateway
from harness.issuer import kubernetes_claims
from harness.paper_gateway import Stub
from harness.process import clean_environment, dies_with_parent
from harness.waiting import PATIENCE_S

SHOW = "import json,os,sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"


@pytest.fixture(scope="module")
def door(operator, postgres, tmp_path_factory):
    own = IdentityGateway(tmp_path_factory.mktemp("identities"), "identities", database_url=postgres.url,
                          issuers=("github", "kubernetes"))
    yield own.wait_until_ready()
    own.stop()


@pytest.fixture
def team(new_org):
    return new_org("admin")


@pytest.fixture
def repository(door, team):
    name = f"acme/{uuid.uuid4().hex[:12]}"
    door.trust(team, {"repository": name}, scopes=["read", "write"], expiresIn=600)
    return name


@pytest.fixture
def job(door, team, tmp_path):
    """The command line in a job, without a token and without an identity yet."""
    home = tmp_path / "home"
    home.mkdir()
    command_line = CommandLine(home, url=door.http_url, org=team.slug)
    command_line.settings["SKILLREG_ID_TOKEN_FILE"] = str(tmp_path / "none")
    return command_line


def whoami(door, secret):
    return door.request("GET", "/api/v1/auth/whoami", secret)


def actions(postgres, team):
    return [row[0] for row in postgres.query(
        "select a.action from skillreg.token_audit a join skillreg.organisation o on o.id = a.org_id where o.slug = %s"
        " and a.action in ('exchange', 'revoke') order by a.id", (team.slug,))]


def of_variable(job, door, repository, tmp_path):
    job.settings["SKILLREG_ID_TOKEN"] = door.job(repository)


def of_projected_file(job, door, repository, tmp_path):
    (tmp_path / "projected").write_text(door.job(repository) + "\n")
    job.settings["SKILLREG_ID_TOKEN_FILE"] = str(tmp_path / "projected")


def of_flag(job, door, repository, tmp_path):
    (tmp_path / "given").write_text(door.job(repository))
    return ["--id-token-file", str(tmp_path / "given")]


@pytest.fixture
def github():
    endpoint = Stub()
    yield endpoint
    endpoint.stop()


@pytest.fixture(params=[of_variable, of_projected_file, of_flag, "github"], ids=["variable", "projected file", "flag", "github"])
def source(request, job, door, repository, tmp_path, github):
    """The flags by which the identity token is found, once it is there."""
    if request.param != "github":
        return request.param(job, door, repository, tmp_path) or []
    github.answers["GET", "/oidc/token"] = 200, {"value": door.job(repository)}
    job.settings |= {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{github.url}/oidc/token?v=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner"}
    return []


def test_login_stores_a_token_that_works(job, source, door, team):
    done = job.run("login", "--oidc", *source, "--scopes", "read")
    assert done.returncode == 0, done.stderr
    assert f"({team.slug})" in done.stdout and "Expires:      in " in done.stdout
    stored = job.home / ".skillreg/config.json"
    secret = json.loads(stored.read_text())["token"]
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600 and secret not in done.stdout + done.stderr
    answer = whoami(door, secret).json()
    assert (answer["token"]["scopes"], answer["organization"]["slug"] if "organization" in answer else team.slug) == (["read"], team.slug)


def test_exec_gives_the_command_a_token_and_ends_it(job, source, door, team, postgres, tmp_path):
    script = f"import os,urllib.request as u; r = u.Request('{door.http_url}/api/v1/auth/whoami'," \
             " headers={'Authorization': 'Bearer ' + os.environ['SKILLREG_TOKEN']}); print(u.urlopen(r).status)"
    done = job.run("exec", "--oidc", *source, "--scopes", "write", "--", sys.executable, "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "200\n", "")
    assert actions(postgres, team) == ["exchange", "revoke"]


def test_the_token_is_in_the_environment_of_the_command_alone(job, door, repository, team, tmp_path):
    of_variable(job, door, repository, tmp_path)
    done = job.run("exec", "--oidc", "--", sys.executable, "-c", SHOW, str(tmp_path / "environment"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    environment = json.loads((tmp_path / "environment").read_text())
    secret = environment["SKILLREG_TOKEN"]
    assert (environment["SKILLREG_URL"], environment["SKILLREG_ORG"]) == (door.http_url, team.slug)
    assert not [name for name in environment if "ID_TOKEN" in name]
    assert whoami(door, secret).status == 401
    assert not (job.home / ".skillreg").exists() and secret not in door.log()


@pytest.mark.parametrize("script, code", [("import sys; sys.exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 128 + 9),
                                          ("import os; os.kill(os.getpid(), 15)", 128 + 15)], ids=["fails", "killed", "terminated"])
def test_it_is_revoked_however_the_command_ends(job, door, repository, team, postgres, tmp_path, script, code):
    of_variable(job, door, repository, tmp_path)
    done = job.run("exec", "--oidc", "--", sys.executable, "-c", script)
    assert done.returncode == code
    assert actions(postgres, team) == ["exchange", "revoke"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_is_revoked_when_skillreg_itself_is_ended(job, door, repository, team, postgres, tmp_path, number):
    of_variable(job, door, repository, tmp_path)
    script = "import signal,sys; [signal.signal(n, signal.SIG_DFL) for n in (2, 15)]; print('runs', flush=True); sys.stdin.read()"
    command = dies_with_parent([binaries.find("skillreg"), "exec", "--oidc", "--", sys.executable, "-c", script])
    process = subprocess.Popen(command, cwd=job.home, env=clean_environment(HOME=str(job.home), **job.settings),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "runs\n"
        os.kill(process.pid, number)
        assert process.wait(PATIENCE_S) == 128 + number
    finally:
        process.kill()
        process.communicate()
    assert actions(postgres, team) == ["exchange", "revoke"]


def test_a_command_that_is_not_there_leaves_no_token(job, door, repository, team, postgres, tmp_path):
    of_variable(job, door, repository, tmp_path)
    assert job.run("exec", "--oidc", "--", "no-such-command-anywhere").returncode == 127
    assert actions(postgres, team) in ([], ["exchange", "revoke"])


def test_an_identity_is_exchanged_once(job, door, repository, team, postgres, tmp_path):
    of_variable(job, door, repository, tmp_path)
    assert job.run("exec", "--oidc", "--", "true").returncode == 0
    done = job.run("exec", "--oidc", "--", sys.executable, "-c", "print('ran')")
    assert done.returncode != 0 and done.stdout == ""
    assert actions(postgres, team) == ["exchange", "revoke"]


def test_without_a_rule_nothing_runs(job, door, team, postgres):
    job.settings["SKILLREG_ID_TOKEN"] = door.job("acme/stranger")
    done = job.run("exec", "--oidc", "--", sys.executable, "-c", "print('ran')")
    assert done.returncode != 0 and done.stdout == "" and job.settings["SKILLREG_ID_TOKEN"] not in done.stderr
    assert actions(postgres, team) == []


def test_a_workload_of_kubernetes_logs_in_by_its_projected_file(job, door, team, tmp_path):
    claims = kubernetes_claims()
    own = claims["kubernetes.io"]
    door.trust(team, {"namespace": own["namespace"], "service_account": own["serviceaccount"]["name"]}, kind="kubernetes")
    (tmp_path / "projected").write_text(door.issuers["kubernetes"].token(claims))
    job.settings["SKILLREG_ID_TOKEN_FILE"] = str(tmp_path / "projected")
    assert job.run("login", "--oidc").returncode == 0
