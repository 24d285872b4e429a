# SPDX-License-Identifier: MIT
"""docs/ci.md and what lies in docs/ci: the files are what their systems read, their scripts pass shellcheck and really run, with a
gateway of paper and an endpoint of GitHub of paper behind `skillreg`. There is no GitHub, GitLab or cluster here.
tests/packaging/test_kubernetes.sh holds the manifest to the schemas of Kubernetes."""
import json
import re
import shlex
import subprocess

import pytest

from harness import binaries, documents
from harness.paper_gateway import SECRET, Stub
from harness.process import clean_environment, run
from harness.proxies import find_or_skip

yaml = pytest.importorskip("yaml")

FOLDER = binaries.ROOT / "docs/ci"
PAGE = documents.read("docs/ci.md")
ACTION = yaml.safe_load((FOLDER / "github-action/action.yml").read_text(encoding="utf-8"))
SPEC, JOBS = yaml.safe_load_all((FOLDER / "gitlab/templates/skillreg.yml").read_text(encoding="utf-8"))
MANIFESTS = {one["kind"]: one for one in yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text(encoding="utf-8"))}
RECIPES = [yaml.safe_load(block) for block in documents.blocks(PAGE, "yaml")]
IDENTITY = "eyJhbGciOiJub25lIn0.{}.c2lnbmF0dXJl"
EXCHANGE = "/api/v1/orgs/acme/oidc/token"
PRINTS_WHAT_IT_HAS = "printf '%s\\n' \"$SKILLREG_TOKEN\" \"$SKILLREG_ORG\" \"$(pwd)\" > \"$HOME/seen\"; false; echo never >> \"$HOME/seen\""


@pytest.fixture
def github():
    endpoint = Stub()
    endpoint.answers["GET", "/"] = 200, {"value": IDENTITY.format("github")}
    yield endpoint
    endpoint.stop()


@pytest.fixture
def runner(stub, github, tmp_path):
    """Runs a script as a runner would, with variables of the job."""
    stub.answers["GET", "/api/v1/oidc/audience"] = 200, {"audience": "https://skillreg.example.com", "issuers": []}
    stub.answers["POST", EXCHANGE] = 201, {"id": "clt7", "name": "run 7", "scopes": ["write"], "org": "acme", "token": SECRET}
    stub.answers["DELETE", "/api/v1/auth/token"] = 200, {"name": "run 7"}
    path = f"{binaries.find('skillreg').parent}:/usr/bin:/bin"

    def start(shell, script, variables, path=path):
        return run([*shell, script], cwd=tmp_path, env=clean_environment(HOME=str(tmp_path), **variables, PATH=path))

    start.of_github = {"ACTIONS_ID_TOKEN_REQUEST_URL": github.url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-runner"}
    start.stub, start.home = stub, tmp_path
    return start


def asked_scopes(stub):
    return [json.loads(request.body)["scopes"] for request in stub.requests if request.path == EXCHANGE]


def shellcheck(script, shell):
    done = run([find_or_skip("shellcheck"), "--shell", shell, "-"], text_in=script)
    assert done.returncode == 0, f"{script}\n{done.stdout}"


# ---- GitHub ---------------------------------------------------------------------------------------------------------

def action_step():
    step, = ACTION["runs"]["steps"]
    return step


def filled_in(text, inputs):
    """`${{ inputs.x }}` as the runner replaces it; nothing else of that form may be there."""
    text = re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], text)
    assert "${{" not in text
    return text


def test_the_action_is_a_composite_one_whose_inputs_are_all_used():
    assert ACTION["runs"]["using"] == "composite" and ACTION["name"] and ACTION["description"]
    assert set(re.findall(r"inputs\.([a-z-]+)", json.dumps(ACTION["runs"]))) == set(ACTION["inputs"])
    assert all(one["description"] and (one.get("required") is True) != ("default" in one) for one in ACTION["inputs"].values())


def test_the_action_puts_no_input_into_its_script():
    assert "${{" not in action_step()["run"]
    shellcheck(action_step()["run"], "bash")


def run_action(runner, given, **more):
    inputs = {name: one.get("default") for name, one in ACTION["inputs"].items()} | given
    variables = {name: filled_in(value, inputs) for name, value in action_step()["env"].items()}
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]  # what `shell: bash` stands for
    return runner(shell, action_step()["run"], {**runner.of_github, **variables}, **more)


def test_the_action_runs_commands_with_a_token(runner):
    """Its exit status is theirs, and they stop at the first that fails."""
    done = run_action(runner, {"url": runner.stub.url, "org": "acme", "scopes": "write", "run": PRINTS_WHAT_IT_HAS})
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert (runner.home / "seen").read_text().splitlines() == [SECRET, "acme", str(runner.home)]
    assert asked_scopes(runner.stub) == [["write"]] and runner.stub.asked()[-1] == "DELETE /api/v1/auth/token"


def test_an_input_of_the_action_is_data(runner):
    """A quotation mark or a substitution in an input is no part of the script."""
    done = run_action(runner, {"url": runner.stub.url, "org": "acme", "scopes": 'read"; touch "$HOME/owned', "run": "true"})
    assert done.returncode == 2 and "unknown scope" in done.stderr and not (runner.home / "owned").exists()


def test_the_action_says_what_is_missing(runner):
    done = run_action(runner, {"url": runner.stub.url, "org": "acme", "run": "true"}, path="/usr/bin:/bin")
    assert done.returncode == 127 and done.stdout.startswith("::error::skillreg is not on this runner")


# ---- GitLab ---------------------------------------------------------------------------------------------------------

def interpolated(value, inputs):
    """`$[[ inputs.x ]]` as GitLab replaces it: in the values, once they are read."""
    if isinstance(value, dict):
        return {interpolated(key, inputs): interpolated(one, inputs) for key, one in value.items()}
    if isinstance(value, list):
        return [interpolated(one, inputs) for one in value]
    return re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda found: inputs[found[1]], value) if isinstance(value, str) else value


def test_the_component_has_a_header_and_uses_every_input():
    assert set(SPEC) == {"spec"} and set(SPEC["spec"]) == {"inputs"}
    assert set(re.findall(r"\$\[\[ inputs\.([a-z-]+) \]\]", json.dumps(JOBS))) == set(SPEC["spec"]["inputs"])
    assert all(one["description"] for one in SPEC["spec"]["inputs"].values())
    job, = JOBS.values()
    assert "$[[" not in "".join(job["script"]), "an input in the script would be a part of it"
    shellcheck("\n".join(job["script"]), "sh")


def test_the_component_runs_commands_with_a_token(runner):
    inputs = {name: one.get("default") for name, one in SPEC["spec"]["inputs"].items()}
    inputs |= {"image": "i", "url": runner.stub.url, "org": "acme", "audience": "a", "scopes": "write", "run": PRINTS_WHAT_IT_HAS}
    (name, job), = interpolated(JOBS, inputs).items()
    assert name == "skillreg" and job["id_tokens"] == {"SKILLREG_ID_TOKEN": {"aud": "a"}}
    assert job["variables"]["RUN"]["expand"] is False, "or GitLab would replace the $ in it"
    variables = {key: one["value"] if isinstance(one, dict) else one for key, one in job["variables"].items()}
    done = runner(["sh", "-ec"], "\n".join(job["script"]), {**variables, "SKILLREG_ID_TOKEN": IDENTITY.format("gitlab")})
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert (runner.home / "seen").read_text().splitlines() == [SECRET, "acme", str(runner.home)]
    assert asked_scopes(runner.stub) == [["write"]] and runner.stub.asked()[-1] == "DELETE /api/v1/auth/token"


# ---- Kubernetes -----------------------------------------------------------------------------------------------------

def test_the_manifest_holds_no_secret_and_its_token_is_where_skillreg_looks():
    assert set(MANIFESTS) == {"ServiceAccount", "Job"}
    pod = MANIFESTS["Job"]["spec"]["template"]["spec"]
    container, = pod["containers"]
    volume, = pod["volumes"]
    mount, = container["volumeMounts"]
    source, = volume["projected"]["sources"]
    assert "secret" not in json.dumps(MANIFESTS).replace("/var/run/secrets/skillreg", "").lower()
    assert pod["serviceAccountName"] == MANIFESTS["ServiceAccount"]["metadata"]["name"]
    assert MANIFESTS["ServiceAccount"]["automountServiceAccountToken"] is pod["automountServiceAccountToken"] is False
    assert mount["name"] == volume["name"] and mount["readOnly"]
    looked_for = re.search(r'define CLI_ID_TOKEN_FILE "(.*)"', (binaries.ROOT / "cli/id_token.h").read_text())[1]
    assert f"{mount['mountPath']}/{source['serviceAccountToken']['path']}" == looked_for
    assert source["serviceAccountToken"]["expirationSeconds"] >= 600, "Kubernetes takes no less"
    version = re.search(r"^project\(\S+ VERSION (\S+)", (binaries.ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
    assert container["image"] == f"registry.example/skillreg-gateway:{version}"


def test_kubectl_reads_the_manifest(tmp_path):
    (tmp_path / "kustomization.yaml").write_text("resources: [kubernetes.yaml]\n")
    (tmp_path / "kubernetes.yaml").write_bytes((FOLDER / "kubernetes.yaml").read_bytes())
    done = subprocess.run([find_or_skip("kubectl"), "kustomize", str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert {one["kind"] for one in yaml.safe_load_all(done.stdout)} == set(MANIFESTS)


def test_the_container_of_the_manifest_runs(runner):
    container, = MANIFESTS["Job"]["spec"]["template"]["spec"]["containers"]
    (runner.home / "token").write_text(IDENTITY.format("kubernetes"))
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert set(variables) == {"SKILLREG_URL", "SKILLREG_ORG"}
    variables |= {"SKILLREG_URL": runner.stub.url, "SKILLREG_ID_TOKEN_FILE": str(runner.home / "token")}
    done = runner(["sh", "-c"], shlex.join(container["command"] + container["args"]), variables)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("User:          ci ")


# ---- the page -------------------------------------------------------------------------------------------------------

def steps_of(recipe):
    if isinstance(recipe, list):
        return recipe
    return [step for job in recipe.get("jobs", {}).values() for step in job["steps"]]


GITHUB_RUNS = [step["run"] for recipe in RECIPES for step in steps_of(recipe) if "run" in step]
GITLAB_RUNS = [line for recipe in RECIPES if isinstance(recipe, dict) for job in recipe.values()
               if isinstance(job, dict) and "script" in job for line in job["script"]]


@pytest.mark.parametrize("line", [*GITHUB_RUNS, *GITLAB_RUNS])
def test_each_command_of_the_recipes_is_one(line, runner):
    """With `make` as a stand-in, in the environment that its system gives it."""
    (runner.home / "bin").mkdir()
    (runner.home / "bin/make").write_text("#!/bin/sh\nexit 0\n")
    (runner.home / "bin/make").chmod(0o755)
    shellcheck(line, "sh")
    variables = {"SKILLREG_URL": runner.stub.url, "SKILLREG_ORG": "acme"}
    variables |= runner.of_github if line in GITHUB_RUNS else {"SKILLREG_ID_TOKEN": IDENTITY.format("gitlab")}
    done = runner(["sh", "-ec"], line, variables, path=f"{runner.home}/bin:{binaries.find('skillreg').parent}:/usr/bin:/bin")
    assert (done.returncode, done.stderr) == (0, ""), done


def test_the_recipes_ask_for_what_they_need():
    whole = next(recipe for recipe in RECIPES if isinstance(recipe, dict) and "jobs" in recipe)
    assert whole["jobs"]["publish"]["permissions"]["id-token"] == "write"
    assert len(GITHUB_RUNS) >= 5 and len(GITLAB_RUNS) == 1
    action, = [step for recipe in RECIPES for step in steps_of(recipe) if str(step.get("uses", "")).startswith("./")]
    assert set(action["with"]) <= set(ACTION["inputs"])
    component, = [one for recipe in RECIPES if isinstance(recipe, dict) for one in recipe.get("include", [])]
    wanted = {name for name, one in SPEC["spec"]["inputs"].items() if "default" not in one}
    assert wanted <= set(component["inputs"]) <= set(SPEC["spec"]["inputs"])


def test_the_volume_of_the_page_is_that_of_the_manifest():
    shown = next(recipe for recipe in RECIPES if isinstance(recipe, dict) and "volumes" in recipe)
    assert shown["volumes"] == MANIFESTS["Job"]["spec"]["template"]["spec"]["volumes"]
