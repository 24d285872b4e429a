# SPDX-License-Identifier: MIT
"""The blocks of the documents run as they are shown, and print what is shown."""
import pytest

from harness import binaries, documents
from harness.documents import Session
from harness.ports import free_port


@pytest.fixture
def shell(tmp_path, certificate):
    """A machine on which the programs are installed and the certificate is trusted."""
    own = Session(tmp_path)
    own.run(f"export PATH={binaries.find('skillreg').parent}:$PATH SSL_CERT_FILE={certificate.cert} CURL_CA_BUNDLE={certificate.cert}")
    yield own
    own.run("kill $(jobs -p); wait")
    own.close()


@pytest.fixture
def places(postgres, fresh_database, demonstration_registry, certificate):
    """What stands in the documents for what is another one on each machine."""
    https = free_port()
    return {"postgresql://skillreg@db.internal/skillreg": postgres.url_of(fresh_database),
            "http://registry.internal:8080": demonstration_registry, "chain.pem": certificate.cert, "key.pem": certificate.key,
            "0.0.0.0:8443": f"127.0.0.1:{https}", "skillreg.example.com:8443": f"localhost:{https}",
            "127.0.0.1:9090": f"127.0.0.1:{free_port()}"}


def run_all(shell, text, places):
    """Returns how many commands there were."""
    steps = documents.steps(text)
    for command, documented in steps:
        for name, place in places.items():
            command = command.replace(name, str(place))
        shell.run_as_shown(command, documented)
    return len(steps)


def test_the_ten_minutes_of_the_readme_run_as_shown(shell, places):
    text = documents.section(documents.read("README.md"), "Ten minutes to your own registry")
    assert run_all(shell, text, places) >= 10


def test_the_walk_through_the_api_runs_as_shown(session, tmp_path):
    text = documents.read("docs/api.md")
    (program,) = documents.blocks(text, "python")
    (tmp_path / "gateway.py").write_text(program, encoding="utf-8")
    assert run_all(session, text, {}) >= 15


# ---- the other pages ------------------------------------------------------------------------------------------------

@pytest.fixture
def database(shell, places):
    """The one of the documents, with what `./dev up` would have in it: an organisation, its admin token and one for a job."""
    shell.run(f"export DATABASE_URL='{places['postgresql://skillreg@db.internal/skillreg']}'")
    for command in ("skillreg-gateway migrate", "skillreg-gateway org create acme",
                    "skillreg-gateway token create --org acme --name admin --scopes admin --json > admin.json",
                    "skillreg-gateway token create --org acme --name ci-deploy --json > ci-deploy.json",
                    "secret() { python3 -c \"import json; print(json.load(open('$1.json'))['token'])\"; }"):
        assert shell.run(command)[0] == 0, command
    return places["postgresql://skillreg@db.internal/skillreg"]


def test_the_roles_of_the_database_are_made_as_shown(shell, database, fresh_database, postgres):
    role = "gw_of_a_document"
    text = documents.section(documents.read("docs/running.md"), "The database")
    try:
        assert run_all(shell, documents.section_below(text, "Roles"), {"role gw": f"role {role}"}) == 3
        assert postgres.query("select has_schema_privilege(%s, 'skillreg', 'usage')", (role,), database=fresh_database) == [(True,)]
    finally:
        shell.run(f'psql -q "$DATABASE_URL" -c "drop owned by {role}"')
        postgres.query(f"drop role if exists {role}")


def test_a_registry_hands_over_as_shown(shell, database, start_gateway, tmp_path):
    text = documents.section(documents.read("docs/registry-logins.md"), "By a request")
    steps = documents.steps(text)
    for command, documented in steps[:2]:
        shell.run_as_shown(command, documented)
    own = start_gateway("--registry-credential", f"acme={tmp_path / 'registry-acme'}", tls=True, database_url=database)
    shell.run(f"export SKILLREG_URL={own.https_url}")
    for command, documented in steps[2:]:
        shell.run_as_shown(command, documented)
    assert len(steps) == 6


def test_a_person_logs_in_by_a_code_as_shown(shell, database, start_gateway):
    own = start_gateway("--device-login", tls=True, database_url=database)
    shell.run(f"export SKILLREG_URL={own.https_url}; ADMIN_TOKEN=$(secret admin)")
    assert run_all(shell, documents.section(documents.read("docs/device-login.md"), "By hand"), {}) == 9


def test_a_registry_hands_over_in_the_database_as_shown(shell, database, fresh_database, postgres):
    role = "registry_of_a_document"
    text = documents.section(documents.read("docs/registry-logins.md"), "In a database that is shared")
    try:
        assert run_all(shell, text, {"role registry": f"role {role}", "to registry": f"to {role}"}) == 2
    finally:
        shell.run(f'psql -q "$DATABASE_URL" -c "drop owned by {role}"')
        postgres.query(f"drop role if exists {role}")


def test_tokens_are_moved_as_shown(shell, database, postgres):
    postgres.query("create database moved_by_a_document")
    try:
        new = postgres.url_of("moved_by_a_document")
        shell.run(f"export OLD='{database}' NEW='{new}'")
        assert shell.run('skillreg-gateway migrate --database-url "$NEW"')[0] == 0
        text = documents.section(documents.read("docs/running.md"), "The database")
        assert run_all(shell, documents.section_below(text, "Moving the registry's tokens"), {}) == 3
    finally:
        postgres.query("drop database moved_by_a_document with (force)")


def test_old_rows_are_pruned_as_shown(shell, database):
    assert run_all(shell, documents.read("docs/growth.md"), {}) == 2


def test_a_token_is_introspected_as_shown(session):
    """What the page does not say: which tokens there are."""
    session.run(". build/dev/env; TOKEN=$(skillreg token create --name ci-deploy --quiet) ADMIN_TOKEN=$SKILLREG_TOKEN")
    _, url = session.run("echo $SKILLREG_URL")
    assert run_all(session, documents.read("docs/forward-auth.md"), {"https://gateway.internal:8443": url}) == 1


def test_a_first_number_is_prepared_as_shown(session):
    assert run_all(session, documents.read("docs/benchmarking.md"), {}) == 5


# ---- none is left out -----------------------------------------------------------------------------------------------

# Pages whose every console block the tests above run, or another test.
RUN_HERE = {
    "README.md": "test_readme.py::test_the_first_session_runs_as_shown and test_the_ten_minutes_of_the_readme_run_as_shown",
    "docs/api.md": "test_the_walk_through_the_api_runs_as_shown",
    "docs/benchmarking.md": "test_a_first_number_is_prepared_as_shown",
    "docs/command-line.md": "test_cli_scan.py::test_the_page_shows_what_it_prints",
    "docs/device-login.md": "test_a_person_logs_in_by_a_code_as_shown",
    "docs/forward-auth.md": "test_a_token_is_introspected_as_shown",
    "docs/growth.md": "test_old_rows_are_pruned_as_shown",
    "docs/registry-logins.md": "test_a_registry_hands_over_as_shown and test_a_registry_hands_over_in_the_database_as_shown",
    "docs/running.md": "test_the_roles_of_the_database_are_made_as_shown and test_tokens_are_moved_as_shown",
}
# Commands that cannot run here: the first words of the block, why, and what runs them.
NOT_HERE = {
    ("README.md", "./dev up"): "installs packages and builds: tests/packaging/test_fresh_machine.sh, on bare machines",
    ("docs/benchmarking.md", "wrk"): "tools of others, which need not be there; ./dev bench runs wrk",
    ("docs/ci.md", "skillreg token create"): "the token of a job on Jenkins; test_cli_create.py has its flags",
    ("docs/client-address.md", "systemctl"): "needs systemd as process 1; test_service_manager.py and test_install.py have its parts",
    ("docs/high-availability.md", "DATABASE_URL="): "a setting; test_high_availability.sh has the servers it names",
    ("docs/installing.md", "./dev deps package"): "makes the packages: tests/packaging/test_packages.sh, by this page",
    ("docs/installing.md", "apt-get install"): "needs root and a machine of its own: tests/packaging/test_packages.sh, by this page",
    ("docs/installing.md", "install -m 600"): "needs root and a machine of its own: tests/packaging/test_packages.sh, by this page",
    ("docs/installing.md", "systemctl"): "needs systemd as process 1; test_service_manager.py and test_install.py have its parts",
    ("docs/installing.md", "runuser"): "needs a machine of its own: tests/packaging/test_packages.sh makes its first token so",
    ("docs/installing.md", "systemd-run"): "needs systemd as process 1; test_check.py has the program that it runs",
    ("docs/installing.md", "docker build"): "needs a container engine: tests/packaging/test_dockerfile.sh",
    ("docs/kubernetes.md", "kubectl"): "needs a cluster; test_kubernetes.py has the manifests",
    ("docs/kubernetes.md", "helm"): "needs a cluster and helm; test_kubernetes.py has the chart",
    ("docs/kubernetes.md", "owner()"): "needs a cluster; the commands inside are those of docs/running.md",
    ("docs/opentelemetry.md", "otelcol-contrib"): "not in Debian; test_opentelemetry.py runs the operators of its file",
    ("docs/installing.md", "docker compose"): "needs a container engine: tests/packaging/test_compose.sh runs the commands without one",
}
PAGES = ["README.md", "SECURITY.md", *sorted(str(path.relative_to(binaries.ROOT)) for path in (binaries.ROOT / "docs").rglob("*.md"))]


def commands_of(language, body):
    if language == "console":
        return [line[2:] for line in body.splitlines() if line.startswith(("$ ", "# "))]
    return [body.splitlines()[0]] if language == "sh" else []


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is_and_every_command_runs_somewhere(page):
    excused = {first for document, first in NOT_HERE if document == page}
    for language, body in documents.all_blocks(documents.read(page)):
        assert language, f"{page}: a block without a language, which says whether it is run:\n{body}"
        commands = commands_of(language, body)
        is_excused = bool(commands) and any(commands[0].startswith(first) for first in excused)
        assert not commands or is_excused or (language == "console" and page in RUN_HERE), f"{page}: nothing runs this:\n{body}"
        assert language != "text" or not body.startswith("$ "), f"{page}: commands as text:\n{body}"


def test_nothing_is_excused_that_is_not_there():
    for page, first in NOT_HERE:
        assert any(command.startswith(first) for language, body in documents.all_blocks(documents.read(page))
                   for command in commands_of(language, body)[:1]), (page, first)
    assert {page for page in PAGES if documents.steps(documents.read(page))} - set(RUN_HERE) == {"docs/installing.md"}
